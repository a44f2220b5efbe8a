//! Texts of the history's pages.

use domain::public_names;

use crate::layout::translations::words;

public_names! {
    /// What was done before a page is shown.
    pub(super) enum Done {
        /// A change was reverted.
        Reverted = "reverted",
    }
}

words! {
    /// Texts of the history's pages.
    pub(super) struct Words {
        title: "History", "변경 내역", "Historial";
        intro: "Every change of the settings, newest first. Secrets are never recorded.", "설정의 모든 변경을 최신순으로 보여 줍니다. 비밀 값은 기록하지 않습니다.", "Todos los cambios de la configuración, los más recientes primero. Los secretos no se registran.";
        none: "No settings were changed yet.", "아직 변경된 설정이 없습니다.", "Todavía no se ha cambiado nada.";
        at: "Time", "시각", "Hora";
        who: "Who", "변경한 사람", "Quién";
        what: "What", "대상", "Qué";
        which: "Fields", "항목", "Campos";
        from: "Address", "주소", "Dirección";
        entry_title: "A change of the settings", "설정 변경", "Un cambio de la configuración";
        field: "Field", "항목", "Campo";
        before: "Before", "변경 전", "Antes";
        after: "After", "변경 후", "Después";
        secret: "(secret)", "(비공개)", "(secreto)";
        nothing: "(nothing)", "(없음)", "(nada)";
        see: "See it as it is now", "현재 상태 보기", "Ver cómo está ahora";
        is_revert: "This change reverted an earlier one.", "이전 변경을 되돌린 기록입니다.", "Este cambio revirtió uno anterior.";
        see_reverted: "See the earlier change", "이전 변경 보기", "Ver el cambio anterior";

        created: "created", "생성", "creado";
        changed: "changed", "변경", "cambiado";
        deleted: "deleted", "삭제", "eliminado";

        provider: "your provider", "서비스 제공자", "su proveedor";
        api_key_actor: "API key {name}", "API 키 {name}", "clave de API {name}";
        mail_link: "a person by the link in a mail", "메일 링크를 사용한 사람", "una persona, con el enlace de un correo";
        system: "the service itself", "서비스 자체", "el propio servicio";

        project: "Project", "프로젝트", "Proyecto";
        api_key: "API key", "API 키", "Clave de API";
        endpoint: "Endpoint", "엔드포인트", "Endpoint";
        notification_user: "Notification user", "알림 수신자", "Destinatario de avisos";
        return_url: "Return URL", "리턴 URL", "URL de retorno";
        secret_key: "secretKey", "secretKey", "secretKey";
        signing_keys: "Signing keys", "서명 키", "Claves de firma";
        session: "Session of the settings", "설정 화면 세션", "Sesión de la configuración";
        sessions: "All sessions of the settings", "설정 화면의 모든 세션", "Todas las sesiones de la configuración";

        revert: "Revert…", "되돌리기…", "Revertir…";
        revert_title: "Revert this change?", "이 변경을 되돌릴까요?", "¿Revertir este cambio?";
        revert_field: "{field} becomes: {value}", "{field} 값이 다음과 같이 바뀝니다: {value}", "{field} pasa a ser: {value}";
        revert_return_url: "The return URL is removed. People then stay on the result page.", "리턴 URL을 삭제합니다. 이후 사용자는 결과 페이지에 머뭅니다.", "Se elimina la URL de retorno. Las personas se quedarán en la página de resultado.";
        revert_others: "Other settings stay as they are. You can revert this again.", "다른 설정은 그대로입니다. 이 작업도 다시 되돌릴 수 있습니다.", "Lo demás queda como está. También podrá revertir esto.";
        revert_button: "Revert the change", "변경 되돌리기", "Revertir el cambio";
        done_reverted: "The change is reverted.", "변경을 되돌렸습니다.", "El cambio está revertido.";
    }
}

impl Words {
    /// What was done.
    pub(super) const fn done(&self, done: Done) -> &'static str {
        match done {
            Done::Reverted => self.done_reverted,
        }
    }
}
