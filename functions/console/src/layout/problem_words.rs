//! What a person reads about a problem.

use api::ProblemKind;
use domain::foundation::language::Language;

use crate::http::problem::{ApiProblem, Problem};
use crate::layout::translations::{Fill, words};

words! {
    /// Titles and texts of problems.
    pub(crate) struct Words {
        not_found_title: "Page not found", "페이지를 찾을 수 없습니다", "Página no encontrada";
        not_found: "This page does not exist, or what it showed was deleted.", "이 페이지가 없거나 표시하던 항목이 삭제되었습니다.", "Esta página no existe o se eliminó lo que mostraba.";
        wrong_method_title: "This does not work here", "여기서는 할 수 없습니다", "Aquí no se puede";
        wrong_method: "A page was asked for something that it does not offer, so nothing was changed. Go back and open the page by its link.", "페이지가 제공하지 않는 요청이므로 아무것도 변경하지 않았습니다. 돌아가서 링크로 페이지를 열어 주세요.", "Se pidió a una página algo que no ofrece, así que no se ha cambiado nada. Vuelva atrás y abra la página con su enlace.";
        not_allowed_title: "Not allowed", "권한이 없습니다", "No permitido";
        not_allowed: "Your role does not allow this. Ask an admin of your team.", "현재 역할로는 할 수 없습니다. 팀의 관리자에게 요청해 주세요.", "Su rol no lo permite. Pídaselo a un administrador de su equipo.";
        refused_title: "This could not be done", "처리할 수 없습니다", "No se pudo hacer";
        fault_title: "Something went wrong", "문제가 발생했습니다", "Algo ha fallado";
        internal: "The fault is ours. Nothing was changed. If it happens again, tell your provider the request id.", "저희 쪽 문제이며 변경된 것은 없습니다. 계속되면 요청 ID를 서비스 제공자에게 알려 주세요.", "El fallo es nuestro y no se ha cambiado nada. Si se repite, indique a su proveedor el id. de la petición.";
        unavailable: "A service is not available at the moment. Please try again in a minute.", "지금은 서비스를 사용할 수 없습니다. 잠시 후 다시 시도해 주세요.", "Un servicio no está disponible en este momento. Inténtelo de nuevo dentro de un minuto.";
        other_site_title: "Request refused", "요청이 거부되었습니다", "Petición rechazada";
        other_site: "This request did not come from a page of these settings, so nothing was changed. Go back and try again. If it happens again, your browser may be too old.", "이 설정 화면에서 보낸 요청이 아니므로 아무것도 변경하지 않았습니다. 돌아가서 다시 시도해 주세요. 계속되면 브라우저가 너무 오래된 것일 수 있습니다.", "Esta petición no proviene de una página de esta configuración, así que no se ha cambiado nada. Vuelva atrás e inténtelo de nuevo. Si se repite, es posible que su navegador sea demasiado antiguo.";
        session_title: "Your session is over", "세션이 종료되었습니다", "Su sesión ha terminado";
        session: "A session ends after an hour without use, after eight hours, or when somebody ends it. Open the settings again from where you came.", "한 시간 동안 사용하지 않거나 여덟 시간이 지나거나 누군가 종료하면 세션이 끝납니다. 들어오신 곳에서 설정을 다시 열어 주세요.", "Una sesión termina tras una hora sin uso, tras ocho horas o cuando alguien la cierra. Vuelva a abrir la configuración desde donde llegó.";
        open_again: "Open the settings again", "설정 다시 열기", "Abrir de nuevo la configuración";
        bad_form: "The form could not be read. Go back and send it again.", "양식을 읽을 수 없습니다. 돌아가서 다시 보내 주세요.", "No se pudo leer el formulario. Vuelva atrás y envíelo de nuevo.";
        too_large: "What you entered is too long.", "입력한 내용이 너무 깁니다.", "Lo que ha introducido es demasiado largo.";
        bad_query: "The address of this page has a filter that does not exist or a page that has expired. Start from the first page of the list.", "이 페이지 주소에 없는 필터가 있거나 목록 위치가 만료되었습니다. 목록의 첫 페이지부터 다시 시작해 주세요.", "La dirección de esta página contiene un filtro que no existe o una página que ha caducado. Empiece por la primera página de la lista.";
        bad_fields: "Nothing was saved. Please correct the marked fields.", "저장되지 않았습니다. 표시된 항목을 고쳐 주세요.", "No se ha guardado nada. Corrija los campos marcados.";
        limit_reached: "The limit for this project is reached. Delete something that is no longer needed first.", "이 프로젝트의 한도에 도달했습니다. 더 이상 필요 없는 항목을 먼저 삭제해 주세요.", "Se ha alcanzado el límite de este proyecto. Elimine antes algo que ya no necesite.";
        changed: "Somebody changed this meanwhile, so nothing was saved. Compare with the current settings. If you save again, your entries replace them.", "그사이에 다른 사람이 변경하여 저장되지 않았습니다. 현재 설정과 비교해 주세요. 다시 저장하면 입력한 내용으로 바뀝니다.", "Alguien lo ha cambiado entretanto, así que no se ha guardado nada. Compare con la configuración actual. Si guarda de nuevo, sus datos la sustituirán.";
        try_again: "Somebody changed something at the same time, so nothing was saved. Please send the form again.", "같은 시점에 다른 변경이 있어 저장되지 않았습니다. 양식을 다시 보내 주세요.", "Alguien ha hecho un cambio al mismo tiempo, así que no se ha guardado nada. Envíe el formulario de nuevo.";
        sent_before: "This form was already sent with other entries. Check the entries, and send it again if they are what you want.", "이 양식은 다른 내용으로 이미 전송되었습니다. 입력 내용을 확인하고, 맞으면 다시 보내 주세요.", "Este formulario ya se envió con otros datos. Compruebe los datos y envíelo de nuevo si son los que desea.";
        running: "The same request is still running. Wait a moment and look at the list before you send it again.", "같은 요청이 아직 처리 중입니다. 잠시 기다린 뒤 목록을 확인하고 다시 보내 주세요.", "La misma petición sigue en curso. Espere un momento y consulte la lista antes de enviarla de nuevo.";
        already_confirmed: "The person has already confirmed the address, so no mail is needed.", "이미 주소를 확인한 사용자이므로 메일이 필요하지 않습니다.", "La persona ya confirmó la dirección, así que no hace falta ningún correo.";
        too_many_mails: "Too many confirmation mails were sent. Try again in {seconds}.", "확인 메일을 너무 많이 보냈습니다. {seconds} 후에 다시 시도해 주세요.", "Se han enviado demasiados correos de confirmación. Inténtelo de nuevo en {seconds}.";
        too_many_calls: "Too many requests in a short time. Try again in {seconds}.", "짧은 시간에 요청이 너무 많습니다. {seconds} 후에 다시 시도해 주세요.", "Demasiadas peticiones en poco tiempo. Inténtelo de nuevo en {seconds}.";
        too_many_tests: "Too many tests in a minute. Try again in {seconds}.", "1분 동안 보낸 테스트가 너무 많습니다. {seconds} 후에 다시 시도해 주세요.", "Demasiadas pruebas en un minuto. Inténtelo de nuevo en {seconds}.";
        slow_read: "Another report or count of this project is running. Try again in {seconds}.", "이 프로젝트의 다른 리포트나 집계가 진행 중입니다. {seconds} 후에 다시 시도해 주세요.", "Hay otro informe o recuento de este proyecto en curso. Inténtelo de nuevo en {seconds}.";
        not_revertible: "This change cannot be reverted: it removed a secret or is final.", "이 변경은 되돌릴 수 없습니다. 비밀 값을 제거했거나 최종 변경입니다.", "Este cambio no se puede revertir: eliminó un secreto o es definitivo.";
        next_key_exists: "Another secretKey is waiting to become current. Activate or delete it first.", "다음 secretKey가 이미 대기 중입니다. 먼저 활성화하거나 삭제해 주세요.", "Ya hay otra secretKey esperando a ser la actual. Actívela o elimínela antes.";
        key_in_use: "The secretKey is in use. Create another one to replace it.", "사용 중인 secretKey입니다. 새로 만들어 교체해 주세요.", "La secretKey está en uso. Cree otra para sustituirla.";
        key_replaced: "The secretKey was replaced by a newer one and cannot be activated again.", "더 새로운 secretKey로 교체되어 다시 활성화할 수 없습니다.", "La secretKey se sustituyó por otra más reciente y no se puede volver a activar.";
        under_way: "The delivery has not ended yet. It can be sent again after it has ended.", "아직 전달이 끝나지 않았습니다. 끝난 뒤에 다시 보낼 수 있습니다.", "La entrega aún no ha terminado. Podrá reenviarla cuando termine.";
        endpoint_deleted: "The endpoint of this delivery was deleted.", "이 전달의 엔드포인트가 삭제되었습니다.", "El endpoint de esta entrega se eliminó.";
        endpoint_unverified: "The server has not granted webhooks yet. Make the handshake of the endpoint first.", "서버가 아직 웹훅을 허용하지 않았습니다. 먼저 엔드포인트의 핸드셰이크를 해 주세요.", "El servidor aún no ha autorizado webhooks. Haga antes el handshake del endpoint.";
        handshake_not_asked: "This endpoint needs no handshake.", "이 엔드포인트는 핸드셰이크가 필요하지 않습니다.", "Este endpoint no necesita un handshake.";
        endpoint_stopped: "The endpoint is paused or disabled. Resume it first.", "엔드포인트가 일시 중지되었거나 비활성화되었습니다. 먼저 다시 시작해 주세요.", "El endpoint está en pausa o desactivado. Reanúdelo antes.";
        event_gone: "The event is no longer stored.", "이벤트가 더 이상 저장되어 있지 않습니다.", "El evento ya no está almacenado.";
        replay_running: "Another replay of this project is running. Cancel it or wait until it ends.", "이 프로젝트의 다른 다시 보내기 작업이 진행 중입니다. 취소하거나 끝날 때까지 기다려 주세요.", "Hay otro reenvío de este proyecto en curso. Cancélelo o espere a que termine.";
        replay_done: "The replay has already ended.", "다시 보내기 작업이 이미 끝났습니다.", "El reenvío ya ha terminado.";
        report_too_large: "The day has too many deliveries to count here. Add a notification user to have its report built every morning.", "이 날은 전달이 너무 많아 여기서 집계할 수 없습니다. 알림 수신자를 추가하면 매일 아침 리포트가 만들어집니다.", "El día tiene demasiadas entregas para contarlas aquí. Añada un destinatario de avisos para que el informe se prepare cada mañana.";
        day_to_come: "The day has not started yet.", "아직 시작되지 않은 날입니다.", "El día aún no ha empezado.";
        seconds: "{count} s", "{count}초", "{count} s";
        minutes: "{count} min", "{count}분", "{count} min";
    }
}

