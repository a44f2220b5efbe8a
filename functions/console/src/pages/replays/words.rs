//! Texts of the pages about replays.

use domain::public_names;
use domain::webhooks::replay::ReplayState;

use crate::layout::translations::words;
use crate::pages::replays::view::{Replay, Which};

public_names! {
    /// What was done before a page is shown.
    pub(super) enum Done {
        /// A replay was started.
        Started = "started",
        /// A replay was cancelled.
        Stopped = "stopped",
        /// A cancelled replay continues.
        Resumed = "resumed",
    }
}

words! {
    /// Texts of the pages about replays.
    pub(super) struct Words {
        title: "Replays", "다시 보내기", "Reenvíos";
        intro: "Send many webhooks again, such as all that failed while your server was down. One webhook can be sent again on its own page.", "서버가 멈춘 동안 실패한 웹훅처럼 여러 웹훅을 한꺼번에 다시 보냅니다. 웹훅 하나는 해당 전달 페이지에서 다시 보낼 수 있습니다.", "Reenvíe muchos webhooks a la vez, como todos los que fallaron mientras su servidor no funcionaba. Un solo webhook se reenvía desde su propia página.";
        none: "Nothing was sent again yet. If webhooks failed, you can send them again after the cause is corrected.", "아직 다시 보낸 적이 없습니다. 웹훅이 실패했다면 원인을 고친 뒤 다시 보낼 수 있습니다.", "Aún no se ha reenviado nada. Si fallaron webhooks, puede reenviarlos después de corregir la causa.";
        see_deliveries: "See the deliveries", "전달 보기", "Ver las entregas";
        add: "Send webhooks again", "웹훅 다시 보내기", "Reenviar webhooks";
        started: "Started", "시작", "Iniciado";
        which: "Which webhooks", "대상 웹훅", "Qué webhooks";
        progress: "Result", "결과", "Resultado";

        running: "running", "진행 중", "en curso";
        stopped: "stopped", "중지됨", "detenido";
        done: "done", "완료", "terminado";

        add_intro: "Nothing is sent before you have seen how many webhooks it would be.", "보낼 웹훅 수를 먼저 확인하며, 그 전에는 아무것도 보내지 않습니다.", "No se envía nada hasta que haya visto cuántos webhooks serían.";
        which_state: "Webhooks that", "대상 상태", "Webhooks que";
        state_failed: "failed", "실패한 웹훅", "fallaron";
        state_expired: "expired", "만료된 웹훅", "caducaron";
        state_missing: "an endpoint never got, such as a new one", "새 엔드포인트 등이 받지 못한 웹훅", "un endpoint nunca recibió, como uno nuevo";
        endpoint_help: "For webhooks that an endpoint never got, choose the endpoint.", "받지 못한 웹훅을 보내려면 엔드포인트를 선택해 주세요.", "Para los webhooks que un endpoint nunca recibió, elija el endpoint.";
        state_delivered: "were delivered", "전달된 웹훅", "se entregaron";
        from: "From (UTC)", "시작 시각(UTC)", "Desde (UTC)";
        from_help: "When the event was accepted.", "이벤트가 접수된 시각입니다.", "Cuándo se aceptó el evento.";
        to: "Until (UTC)", "종료 시각(UTC)", "Hasta (UTC)";
        to_help: "If it is empty, the time ends now.", "비워 두면 지금까지입니다.", "Si lo deja vacío, el periodo termina ahora.";
        rate: "Webhooks a minute", "분당 웹훅 수", "Webhooks por minuto";
        rate_help: "From 1 to 1,200. Choose what your server can take besides its usual load.", "1~1,200. 서버가 평소 부하에 더해 처리할 수 있는 수를 정해 주세요.", "De 1 a 1200. Elija lo que su servidor pueda atender además de su carga habitual.";
        count: "Count them", "개수 확인", "Contarlos";
        count_note: "Counting takes up to five seconds.", "확인에 최대 5초가 걸립니다.", "Contar tarda hasta cinco segundos.";

        count_title: "Start sending?", "전송을 시작할까요?", "¿Empezar a enviar?";
        matching: "{count} webhooks will be sent", "웹훅 {count}건을 보냅니다", "Se enviarán {count} webhooks";
        matching_one: "1 webhook will be sent", "웹훅 1건을 보냅니다", "Se enviará 1 webhook";
        at_least: "At least {count} webhooks will be sent", "웹훅 {count}건 이상을 보냅니다", "Se enviarán al menos {count} webhooks";
        at_least_note: "There are more. Counting stopped after five seconds.", "더 많이 있습니다. 5초 뒤에 집계를 멈췄습니다.", "Hay más. El recuento se detuvo a los cinco segundos.";
        nothing: "No webhook matches. Nothing would be sent.", "해당하는 웹훅이 없습니다. 보낼 것이 없습니다.", "Ningún webhook coincide. No se enviaría nada.";
        /// `{minutes}`, `{hours}`: numbers; `{rate}`: webhooks a minute.
        within_minutes: "at {rate} a minute, in about {minutes} min", "분당 {rate}건, 약 {minutes}분", "a {rate} por minuto, en unos {minutes} min";
        within_minute: "at {rate} a minute, within a minute", "분당 {rate}건, 1분 이내", "a {rate} por minuto, en menos de un minuto";
        within_hours: "at {rate} a minute, in about {hours} h", "분당 {rate}건, 약 {hours}시간", "a {rate} por minuto, en unas {hours} h";
        same_id: "Each webhook has the same webhook-id as before and the header webhook-replay. A server that compares ids processes none twice.", "각 웹훅은 이전과 같은 webhook-id와 webhook-replay 헤더를 갖습니다. ID를 비교하는 서버는 같은 웹훅을 두 번 처리하지 않습니다.", "Cada webhook lleva el mismo webhook-id que antes y la cabecera webhook-replay. Un servidor que compare los id. no procesa ninguno dos veces.";
        once_each: "Each is sent once. You can stop at any time.", "각 웹훅은 한 번만 보내며, 언제든 중지할 수 있습니다.", "Cada uno se envía una vez. Puede detenerlo en cualquier momento.";
        missing_note: "The endpoint gets each event as a new webhook, the oldest first, with all retries. Events of types that it does not receive are left out.", "엔드포인트는 각 이벤트를 새 웹훅으로 오래된 것부터 받으며, 재시도도 모두 적용됩니다. 엔드포인트가 받지 않는 유형은 제외됩니다.", "El endpoint recibe cada evento como un webhook nuevo, los más antiguos primero, con todos los reintentos. Se omiten los tipos que no recibe.";
        /// `{names}`: names of endpoints.
        skipped_endpoints: "These endpoints are paused, are disabled or need a handshake, so their webhooks are skipped: {names}", "다음 엔드포인트는 일시 중지되었거나 비활성화되었거나 핸드셰이크가 필요하여 웹훅을 건너뜁니다: {names}", "Estos endpoints están en pausa, desactivados o a falta del handshake, así que sus webhooks se omiten: {names}";
        start: "Start", "시작", "Iniciar";
        change_filters: "Change the selection", "선택 변경", "Cambiar la selección";

        /// `{at}`: time of the start.
        replay_of: "Replay of {at}", "{at} 다시 보내기", "Reenvío del {at}";
        all_endpoints: "all endpoints", "모든 엔드포인트", "todos los endpoints";
        all_types: "all types", "모든 유형", "todos los tipos";
        running_note: "Sending begins within a minute and continues by itself. You can leave this page.", "1분 안에 전송을 시작하며 자동으로 계속됩니다. 이 페이지를 떠나도 됩니다.", "El envío empieza en un minuto y continúa por sí solo. Puede salir de esta página.";
        stopped_note: "No further webhooks are sent. Those that were already on their way count as skipped.", "웹훅을 더 이상 보내지 않습니다. 이미 대기 중이던 웹훅은 건너뛴 것으로 집계됩니다.", "No se envían más webhooks. Los que ya estaban en camino cuentan como omitidos.";
        done_note: "Every webhook was sent or skipped.", "모든 웹훅을 보냈거나 건너뛰었습니다.", "Todos los webhooks se enviaron o se omitieron.";
        missing_stopped_note: "No further webhooks are created. Those that exist are still sent.", "웹훅을 더 이상 만들지 않습니다. 이미 만든 웹훅은 계속 보냅니다.", "No se crean más webhooks. Los que ya existen se siguen enviando.";
        missing_progress_note: "The numbers count first attempts. Failed ones are retried.", "숫자는 첫 시도 기준이며, 실패하면 다시 시도합니다.", "Los números cuentan los primeros intentos. Los fallidos se reintentan.";
        see_created: "See these webhooks", "이 웹훅 보기", "Ver estos webhooks";
        as_of: "As of", "기준 시각:", "A las";
        delivered: "delivered", "전달됨", "entregados";
        expired: "expired", "만료됨", "caducados";
        missing: "missing", "받지 못함", "no recibidos";
        failed: "failed", "실패", "fallidos";
        skipped: "skipped", "건너뜀", "omitidos";
        waiting: "on their way", "전송 대기 중", "en camino";
        bar: "Results of the webhooks", "웹훅 결과", "Resultados de los webhooks";
        skipped_note: "Skipped webhooks were not sent, for example because their endpoint is paused. Each delivery says why.", "건너뛴 웹훅은 보내지 않은 것입니다. 예를 들어 엔드포인트가 일시 중지된 경우입니다. 이유는 각 전달에 표시됩니다.", "Los webhooks omitidos no se enviaron, por ejemplo porque su endpoint está en pausa. Cada entrega indica el motivo.";
        see_failed: "See the ones that were not delivered", "전달되지 않은 웹훅 보기", "Ver los que no se entregaron";
        stop: "Stop…", "중지…", "Detener…";
        resume: "Continue", "계속", "Continuar";

        stop_title: "Stop sending?", "전송을 중지할까요?", "¿Detener el envío?";
        stop_effect: "No further webhooks of this replay are sent. Those that were sent stay sent.", "이 작업의 웹훅을 더 이상 보내지 않습니다. 이미 보낸 웹훅은 그대로입니다.", "No se envían más webhooks de este reenvío. Los ya enviados siguen enviados.";
        stop_again: "You can continue later where it stopped.", "나중에 중지한 곳부터 계속할 수 있습니다.", "Puede continuar más tarde desde donde se detuvo.";
        stop_button: "Stop sending", "전송 중지", "Detener el envío";

        done_started: "The webhooks are being sent.", "웹훅을 보내고 있습니다.", "Los webhooks se están enviando.";
        done_stopped: "Sending is stopped.", "전송을 중지했습니다.", "El envío está detenido.";
        done_resumed: "Sending continues.", "전송을 계속합니다.", "El envío continúa.";
    }
}

