//! Texts of the pages about an endpoint's secrets.

use domain::public_names;

use crate::layout::translations::words;

public_names! {
    /// What was done before the page of the secrets is shown.
    pub(super) enum Done {
        /// The previous secrets were ended.
        Ended = "ended",
        /// A new key pair was created.
        KeyRotated = "key-rotated",
    }
}

words! {
    /// Texts of the pages about an endpoint's secrets.
    pub(super) struct Words {
        title: "Secrets", "시크릿", "Secretos";
        signing: "Signing secret", "서명 시크릿", "Secreto de firma";
        signing_note: "With this secret your server checks that a webhook really comes from here. It cannot be shown again. If it is lost or somebody else knows it, create a new one.", "서버는 이 시크릿으로 웹훅의 출처를 확인합니다. 다시 표시할 수 없습니다. 잃어버렸거나 다른 사람이 알게 되었다면 새로 만들어 주세요.", "Con este secreto su servidor comprueba que un webhook procede realmente de aquí. No se puede volver a mostrar. Si se pierde o alguien más lo conoce, cree uno nuevo.";
        origin: "Current secret", "현재 시크릿", "Secreto actual";
        generated: "generated here", "여기서 생성함", "generado aquí";
        brought_along: "brought along", "직접 등록함", "aportado por ustedes";
        previous_until: "The previous secret signs too until", "이전 시크릿으로도 서명하는 기한", "El secreto anterior también firma hasta";
        rotate: "Create a new secret", "새 시크릿 만들기", "Crear un secreto nuevo";
        overlap: "How long both secrets sign", "두 시크릿으로 함께 서명하는 기간", "Cuánto tiempo firman ambos secretos";
        overlap_help: "During this time every webhook carries both signatures, so you can change your server without losing any.", "이 기간에는 모든 웹훅에 두 서명이 함께 있으므로 웹훅을 놓치지 않고 서버를 바꿀 수 있습니다.", "Durante este tiempo cada webhook lleva ambas firmas, así puede cambiar su servidor sin perder ninguno.";
        one_day: "1 day", "1일", "1 día";
        three_days: "3 days", "3일", "3 días";
        seven_days: "7 days", "7일", "7 días";
        fourteen_days: "14 days", "14일", "14 días";
        thirty_days: "30 days", "30일", "30 días";
        own: "Your own new secret", "직접 만든 새 시크릿", "Su propio secreto nuevo";
        own_help: "Only if your server already uses one: whsec_ and base64. Otherwise leave it empty, and one is generated.", "서버가 이미 시크릿을 사용하는 경우에만 입력해 주세요(whsec_와 base64). 비워 두면 새로 만듭니다.", "Solo si su servidor ya usa uno: whsec_ y base64. Si lo deja vacío, se genera uno.";

        rotated_title: "The new signing secret", "새 서명 시크릿", "El nuevo secreto de firma";
        rotated_note: "It is shown only now: store it in your server's configuration.", "지금만 표시되므로 서버 설정에 저장해 주세요.", "Solo se muestra ahora: guárdelo en la configuración de su servidor.";
        rotated_both: "The old secret signs too until", "이전 시크릿으로도 서명하는 기한", "El secreto antiguo también firma hasta";
        rotated_now: "The old secret no longer signs. Your server rejects webhooks until it uses the new one. They are tried again.", "이전 시크릿으로 더 이상 서명하지 않습니다. 새 시크릿을 사용할 때까지 서버가 웹훅을 거부하며, 거부된 웹훅은 다시 시도합니다.", "El secreto antiguo ya no firma. Su servidor rechazará los webhooks hasta que use el nuevo. Se reintentarán.";
        rotated_next: "Next: change your server, send a test, then end the old secret.", "다음: 서버를 바꾸고 테스트를 보낸 뒤 이전 시크릿을 종료해 주세요.", "A continuación: cambie su servidor, envíe una prueba y termine el secreto antiguo.";
        back: "To the secrets", "시크릿으로 이동", "Ir a los secretos";

        replace: "Replace the secret at once…", "시크릿 즉시 교체…", "Sustituir el secreto ya…";
        replace_title: "Replace the signing secret at once?", "서명 시크릿을 즉시 교체할까요?", "¿Sustituir ya el secreto de firma?";
        replace_effect: "The old secret ends. Within 30 seconds, webhooks carry only the signature of the new secret.", "이전 시크릿이 종료됩니다. 30초 안에 웹훅에 새 시크릿의 서명만 포함됩니다.", "El secreto antiguo termina. En 30 segundos, los webhooks llevarán solo la firma del nuevo.";
        replace_warning: "Your server rejects all webhooks until it uses the new secret. Rejected webhooks are tried again.", "서버가 새 시크릿을 사용할 때까지 모든 웹훅을 거부합니다. 거부된 웹훅은 다시 시도합니다.", "Su servidor rechazará todos los webhooks hasta que use el secreto nuevo. Los rechazados se reintentan.";
        replace_use: "Do this if somebody else may know the old secret. Otherwise create a new secret with some days in which both sign.", "다른 사람이 이전 시크릿을 알게 되었을 때 사용해 주세요. 그렇지 않으면 며칠 동안 두 시크릿으로 함께 서명하도록 새 시크릿을 만들어 주세요.", "Hágalo si alguien más puede conocer el secreto antiguo. Si no, cree un secreto nuevo con algunos días en que firmen ambos.";
        replace_button: "Replace the secret now", "지금 시크릿 교체", "Sustituir el secreto ya";

        end: "End the previous secret now…", "이전 시크릿 지금 종료…", "Terminar ya el secreto anterior…";
        end_title: "End the previous secret now?", "이전 시크릿을 지금 종료할까요?", "¿Terminar ya el secreto anterior?";
        end_effect: "Within 30 seconds, webhooks carry only the signature of the current secret.", "30초 안에 웹훅에 현재 시크릿의 서명만 포함됩니다.", "En 30 segundos, los webhooks llevarán solo la firma del secreto actual.";
        end_warning: "A server that still uses the previous secret then rejects all webhooks. Send a test first if you are not sure.", "아직 이전 시크릿을 사용하는 서버는 모든 웹훅을 거부합니다. 확실하지 않으면 먼저 테스트를 보내 주세요.", "Un servidor que aún use el secreto anterior rechazará todos los webhooks. Si no está seguro, envíe antes una prueba.";
        end_button: "End the previous secret", "이전 시크릿 종료", "Terminar el secreto anterior";

        key: "Public key", "공개 키", "Clave pública";
        key_note: "Your server checks signatures of the kind v1a with the public key at this address. Nobody can forge webhooks with it.", "서버는 이 주소의 공개 키로 v1a 서명을 확인합니다. 이 키로는 누구도 웹훅을 위조할 수 없습니다.", "Su servidor comprueba las firmas del tipo v1a con la clave pública de esta dirección. Nadie puede falsificar webhooks con ella.";
        key_unused: "This endpoint does not use it. To sign with v1a too, tick it in the settings.", "이 엔드포인트는 사용하지 않습니다. v1a로도 서명하려면 설정에서 선택해 주세요.", "Este endpoint no la usa. Para firmar también con v1a, márquelo en los ajustes.";
        rotate_key: "Create a new key pair…", "새 키 쌍 만들기…", "Crear un nuevo par de claves…";
        rotate_key_title: "Create a new key pair?", "새 키 쌍을 만들까요?", "¿Crear un nuevo par de claves?";
        rotate_key_scope: "It replaces the key pair of all endpoints of this project that sign with v1a.", "이 프로젝트에서 v1a로 서명하는 모든 엔드포인트의 키 쌍이 바뀝니다.", "Sustituye el par de claves de todos los endpoints de este proyecto que firman con v1a.";
        rotate_key_effect: "The new public key is listed at once and signs after ten minutes. The old one stays listed for a day after that. A server that reads the list has nothing to do.", "새 공개 키는 바로 목록에 나오고 10분 뒤부터 서명합니다. 이전 키는 그 뒤 하루 동안 목록에 남습니다. 목록을 읽는 서버는 바꿀 것이 없습니다.", "La nueva clave pública se publica enseguida y firma a los diez minutos. La antigua sigue publicada un día más. Un servidor que lea la lista no tiene que hacer nada.";
        rotate_key_button: "Create a new key pair", "새 키 쌍 만들기", "Crear un nuevo par de claves";

        encryption: "Encryption of the body", "본문 암호화", "Cifrado del cuerpo";
        encrypted: "Bodies are encrypted with the project's secretKey, the one of the return URL.", "본문은 리턴 URL과 같은 프로젝트 secretKey로 암호화됩니다.", "Los cuerpos se cifran con la secretKey del proyecto, la de la URL de retorno.";
        not_encrypted: "Bodies are not encrypted. https protects them on their way.", "본문은 암호화되지 않습니다. 전송 중에는 https가 보호합니다.", "Los cuerpos no se cifran. https los protege por el camino.";
        to_keys: "To the secretKey", "secretKey로 이동", "Ir a la secretKey";

        headers: "Headers", "헤더", "Cabeceras";
        headers_note: "Their values are stored encrypted and never shown.", "값은 암호화되어 저장되며 표시되지 않습니다.", "Sus valores se guardan cifrados y nunca se muestran.";
        no_headers: "No header is set.", "설정된 헤더가 없습니다.", "No hay ninguna cabecera definida.";
        change_settings: "Change the settings", "설정 변경", "Cambiar los ajustes";

        done_ended: "The previous secret no longer signs.", "이전 시크릿으로 더 이상 서명하지 않습니다.", "El secreto anterior ya no firma.";
        done_key_rotated: "The new public key is listed. It signs in ten minutes.", "새 공개 키가 목록에 추가되었습니다. 10분 뒤부터 서명합니다.", "La nueva clave pública está publicada. Firmará dentro de diez minutos.";
    }
}

impl Words {
    /// What was done.
    pub(super) const fn done(&self, done: Done) -> &'static str {
        match done {
            Done::Ended => self.done_ended,
            Done::KeyRotated => self.done_key_rotated,
        }
    }

    /// The choices of the overlap: days, and how they are named.
    pub(super) const fn overlaps(&self) -> [(&'static str, &'static str); 5] {
        [
            ("1", self.one_day),
            ("3", self.three_days),
            ("7", self.seven_days),
            ("14", self.fourteen_days),
            ("30", self.thirty_days),
        ]
    }
}
