//! One return link, from its creation to the redirect.

use domain::foundation::id::ProjectId;
use http::StatusCode;
use http::header::LOCATION;
use reqwest::Response;
use serde_json::json;

use super::advice::failed_call;
use super::step::Finding;
use crate::api::{ApiClient, ApiError};
use crate::output;

/// Where the link leads to. Nothing is sent there: the check reads the redirect and does not follow it.
const RETURN_URL: &str = "https://return.example/done";

/// Where the link must lead to after an approval.
const EXPECTED: &str = "https://return.example/done?kycStatus=approved&submissionId=sub_1";

/// Creates a return link and opens it.
pub(crate) async fn check(api: &ApiClient, project: ProjectId) -> Result<((), Finding), Finding> {
    let link = create(api, project).await.map_err(|error| failed_call(&error))?;
    match api.http().get(&link).send().await {
        Ok(response) => judge(response.status(), location(&response)),
        // The URL is left out: the link is a secret.
        Err(error) => Err(Finding::failed(
            format!("the host of return links cannot be reached: {}", output::chain(&error.without_url())),
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
            "Read the logs of the function redirect. Check that the host of return links leads to this deployment.",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
