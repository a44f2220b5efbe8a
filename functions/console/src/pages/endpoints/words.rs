//! Texts of the endpoints' list and settings.

use domain::public_names;
use domain::return_urls::Encryption;
use domain::webhooks::endpoint::{EndpointWarning, Format, Pace, Payload};
use domain::webhooks::signature::SignatureScheme;

use crate::layout::time::grouped;
use crate::layout::translations::{Fill, words};
use crate::pages::endpoints::condition::Condition;
use crate::pages::endpoints::view::{Endpoint, Warning};

public_names! {
    /// What was done before a page is shown.
    pub(crate) enum Done {
        /// An endpoint was changed.
        Changed = "changed",
        /// An endpoint was paused.
        Paused = "paused",
        /// Sending began again.
        Resumed = "resumed",
        /// The held deliveries were discarded.
        Discarded = "discarded",
        /// Some held deliveries were discarded, and others are left.
        DiscardedInPart = "discarded-in-part",
        /// An endpoint was deleted.
        Deleted = "deleted",
    }
}

words! {
    /// Texts of the endpoints' list and settings.
    pub(crate) struct Words {
        title: "Endpoints", "엔드포인트", "Endpoints";
        intro: "The URLs of your servers to which webhooks are sent.", "웹훅을 보내는 서버 URL입니다.", "Las URL de sus servidores a las que se envían los webhooks.";
        none: "No server gets webhooks yet. Add the URL of the server that should hear about results, then send it a test.", "아직 웹훅을 받는 서버가 없습니다. 결과를 받을 서버의 URL을 추가한 뒤 테스트를 보내 주세요.", "Ningún servidor recibe webhooks todavía. Añada la URL del servidor que deba conocer los resultados y envíele una prueba.";
        add: "Add an endpoint", "엔드포인트 추가", "Añadir un endpoint";
        limit_note: "A project can have 10 endpoints.", "프로젝트에는 엔드포인트를 10개까지 둘 수 있습니다.", "Un proyecto puede tener 10 endpoints.";
        since: "since", "시작:", "desde";
        held: "Held", "보류", "Retenidos";
        held_webhooks: "Held webhooks", "보류된 웹훅", "Webhooks retenidos";

        url: "URL", "URL", "URL";
        url_help: "It begins with https:// and can be reached from the internet.", "https://로 시작하고 인터넷에서 접근할 수 있어야 합니다.", "Empieza por https:// y es accesible desde internet.";
        description: "Description", "설명", "Descripción";
        description_help: "Your own name for this endpoint, such as “CRM”. Optional.", "“CRM”처럼 구분하기 위한 이름입니다. 선택 사항입니다.", "Su propio nombre para este endpoint, como «CRM». Opcional.";
        event_types: "Event types", "이벤트 유형", "Tipos de evento";
        event_types_help: "Tick those that the server needs. If none is ticked, it gets all, also types that are added later.", "서버에 필요한 유형을 선택해 주세요. 아무것도 선택하지 않으면 나중에 추가되는 유형을 포함해 모두 받습니다.", "Marque los que necesita el servidor. Si no marca ninguno, los recibe todos, también los que se añadan más adelante.";
        all_types: "all", "전체", "todos";
        more: "More settings: format, data, encryption, signatures, order, pace, handshake, headers, access token, client certificate", "추가 설정: 형식, 데이터, 암호화, 서명, 순서, 속도, 핸드셰이크, 헤더, 액세스 토큰, 클라이언트 인증서", "Más ajustes: formato, datos, cifrado, firmas, orden, ritmo, handshake, cabeceras, token de acceso, certificado de cliente";
        format: "Format", "형식", "Formato";
        format_help: "What the body of a webhook looks like. Choose what your server was written for.", "웹훅 본문의 형식입니다. 서버가 지원하는 형식을 선택해 주세요.", "Cómo es el cuerpo de un webhook. Elija aquel para el que se escribió su servidor.";
        format_standard: "Standard Webhooks", "Standard Webhooks", "Standard Webhooks";
        format_argos: "ARGOS, for servers written for it", "ARGOS(해당 형식용 서버)", "ARGOS, para servidores escritos para él";
        format_cloud_events: "CloudEvents 1.0 (JSON), without encryption", "CloudEvents 1.0(JSON), 암호화 없음", "CloudEvents 1.0 (JSON), sin cifrado";
        payload: "Data of the event", "이벤트 데이터", "Datos del evento";
        payload_help: "Without the data, your server reads it from the API with the id of the event.", "데이터 없이 받으면 서버가 이벤트 ID로 API에서 데이터를 조회합니다.", "Sin los datos, su servidor los lee de la API con el id del evento.";
        payload_full: "in every webhook", "모든 웹훅에 포함", "en cada webhook";
        payload_thin: "not sent (not available with the format ARGOS)", "보내지 않음(ARGOS 형식에서는 선택 불가)", "no se envían (no disponible con el formato ARGOS)";
        encryption: "Encryption of the body", "본문 암호화", "Cifrado del cuerpo";
        encryption_help: "In addition to https. It needs a secretKey: see Return URL.", "https에 더해 본문을 암호화합니다. secretKey가 필요합니다: 리턴 URL 참고.", "Además de https. Requiere una secretKey: vea URL de retorno.";
        encryption_none: "none", "없음", "ninguno";
        encryption_ecb: "AES-256-ECB, weak, only for old servers", "AES-256-ECB(취약, 기존 서버용)", "AES-256-ECB, débil, solo para servidores antiguos";
        signatures: "Signatures", "서명", "Firmas";
        signatures_help: "With what your server checks that a webhook really comes from here.", "서버가 웹훅의 출처를 확인하는 방법입니다.", "Con qué comprueba su servidor que un webhook procede realmente de aquí.";
        signature_v1: "Signing secret (HMAC)", "서명 시크릿(HMAC)", "Secreto de firma (HMAC)";
        signature_v1a: "Public key (Ed25519)", "공개 키(Ed25519)", "Clave pública (Ed25519)";
        ordered: "Send in order, one webhook of a submission at a time", "제출마다 순서대로 하나씩 보내기", "Enviar en orden, un webhook de cada solicitud a la vez";
        ordered_help: "The next webhook of a submission waits until the one before was delivered or has failed for good. Other submissions do not wait.", "제출의 다음 웹훅은 앞선 웹훅이 전달되거나 끝내 실패할 때까지 기다립니다. 다른 제출은 기다리지 않습니다.", "El siguiente webhook de una solicitud espera hasta que el anterior se entregue o falle definitivamente. Las demás solicitudes no esperan.";
        order: "Order", "순서", "Orden";
        order_kept: "one webhook of a submission at a time", "제출마다 하나씩", "un webhook de cada solicitud a la vez";
        order_any: "as soon as possible", "가능한 한 빨리", "lo antes posible";
        pace: "Pace", "속도", "Ritmo";
        pace_field: "Pace: webhooks per minute, at most", "속도: 분당 최대 웹훅 수", "Ritmo: webhooks por minuto, como máximo";
        pace_help: "From 1 to 60,000. More webhooks than that wait for their turn. Empty: no limit.", "1~60,000입니다. 이보다 많은 웹훅은 차례를 기다립니다. 비워 두면 제한이 없습니다.", "De 1 a 60000. Los webhooks que lo superen esperan su turno. Vacío: sin límite.";
        pace_none: "no limit", "제한 없음", "sin límite";
        /// `{count}`: number of webhooks.
        pace_set: "at most {count} webhooks a minute", "분당 최대 {count}개", "{count} webhooks por minuto como máximo";
        ownership: "The server must grant webhooks in a handshake (CloudEvents)", "서버가 핸드셰이크로 웹훅을 허용해야 함(CloudEvents)", "El servidor debe autorizar los webhooks en un handshake (CloudEvents)";
        ownership_help: "Before the first webhook, an OPTIONS request asks your server whether it wants webhooks. They are held until it grants them. A new URL needs a new handshake.", "첫 웹훅을 보내기 전에 OPTIONS 요청으로 서버가 웹훅을 원하는지 묻습니다. 서버가 허용할 때까지 웹훅을 보류합니다. URL이 바뀌면 핸드셰이크를 다시 해야 합니다.", "Antes del primer webhook, una petición OPTIONS pregunta a su servidor si quiere webhooks. Quedan retenidos hasta que los autorice. Una URL nueva necesita un handshake nuevo.";
        handshake: "Handshake", "핸드셰이크", "Handshake";
        handshake_make: "Make the handshake", "핸드셰이크 하기", "Hacer el handshake";
        handshake_again: "Repeat the handshake", "핸드셰이크 다시 하기", "Repetir el handshake";
        handshake_how: "What your server must answer", "서버가 보내야 할 응답", "Qué debe responder su servidor";
        handshake_granted: "granted", "허용됨", "autorizado";
        handshake_missing: "not granted yet", "아직 허용되지 않음", "aún no autorizado";
        headers: "Headers", "헤더", "Cabeceras";
        headers_help: "Sent with every webhook, one a line, such as authorization: Bearer abc. Values are never shown again.", "모든 웹훅에 함께 보냅니다. authorization: Bearer abc처럼 한 줄에 하나씩 입력해 주세요. 값은 다시 표시되지 않습니다.", "Se envían con cada webhook, una por línea, como authorization: Bearer abc. Los valores no se vuelven a mostrar.";
        headers_none: "None is set.", "설정된 헤더가 없습니다.", "No hay ninguna.";
        headers_set: "Set: {names}. Values are not shown.", "설정됨: {names}. 값은 표시되지 않습니다.", "Definidas: {names}. Los valores no se muestran.";
        headers_change_help: "“name: value” on a line sets a header, “name:” removes it. Others stay. If the URL moves to another host, enter every value again.", "한 줄에 “이름: 값”을 쓰면 헤더가 설정되고 “이름:”만 쓰면 삭제됩니다. 나머지는 유지됩니다. URL의 호스트가 바뀌면 모든 값을 다시 입력해 주세요.", "«nombre: valor» en una línea define una cabecera y «nombre:» la elimina. Las demás se conservan. Si la URL cambia de servidor, introduzca de nuevo todos los valores.";
        headers_remove_help: "“name:” on a line removes a header. Only admins set values.", "한 줄에 “이름:”을 쓰면 헤더가 삭제됩니다. 값은 관리자만 설정할 수 있습니다.", "«nombre:» en una línea elimina una cabecera. Solo los administradores definen valores.";
        own_secret: "Your own signing secret", "직접 만든 서명 시크릿", "Su propio secreto de firma";
        own_secret_help: "Only if your server already uses one: whsec_ and base64. Otherwise leave it empty, and one is generated.", "서버가 이미 시크릿을 사용하는 경우에만 입력해 주세요(whsec_와 base64). 비워 두면 새로 만듭니다.", "Solo si su servidor ya usa uno: whsec_ y base64. Si lo deja vacío, se genera uno.";
        own_values_admins: "Only admins set headers, an access token and a client certificate, and bring a signing secret along.", "헤더 값, 액세스 토큰, 클라이언트 인증서, 직접 만든 시크릿은 관리자만 설정할 수 있습니다.", "Solo los administradores definen cabeceras, un token de acceso y un certificado de cliente, o aportan un secreto de firma.";

        added_title: "The endpoint was added", "엔드포인트를 추가했습니다", "Se añadió el endpoint";
        added_secret: "The signing secret. Your server needs it to check webhooks. It is shown only now: store it in your server's configuration.", "서명 시크릿입니다. 서버가 웹훅을 확인할 때 필요합니다. 지금만 표시되므로 서버 설정에 저장해 주세요.", "El secreto de firma. Su servidor lo necesita para comprobar los webhooks. Solo se muestra ahora: guárdelo en la configuración de su servidor.";
        added_next: "Next: send a test to see whether your server answers.", "다음: 테스트를 보내 서버가 응답하는지 확인해 주세요.", "A continuación: envíe una prueba para ver si su servidor responde.";
        added_handshake: "Next: prepare your server for the handshake, then make it. Webhooks are held until your server has granted them.", "다음: 서버가 핸드셰이크에 응답하도록 준비한 뒤 핸드셰이크를 해 주세요. 서버가 허용할 때까지 웹훅을 보류합니다.", "A continuación: prepare su servidor para el handshake y hágalo. Los webhooks quedan retenidos hasta que su servidor los autorice.";
        added_to_handshake: "Go to the handshake", "핸드셰이크로 이동", "Ir al handshake";
        to_endpoint: "To the endpoint", "엔드포인트로 이동", "Ir al endpoint";
        weak_encryption: "AES-256-ECB encrypts equal parts equally and does not notice changes. Check the signature before you decrypt, or use AES-256-GCM.", "AES-256-ECB는 같은 부분을 같게 암호화하고 변경을 감지하지 못합니다. 복호화하기 전에 서명을 확인하거나 AES-256-GCM을 사용해 주세요.", "AES-256-ECB cifra igual las partes iguales y no detecta cambios. Compruebe la firma antes de descifrar o use AES-256-GCM.";

        client_certificate_expires: "The client certificate has expired or expires within 30 days. Servers reject an expired certificate: replace it.", "클라이언트 인증서가 만료되었거나 30일 안에 만료됩니다. 서버는 만료된 인증서를 거부하므로 교체해 주세요.", "El certificado de cliente ha caducado o caduca en menos de 30 días. Los servidores rechazan un certificado caducado: sustitúyalo.";

        active: "active", "정상", "activo";
        unsteady: "failing", "실패 중", "con fallos";
        failing: "failing, webhooks held", "실패 중, 웹훅 보류", "con fallos, webhooks retenidos";
        busy: "asked for a pause", "일시 중지 요청됨", "pidió una pausa";
        paused: "paused", "일시 중지됨", "en pausa";
        unverified: "handshake needed", "핸드셰이크 필요", "falta el handshake";
        catching_up: "catching up", "밀린 웹훅 전송 중", "poniéndose al día";
        disabled: "disabled", "비활성화됨", "desactivado";

        active_note: "Webhooks are sent as they occur.", "웹훅을 발생하는 대로 보냅니다.", "Los webhooks se envían a medida que se producen.";
        unsteady_note: "The last attempts failed. Webhooks are still sent, and failed ones are tried again.", "최근 시도가 실패했습니다. 웹훅은 계속 보내고 실패한 것은 다시 시도합니다.", "Fallaron los últimos intentos. Los webhooks se siguen enviando y los fallidos se reintentan.";
        failing_note: "Several attempts in a row failed, so webhooks are held. Now and then one is sent to try the server. When it succeeds, the others follow by themselves.", "연속으로 여러 번 실패하여 웹훅을 보류합니다. 가끔 하나를 보내 서버를 확인하고, 성공하면 나머지도 자동으로 보냅니다.", "Fallaron varios intentos seguidos, así que los webhooks quedan retenidos. De vez en cuando se envía uno para probar el servidor. Cuando tenga éxito, los demás seguirán por sí solos.";
        busy_note: "The server asked for a pause (status 429 or 503). Webhooks are held until it ends and follow by themselves.", "서버가 잠시 멈춰 달라고 요청했습니다(상태 코드 429 또는 503). 그동안 웹훅을 보류했다가 자동으로 보냅니다.", "El servidor pidió una pausa (estado 429 o 503). Los webhooks quedan retenidos hasta que termine y siguen por sí solos.";
        paused_note: "Somebody paused this endpoint. Its webhooks are held until it is resumed.", "이 엔드포인트는 일시 중지되었습니다. 다시 시작할 때까지 웹훅을 보류합니다.", "Alguien puso en pausa este endpoint. Sus webhooks quedan retenidos hasta que se reanude.";
        unverified_note: "The server has not granted webhooks yet, so they are held. Prepare the server, then make the handshake. After the grant, held webhooks follow little by little.", "서버가 아직 웹훅을 허용하지 않아 웹훅을 보류합니다. 서버를 준비한 뒤 핸드셰이크를 해 주세요. 허용되면 보류된 웹훅을 조금씩 보냅니다.", "El servidor aún no ha autorizado los webhooks, así que quedan retenidos. Prepare el servidor y haga después el handshake. Una vez autorizados, los retenidos siguen poco a poco.";
        catching_up_note: "The server works again. Held webhooks are sent little by little.", "서버가 다시 동작합니다. 보류된 웹훅을 조금씩 보냅니다.", "El servidor vuelve a funcionar. Los webhooks retenidos se envían poco a poco.";
        gone_note: "The server answered with status 410: it wants no more webhooks. They are held until the endpoint is enabled again. Correct the server's answer first.", "서버가 더 이상 웹훅을 받지 않겠다고 응답했습니다(상태 코드 410). 다시 활성화할 때까지 웹훅을 보류합니다. 먼저 서버의 응답을 고쳐 주세요.", "El servidor respondió con el estado 410: no quiere más webhooks. Quedan retenidos hasta que se active de nuevo el endpoint. Corrija antes la respuesta del servidor.";
        given_up_note: "The server failed for days, so nothing is sent any more. Webhooks are held until the endpoint is enabled again. Send a test first.", "서버가 며칠 동안 실패하여 전송을 중단했습니다. 다시 활성화할 때까지 웹훅을 보류합니다. 먼저 테스트를 보내 주세요.", "El servidor falló durante días, así que ya no se envía nada. Los webhooks quedan retenidos hasta que se active de nuevo el endpoint. Envíe antes una prueba.";

        failing_since: "Failing since", "실패 시작", "Falla desde";
        disabled_since: "Disabled since", "비활성화 시각", "Desactivado desde";
        failures: "Failed attempts in a row", "연속 실패 횟수", "Intentos fallidos seguidos";
        last_failure: "Last failure", "마지막 실패", "Último fallo";
        advice: "What to do", "해결 방법", "Qué hacer";
        next_try: "Next attempt", "다음 시도", "Próximo intento";
        disables_at: "Will be disabled", "비활성화 예정", "Se desactivará";

        pause: "Pause", "일시 중지", "Pausar";
        resume: "Resume", "다시 시작", "Reanudar";
        try_now: "Try again now", "지금 다시 시도", "Reintentar ahora";
        enable: "Enable again", "다시 활성화", "Activar de nuevo";

        deliveries: "Its deliveries", "전달 내역", "Sus entregas";
        secrets: "Secrets", "시크릿", "Secretos";
        summary: "Settings at a glance", "설정 요약", "Resumen de los ajustes";
        settings: "Change the settings", "설정 변경", "Cambiar los ajustes";
        settings_note: "A change takes effect within 30 seconds.", "변경 사항은 30초 안에 적용됩니다.", "Un cambio surte efecto en 30 segundos.";
        sent_from: "Sent from", "발신 주소", "Se envía desde";
        added: "Added", "추가한 시각", "Añadido";

        delete: "Delete this endpoint…", "이 엔드포인트 삭제…", "Eliminar este endpoint…";
        delete_title: "Delete {name}?", "{name}을(를) 삭제할까요?", "¿Eliminar {name}?";
        delete_url: "No more webhooks are sent to {url}.", "{url}(으)로 더 이상 웹훅을 보내지 않습니다.", "No se enviarán más webhooks a {url}.";
        /// `{count}`: number of held webhooks, such as `7` or `100+`.
        delete_held: "The held webhooks ({count}) are cancelled and never sent.", "보류된 웹훅({count}개)은 취소되며 전송되지 않습니다.", "Los webhooks retenidos ({count}) se cancelan y no se envían nunca.";
        delete_retries: "Webhooks that wait for another attempt are cancelled too.", "다시 시도하려던 웹훅도 취소됩니다.", "También se cancelan los webhooks que esperan otro intento.";
        delete_log: "What was sent so far stays in the list of deliveries. The signing secret is gone, and deleting cannot be undone.", "지금까지 보낸 내역은 전달 목록에 남습니다. 서명 시크릿은 사라지며 삭제는 되돌릴 수 없습니다.", "Lo enviado hasta ahora queda en la lista de entregas. El secreto de firma desaparece y la eliminación no se puede deshacer.";
        delete_instead: "To stop only for a while, pause the endpoint instead.", "잠시만 멈추려면 삭제하지 말고 일시 중지해 주세요.", "Para detenerlo solo un tiempo, ponga el endpoint en pausa.";
        delete_button: "Delete the endpoint", "엔드포인트 삭제", "Eliminar el endpoint";

        discard: "Discard the held webhooks…", "보류된 웹훅 폐기…", "Descartar los webhooks retenidos…";
        discard_title: "Discard the held webhooks?", "보류된 웹훅을 폐기할까요?", "¿Descartar los webhooks retenidos?";
        /// `{count}`: number of held webhooks, such as `7` or `100+`.
        discard_held: "The webhooks that are held now ({count}) are cancelled and not sent when the endpoint works again.", "지금 보류된 웹훅({count}개)이 취소되며 엔드포인트가 다시 동작해도 전송되지 않습니다.", "Los webhooks retenidos ahora ({count}) se cancelan y no se envían cuando el endpoint vuelva a funcionar.";
        discard_use: "Do this after a long outage if nobody needs them any more.", "오랜 장애 뒤에 더 이상 필요 없을 때 사용해 주세요.", "Hágalo tras una interrupción larga si ya nadie los necesita.";
        discard_later: "This cannot be undone. They stay in the list of deliveries.", "되돌릴 수 없습니다. 전달 목록에는 남습니다.", "No se puede deshacer. Quedan en la lista de entregas.";
        discard_button: "Discard them", "폐기", "Descartarlos";

        done_discarded: "The held webhooks were discarded.", "보류된 웹훅을 폐기했습니다.", "Se descartaron los webhooks retenidos.";
        done_discarded_in_part: "Many webhooks were discarded, and some are still held. Please do it again.", "많은 웹훅을 폐기했지만 아직 보류된 웹훅이 있습니다. 다시 실행해 주세요.", "Se descartaron muchos webhooks y algunos siguen retenidos. Repítalo.";
        done_changed: "Saved. It takes effect within 30 seconds.", "저장했습니다. 30초 안에 적용됩니다.", "Guardado. Surte efecto en 30 segundos.";
        done_paused: "Paused. Within 30 seconds, new webhooks are held.", "일시 중지했습니다. 30초 안에 새 웹훅을 보류합니다.", "En pausa. En 30 segundos, los nuevos webhooks quedarán retenidos.";
        done_resumed: "Sending begins again. Held webhooks follow little by little.", "다시 보내기 시작합니다. 보류된 웹훅은 조금씩 전송됩니다.", "El envío se reanuda. Los webhooks retenidos siguen poco a poco.";
        done_deleted: "Deleted.", "삭제했습니다.", "Eliminado.";
    }
}