impl Words {
    /// What was done.
    pub(super) const fn done(&self, done: Done) -> &'static str {
        match done {
            Done::Started => self.done_started,
            Done::Stopped => self.done_stopped,
            Done::Resumed => self.done_resumed,
        }
    }

    /// A state in one word.
    pub(super) const fn state(&self, state: ReplayState) -> &'static str {
        match state {
            ReplayState::Running => self.running,
            ReplayState::Cancelled => self.stopped,
            ReplayState::Done => self.done,
        }
    }

    /// What the state of a replay means, as a sentence.
    pub(super) fn note(&self, replay: &Replay) -> &'static str {
        match replay.state {
            ReplayState::Running => self.running_note,
            ReplayState::Cancelled if replay.sends_missing() => self.missing_stopped_note,
            ReplayState::Cancelled => self.stopped_note,
            ReplayState::Done => self.done_note,
        }
    }

    /// Which deliveries are sent, after the words "Webhooks that".
    pub(super) const fn deliveries(&self, which: Which) -> &'static str {
        match which {
            Which::Failed => self.state_failed,
            Which::Expired => self.state_expired,
            Which::Delivered => self.state_delivered,
            Which::Missing => self.state_missing,
        }
    }

    /// Which deliveries are sent, in one word.
    pub(super) const fn which(&self, which: Which) -> &'static str {
        match which {
            Which::Failed => self.failed,
            Which::Expired => self.expired,
            Which::Delivered => self.delivered,
            Which::Missing => self.missing,
        }
    }

    /// The deliveries that can be sent, for a choice.
    pub(super) fn choices(&self) -> [(&'static str, &'static str); Which::ALL.len()] {
        Which::ALL.map(|which| (which.as_str(), self.deliveries(which)))
    }
}
