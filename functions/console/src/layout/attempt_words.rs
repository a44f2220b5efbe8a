//! Why an attempt failed, in words, and what to do about it. Deliveries and test sends show both.

use domain::foundation::language::Language;
use domain::webhooks::attempt::{Attempt, FailureReason, Phases};

use crate::layout::delivery_words;
use crate::layout::share_bar::{Share, ShareBar};
use crate::layout::time::grouped;
use crate::layout::translations::{Fill, words};

words! {
    /// Texts about attempts.
    pub(crate) struct Words {
        /// `{status}`: HTTP status.
        status: "The server answered with status {status}.", "서버가 상태 코드 {status}(으)로 응답했습니다.", "El servidor respondió con el estado {status}.";
        redirect: "The server answered with a redirect, which webhooks do not follow.", "서버가 리디렉션으로 응답했습니다. 웹훅은 리디렉션을 따라가지 않습니다.", "El servidor respondió con una redirección, que los webhooks no siguen.";
        dns: "The host name could not be found.", "호스트 이름을 찾을 수 없습니다.", "No se encontró el nombre del servidor.";
        blocked_address: "The address is not on the public internet, so nothing was sent.", "공개 인터넷 주소가 아니어서 아무것도 보내지 않았습니다.", "La dirección no está en la internet pública, así que no se envió nada.";
        refused: "The server refused the connection.", "서버가 연결을 거부했습니다.", "El servidor rechazó la conexión.";
        connect_timeout: "The server could not be reached within 5 seconds.", "5초 안에 서버에 연결할 수 없었습니다.", "No se pudo conectar con el servidor en 5 segundos.";
        tls: "The encrypted connection (TLS) could not be set up.", "암호화된 연결(TLS)을 맺을 수 없었습니다.", "No se pudo establecer la conexión cifrada (TLS).";
        certificate_expired: "The server's certificate has expired.", "서버의 인증서가 만료되었습니다.", "El certificado del servidor ha caducado.";
        certificate_not_yet_valid: "The server's certificate is not valid yet.", "서버 인증서의 유효 기간이 아직 시작되지 않았습니다.", "El certificado del servidor aún no es válido.";
        certificate_wrong_host: "The server's certificate is for another host name.", "서버의 인증서가 다른 호스트 이름에 대한 것입니다.", "El certificado del servidor es para otro nombre de servidor.";
        certificate_self_signed: "The server's certificate is self-signed, so it cannot be trusted.", "서버의 인증서가 자체 서명되어 신뢰할 수 없습니다.", "El certificado del servidor está autofirmado, así que no es de confianza.";
        certificate_unknown_issuer: "The server's certificate does not lead to a trusted certificate authority.", "서버의 인증서가 신뢰할 수 있는 인증 기관으로 이어지지 않습니다.", "El certificado del servidor no lleva a una autoridad de certificación de confianza.";
        timeout: "The server did not answer within 15 seconds.", "서버가 15초 안에 응답하지 않았습니다.", "El servidor no respondió en 15 segundos.";
        connection_lost: "The connection closed before the server answered.", "서버가 응답하기 전에 연결이 끊겼습니다.", "La conexión se cerró antes de que el servidor respondiera.";
        invalid_response: "The server answered with something that is not valid HTTP.", "서버가 올바른 HTTP가 아닌 응답을 보냈습니다.", "El servidor respondió con algo que no es HTTP válido.";
        client_certificate_required: "The server requires a client certificate, and the endpoint has none.", "서버가 클라이언트 인증서를 요구하지만 엔드포인트에 없습니다.", "El servidor exige un certificado de cliente y el endpoint no tiene ninguno.";
        client_certificate_rejected: "The server rejected the client certificate of the endpoint.", "서버가 엔드포인트의 클라이언트 인증서를 거부했습니다.", "El servidor rechazó el certificado de cliente del endpoint.";
        token_unreachable: "The token server could not be reached.", "토큰 서버에 연결할 수 없었습니다.", "No se pudo conectar con el servidor de tokens.";
        token_refused: "The token server refused to issue an access token.", "토큰 서버가 액세스 토큰 발급을 거부했습니다.", "El servidor de tokens se negó a emitir un token de acceso.";
        /// `{status}`: HTTP status.
        token_status: "It answered with status {status}.", "상태 코드 {status}(으)로 응답했습니다.", "Respondió con el estado {status}.";
        /// `{status}`: HTTP status, `{code}`: error code, such as `invalid_client`.
        token_error: "It answered with status {status} and the error {code}.", "상태 코드 {status}, 오류 {code}(으)로 응답했습니다.", "Respondió con el estado {status} y el error {code}.";
        /// `{cause}`: a few words, such as `host name not found`.
        token_cause: "Cause: {cause}.", "원인: {cause}.", "Causa: {cause}.";
        token_invalid: "The token server sent no usable access token.", "토큰 서버가 사용할 수 있는 액세스 토큰을 보내지 않았습니다.", "El servidor de tokens no envió un token de acceso utilizable.";
        too_large: "The headers of the answer are too large.", "응답 헤더가 너무 큽니다.", "Las cabeceras de la respuesta son demasiado grandes.";

        advise_credentials: "The server asks for credentials or rejects them. Check the endpoint's headers and access token, and that no login page or firewall stands in front of the URL. Many servers also answer so if the signature does not verify.", "서버가 인증 정보를 요구하거나 거부합니다. 엔드포인트의 헤더와 액세스 토큰을 확인하고, URL 앞에 로그인 페이지나 방화벽이 없는지 확인해 주세요. 서명이 맞지 않을 때 이렇게 응답하는 서버도 많습니다.", "El servidor pide credenciales o las rechaza. Compruebe las cabeceras y el token de acceso del endpoint y que ninguna página de acceso ni cortafuegos esté delante de la URL. Muchos servidores responden así también si la firma no es válida.";
        advise_path: "Check the path of the URL, and that the server accepts POST there.", "URL의 경로를 확인하고, 서버가 그 경로에서 POST를 받는지 확인해 주세요.", "Compruebe la ruta de la URL y que el servidor acepte POST en ella.";
        advise_gone: "With 410 a server says that it wants no more webhooks, so the endpoint is disabled. Correct the server's answer, then enable the endpoint.", "410은 더 이상 웹훅을 받지 않겠다는 뜻이므로 엔드포인트가 비활성화됩니다. 서버의 응답을 고친 뒤 엔드포인트를 다시 활성화해 주세요.", "Con 410 un servidor dice que no quiere más webhooks, así que el endpoint se desactiva. Corrija la respuesta del servidor y vuelva a activar el endpoint.";
        advise_size: "The server accepts only smaller bodies. Raise its limit to at least 512 KiB.", "서버가 더 작은 본문만 받습니다. 제한을 512 KiB 이상으로 늘려 주세요.", "El servidor solo acepta cuerpos más pequeños. Aumente su límite a 512 KiB como mínimo.";
        advise_busy: "The server asks for a pause. Sending continues by itself. If this happens often, give the server more capacity.", "서버가 잠시 멈춰 달라고 요청했습니다. 전송은 자동으로 계속됩니다. 자주 발생하면 서버 용량을 늘려 주세요.", "El servidor pide una pausa. El envío continúa por sí solo. Si ocurre a menudo, dé más capacidad al servidor.";
        advise_request: "The server rejected the request. Its answer or its log should say why.", "서버가 요청을 거부했습니다. 응답이나 서버 로그에서 이유를 확인해 주세요.", "El servidor rechazó la petición. Su respuesta o su registro debería decir por qué.";
        advise_server: "The server's own code failed. Its log at this time should say why.", "서버 자체의 코드에 문제가 있습니다. 이 시각의 서버 로그를 확인해 주세요.", "Falló el propio código del servidor. Su registro de esa hora debería decir por qué.";
        advise_success: "Let the server answer with a status from 200 to 299.", "서버가 200에서 299 사이의 상태 코드로 응답하게 해 주세요.", "Haga que el servidor responda con un estado de 200 a 299.";
        advise_redirect: "Enter the URL that the redirect leads to. Often only www or a slash at the end is missing.", "리디렉션이 가리키는 URL을 입력해 주세요. www나 끝의 슬래시가 빠진 경우가 많습니다.", "Introduzca la URL a la que lleva la redirección. A menudo solo falta www o una barra al final.";
        advise_dns: "Check the spelling of the host name, and that it has a public DNS record.", "호스트 이름의 철자를 확인하고, 공개 DNS 레코드가 있는지 확인해 주세요.", "Compruebe la ortografía del nombre del servidor y que tenga un registro DNS público.";
        advise_address: "Use a host name whose addresses are all public.", "모든 주소가 공개 주소인 호스트 이름을 사용해 주세요.", "Use un nombre de servidor cuyas direcciones sean todas públicas.";
        advise_refused: "Check that the server is running and listens on this port, and that its firewall admits our addresses.", "서버가 실행 중이고 이 포트에서 수신하는지, 방화벽이 발신 주소를 허용하는지 확인해 주세요.", "Compruebe que el servidor esté en marcha y escuche en este puerto, y que su cortafuegos admita nuestras direcciones.";
        advise_firewall: "Most often a firewall drops the connection. Let it admit our addresses.", "대부분 방화벽이 연결을 막은 경우입니다. 발신 주소를 허용해 주세요.", "Lo más frecuente es que un cortafuegos descarte la conexión. Haga que admita nuestras direcciones.";
        advise_tls: "Check that the certificate has not expired, is for this host name, and is sent with its intermediate certificates. The server must support TLS 1.2 or newer.", "인증서가 만료되지 않았고 이 호스트 이름에 대한 것이며 중간 인증서와 함께 전송되는지 확인해 주세요. 서버는 TLS 1.2 이상을 지원해야 합니다.", "Compruebe que el certificado no haya caducado, sea para este nombre de servidor y se envíe con sus certificados intermedios. El servidor debe admitir TLS 1.2 o posterior.";
        advise_certificate_expired: "Renew the certificate, and reload the server so that it uses the new one.", "인증서를 갱신하고, 서버가 새 인증서를 사용하도록 다시 불러와 주세요.", "Renueve el certificado y recargue el servidor para que use el nuevo.";
        advise_certificate_not_yet_valid: "Check the start date of the certificate, or use the previous one until then.", "인증서의 시작일을 확인하거나, 그때까지 이전 인증서를 사용해 주세요.", "Compruebe la fecha de inicio del certificado o use el anterior hasta entonces.";
        advise_certificate_wrong_host: "Use a certificate that names the host of the URL. A proxy may also answer with its default certificate.", "URL의 호스트를 포함하는 인증서를 사용해 주세요. 프록시가 기본 인증서로 응답하는 경우도 있습니다.", "Use un certificado que incluya el nombre de servidor de la URL. También puede que un proxy responda con su certificado predeterminado.";
        advise_certificate_self_signed: "Use a certificate of a public certificate authority, such as Let's Encrypt.", "Let's Encrypt 같은 공개 인증 기관의 인증서를 사용해 주세요.", "Use un certificado de una autoridad de certificación pública, como Let's Encrypt.";
        advise_certificate_unknown_issuer: "Most often the intermediate certificates are missing: let the server send the whole chain. A certificate of your own authority is not trusted.", "대부분 중간 인증서가 빠진 경우입니다. 서버가 전체 인증서 체인을 보내게 해 주세요. 자체 인증 기관의 인증서는 신뢰하지 않습니다.", "Lo más frecuente es que falten los certificados intermedios: haga que el servidor envíe la cadena completa. Un certificado de una autoridad propia no es de confianza.";
        advise_timeout: "Let the server store the webhook, answer immediately, and process it afterwards.", "서버가 웹훅을 저장하고 바로 응답한 다음 나중에 처리하게 해 주세요.", "Haga que el servidor guarde el webhook, responda enseguida y lo procese después.";
        advise_lost: "The server or a proxy in front of it ended the connection. Its log at this time should say why.", "서버나 그 앞의 프록시가 연결을 끊었습니다. 이 시각의 로그를 확인해 주세요.", "El servidor o un proxy delante de él cerró la conexión. Su registro de esa hora debería decir por qué.";
        advise_invalid_response: "Check that a web server listens on this port, and that it speaks HTTP/1.1.", "이 포트에서 웹 서버가 수신하고 HTTP/1.1을 사용하는지 확인해 주세요.", "Compruebe que en este puerto escuche un servidor web y que hable HTTP/1.1.";
        advise_client_certificate_required: "Add a client certificate to the endpoint, or let the server accept requests without one.", "엔드포인트에 클라이언트 인증서를 추가하거나, 서버가 인증서 없는 요청을 받게 해 주세요.", "Añada un certificado de cliente al endpoint o haga que el servidor acepte peticiones sin él.";
        advise_client_certificate_rejected: "Check in the settings of the endpoint that the certificate has not expired, and that the server trusts the authority that issued it.", "엔드포인트 설정에서 인증서가 만료되지 않았는지, 서버가 발급 기관을 신뢰하는지 확인해 주세요.", "Compruebe en los ajustes del endpoint que el certificado no haya caducado y que el servidor confíe en la autoridad que lo emitió.";
        advise_token_unreachable: "Check the token URL, and that the firewall of the token server admits our addresses.", "토큰 URL을 확인하고, 토큰 서버의 방화벽이 발신 주소를 허용하는지 확인해 주세요.", "Compruebe la URL de tokens y que el cortafuegos del servidor de tokens admita nuestras direcciones.";
        advise_token_refused: "Check the client ID, the client secret, the scope and the client authentication in the settings of the endpoint.", "엔드포인트 설정에서 클라이언트 ID, 클라이언트 시크릿, 범위(scope), 클라이언트 인증을 확인해 주세요.", "Compruebe el id. de cliente, el secreto de cliente, el ámbito (scope) y la autenticación del cliente en los ajustes del endpoint.";
        advise_token_invalid: "The answer of the token server must be JSON with an access_token of the type Bearer. Check the token URL.", "토큰 서버의 응답은 Bearer 유형의 access_token이 있는 JSON이어야 합니다. 토큰 URL을 확인해 주세요.", "La respuesta del servidor de tokens debe ser JSON con un access_token de tipo Bearer. Compruebe la URL de tokens.";
        advise_headers: "Let the server answer with fewer or shorter headers, such as cookies.", "서버가 쿠키 등 헤더를 더 적거나 짧게 보내도록 해 주세요.", "Haga que el servidor responda con menos cabeceras, o más cortas, como las cookies.";

        status_label: "Status", "상태 코드", "Estado";
        token_status_label: "Status of the token server", "토큰 서버의 상태 코드", "Estado del servidor de tokens";
        phases: "Duration of each phase", "단계별 소요 시간", "Duración de cada fase";
        phase_token: "access token", "액세스 토큰", "token de acceso";
        phase_dns: "name lookup", "이름 조회", "resolución del nombre";
        phase_connect: "connection", "연결", "conexión";
        phase_answer: "waiting for the answer", "응답 대기", "espera de la respuesta";
        phase_body: "reading the answer", "응답 읽기", "lectura de la respuesta";
    }
}

