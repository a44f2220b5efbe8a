//! Requests of access tokens: OAuth 2.0 client credentials (RFC 6749, section 4.4).
//!
//! A token server gets the same checks as a receiver: allowed addresses only, no redirects, limited time and size. It gets no static
//! headers and no client certificate. Nothing of its answers is kept except the token, and the error code of a refusal.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::foundation::time::Timestamp;
use domain::webhooks::attempt::{Attempt, FailureReason, Phases};
use domain::webhooks::endpoint::{ClientAuthentication, OpenedOauth2};
use domain::webhooks::request::OUR_USER_AGENT;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method};
use serde_json::Value;
use url::form_urlencoded::{Serializer, byte_serialize};

use crate::http::client::{CompletedAttempt, WebhookClient};
use crate::http::failure::OwnFault;
use crate::http::request::{AttemptStart, Request};
use crate::http::response::MAX_READ;
use crate::http::trace::millis;

/// Maximum length of a token in bytes. Servers rarely accept longer headers.
const MAX_TOKEN: usize = 8 * 1024;

/// Maximum length of an error code in bytes.
const MAX_ERROR: usize = 64;

/// How long a token is used if the token server does not say when it expires.
const DEFAULT_LIFETIME: Duration = Duration::from_mins(5);

/// Maximum time that a token is used, whatever the token server says. This limits the use of a revoked token, even if the receiver does
/// not answer 401.
const MAX_LIFETIME: Duration = Duration::from_hours(1);

/// Maximum time before its end in which a token is no longer used, so that it is still valid when the receiver checks it.
const MAX_MARGIN: Duration = Duration::from_secs(30);

/// A token that was just issued.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct IssuedToken {
    /// The value of the header `authorization`.
    pub(crate) authorization: HeaderValue,
    /// How long it can be used, counted from the request. Zero if it can be used only for the webhooks that wait for it.
    pub(crate) lifetime: Duration,
}

/// Why there is no token.
#[derive(Debug, Clone)]
pub(crate) enum NoToken {
    /// A fault on our side.
    OwnFault(OwnFault),
    /// The token server's fault, or that of the settings. It counts as a failed attempt.
    Failed(TokenFailure),
}

impl From<TokenFailure> for NoToken {
    fn from(failure: TokenFailure) -> Self {
        Self::Failed(failure)
    }
}

/// How a token server failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TokenFailure {
    pub(crate) reason: FailureReason,
    /// The status of the token server, if it answered.
    pub(crate) status: Option<u16>,
    /// The error code of the token server, or why it could not be reached.
    pub(crate) response: Option<String>,
    /// How long the token server asked us to wait.
    pub(crate) retry_after: Option<Duration>,
}

impl TokenFailure {
    /// The token server did not answer. `reason` says why.
    pub(crate) fn unreachable(reason: FailureReason) -> Self {
        let (reason, response) = (FailureReason::TokenUnreachable, Some(reason.as_str().to_owned()));
        Self { reason, status: None, response, retry_after: None }
    }

    /// The attempt that sent nothing to the receiver, because there was no token after `token_time`.
    pub(crate) fn into_attempt(self, start: AttemptStart, token_time: Option<Duration>) -> CompletedAttempt {
        let Self { reason, status, response, retry_after } = self;
        let AttemptStart { number, at, started_at } = start;
        let phases = Phases { token_ms: token_time.map(millis), ..Phases::default() };
        let duration_ms = millis(started_at.elapsed());
        let attempt = Attempt { number, at, duration_ms, phases, status, reason: Some(reason), response };
        CompletedAttempt { attempt, retry_after, allowed_origin: None, allowed_rate: None }
    }
}

impl WebhookClient {
    /// Requests a token at `at`. Ends within 7 s: 5 s for the request, 2 s for the canary check after a timeout.
    pub(crate) async fn request_token(&self, oauth2: &OpenedOauth2, at: Timestamp) -> Result<IssuedToken, NoToken> {
        let (headers, body) = (headers(oauth2), body(oauth2).into());
        let (url, method, started_at) = (oauth2.stored.token_url.as_url(), Method::POST, Instant::now());
        let request = Request { url, method, headers, body, identity: None };
        let deadline = started_at + self.limits.token;
        match self.exchange(&request, deadline, MAX_READ).await.answer {
            Ok(answer) => issued_token(answer.status(), answer.body()).map_err(|(reason, response)| {
                let status = answer.status();
                // With other statuses of a failure, the header has no defined meaning (RFC 9110, section 10.2.3).
                let retry_after = if matches!(status, 429 | 503) { answer.retry_after(at) } else { None };
                TokenFailure { reason, status: Some(status), response, retry_after }.into()
            }),
            Err(failure) => {
                let reason = self.servers_failure(failure, started_at).await.map_err(NoToken::OwnFault)?;
                Err(TokenFailure::unreachable(reason).into())
            }
        }
    }
}

