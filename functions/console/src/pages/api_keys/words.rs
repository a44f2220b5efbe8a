//! Texts of the API keys' pages.

use domain::projects::api_key::{KeyScope, Scope};
use domain::public_names;

use crate::layout::translations::words;

/// The checkbox of a scope: the value, the label, and the name for programmers.
pub(super) type ScopeChoice = (String, &'static str, String);

public_names! {
    /// What was done before a page is shown.
    pub(super) enum Done {
        /// A key was revoked.
        Revoked = "revoked",
    }
}

words! {
    /// Texts of the API keys' pages.
    pub(super) struct Words {
        title: "API keys", "API 키", "Claves de API";
        intro: "Your servers use an API key to call this service. Give each server a key of its own, so that you can replace one without stopping the others.", "고객 서버는 API 키로 이 서비스를 호출합니다. 서버마다 다른 키를 사용하면 하나를 바꾸어도 나머지는 멈추지 않습니다.", "Sus servidores llaman a este servicio con una clave de API. Dé a cada servidor la suya; así podrá sustituir una sin detener las demás.";
        none: "There is no API key yet. Create one when your server must read settings or deliveries.", "아직 API 키가 없습니다. 서버에서 설정이나 전달 내역을 읽어야 하면 만들어 주세요.", "Todavía no hay claves de API. Cree una cuando su servidor deba leer la configuración o las entregas.";
        add: "Create a key", "키 만들기", "Crear una clave";
        add_title: "Create an API key", "API 키 만들기", "Crear una clave de API";
        name: "Name", "이름", "Nombre";
        name_help: "Where the key is used, such as “back office”.", "키를 사용하는 곳입니다. 예: “back office”", "Dónde se usa la clave, por ejemplo «back office».";
        scopes: "What the key may do", "키로 할 수 있는 작업", "Qué permite la clave";
        scopes_help: "Tick only what the server needs.", "서버에 필요한 작업만 선택해 주세요.", "Marque solo lo que el servidor necesita.";
        expiry: "Last day (UTC)", "마지막 날 (UTC)", "Último día (UTC)";
        expiry_help: "Optional. The daily report reminds you two weeks before.", "선택 사항입니다. 2주 전부터 일일 리포트로 알려 드립니다.", "Opcional. El informe diario se lo recuerda dos semanas antes.";
        networks: "Networks", "네트워크", "Redes";
        networks_help: "Optional. Addresses that may use the key, one a line, such as 203.0.113.0/24.", "선택 사항입니다. 키를 사용할 수 있는 주소를 한 줄에 하나씩 입력해 주세요. 예: 203.0.113.0/24", "Opcional. Direcciones que pueden usar la clave, una por línea, por ejemplo 203.0.113.0/24.";
        begins: "Begins with", "시작 문자", "Empieza por";
        created: "Created", "만든 시각", "Creada";
        expires: "Expires", "만료", "Caduca";
        never: "never", "만료 없음", "nunca";
        last_used: "Last used", "마지막 사용", "Último uso";
        unused: "not used yet", "아직 사용 안 함", "sin usar";
        anywhere: "all networks", "모든 네트워크", "todas las redes";
        no_expiry: "The key never expires. A lost key then works for ever. Rotate it with a last day.", "키가 만료되지 않습니다. 잃어버린 키도 계속 쓸 수 있습니다. 마지막 날을 정해 교체해 주세요.", "La clave no caduca: si se pierde, seguirá funcionando. Sustitúyala por otra con un último día.";
        any_network: "The key works from all networks. A stolen key is useless elsewhere if you name your own.", "모든 네트워크에서 사용할 수 있습니다. 고객의 네트워크를 지정하면 도난된 키를 다른 곳에서 쓸 수 없습니다.", "La clave funciona desde todas las redes. Si indica las suyas, una clave robada no sirve en otro lugar.";

        once_title: "Copy the key now", "지금 키를 복사해 주세요", "Copie la clave ahora";
        once: "This page is the only one that shows the key. Store it where your server keeps its secrets, not in a mail or a chat.", "키는 이 페이지에서만 볼 수 있습니다. 메일이나 채팅이 아니라 서버의 비밀 저장소에 보관해 주세요.", "Solo esta página muestra la clave. Guárdela donde su servidor guarda los secretos, no en un correo ni en un chat.";
        once_use: "Your server sends it in the header x-api-key.", "서버는 x-api-key 헤더로 키를 보냅니다.", "Su servidor la envía en la cabecera x-api-key.";
        once_done: "I have stored the key", "키를 보관했습니다", "He guardado la clave";

        rotate: "Rotate…", "교체…", "Sustituir…";
        rotate_title: "Rotate {name}", "{name} 교체", "Sustituir {name}";
        rotate_intro: "You get a new key with the same rights. The old key keeps working during the overlap, so that you can change it in your server without a stop.", "같은 권한의 새 키를 받습니다. 함께 쓰는 기간에는 이전 키도 작동하므로 서버를 멈추지 않고 바꿀 수 있습니다.", "Recibirá una clave nueva con los mismos permisos. La anterior sigue funcionando durante el solapamiento, así que puede cambiarla en su servidor sin detenerlo.";
        overlap: "Days that both keys work", "두 키를 함께 쓰는 일수", "Días en que funcionan ambas claves";
        overlap_help: "0 to 30. With 0 the old key stops at once.", "0~30. 0이면 이전 키를 바로 쓸 수 없습니다.", "De 0 a 30. Con 0, la clave anterior deja de funcionar de inmediato.";
        rotate_expiry: "Last day of the new key (UTC)", "새 키의 마지막 날 (UTC)", "Último día de la clave nueva (UTC)";
        rotate_expiry_help: "Optional. Otherwise it ends when the old key would have.", "선택 사항입니다. 비워 두면 이전 키의 만료를 따릅니다.", "Opcional. Si no, caduca cuando lo habría hecho la anterior.";
        rotate_button: "Create the new key", "새 키 만들기", "Crear la clave nueva";

        revoke: "Revoke…", "폐기…", "Revocar…";
        revoke_title: "Revoke {name}?", "{name} 키를 폐기할까요?", "¿Revocar {name}?";
        revoke_calls: "All calls with this key fail within ten seconds, for good.", "10초 안에 이 키로 하는 모든 호출이 거절되며 되돌릴 수 없습니다.", "Todas las llamadas con esta clave fallarán en diez segundos, sin vuelta atrás.";
        revoke_used: "The key was last used on {day} (UTC).", "마지막 사용일은 {day}(UTC)입니다.", "La clave se usó por última vez el {day} (UTC).";
        revoke_unused: "The key was never used.", "한 번도 사용하지 않은 키입니다.", "La clave no se ha usado nunca.";
        revoke_rotate: "To replace a key that a server uses, rotate it instead.", "서버가 사용하는 키를 바꾸려면 폐기하지 말고 교체해 주세요.", "Para cambiar una clave en uso, sustitúyala en lugar de revocarla.";
        revoke_button: "Revoke the key", "키 폐기", "Revocar la clave";
        done_revoked: "The key is revoked.", "키를 폐기했습니다.", "La clave está revocada.";

        settings_read: "Read the settings and their history", "설정과 변경 내역 읽기", "Leer la configuración y su historial";
        settings_write: "Change endpoints, notification users and the return URL", "엔드포인트, 알림 수신자, 리턴 URL 변경", "Cambiar endpoints, destinatarios y la URL de retorno";
        keys_write: "Create and revoke API keys, end sessions", "API 키 생성과 폐기, 세션 종료", "Crear y revocar claves de API, terminar sesiones";
        secrets_write: "Replace signing secrets and secretKeys", "서명 시크릿과 secretKey 교체", "Sustituir secretos de firma y secretKeys";
        events_write: "Publish and erase events", "이벤트 발행과 삭제", "Publicar y borrar eventos";
        events_read: "Read events with their data", "이벤트와 데이터 읽기", "Leer los eventos con sus datos";
        deliveries_read: "Read deliveries and reports, without data", "전달 내역과 리포트 읽기 (데이터 제외)", "Leer entregas e informes, sin datos";
        deliveries_replay: "Send webhooks again", "웹훅 다시 보내기", "Reenviar webhooks";
        links_write: "Create return links", "리턴 링크 만들기", "Crear enlaces de retorno";
        product_scope: "Use the product's own API", "제품 API 사용", "Usar la API propia del producto";
        return_verify: "Check return URLs, which shows their data", "리턴 URL 확인 (데이터가 보임)", "Comprobar URL de retorno, lo que muestra sus datos";
    }
}

impl Words {
    /// What was done.
    pub(super) const fn done(&self, done: Done) -> &'static str {
        match done {
            Done::Revoked => self.done_revoked,
        }
    }

    /// The checkbox of a scope.
    pub(super) fn choice(&self, scope: &KeyScope) -> ScopeChoice {
        let label = match scope {
            KeyScope::Own(scope) => self.own_scope(*scope),
            KeyScope::Product(_) => self.product_scope,
        };
        (scope.as_str().to_owned(), label, scope.as_str().to_owned())
    }

    const fn own_scope(&self, scope: Scope) -> &'static str {
        match scope {
            Scope::SettingsRead => self.settings_read,
            Scope::SettingsWrite => self.settings_write,
            Scope::KeysWrite => self.keys_write,
            Scope::SecretsWrite => self.secrets_write,
            Scope::EventsWrite => self.events_write,
            Scope::EventsRead => self.events_read,
            Scope::DeliveriesRead => self.deliveries_read,
            Scope::DeliveriesReplay => self.deliveries_replay,
            Scope::LinksWrite => self.links_write,
            Scope::ReturnVerify => self.return_verify,
        }
    }
}
