//! One return link, from its creation to the redirect.

use domain::foundation::error_chain::chain;
use domain::foundation::id::ProjectId;
use http::StatusCode;
use http::header::LOCATION;
use reqwest::Response;
use serde_json::json;

use super::advice::failed_call;
use super::step::Finding;
use crate::api::{ApiClient, ApiError};
use crate::output;

/// The target of the link. Nothing is sent there: the check reads the redirect and does not follow it.
const RETURN_URL: &str = "https://return.example/done";

/// Where the link must lead to after an approval.
const EXPECTED: &str = "https://return.example/done?kycStatus=approved&submissionId=sub_1";

/// Creates a return link and opens it.
pub(crate) async fn check(api: &ApiClient, project: ProjectId) -> Result<((), Finding), Finding> {
    let link = create(api, project).await.map_err(|error| failed_call(&error))?;
    match api.open(&link).await {
        Ok(response) => judge(response.status(), location(&response)),
        // The URL is left out: the link is a secret.
        Err(error) => Err(Finding::failed(
            format!("the host of return links cannot be reached: {}", chain(&error.without_url())),
            "Check the DNS record and the certificate of the host in the output RedirectUrl, and the parameter RedirectBaseUrl \
             if you set it.",
        )),
    }
}

async fn create(api: &ApiClient, project: ProjectId) -> Result<String, ApiError> {
    let settings = json!({ "url": RETURN_URL, "fields": ["kycStatus", "submissionId"], "skipResultPage": true });
    api.put(&format!("/v1/projects/{project}/return-url"), &settings).await?;
    let outcome = json!({ "kycStatus": "approved", "submissionId": "sub_1" });
    api.post(&format!("/v1/projects/{project}/return-links"), &outcome).await?.text("url")
}

fn location(response: &Response) -> Option<&str> {
    response.headers().get(LOCATION)?.to_str().ok()
}

fn judge(status: StatusCode, location: Option<&str>) -> Result<((), Finding), Finding> {
    match (status, location) {
        (StatusCode::SEE_OTHER, Some(EXPECTED)) => Ok(((), Finding::works("the link leads to the return URL"))),
        (StatusCode::SEE_OTHER, location) => Err(Finding::failed(
            format!("the link leads to {} instead of {EXPECTED}", output::printable(location.unwrap_or("nothing"))),
            "Check that all functions have the same version, and that no proxy changes redirects.",
        )),
        (status, _) => Err(Finding::failed(
            format!("the link was answered with {status} instead of a redirect"),
            answer_advice(status),
        )),
    }
}

/// What to do about an answer that is not a redirect.
fn answer_advice(status: StatusCode) -> &'static str {
    if status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error() {
        "Read the logs of the function redirect, and check the concurrency quota of Lambda: `aws lambda get-account-settings` \
         shows it."
    } else {
        "Read the logs of the function redirect. Check that the host of return links leads to this deployment."
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use axum::response::IntoResponse as _;
    use domain::foundation::clock::{Clock as _, SystemClock};
    use domain::foundation::random::SystemRandom;
    use domain::projects::api_key::{ApiKey, ApiKeyKind};
    use http::Method;

    use super::*;
    use crate::config::Config;
    use crate::testing::FakeServer;

    /// Checks a deployment whose return link answers with these statuses, one after the other. Returns the result, and the
    /// header `x-api-key` of each request for the link.
    async fn check_answers(statuses: &'static [u16]) -> (Result<((), Finding), Finding>, Vec<String>) {
        let opened = Mutex::new(0);
        let server = FakeServer::start(move |_, call| {
            if call.method != Method::GET {
                let link = format!("http://{}/r/1", call.header("host"));
                return axum::Json(json!({ "url": link })).into_response();
            }
            let mut opened = opened.lock().unwrap();
            *opened += 1;
            let status = StatusCode::from_u16(statuses[*opened - 1]).unwrap();
            (status, [("retry-after", "0"), ("location", EXPECTED)]).into_response()
        });
        let server = server.await;
        let key = ApiKey::generate(ApiKeyKind::Test, &SystemRandom);
        let api = ApiClient::new(&Config { api: server.url("").parse().unwrap(), key, project: None });
        let result = check(&api, ProjectId::new(SystemClock.now(), &SystemRandom)).await;
        let opened = server.calls().into_iter().filter(|call| call.method == Method::GET);
        (result, opened.map(|call| call.header("x-api-key")).collect())
    }

    #[tokio::test]
    async fn a_link_is_opened_again_after_a_temporary_failure_without_the_key() {
        let (result, opened) = check_answers(&[503, 429, 303]).await;
        assert!(result.is_ok(), "{result:?}");
        assert_eq!(opened, ["", "", ""]);
    }

    #[tokio::test]
    async fn the_advice_for_a_link_that_stays_unavailable_names_the_quota() {
        let (result, opened) = check_answers(&[502, 503, 504, 303]).await;
        let finding = result.unwrap_err();
        assert_eq!(finding.detail, "the link was answered with 504 Gateway Timeout instead of a redirect");
        assert!(finding.advice.unwrap().contains("concurrency quota"));
        assert_eq!(opened.len(), 3);
    }

    #[test]
    fn only_a_redirect_to_the_exact_url_works() {
        assert!(judge(StatusCode::SEE_OTHER, Some(EXPECTED)).is_ok());
        let other = judge(StatusCode::SEE_OTHER, Some("https://return.example/done")).unwrap_err();
        assert!(other.detail.starts_with("the link leads to https://return.example/done instead of"), "{other:?}");
        let page = judge(StatusCode::OK, None).unwrap_err();
        assert_eq!(page.detail, "the link was answered with 200 OK instead of a redirect");
        assert!(judge(StatusCode::SEE_OTHER, None).is_err());
    }
}