impl Words {
    /// What was done.
    pub(crate) const fn done(&self, done: Done) -> &'static str {
        match done {
            Done::Changed => self.done_changed,
            Done::Paused => self.done_paused,
            Done::Resumed => self.done_resumed,
            Done::Discarded => self.done_discarded,
            Done::DiscardedInPart => self.done_discarded_in_part,
            Done::Deleted => self.done_deleted,
        }
    }

    /// How an endpoint is doing, in few words.
    pub(crate) fn state(&self, endpoint: &Endpoint) -> &'static str {
        match endpoint.condition() {
            Condition::Active => self.active,
            Condition::Unsteady => self.unsteady,
            Condition::Failing => self.failing,
            Condition::Busy => self.busy,
            Condition::Paused => self.paused,
            Condition::Unverified => self.unverified,
            Condition::CatchingUp => self.catching_up,
            Condition::Gone | Condition::GivenUp => self.disabled,
        }
    }

    /// What this means and what happens next.
    pub(crate) fn meaning(&self, endpoint: &Endpoint) -> &'static str {
        match endpoint.condition() {
            Condition::Active => self.active_note,
            Condition::Unsteady => self.unsteady_note,
            Condition::Failing => self.failing_note,
            Condition::Busy => self.busy_note,
            Condition::Paused => self.paused_note,
            Condition::Unverified => self.unverified_note,
            Condition::CatchingUp => self.catching_up_note,
            Condition::Gone => self.gone_note,
            Condition::GivenUp => self.given_up_note,
        }
    }

    /// The label of the button that begins sending again.
    pub(crate) fn resume_label(&self, endpoint: &Endpoint) -> &'static str {
        match endpoint.condition() {
            Condition::Paused => self.resume,
            Condition::Gone | Condition::GivenUp => self.enable,
            Condition::Failing
            | Condition::Unverified
            | Condition::Busy
            | Condition::Unsteady
            | Condition::CatchingUp
            | Condition::Active => self.try_now,
        }
    }

    /// What a warning says, or `None` for one that has no translation.
    pub(crate) fn warning(&self, warning: &Warning) -> Option<&'static str> {
        Some(match warning.code.parse().ok()? {
            EndpointWarning::WeakEncryption => self.weak_encryption,
            EndpointWarning::ClientCertificateExpires => self.client_certificate_expires,
        })
    }

    /// A format of bodies.
    pub(crate) const fn format(&self, format: Format) -> &'static str {
        match format {
            Format::Standard => self.format_standard,
            Format::Argos => self.format_argos,
            Format::CloudEvents => self.format_cloud_events,
        }
    }

    /// Whether bodies contain the data.
    pub(crate) const fn payload(&self, payload: Payload) -> &'static str {
        match payload {
            Payload::Full => self.payload_full,
            Payload::Thin => self.payload_thin,
        }
    }

    /// An encryption of bodies.
    pub(crate) const fn encryption(&self, encryption: Encryption) -> &'static str {
        match encryption {
            Encryption::None => self.encryption_none,
            Encryption::Aes256Gcm => "AES-256-GCM",
            Encryption::Aes256Ecb => self.encryption_ecb,
        }
    }

    /// A kind of signature.
    pub(crate) const fn signature(&self, scheme: SignatureScheme) -> &'static str {
        match scheme {
            SignatureScheme::V1 => self.signature_v1,
            SignatureScheme::V1a => self.signature_v1a,
        }
    }

    /// The limit of webhooks per minute.
    pub(crate) fn pace_of(&self, pace: Option<Pace>) -> String {
        pace.map_or_else(
            || self.pace_none.to_owned(),
            |pace| self.pace_set.fill("count", grouped(pace.per_minute().into())),
        )
    }
}
