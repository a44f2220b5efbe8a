//! Texts of the pages about deliveries.

use domain::public_names;
use domain::webhooks::delivery::SkipReason;

use crate::layout::translations::words;

public_names! {
    /// What was done before a page is shown.
    pub(super) enum Done {
        /// A delivery is sent again.
        Queued = "queued",
    }
}

words! {
    /// Texts of the pages about deliveries.
    pub(super) struct Words {
        title: "Deliveries", "전달", "Entregas";
        intro: "Every webhook to every endpoint, the newest first. The address of this page contains the filters, so you can share it.", "모든 엔드포인트로 보낸 모든 웹훅입니다. 최신 항목이 먼저 나옵니다. 이 페이지의 주소에 필터가 들어 있어 공유할 수 있습니다.", "Todos los webhooks a todos los endpoints, los más recientes primero. La dirección de esta página contiene los filtros, así que puede compartirla.";
        filters: "Filters", "필터", "Filtros";
        event: "Event ID", "이벤트 ID", "Id. del evento";
        from: "From day (UTC)", "시작일(UTC)", "Desde el día (UTC)";
        to: "To day (UTC)", "종료일(UTC)", "Hasta el día (UTC)";
        bad_filters: "Nothing can match these filters. Please correct the marked ones.", "이 필터에 맞는 항목이 있을 수 없습니다. 표시된 필터를 고쳐 주세요.", "Nada puede coincidir con estos filtros. Corrija los marcados.";
        clear: "Clear the filters", "필터 지우기", "Quitar los filtros";
        webhook: "Webhook", "웹훅", "Webhook";
        last_answer: "Last answer", "마지막 응답", "Última respuesta";
        accepted_heading: "Accepted", "접수", "Aceptado";
        replay_all: "Send all of these again…", "모두 다시 보내기…", "Reenviar todos estos…";
        replay_failed: "Send all failed ones again…", "실패한 웹훅 모두 다시 보내기…", "Reenviar todos los fallidos…";

        none: "No webhooks have been sent yet. They appear here as soon as something happens to a verification. To see one now, send a test.", "아직 보낸 웹훅이 없습니다. 인증에 변화가 생기면 여기에 표시됩니다. 지금 확인하려면 테스트를 보내 주세요.", "Todavía no se ha enviado ningún webhook. Aparecerán aquí en cuanto ocurra algo en una verificación. Para ver uno ahora, envíe una prueba.";
        no_endpoint: "No webhooks have been sent yet, because there is no endpoint to send them to. Add the URL of the server that should get them.", "웹훅을 보낼 엔드포인트가 없어 아직 보낸 웹훅이 없습니다. 웹훅을 받을 서버의 URL을 추가해 주세요.", "Todavía no se ha enviado ningún webhook porque no hay ningún endpoint. Añada la URL del servidor que debe recibirlos.";
        add_endpoint: "Add an endpoint", "엔드포인트 추가", "Añadir un endpoint";
        no_match: "No webhook matches these filters.", "이 필터에 맞는 웹훅이 없습니다.", "Ningún webhook coincide con estos filtros.";
        no_older: "There are no older webhooks.", "더 오래된 웹훅이 없습니다.", "No hay webhooks más antiguos.";
        none_so_far: "No webhook found so far. Older ones have not been searched yet. A range of days makes the search faster.", "지금까지 찾은 웹훅이 없습니다. 더 오래된 항목은 아직 검색하지 않았습니다. 날짜 범위를 정하면 더 빨리 찾을 수 있습니다.", "Aún no se ha encontrado ningún webhook. Los más antiguos todavía no se han buscado. Un intervalo de días acelera la búsqueda.";

        /// `{number}`: attempt, `{max}`: maximum.
        attempt_of: "attempt {number} of {max}", "시도 {number}/{max}", "intento {number} de {max}";
        next: "next", "다음", "el próximo";
        next_at: "The next attempt is at", "다음 시도 시각:", "El próximo intento es el";
        by_replay: "after sending again", "다시 보낸 뒤", "tras reenviarlo";

        details: "Details", "상세 정보", "Detalles";
        delivery_id: "Delivery ID", "전달 ID", "Id. de la entrega";
        event_page: "Data of the event", "이벤트 데이터", "Datos del evento";
        siblings: "Deliveries of this event to all endpoints", "이 이벤트의 모든 엔드포인트 전달", "Entregas de este evento a todos los endpoints";
        added_by: "The replay that sent this earlier event to the endpoint", "이 이벤트를 나중에 엔드포인트로 보낸 다시 보내기 작업", "El reenvío que envió este evento anterior al endpoint";
        erased: "The data was erased on request, so the answers are no longer stored and the webhook cannot be sent again.", "요청에 따라 데이터를 지워 응답이 더 이상 저장되어 있지 않으며, 웹훅을 다시 보낼 수 없습니다.", "Los datos se borraron a petición, así que las respuestas ya no se conservan y el webhook no se puede reenviar.";
        endpoint_gone: "The endpoint was deleted, so the webhook cannot be sent again.", "엔드포인트가 삭제되어 웹훅을 다시 보낼 수 없습니다.", "El endpoint se eliminó, así que el webhook no se puede reenviar.";
        our_addresses: "See our addresses", "발신 주소 보기", "Ver nuestras direcciones";
        send_again: "Send again", "다시 보내기", "Reenviar";
        send_again_note: "The server gets the same webhook once more, with the current settings of the endpoint.", "엔드포인트의 현재 설정으로 같은 웹훅을 한 번 더 보냅니다.", "El servidor recibe el mismo webhook una vez más, con la configuración actual del endpoint.";
        all_since: "All failed since then…", "이후 실패한 웹훅 모두…", "Todos los fallidos desde entonces…";
        done_queued: "The webhook is sent again within seconds. Refresh this page to see the answer.", "몇 초 안에 웹훅을 다시 보냅니다. 새로 고침하면 응답을 볼 수 있습니다.", "El webhook se reenvía en unos segundos. Actualice esta página para ver la respuesta.";

        what_happened: "What happened", "진행 과정", "Qué ocurrió";
        accepted: "Accepted", "접수", "Aceptado";
        attempt: "Attempt {number}", "시도 {number}", "Intento {number}";
        next_attempt: "Next: attempt {number} of {max}", "다음: 시도 {number}/{max}", "A continuación: intento {number} de {max}";
        no_more: "No further attempts", "더 이상 시도하지 않음", "No habrá más intentos";
        sent_again: "Sent again", "다시 보냄", "Reenviado";
        not_sent_again: "Not sent again", "다시 보내지 않음", "No reenviado";
        more_steps: "{count} more steps", "{count}단계 더 보기", "{count} pasos más";
        answer: "Answer", "응답", "Respuesta";

        last_attempt: "Last attempt", "마지막 시도", "Último intento";
        duration: "Duration", "소요 시간", "Duración";
        no_status: "no answer", "응답 없음", "sin respuesta";
        answer_empty: "The answer has no text.", "응답에 내용이 없습니다.", "La respuesta no tiene texto.";
        answer_note: "The first 1,024 bytes of what the server answered.", "서버 응답의 처음 1,024바이트입니다.", "Los primeros 1024 bytes de lo que respondió el servidor.";

        what_was_sent: "What was sent", "보낸 내용", "Qué se envió";
        what_was_tried: "What we tried to send", "보내려 한 내용", "Qué se intentó enviar";
        sent_note: "Written again from the event and the current settings of the endpoint. It differs from what was sent if the settings changed since.", "이벤트와 엔드포인트의 현재 설정으로 다시 만든 내용입니다. 그사이 설정이 바뀌었다면 실제로 보낸 내용과 다릅니다.", "Reconstruido a partir del evento y de la configuración actual del endpoint. Si la configuración ha cambiado desde entonces, difiere de lo que se envió.";
        sent_encrypted: "The server gets the body encrypted. This is the body before encryption.", "서버는 암호화된 본문을 받습니다. 아래는 암호화하기 전의 본문입니다.", "El servidor recibe el cuerpo cifrado. Este es el cuerpo antes de cifrarlo.";
        sent_cut: "The body is long, so only its beginning is shown.", "본문이 길어 앞부분만 표시합니다.", "El cuerpo es largo, así que solo se muestra el principio.";
        sent_unknown: "It can no longer be shown, because the event or the endpoint is gone.", "이벤트나 엔드포인트가 없어져 더 이상 표시할 수 없습니다.", "Ya no se puede mostrar porque el evento o el endpoint ya no existen.";
        not_shown: "(not shown)", "(표시하지 않음)", "(no se muestra)";

        skipped_under_way: "the delivery had not ended", "전달이 끝나지 않았음", "la entrega no había terminado";
        skipped_deleted: "the endpoint was deleted", "엔드포인트가 삭제됨", "se eliminó el endpoint";
        skipped_paused: "the endpoint was paused", "엔드포인트가 일시 중지됨", "el endpoint estaba en pausa";
        skipped_disabled: "the endpoint was disabled", "엔드포인트가 비활성화됨", "el endpoint estaba desactivado";
        skipped_unverified: "the server had not granted webhooks", "서버가 웹훅을 허용하지 않았음", "el servidor no había autorizado los webhooks";
        skipped_pace: "the endpoint got as many webhooks as its pace allows", "엔드포인트가 속도만큼 웹훅을 이미 받고 있었음", "el endpoint ya recibía tantos webhooks como permite su ritmo";
        skipped_gone: "the event is no longer stored", "이벤트가 저장되어 있지 않음", "el evento ya no está almacenado";
        skipped_cancelled: "sending was stopped", "전송이 중지됨", "se detuvo el envío";
    }
}

impl Words {
    /// What was done.
    pub(super) const fn done(&self, done: Done) -> &'static str {
        match done {
            Done::Queued => self.done_queued,
        }
    }

    /// Why a replay was not sent, in a few words.
    pub(super) const fn skipped(&self, reason: SkipReason) -> &'static str {
        match reason {
            SkipReason::DeliveryUnderWay => self.skipped_under_way,
            SkipReason::EndpointDeleted => self.skipped_deleted,
            SkipReason::EndpointPaused => self.skipped_paused,
            SkipReason::EndpointDisabled => self.skipped_disabled,
            SkipReason::EndpointUnverified => self.skipped_unverified,
            SkipReason::EndpointPace => self.skipped_pace,
            SkipReason::EventGone => self.skipped_gone,
            SkipReason::ReplayCancelled => self.skipped_cancelled,
        }
    }
}
