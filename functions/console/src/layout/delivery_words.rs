//! States of deliveries in words, for lists, single deliveries and events.

use domain::webhooks::attempt::{Attempt, FailureReason};
use domain::webhooks::delivery::{CancelReason, DeliveryHoldReason, DeliveryState};

use crate::layout::time::grouped;
use crate::layout::translations::words;

words! {
    /// Texts about the state of a delivery.
    pub(crate) struct Words {
        queued: "waiting to be sent", "전송 대기 중", "por enviar";
        waiting: "trying", "재시도 중", "reintentando";
        held: "held", "보류", "retenido";
        delivered: "delivered", "전달됨", "entregado";
        failed: "failed", "실패", "fallido";
        cancelled: "cancelled", "취소됨", "cancelado";
        expired: "expired", "만료됨", "caducado";

        queued_note: "It is waiting to be sent, usually for a few seconds.", "전송을 기다리고 있습니다. 보통 몇 초가 걸립니다.", "Está por enviarse, normalmente en unos segundos.";
        waiting_note: "Sending continues by itself. Once the server accepts an attempt, the webhook is delivered.", "전송은 자동으로 계속됩니다. 서버가 시도를 받으면 웹훅이 전달됩니다.", "El envío continúa por sí solo. En cuanto el servidor acepte un intento, el webhook queda entregado.";
        delivered_note: "The server accepted the webhook.", "서버가 웹훅을 받았습니다.", "El servidor aceptó el webhook.";
        failed_note: "All attempts are used up. Correct the cause, then send the webhook again.", "모든 시도가 끝났습니다. 원인을 고친 뒤 웹훅을 다시 보내 주세요.", "Se agotaron todos los intentos. Corrija la causa y vuelva a enviar el webhook.";
        cancelled_note: "Sending was cancelled.", "전송이 취소되었습니다.", "El envío se canceló.";
        cancelled_deleted: "Sending was cancelled because the endpoint was deleted.", "엔드포인트가 삭제되어 전송이 취소되었습니다.", "El envío se canceló porque se eliminó el endpoint.";
        cancelled_erased: "Sending was cancelled because the data was erased.", "데이터가 지워져 전송이 취소되었습니다.", "El envío se canceló porque se borraron los datos.";
        cancelled_discarded: "Somebody discarded the held webhooks of the endpoint.", "누군가 엔드포인트의 보류된 웹훅을 폐기했습니다.", "Alguien descartó los webhooks retenidos del endpoint.";
        expired_note: "It could not be delivered before its data is due to be deleted, so sending ended. Send it again soon if the server still needs it.", "데이터가 삭제될 때까지 전달하지 못해 전송이 끝났습니다. 서버에 아직 필요하다면 곧 다시 보내 주세요.", "No se pudo entregar antes de que sus datos se eliminen, así que el envío terminó. Reenvíelo pronto si el servidor aún lo necesita.";

        held_paused: "Somebody paused the endpoint. The webhook is sent when the endpoint is resumed.", "누군가 엔드포인트를 일시 중지했습니다. 다시 시작하면 웹훅을 보냅니다.", "Alguien pausó el endpoint. El webhook se enviará cuando se reanude.";
        held_disabled: "The endpoint is disabled. The webhook is sent when the endpoint is enabled again.", "엔드포인트가 비활성화되었습니다. 다시 활성화하면 웹훅을 보냅니다.", "El endpoint está desactivado. El webhook se enviará cuando se vuelva a activar.";
        held_failing: "The last webhooks to this endpoint failed, so it gets a pause. The webhook is sent as soon as the server answers again.", "이 엔드포인트로 보낸 최근 웹훅이 실패하여 잠시 멈췄습니다. 서버가 다시 응답하면 바로 보냅니다.", "Los últimos webhooks a este endpoint fallaron, así que se hace una pausa. El webhook se enviará en cuanto el servidor vuelva a responder.";
        held_busy: "The server asked for a pause. The webhook is sent after it.", "서버가 잠시 멈춰 달라고 요청했습니다. 그 뒤에 웹훅을 보냅니다.", "El servidor pidió una pausa. El webhook se enviará después.";
        held_order: "An earlier webhook of the same submission has not ended yet, and this endpoint gets them in order. The webhook is sent after it.", "같은 제출의 앞선 웹훅이 아직 끝나지 않았고, 이 엔드포인트는 웹훅을 순서대로 받습니다. 앞선 웹훅이 끝나면 보냅니다.", "Un webhook anterior de la misma solicitud aún no ha terminado y este endpoint los recibe en orden. El webhook se enviará después.";
        held_unverified: "The server has not granted webhooks yet. The webhook is sent after the handshake.", "서버가 아직 웹훅을 허용하지 않았습니다. 핸드셰이크 후에 웹훅을 보냅니다.", "El servidor aún no ha autorizado webhooks. El webhook se enviará después del handshake.";
        held_pace: "More webhooks wait than the pace of the endpoint allows in 15 minutes. The webhook is sent when its turn comes.", "엔드포인트의 속도로 15분 안에 보낼 수 있는 것보다 많은 웹훅이 기다리고 있습니다. 차례가 되면 보냅니다.", "Esperan más webhooks de los que el ritmo del endpoint permite en 15 minutos. El webhook se enviará cuando le toque.";
        held_paused_short: "endpoint paused", "엔드포인트 일시 중지", "endpoint en pausa";
        held_disabled_short: "endpoint disabled", "엔드포인트 비활성화", "endpoint desactivado";
        held_failing_short: "endpoint is failing", "엔드포인트 실패 중", "el endpoint falla";
        held_busy_short: "server asked for a pause", "서버가 일시 중지 요청", "el servidor pidió una pausa";
        held_order_short: "waits for an earlier webhook", "앞선 웹훅을 기다리는 중", "espera a un webhook anterior";
        held_unverified_short: "waits for the handshake", "핸드셰이크를 기다리는 중", "espera al handshake";
        held_pace_short: "waits for its turn", "차례를 기다리는 중", "espera su turno";

        redirect: "redirect", "리디렉션", "redirección";
        dns: "host name not found", "호스트 이름 없음", "servidor no encontrado";
        blocked_address: "address not public", "공개 주소 아님", "dirección no pública";
        refused: "connection refused", "연결 거부", "conexión rechazada";
        connect_timeout: "no connection", "연결 안 됨", "sin conexión";
        tls: "TLS failed", "TLS 실패", "falló TLS";
        certificate_expired: "certificate expired", "인증서 만료", "certificado caducado";
        certificate_not_yet_valid: "certificate not valid yet", "인증서 유효 기간 전", "certificado aún no válido";
        certificate_wrong_host: "certificate of another host", "다른 호스트의 인증서", "certificado de otro servidor";
        certificate_self_signed: "self-signed certificate", "자체 서명 인증서", "certificado autofirmado";
        certificate_unknown_issuer: "unknown certificate authority", "알 수 없는 인증 기관", "autoridad desconocida";
        timeout: "no answer in time", "응답 시간 초과", "sin respuesta a tiempo";
        connection_lost: "connection closed", "연결 끊김", "conexión cerrada";
        invalid_response: "no valid HTTP answer", "잘못된 HTTP 응답", "respuesta HTTP no válida";
        client_certificate_required: "client certificate required", "클라이언트 인증서 필요", "exige certificado de cliente";
        client_certificate_rejected: "client certificate rejected", "클라이언트 인증서 거부", "certificado de cliente rechazado";
        token_unreachable: "token server not reached", "토큰 서버 연결 안 됨", "sin conexión con el servidor de tokens";
        token_refused: "no token issued", "토큰 발급 거부", "token denegado";
        token_invalid: "no usable token", "사용할 수 없는 토큰", "token no utilizable";
        too_large: "answer headers too large", "응답 헤더 초과", "cabeceras demasiado grandes";
    }
}