/// The wait that a page names if the api names none, in seconds.
const DEFAULT_WAIT_SECONDS: u64 = 60;

/// What a page says about a problem.
pub(crate) struct Message {
    pub(crate) title: &'static str,
    pub(crate) text: String,
}

/// The message of a problem's page.
pub(crate) fn message(problem: &Problem, language: Language) -> Message {
    let words = Words::of(language);
    let (title, text) = match problem {
        Problem::Api(problem) => (title(problem.kind, words), &*api_text(problem, language)),
        Problem::NoSuchPage => (words.not_found_title, words.not_found),
        Problem::MethodNotAllowed => (words.wrong_method_title, words.wrong_method),
        Problem::OtherSite => (words.other_site_title, words.other_site),
        Problem::SessionOver(_) => (words.session_title, words.session),
        Problem::NotAForm => (words.refused_title, words.bad_form),
        Problem::FormTooLarge => (words.refused_title, words.too_large),
        Problem::Unavailable { .. } => (words.fault_title, words.unavailable),
        Problem::Internal { .. } => (words.fault_title, words.internal),
    };
    Message { title, text: text.to_owned() }
}

/// Why the api refused a request.
pub(crate) fn api_text(problem: &ApiProblem, language: Language) -> String {
    let words = Words::of(language);
    text(problem.kind, words).fill("seconds", wait(problem.retry_after.unwrap_or(DEFAULT_WAIT_SECONDS), words))
}

