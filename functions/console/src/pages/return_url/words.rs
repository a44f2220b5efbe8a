//! Texts of the return URL's pages.

use domain::public_names;
use domain::return_urls::{Encryption, KeyState, NotOurs, ReturnField, ReturnUrlWarning};

use crate::layout::choice::Choice;
use crate::layout::translations::words;
use crate::pages::return_url::view::{Key, Verdict};

public_names! {
    /// What was done before a page is shown.
    pub(super) enum Done {
        /// The settings were saved.
        Saved = "saved",
        /// The return URL was deleted.
        Deleted = "deleted",
        /// A key became current.
        Activated = "activated",
        /// A key was deleted.
        KeyDeleted = "key-deleted",
    }
}

words! {
    /// Texts of the return URL's pages.
    pub(super) struct Words {
        title: "Return URL", "리턴 URL", "URL de retorno";
        intro: "Where a person goes after the verification, and what your site is told.", "인증을 마친 사람이 이동할 주소와 고객 사이트에 전달할 정보입니다.", "Adónde va la persona tras la verificación y qué se le comunica a su sitio.";
        not_set: "No return URL is set. People stay on the result page until you set one.", "리턴 URL이 없습니다. 설정할 때까지 사용자는 결과 페이지에 머뭅니다.", "No hay URL de retorno. Hasta que la indique, las personas se quedan en la página de resultado.";
        url: "URL", "URL", "URL";
        url_help: "Begins with https://. Parameters that are already in it are kept.", "https://로 시작합니다. 이미 있는 매개변수는 그대로 둡니다.", "Empieza por https://. Los parámetros que ya tenga se conservan.";
        fields: "Dynamic fields", "동적 필드", "Campos dinámicos";
        fields_help: "Ticked fields are added to the URL. Empty ones are left out.", "선택한 필드를 URL에 추가합니다. 값이 없으면 생략합니다.", "Los campos marcados se añaden a la URL. Los vacíos se omiten.";
        userid: "User ID", "사용자 ID", "Id. de usuario";
        email: "E-mail", "이메일", "Correo electrónico";
        submission_id: "Submission ID", "제출 ID", "Id. de la solicitud";
        cf1: "Custom field 1", "사용자 정의 필드 1", "Campo propio 1";
        cf2: "Custom field 2", "사용자 정의 필드 2", "Campo propio 2";
        cf3: "Custom field 3", "사용자 정의 필드 3", "Campo propio 3";
        kyc_status: "KYC status", "KYC 상태", "Estado KYC";
        error_code: "Error code", "오류 코드", "Código de error";
        skip: "Skip the result page", "결과 페이지 건너뛰기", "Omitir la página de resultado";
        skip_help: "The person goes to the URL at once. Error pages are always shown.", "바로 URL로 이동합니다. 오류 페이지는 항상 표시됩니다.", "La persona va directamente a la URL. Las páginas de error se muestran siempre.";
        encryption: "Encryption", "암호화", "Cifrado";
        encryption_none: "None: the fields can be read in the address bar", "없음: 주소 표시줄에서 값을 볼 수 있습니다", "Ninguno: los campos se leen en la barra de direcciones";
        encryption_gcm: "AES-256-GCM: hidden, and changes are noticed", "AES-256-GCM: 값을 숨기고 변조를 감지합니다", "AES-256-GCM: ocultos, y los cambios se detectan";
        encryption_ecb: "AES-256-ECB: for sites that decrypt it already; proves nothing without a signature", "AES-256-ECB: 이미 복호화하는 사이트용이며, 서명 없이는 아무것도 증명하지 못합니다", "AES-256-ECB: para sitios que ya lo descifran; sin firma no demuestra nada";
        signed: "Sign the URL", "URL에 서명", "Firmar la URL";
        signed_help: "Your site can then tell that nobody changed the result.", "결과를 아무도 바꾸지 않았음을 고객 사이트에서 확인할 수 있습니다.", "Así su sitio sabe que nadie cambió el resultado.";
        app_scheme: "The URL opens an app (such as com.example.app://done)", "앱을 여는 URL입니다 (예: com.example.app://done)", "La URL abre una aplicación (por ejemplo com.example.app://done)";
        needs_key: "Encryption and signature need a secretKey. Create it first.", "암호화와 서명에는 secretKey가 필요합니다. 먼저 만들어 주세요.", "El cifrado y la firma necesitan una secretKey. Créela antes.";
        keys_link: "secretKeys for encryption and signature", "암호화·서명용 secretKey", "secretKeys de cifrado y firma";
        check_link: "Check a URL that a person came back with", "돌아온 URL 확인", "Comprobar una URL de retorno";
        delete: "Delete the return URL…", "리턴 URL 삭제…", "Eliminar la URL de retorno…";

        preview_title: "Final return URL", "최종 리턴 URL", "URL de retorno final";
        preview_button: "Update the preview", "미리 보기 새로 고침", "Actualizar la vista previa";
        preview_result: "after a result", "결과 후", "tras un resultado";
        preview_error: "from an error page, by its button", "오류 페이지의 버튼으로", "desde una página de error, con su botón";
        preview_no_error: "Error pages have no button back, because the error code is not ticked.", "오류 코드를 선택하지 않아 오류 페이지에 돌아가는 버튼이 없습니다.", "Las páginas de error no tienen botón de vuelta, porque el código de error no está marcado.";
        preview_none: "The preview appears when the URL is valid.", "URL이 올바르면 미리 보기가 나타납니다.", "La vista previa aparece cuando la URL es válida.";
        warn_unsigned: "Anybody can change the result in this URL. Sign it, or encrypt it with AES-256-GCM.", "누구나 이 URL의 결과를 바꿀 수 있습니다. 서명하거나 AES-256-GCM으로 암호화해 주세요.", "Cualquiera puede cambiar el resultado en esta URL. Fírmela o cífrela con AES-256-GCM.";
        warn_unbound: "Nothing in this URL names the person. Add the user ID or the submission ID, or one person can use the URL of another.", "누구의 결과인지 알 수 없습니다. 사용자 ID나 제출 ID를 추가하지 않으면 다른 사람의 URL을 사용할 수 있습니다.", "Nada identifica a la persona. Añada el id. de usuario o de la solicitud; si no, alguien puede usar la URL de otro.";
        warn_app_scheme: "Another app may have registered this scheme. Prefer one like com.example.app:.", "다른 앱이 같은 스킴을 등록했을 수 있습니다. com.example.app:과 같은 스킴을 사용해 주세요.", "Otra aplicación puede haber registrado este esquema. Prefiera uno como com.example.app:.";
        warn_localhost: "This URL leads to the person's own device. Use it for tests only.", "사용자의 기기로 연결되는 URL입니다. 시험용으로만 사용해 주세요.", "Esta URL lleva al propio dispositivo de la persona. Úsela solo para pruebas.";

        delete_title: "Delete the return URL?", "리턴 URL을 삭제할까요?", "¿Eliminar la URL de retorno?";
        delete_people: "People then stay on the result page. Links that are already open do not lead to your site any more.", "이후 사용자는 결과 페이지에 머뭅니다. 이미 열린 링크도 고객 사이트로 이동하지 않습니다.", "Las personas se quedarán en la página de resultado. Los enlaces ya abiertos tampoco llevarán a su sitio.";
        delete_keys: "The secretKeys stay. You can set a return URL again at any time.", "secretKey는 유지됩니다. 언제든지 리턴 URL을 다시 설정할 수 있습니다.", "Las secretKeys se conservan. Puede indicar otra URL en cualquier momento.";
        delete_button: "Delete the return URL", "리턴 URL 삭제", "Eliminar la URL de retorno";

        keys_title: "secretKeys for encryption and signature", "암호화·서명용 secretKey", "secretKeys de cifrado y firma";
        keys_intro: "The same secretKey encrypts and signs return URLs, and encrypts webhooks if an endpoint asks for it.", "같은 secretKey로 리턴 URL을 암호화하고 서명하며, 엔드포인트에서 요청하면 웹훅도 암호화합니다.", "La misma secretKey cifra y firma las URL de retorno, y cifra los webhooks si un endpoint lo pide.";
        no_keys: "There is no secretKey yet. Create one before you turn on encryption or signature.", "아직 secretKey가 없습니다. 암호화나 서명을 사용하려면 먼저 만들어 주세요.", "Todavía no hay ninguna secretKey. Cree una antes de activar el cifrado o la firma.";
        new_key: "Create a secretKey", "secretKey 만들기", "Crear una secretKey";
        key_id: "secretKey", "secretKey", "secretKey";
        key_active: "Current from", "적용 시각", "Activa desde";
        key_until: "Verifies until", "확인 가능 기한", "Verifica hasta";
        key_next: "next", "다음", "siguiente";
        key_current: "current", "현재", "activa";
        key_previous: "previous", "이전", "anterior";
        actions: "Action", "작업", "Acción";
        activate: "Use now…", "지금 적용…", "Usar ya…";
        delete_key: "Delete…", "삭제…", "Eliminar…";

        new_key_title: "Create a secretKey", "secretKey 만들기", "Crear una secretKey";
        overlap: "Days until it replaces the current secretKey", "현재 secretKey를 바꿀 때까지의 일수", "Días hasta que sustituya a la actual";
        overlap_help: "0 to 30. Store the new secretKey in your site before then. With 0 it is used at once, and the current one ends within a minute.", "0~30. 그 전에 새 secretKey를 고객 사이트에 저장해 주세요. 0이면 바로 적용되고 현재 secretKey는 1분 안에 끝납니다.", "De 0 a 30. Guarde antes la secretKey nueva en su sitio. Con 0 se usa de inmediato y la actual termina en un minuto.";
        own_key: "Your own secretKey", "직접 정한 secretKey", "Su propia secretKey";
        own_key_help: "Only if your site already has one: 32 letters and digits. Otherwise leave it empty.", "고객 사이트에 이미 secretKey가 있을 때만 입력합니다. 영문자와 숫자 32자입니다. 없으면 비워 두세요.", "Solo si su sitio ya tiene una: 32 letras y cifras. Si no, déjelo vacío.";
        new_key_button: "Create the secretKey", "secretKey 만들기", "Crear la secretKey";

        once_title: "Copy the secretKey now", "지금 secretKey를 복사해 주세요", "Copie la secretKey ahora";
        once: "This page is the only one that shows the secretKey. Store it where your site keeps its secrets, not in a mail or a chat.", "secretKey는 이 페이지에서만 볼 수 있습니다. 메일이나 채팅이 아니라 고객 사이트의 비밀 저장소에 보관해 주세요.", "Solo esta página muestra la secretKey. Guárdela donde su sitio guarda los secretos, no en un correo ni en un chat.";
        once_active: "It is used from:", "적용 시각:", "Se usa desde:";
        once_done: "I have stored the secretKey", "secretKey를 보관했습니다", "He guardado la secretKey";

        activate_title: "Use this secretKey now?", "이 secretKey를 지금 적용할까요?", "¿Usar esta secretKey ya?";
        activate_use: "New return links use the secretKey at once, older ones and webhooks within 30 seconds.", "새 리턴 링크는 바로, 이전 링크와 웹훅은 30초 안에 이 secretKey를 사용합니다.", "Los enlaces nuevos la usan de inmediato; los anteriores y los webhooks, en 30 segundos.";
        activate_before: "Make sure that your site has it. The current one still verifies for a day.", "고객 사이트에 이 secretKey가 있는지 확인해 주세요. 현재 secretKey는 하루 동안 확인에 사용할 수 있습니다.", "Asegúrese de que su sitio la tiene. La actual sigue verificando durante un día.";
        activate_button: "Use the secretKey now", "지금 적용", "Usar la secretKey ya";
        delete_key_title: "Delete this secretKey?", "이 secretKey를 삭제할까요?", "¿Eliminar esta secretKey?";
        delete_key_verify: "URLs that were made with it are no longer accepted by the check here.", "이 secretKey로 만든 URL은 더 이상 여기에서 확인되지 않습니다.", "Las URL hechas con ella ya no se darán por válidas aquí.";
        delete_key_forever: "A deleted secretKey cannot be brought back. The current one cannot be deleted: create another to replace it.", "삭제한 secretKey는 되살릴 수 없습니다. 현재 secretKey는 삭제할 수 없으니 새로 만들어 교체해 주세요.", "Una secretKey eliminada no se recupera. La activa no se puede eliminar: cree otra que la sustituya.";
        delete_key_button: "Delete the secretKey", "secretKey 삭제", "Eliminar la secretKey";

        check_title: "Check a return URL", "리턴 URL 확인", "Comprobar una URL de retorno";
        check_intro: "Paste the address with which a person came back to your site. You see whether it is ours and unchanged, and what it says. Nothing is stored.", "사람이 고객 사이트로 돌아온 주소를 붙여 넣으세요. 저희가 만든 주소인지, 바뀌지 않았는지, 어떤 내용인지 보여 줍니다. 저장하지 않습니다.", "Pegue la dirección con la que una persona volvió a su sitio. Verá si es nuestra, si está intacta y qué dice. No se guarda nada.";
        check_url: "Address", "주소", "Dirección";
        check_button: "Check", "확인", "Comprobar";
        valid: "This URL is ours and was not changed.", "저희가 만든 URL이며 바뀌지 않았습니다.", "Esta URL es nuestra y está intacta.";
        signed_at: "Signed at", "서명 시각", "Firmada";
        invalid: "Do not trust this URL.", "이 URL을 신뢰하지 마세요.", "No confíe en esta URL.";
        malformed: "It is not built like a return URL: a parameter is missing, repeated or in the wrong place. Paste the whole address as the browser sent it.", "리턴 URL의 형식이 아닙니다. 매개변수가 없거나 반복되거나 위치가 다릅니다. 브라우저가 보낸 주소 전체를 붙여 넣어 주세요.", "No tiene la forma de una URL de retorno: falta un parámetro, está repetido o fuera de lugar. Pegue la dirección completa, tal como la envió el navegador.";
        other_url: "It does not begin with your return URL.", "설정한 리턴 URL로 시작하지 않습니다.", "No empieza por su URL de retorno.";
        not_signed: "It has no signature, and nothing else proves where it comes from. Turn on the signature.", "서명이 없고 출처를 증명할 다른 방법도 없습니다. 서명을 사용해 주세요.", "No tiene firma y nada más demuestra su origen. Active la firma.";
        signature: "The signature is wrong: somebody changed the URL, or it was made with another secretKey.", "서명이 맞지 않습니다. 누군가 URL을 바꾸었거나 다른 secretKey로 만들었습니다.", "La firma no es correcta: alguien cambió la URL o se hizo con otra secretKey.";
        undecryptable: "No secretKey of this project decrypts it.", "이 프로젝트의 secretKey로 복호화할 수 없습니다.", "Ninguna secretKey de este proyecto la descifra.";
        expired: "It was signed more than an hour ago. An old URL may have been used before.", "서명한 지 한 시간이 넘었습니다. 이미 사용된 URL일 수 있습니다.", "Se firmó hace más de una hora. Puede que ya se haya usado.";
        too_early: "Its time is in the future. Somebody changed it, or a clock is wrong.", "서명 시각이 미래입니다. 누군가 바꾸었거나 시계가 맞지 않습니다.", "Su hora está en el futuro. Alguien la cambió o un reloj va mal.";

        done_saved: "Saved. New return links use it at once.", "저장했습니다. 새 리턴 링크부터 바로 적용됩니다.", "Guardado. Los enlaces nuevos ya la usan.";
        done_deleted: "The return URL is deleted.", "리턴 URL을 삭제했습니다.", "La URL de retorno está eliminada.";
        done_activated: "The secretKey is in use.", "secretKey를 적용했습니다.", "La secretKey está en uso.";
        done_key_deleted: "The secretKey is deleted.", "secretKey를 삭제했습니다.", "La secretKey está eliminada.";
    }
}