/// The tone of a state's chip.
pub(crate) const fn tone(state: DeliveryState) -> &'static str {
    match state {
        DeliveryState::Queued | DeliveryState::Cancelled => "idle",
        DeliveryState::Waiting => "warn",
        DeliveryState::Held => "held",
        DeliveryState::Delivered => "ok",
        DeliveryState::Failed | DeliveryState::Expired => "bad",
    }
}

impl Words {
    /// A state in one or two words.
    pub(crate) const fn state(&self, state: DeliveryState) -> &'static str {
        match state {
            DeliveryState::Queued => self.queued,
            DeliveryState::Waiting => self.waiting,
            DeliveryState::Held => self.held,
            DeliveryState::Delivered => self.delivered,
            DeliveryState::Failed => self.failed,
            DeliveryState::Cancelled => self.cancelled,
            DeliveryState::Expired => self.expired,
        }
    }

    /// All states, for a choice: the name and the words.
    pub(crate) fn states(&self) -> impl Iterator<Item = (String, String)> {
        DeliveryState::ALL.into_iter().map(|state| (state.to_string(), self.state(state).to_owned()))
    }

    /// What a state means, as a sentence. `held` and `cancelled` are why the delivery is held or was cancelled.
    pub(crate) const fn note(
        &self,
        state: DeliveryState,
        held: Option<DeliveryHoldReason>,
        cancelled: Option<CancelReason>,
    ) -> &'static str {
        match (state, held, cancelled) {
            (DeliveryState::Queued, _, _) => self.queued_note,
            (DeliveryState::Waiting, _, _) => self.waiting_note,
            (DeliveryState::Held, Some(reason), _) => self.held_because(reason),
            (DeliveryState::Held, None, _) => self.held_failing,
            (DeliveryState::Delivered, _, _) => self.delivered_note,
            (DeliveryState::Failed, _, _) => self.failed_note,
            (DeliveryState::Expired, _, _) => self.expired_note,
            (DeliveryState::Cancelled, _, Some(reason)) => self.cancelled_because(reason),
            (DeliveryState::Cancelled, _, None) => self.cancelled_note,
        }
    }

    const fn cancelled_because(&self, reason: CancelReason) -> &'static str {
        match reason {
            CancelReason::EndpointDeleted => self.cancelled_deleted,
            CancelReason::EventErased => self.cancelled_erased,
            CancelReason::Discarded => self.cancelled_discarded,
        }
    }

    /// Why deliveries are held, as a sentence.
    const fn held_because(&self, reason: DeliveryHoldReason) -> &'static str {
        match reason {
            DeliveryHoldReason::Paused => self.held_paused,
            DeliveryHoldReason::Disabled => self.held_disabled,
            DeliveryHoldReason::Failing => self.held_failing,
            DeliveryHoldReason::Busy => self.held_busy,
            DeliveryHoldReason::Order => self.held_order,
            DeliveryHoldReason::Unverified => self.held_unverified,
            DeliveryHoldReason::Pace => self.held_pace,
        }
    }

    /// Why deliveries are held, in a few words.
    pub(crate) const fn held_short(&self, reason: DeliveryHoldReason) -> &'static str {
        match reason {
            DeliveryHoldReason::Paused => self.held_paused_short,
            DeliveryHoldReason::Disabled => self.held_disabled_short,
            DeliveryHoldReason::Failing => self.held_failing_short,
            DeliveryHoldReason::Busy => self.held_busy_short,
            DeliveryHoldReason::Order => self.held_order_short,
            DeliveryHoldReason::Unverified => self.held_unverified_short,
            DeliveryHoldReason::Pace => self.held_pace_short,
        }
    }

    /// What an attempt resulted in, such as `204 · 91 ms`.
    pub(crate) fn result(&self, attempt: &Attempt) -> String {
        let result = self.cause(attempt.reason, attempt.status);
        let detail = self.token_detail(attempt).map(|detail| format!(": {detail}")).unwrap_or_default();
        format!("{result}{detail} · {}\u{a0}ms", grouped(attempt.duration_ms.into()))
    }

    /// Why there was no access token: the error code of the token server, or why the token server was not reached.
    pub(crate) fn token_detail<'a>(&self, attempt: &'a Attempt) -> Option<&'a str> {
        let response = attempt.response.as_deref()?;
        match attempt.reason? {
            FailureReason::TokenRefused => Some(response),
            FailureReason::TokenUnreachable => Some(response.parse().map_or(response, |reason| self.short(reason))),
            _ => None,
        }
    }

    /// What a server answered, or why it did not answer, such as `503` or `connection refused`.
    pub(crate) fn cause(&self, reason: Option<FailureReason>, status: Option<u16>) -> String {
        match (reason, status) {
            (None | Some(FailureReason::Status), status) => status.map(|status| status.to_string()).unwrap_or_default(),
            (Some(reason), Some(status)) => format!("{status}, {}", self.short(reason)),
            (Some(reason), None) => self.short(reason).to_owned(),
        }
    }

    /// Why an attempt failed, in a few words.
    const fn short(&self, reason: FailureReason) -> &'static str {
        match reason {
            FailureReason::Status => "",
            FailureReason::Redirect => self.redirect,
            FailureReason::Dns => self.dns,
            FailureReason::BlockedAddress => self.blocked_address,
            FailureReason::Refused => self.refused,
            FailureReason::ConnectTimeout => self.connect_timeout,
            FailureReason::Tls => self.tls,
            FailureReason::CertificateExpired => self.certificate_expired,
            FailureReason::CertificateNotYetValid => self.certificate_not_yet_valid,
            FailureReason::CertificateWrongHost => self.certificate_wrong_host,
            FailureReason::CertificateSelfSigned => self.certificate_self_signed,
            FailureReason::CertificateUnknownIssuer => self.certificate_unknown_issuer,
            FailureReason::Timeout => self.timeout,
            FailureReason::ConnectionLost => self.connection_lost,
            FailureReason::InvalidResponse => self.invalid_response,
            FailureReason::TooLarge => self.too_large,
            FailureReason::ClientCertificateRequired => self.client_certificate_required,
            FailureReason::ClientCertificateRejected => self.client_certificate_rejected,
            FailureReason::TokenUnreachable => self.token_unreachable,
            FailureReason::TokenRefused => self.token_refused,
            FailureReason::TokenInvalid => self.token_invalid,
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::foundation::language::Language;
    use domain::webhooks::attempt::Phases;

    use super::*;

    #[test]
    fn a_result_has_the_status_or_else_the_reason_and_the_duration() {
        let words = Words::of(Language::English);
        let attempt = |status, reason, response: Option<&str>| Attempt {
            number: 1,
            at: "2026-11-22T08:30:00Z".parse().unwrap(),
            duration_ms: 15_000,
            phases: Phases::default(),
            status,
            reason,
            response: response.map(str::to_owned),
        };
        let result = |status, reason| words.result(&attempt(status, reason, Some("answer")));
        assert_eq!(result(Some(204), None), "204 · 15,000\u{a0}ms");
        assert_eq!(result(Some(500), Some(FailureReason::Status)), "500 · 15,000\u{a0}ms");
        assert_eq!(result(Some(301), Some(FailureReason::Redirect)), "301, redirect · 15,000\u{a0}ms");
        assert_eq!(result(None, Some(FailureReason::Timeout)), "no answer in time · 15,000\u{a0}ms");
        let token = |status, reason, response| words.result(&attempt(status, Some(reason), response));
        let refused = token(Some(401), FailureReason::TokenRefused, Some("invalid_client"));
        assert_eq!(refused, "401, no token issued: invalid_client · 15,000\u{a0}ms");
        let unreachable = token(None, FailureReason::TokenUnreachable, Some("dns"));
        assert_eq!(unreachable, "token server not reached: host name not found · 15,000\u{a0}ms");
        let invalid = token(Some(200), FailureReason::TokenInvalid, None);
        assert_eq!(invalid, "200, no usable token · 15,000\u{a0}ms");
    }
}