/// Whether an attempt ended at the token server, so that the receiver was not asked. Its status is that of the token server.
pub(crate) const fn ended_at_token_server(attempt: &Attempt) -> bool {
    matches!(
        attempt.reason,
        Some(FailureReason::TokenUnreachable | FailureReason::TokenRefused | FailureReason::TokenInvalid)
    )
}

/// What the receiver answered. `None`: nothing, or only white space.
pub(crate) fn answer(attempt: &Attempt) -> Option<&str> {
    let is_answer = |text: &&str| !ended_at_token_server(attempt) && !text.trim().is_empty();
    attempt.response.as_deref().filter(is_answer)
}

/// Why an attempt failed.
pub(crate) struct Failure {
    /// What happened, as a sentence.
    pub(crate) what: String,
    /// What to do about it.
    pub(crate) advice: &'static str,
    /// Whether a firewall that does not admit our addresses may be the cause.
    pub(crate) is_about_addresses: bool,
}

impl Failure {
    /// The failure of an attempt with this reason, and the status if the server answered.
    pub(crate) fn of(reason: FailureReason, status: Option<u16>, language: Language) -> Self {
        Self::with_detail(reason, status, None, language)
    }

    /// The failure of an attempt. `None`: it succeeded.
    pub(crate) fn of_attempt(attempt: &Attempt, language: Language) -> Option<Self> {
        let detail = delivery_words::Words::of(language).token_detail(attempt);
        Some(Self::with_detail(attempt.reason?, attempt.status, detail, language))
    }