impl Words {
    /// What was done.
    pub(super) const fn done(&self, done: Done) -> &'static str {
        match done {
            Done::Saved => self.done_saved,
            Done::Deleted => self.done_deleted,
            Done::Activated => self.done_activated,
            Done::KeyDeleted => self.done_key_deleted,
        }
    }

    /// The name of a field.
    pub(super) const fn field(&self, field: ReturnField) -> &'static str {
        match field {
            ReturnField::UserId => self.userid,
            ReturnField::Email => self.email,
            ReturnField::KycStatus => self.kyc_status,
            ReturnField::SubmissionId => self.submission_id,
            ReturnField::Cf1 => self.cf1,
            ReturnField::Cf2 => self.cf2,
            ReturnField::Cf3 => self.cf3,
            ReturnField::ErrorCode => self.error_code,
        }
    }

    /// The checkboxes of all fields.
    pub(super) fn fields(&self) -> Vec<Choice> {
        ReturnField::ALL.into_iter().map(|field| (field.as_str(), self.field(field), field.as_str())).collect()
    }

    /// The radio buttons of the encryption, the recommended one before the one for old sites.
    pub(super) fn encryptions(&self) -> Vec<Choice> {
        let label = |encryption| match encryption {
            Encryption::None => self.encryption_none,
            Encryption::Aes256Gcm => self.encryption_gcm,
            Encryption::Aes256Ecb => self.encryption_ecb,
        };
        let order = [Encryption::None, Encryption::Aes256Gcm, Encryption::Aes256Ecb];
        order.into_iter().map(|encryption| (encryption.as_str(), label(encryption), "")).collect()
    }

    /// A risk of the settings, and how to avoid it.
    pub(super) const fn warning(&self, warning: ReturnUrlWarning) -> &'static str {
        match warning {
            ReturnUrlWarning::Unsigned => self.warn_unsigned,
            ReturnUrlWarning::Unbound => self.warn_unbound,
            ReturnUrlWarning::AppScheme => self.warn_app_scheme,
            ReturnUrlWarning::Localhost => self.warn_localhost,
        }
    }

    /// A key's state in few words.
    pub(super) const fn state(&self, key: &Key) -> &'static str {
        match key.state {
            KeyState::Next => self.key_next,
            KeyState::Current => self.key_current,
            KeyState::Previous => self.key_previous,
        }
    }

    /// Why a URL is not accepted, or that it is.
    pub(super) const fn verdict(&self, verdict: &Verdict) -> &'static str {
        match verdict.reason {
            None => self.valid,
            Some(NotOurs::Malformed) => self.malformed,
            Some(NotOurs::OtherUrl) => self.other_url,
            Some(NotOurs::NotSigned) => self.not_signed,
            Some(NotOurs::Signature) => self.signature,
            Some(NotOurs::Undecryptable) => self.undecryptable,
            Some(NotOurs::Expired) => self.expired,
            Some(NotOurs::TooEarly) => self.too_early,
        }
    }
}