fn headers(oauth2: &OpenedOauth2) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
    headers.insert(USER_AGENT, HeaderValue::from_static(OUR_USER_AGENT));
    if oauth2.stored.client_authentication == ClientAuthentication::Basic {
        headers.insert(AUTHORIZATION, basic(oauth2));
    }
    headers
}

/// Id and secret as RFC 6749, section 2.3.1, demands: each is form-encoded before both are encoded as for any basic authentication.
fn basic(oauth2: &OpenedOauth2) -> HeaderValue {
    let encoded = |value: &str| byte_serialize(value.as_bytes()).collect::<String>();
    let (id, secret) = (oauth2.stored.client_id.as_str(), oauth2.client_secret.expose());
    let pair = STANDARD.encode(format!("{}:{}", encoded(id), encoded(secret)));
    sensitive(format!("Basic {pair}")).expect("base64 is a header value")
}

fn body(oauth2: &OpenedOauth2) -> String {
    let stored = &oauth2.stored;
    let mut body = Serializer::new(String::new());
    body.append_pair("grant_type", "client_credentials");
    let optional = [("scope", &stored.scope), ("audience", &stored.audience)];
    for (name, value) in optional.into_iter().filter_map(|(name, value)| Some((name, value.as_ref()?))) {
        body.append_pair(name, value.as_str());
    }
    if stored.client_authentication == ClientAuthentication::Post {
        body.append_pair("client_id", stored.client_id.as_str());
        body.append_pair("client_secret", oauth2.client_secret.expose());
    }
    body.finish()
}

/// Reads the answer of a token server. The error is the reason for the attempt's failure, and the error code of a refusal.
fn issued_token(status: u16, body: &[u8]) -> Result<IssuedToken, (FailureReason, Option<String>)> {
    let fields: Value = serde_json::from_slice(body).unwrap_or_default();
    if status != 200 {
        return Err((FailureReason::TokenRefused, error_code(&fields)));
    }
    usable_token(&fields).ok_or((FailureReason::TokenInvalid, None))
}

/// The member `error` of a refusal (RFC 6749, section 5.2), unless it is not a code.
fn error_code(fields: &Value) -> Option<String> {
    let code = fields["error"].as_str()?;
    let is_code = (1..=MAX_ERROR).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_graphic());
    is_code.then(|| code.to_owned())
}

fn usable_token(fields: &Value) -> Option<IssuedToken> {
    let token = fields["access_token"].as_str()?;
    let is_usable = (1..=MAX_TOKEN).contains(&token.len()) && token.bytes().all(|byte| byte.is_ascii_graphic());
    let is_bearer = fields["token_type"].as_str()?.eq_ignore_ascii_case("bearer");
    let lifetime = lifetime(&fields["expires_in"]);
    let authorization = if is_usable && is_bearer { sensitive(format!("Bearer {token}")) } else { None };
    Some(IssuedToken { authorization: authorization?, lifetime })
}

/// How long a token is used that expires in this number of seconds. Some token servers send the number as a string.
fn lifetime(expires_in: &Value) -> Duration {
    let seconds: Option<f64> = expires_in.as_f64().or_else(|| expires_in.as_str()?.parse().ok());
    match seconds.filter(|seconds| seconds.is_finite()) {
        None => DEFAULT_LIFETIME,
        Some(seconds) if seconds < 1.0 => Duration::ZERO,
        Some(seconds) => {
            let expires_in = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX);
            expires_in.saturating_sub((expires_in / 10).min(MAX_MARGIN)).min(MAX_LIFETIME)
        }
    }
}

/// A header value that is never logged.
fn sensitive(value: String) -> Option<HeaderValue> {
    let mut value = HeaderValue::try_from(value).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests;