fn wait(seconds: u64, words: &Words) -> String {
    match seconds {
        0..=90 => words.seconds.fill("count", seconds),
        _ => words.minutes.fill("count", seconds.div_ceil(60)),
    }
}

fn title(kind: ProblemKind, words: &'static Words) -> &'static str {
    match kind {
        ProblemKind::NotFound => words.not_found_title,
        ProblemKind::Forbidden => words.not_allowed_title,
        ProblemKind::Internal | ProblemKind::Unavailable => words.fault_title,
        _ => words.refused_title,
    }
}

fn text(kind: ProblemKind, words: &'static Words) -> &'static str {
    match kind {
        ProblemKind::NotFound => words.not_found,
        ProblemKind::Forbidden => words.not_allowed,
        ProblemKind::BadQuery => words.bad_query,
        ProblemKind::BadFields => words.bad_fields,
        ProblemKind::LimitReached => words.limit_reached,
        ProblemKind::PreconditionFailed => words.changed,
        ProblemKind::ChangedMeanwhile => words.try_again,
        ProblemKind::IdempotencyKeyReused => words.sent_before,
        ProblemKind::RequestRunning => words.running,
        ProblemKind::AlreadyConfirmed => words.already_confirmed,
        ProblemKind::TooManyMails => words.too_many_mails,
        ProblemKind::TooManyCalls => words.too_many_calls,
        ProblemKind::TooManyTests => words.too_many_tests,
        ProblemKind::SlowReadRunning => words.slow_read,
        ProblemKind::NotRevertible => words.not_revertible,
        ProblemKind::NextKeyExists => words.next_key_exists,
        ProblemKind::KeyInUse => words.key_in_use,
        ProblemKind::KeyReplaced => words.key_replaced,
        ProblemKind::DeliveryUnderWay => words.under_way,
        ProblemKind::EndpointDeleted => words.endpoint_deleted,
        ProblemKind::EndpointPaused | ProblemKind::EndpointDisabled => words.endpoint_stopped,
        ProblemKind::EndpointUnverified => words.endpoint_unverified,
        ProblemKind::HandshakeNotAsked => words.handshake_not_asked,
        ProblemKind::EventGone => words.event_gone,
        ProblemKind::ReplayRunning => words.replay_running,
        ProblemKind::ReplayDone | ProblemKind::ReplayCancelled => words.replay_done,
        ProblemKind::ReportTooLarge => words.report_too_large,
        ProblemKind::DayToCome => words.day_to_come,
        ProblemKind::TooLarge | ProblemKind::UrlTooLong => words.too_large,
        ProblemKind::Unavailable => words.unavailable,
        // The console sends no request that these refuse.
        ProblemKind::EndpointPace
        | ProblemKind::MalformedBody
        | ProblemKind::BadHeader
        | ProblemKind::UnknownKey
        | ProblemKind::ExpiredKey
        | ProblemKind::MethodNotAllowed
        | ProblemKind::NoConsole
        | ProblemKind::UnsupportedMediaType
        | ProblemKind::Internal => words.internal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_in_seconds_or_minutes() {
        let problem = |retry_after| ApiProblem { kind: ProblemKind::TooManyMails, errors: Vec::new(), retry_after };
        let text = |seconds| api_text(&problem(Some(seconds)), Language::English);
        assert!(text(43).ends_with("again in 43 s."), "{}", text(43));
        assert!(text(55_801).ends_with("again in 931 min."), "{}", text(55_801));
        for kind in ProblemKind::ALL {
            for language in Language::ALL {
                let text = api_text(&ApiProblem { kind: *kind, ..problem(None) }, language);
                assert!(!text.is_empty() && !text.contains('{'), "{text}");
            }
        }
    }
}
