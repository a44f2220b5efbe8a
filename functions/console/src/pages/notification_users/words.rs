//! Texts of the notification users' pages.

use domain::public_names;
use domain::reports::notification_user::NotificationUserState;
use domain::reports::suppression::SuppressionReason;

use crate::layout::translations::words;
use crate::pages::notification_users::view::User;

/// The languages of mails, each in its own language.
pub(super) const LANGUAGES: [(&str, &str); 3] = [("en", "English"), ("ko", "한국어"), ("es", "Español")];

public_names! {
    /// What was done before a page is shown.
    pub(super) enum Done {
        /// A user was added.
        Added = "added",
        /// A user was changed.
        Changed = "changed",
        /// The confirmation mail was sent again.
        Resent = "resent",
        /// A user was deleted.
        Deleted = "deleted",
    }
}

words! {
    /// Texts of the notification users' pages.
    pub(super) struct Words {
        title: "Notification users", "알림 수신자", "Destinatarios de avisos";
        intro: "They get yesterday's webhooks as a mail every morning, and a warning if an endpoint keeps failing.", "매일 아침 전날의 웹훅 결과를 메일로 받고, 엔드포인트가 계속 실패하면 경고를 받습니다.", "Reciben cada mañana por correo los webhooks del día anterior y un aviso si un endpoint sigue fallando.";
        none: "Nobody gets the daily report yet. Add the people who should know when webhooks fail.", "아직 일일 리포트를 받는 사람이 없습니다. 웹훅이 실패하면 알아야 할 사람을 추가해 주세요.", "Nadie recibe todavía el informe diario. Añada a quienes deban saber si fallan los webhooks.";
        add: "Add a user", "수신자 추가", "Añadir un destinatario";
        add_title: "Add a notification user", "알림 수신자 추가", "Añadir un destinatario de avisos";
        add_note: "The person gets a mail with a button to confirm the address. Reports start after that.", "이 사람에게 주소를 확인하는 버튼이 있는 메일을 보냅니다. 확인한 뒤부터 리포트를 보냅니다.", "La persona recibirá un correo con un botón para confirmar la dirección. Los informes empiezan después.";
        name: "Name", "이름", "Nombre";
        name_help: "The mail greets the person with it.", "메일에서 이 이름을 사용합니다.", "El correo saluda con este nombre.";
        email: "E-mail address", "이메일 주소", "Correo electrónico";
        language: "Language of the mails", "메일 언어", "Idioma de los correos";
        added: "Added", "추가한 시각", "Añadido";
        asked: "Confirmation mail", "확인 메일", "Correo de confirmación";
        settings: "Settings", "설정", "Ajustes";

        unconfirmed: "not confirmed yet", "아직 확인 안 됨", "sin confirmar";
        confirmed: "gets reports", "리포트 받는 중", "recibe informes";
        unsubscribed: "unsubscribed", "수신 거부", "se dio de baja";
        suppressed: "mails stopped", "메일 중단됨", "correos detenidos";

        unconfirmed_note: "The person has not pressed the button in the confirmation mail yet, so no reports are sent. The mail may be in the spam folder.", "아직 확인 메일의 버튼을 누르지 않아 리포트를 보내지 않습니다. 메일이 스팸함에 있을 수 있습니다.", "La persona aún no ha pulsado el botón del correo de confirmación, así que no se envían informes. El correo puede estar en la carpeta de spam.";
        confirmed_note: "The person confirmed the address and gets the daily report.", "주소를 확인했으며 일일 리포트를 받고 있습니다.", "La persona confirmó la dirección y recibe el informe diario.";
        unsubscribed_note: "The person unsubscribed. Only the person can subscribe again, with the link in an earlier mail.", "본인이 수신을 거부했습니다. 이전 메일의 링크로 본인만 다시 구독할 수 있습니다.", "La persona se dio de baja. Solo ella puede volver a suscribirse, con el enlace de un correo anterior.";
        bounced_note: "A mail came back, so mails to this address stopped. Check the address and ask your provider to lift the stop.", "메일이 반송되어 이 주소로 보내지 않습니다. 주소를 확인하고 서비스 제공자에게 해제를 요청해 주세요.", "Un correo fue devuelto, así que se dejó de escribir a esta dirección. Compruébela y pida a su proveedor que levante el bloqueo.";
        complained_note: "The person marked a mail as spam, so mails stopped. The person can confirm again with the link in an earlier mail.", "본인이 메일을 스팸으로 신고하여 중단되었습니다. 이전 메일의 링크로 본인이 다시 확인할 수 있습니다.", "La persona marcó un correo como spam, así que ya no se le envían correos. Puede volver a confirmar con el enlace de un correo anterior.";

        resend: "Send the confirmation mail again", "확인 메일 다시 보내기", "Reenviar el correo de confirmación";
        delete: "Delete this user…", "이 수신자 삭제…", "Eliminar este destinatario…";
        delete_title: "Delete {name}?", "{name} 님을 삭제할까요?", "¿Eliminar a {name}?";
        delete_mails: "{email} gets no more reports and warnings of this project.", "{email} 주소로 이 프로젝트의 리포트와 경고를 더 이상 보내지 않습니다.", "{email} no recibirá más informes ni avisos de este proyecto.";
        delete_again: "If you add the address again later, the person has to confirm it again.", "나중에 이 주소를 다시 추가하면 본인이 다시 확인해야 합니다.", "Si añade la dirección más adelante, la persona tendrá que confirmarla de nuevo.";
        delete_button: "Delete the user", "수신자 삭제", "Eliminar el destinatario";

        done_added: "Added. The confirmation mail is on its way.", "추가했습니다. 확인 메일을 보냈습니다.", "Añadido. El correo de confirmación está en camino.";
        done_changed: "Saved.", "저장했습니다.", "Guardado.";
        done_resent: "The confirmation mail is on its way.", "확인 메일을 보냈습니다.", "El correo de confirmación está en camino.";
        done_deleted: "Deleted.", "삭제했습니다.", "Eliminado.";
    }
}

impl Words {
    /// What was done.
    pub(super) const fn done(&self, done: Done) -> &'static str {
        match done {
            Done::Added => self.done_added,
            Done::Changed => self.done_changed,
            Done::Resent => self.done_resent,
            Done::Deleted => self.done_deleted,
        }
    }

    /// A user's state in few words.
    pub(super) const fn state(&self, user: &User) -> &'static str {
        match user.state {
            NotificationUserState::Unconfirmed => self.unconfirmed,
            NotificationUserState::Confirmed => self.confirmed,
            NotificationUserState::Unsubscribed => self.unsubscribed,
            NotificationUserState::Suppressed => self.suppressed,
        }
    }

    /// What a user's state means, and what to do.
    pub(super) const fn meaning(&self, user: &User) -> &'static str {
        match (user.state, user.suppressed_because) {
            (NotificationUserState::Unconfirmed, _) => self.unconfirmed_note,
            (NotificationUserState::Confirmed, _) => self.confirmed_note,
            (NotificationUserState::Unsubscribed, _) | (_, Some(SuppressionReason::Unsubscribed)) => {
                self.unsubscribed_note
            }
            (NotificationUserState::Suppressed, Some(SuppressionReason::Complained)) => self.complained_note,
            (NotificationUserState::Suppressed, Some(SuppressionReason::Bounced) | None) => self.bounced_note,
        }
    }
}