    /// `detail` is why there was no access token.
    fn with_detail(reason: FailureReason, status: Option<u16>, detail: Option<&str>, language: Language) -> Self {
        let words = Words::of(language);
        Self {
            what: words.what(reason, status, detail),
            advice: words.advice(reason, status),
            is_about_addresses: match reason {
                FailureReason::Refused | FailureReason::ConnectTimeout | FailureReason::TokenUnreachable => true,
                FailureReason::Status => status == Some(403),
                _ => false,
            },
        }
    }
}

impl Words {
    /// The label of an attempt's status.
    pub(crate) fn status_label(&self, attempt: &Attempt) -> &'static str {
        if ended_at_token_server(attempt) { self.token_status_label } else { self.status_label }
    }

    /// What happened in a failed attempt, as one or two sentences.
    fn what(&self, reason: FailureReason, status: Option<u16>, detail: Option<&str>) -> String {
        let more = match (reason, status, detail) {
            (FailureReason::Status, status, _) => return self.status.fill("status", status.unwrap_or_default()),
            (FailureReason::TokenRefused, Some(status), Some(code)) => {
                Some(self.token_error.fill("status", status).fill("code", code))
            }
            (FailureReason::TokenRefused, Some(status), None) => Some(self.token_status.fill("status", status)),
            (FailureReason::TokenUnreachable, _, Some(cause)) => Some(self.token_cause.fill("cause", cause)),
            _ => None,
        };
        let text = self.short(reason);
        more.map_or_else(|| text.to_owned(), |more| format!("{text} {more}"))
    }

    /// What happened in a failed attempt, without figures.
    const fn short(&self, reason: FailureReason) -> &'static str {
        match reason {
            FailureReason::Status => self.status,
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

    /// What to do about a failed attempt.
    const fn advice(&self, reason: FailureReason, status: Option<u16>) -> &'static str {
        match reason {
            FailureReason::Status => self.advice_for_status(status),
            FailureReason::Redirect => self.advise_redirect,
            FailureReason::Dns => self.advise_dns,
            FailureReason::BlockedAddress => self.advise_address,
            FailureReason::Refused => self.advise_refused,
            FailureReason::ConnectTimeout => self.advise_firewall,
            FailureReason::Tls => self.advise_tls,
            FailureReason::CertificateExpired => self.advise_certificate_expired,
            FailureReason::CertificateNotYetValid => self.advise_certificate_not_yet_valid,
            FailureReason::CertificateWrongHost => self.advise_certificate_wrong_host,
            FailureReason::CertificateSelfSigned => self.advise_certificate_self_signed,
            FailureReason::CertificateUnknownIssuer => self.advise_certificate_unknown_issuer,
            FailureReason::Timeout => self.advise_timeout,
            FailureReason::ConnectionLost => self.advise_lost,
            FailureReason::InvalidResponse => self.advise_invalid_response,
            FailureReason::TooLarge => self.advise_headers,
            FailureReason::ClientCertificateRequired => self.advise_client_certificate_required,
            FailureReason::ClientCertificateRejected => self.advise_client_certificate_rejected,
            FailureReason::TokenUnreachable => self.advise_token_unreachable,
            FailureReason::TokenRefused => self.advise_token_refused,
            FailureReason::TokenInvalid => self.advise_token_invalid,
        }
    }

    const fn advice_for_status(&self, status: Option<u16>) -> &'static str {
        match status {
            Some(401 | 403) => self.advise_credentials,
            Some(404 | 405) => self.advise_path,
            Some(410) => self.advise_gone,
            Some(413) => self.advise_size,
            Some(429 | 503) => self.advise_busy,
            Some(400..=499) => self.advise_request,
            Some(500..=599) => self.advise_server,
            Some(_) | None => self.advise_success,
        }
    }

    /// The duration of each phase that an attempt reached, or `None` if it reached none.
    pub(crate) fn bar(&self, phases: Phases) -> Option<ShareBar<'static>> {
        let named = [
            (self.phase_token, "idle", phases.token_ms),
            (self.phase_dns, "held", phases.dns_ms),
            (self.phase_connect, "warn", phases.connect_ms),
            (self.phase_answer, "ok", phases.answer_ms),
            (self.phase_body, "idle", phases.body_ms),
        ];
        let reached = named.into_iter().filter_map(|(name, tone, ms)| Some((name, tone, u64::from(ms?))));
        let shares: Vec<Share> = reached
            .map(|(name, tone, ms)| Share {
                label: format!("{name} {} ms", grouped(ms)),
                tone,
                // A phase of less than a millisecond is drawn too.
                size: ms.max(1),
            })
            .collect();
        (!shares.is_empty()).then_some(ShareBar { title: self.phases, shares })
    }
}
