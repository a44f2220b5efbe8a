//! The steps before the first webhook: what is public, the project and its API key.

use std::net::SocketAddr;
use std::time::Duration;

use domain::foundation::clock::{Clock as _, SystemClock};
use domain::foundation::header_names;
use domain::foundation::id::ProjectId;
use domain::projects::api_key::ApiKey;
use domain::projects::project::Mode;
use domain::webhooks::egress::EgressIps;
use http::HeaderMap;
use serde::Deserialize;
use serde_json::json;
use url::Url;

use super::advice::failed_call;
use super::egress;
use super::receiver::Receiver;
use super::step::Finding;
use crate::api::{Answer, ApiClient, ApiError};

/// The name of the project and of everything in it, so that people recognise what a check left behind.
pub(crate) const NAME: &str = "signpost check";

/// When the API key of the check expires, should the project not be deleted.
const KEY_LIFETIME: Duration = Duration::from_hours(1);

/// Calls a second that a customer's back end needs at least. Below it, the rate limit is a warning.
const MIN_CALLS_PER_SECOND: f64 = 10.0;

/// What a check knows before it creates anything.
pub(crate) struct Prepared {
    /// The published source addresses. `None` if they cannot be read.
    pub(crate) egress: Option<EgressIps>,
    /// The receiver of the command itself, with `--listen`.
    pub(crate) receiver: Option<Receiver>,
}

/// Starts the receiver of the check.
pub(crate) async fn start_receiver(
    address: SocketAddr,
    public_url: Option<&Url>,
) -> Result<(Receiver, Finding), Finding> {
    match Receiver::start(address, public_url).await {
        Ok(receiver) => {
            let origin = origin(receiver.url());
            Ok((receiver, Finding::works(origin)))
        }
        Err(error) => Err(Finding::failed(
            format!("cannot listen on {address}: {error}"),
            "Give --listen an address of this machine with a free port, such as 127.0.0.1:0.",
        )),
    }
}

/// Scheme, host and port of a receiver. A path or a query may contain a token, so the check does not print them.
pub(crate) fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

#[derive(Deserialize)]
struct OpenApi {
    info: Info,
}

#[derive(Deserialize)]
struct Info {
    title: String,
    version: String,
}

/// Reads the version of the API.
pub(crate) async fn read_version(api: &ApiClient) -> Result<((), Finding), Finding> {
    let document = api.get("/openapi.json").await.and_then(Answer::read::<OpenApi>);
    let Info { title, version } = document.map_err(|error| failed_call(&error))?.info;
    Ok(((), Finding::works(format!("{title} {version}"))))
}

/// Reads the source addresses of webhooks.
pub(crate) async fn read_egress_ips(api: &ApiClient) -> Result<(EgressIps, Finding), Finding> {
    let list = api.get("/v1/egress-ips").await.and_then(Answer::read::<EgressIps>);
    let list = list.map_err(|error| failed_call(&error))?;
    let finding = egress::judge_list(&list, SystemClock.now());
    Ok((list, finding))
}

/// Creates the project, in test mode.
pub(crate) async fn create_project(api: &ApiClient) -> Result<(ProjectId, Finding), Finding> {
    #[derive(Deserialize)]
    struct Project {
        id: ProjectId,
    }

    let project = api.post("/v1/projects", &json!({ "name": NAME, "mode": Mode::Test })).await;
    let project = project.and_then(Answer::read::<Project>);
    let Project { id } = project.map_err(|error| not_created(&error))?;
    Ok((id, Finding::works(id.to_string())))
}

/// The finding if the project was not created, as far as the check knows.
fn not_created(error: &ApiError) -> Finding {
    let finding = failed_call(error);
    match error {
        ApiError::Unreachable(_) | ApiError::Unexpected(_) => {
            let left = format!("If GET /v1/projects lists a project named `{NAME}`, delete it.");
            Finding { advice: Some(format!("{} {left}", finding.advice.unwrap_or_default())), ..finding }
        }
        ApiError::Refused { .. } => finding,
    }
}

/// Creates an API key of the project and uses it. Returns a client with the key.
pub(crate) async fn create_key(api: &ApiClient, project: ProjectId) -> Result<(ApiClient, Finding), Finding> {
    let (client, headers) = try_create_key(api, project).await.map_err(|error| failed_call(&error))?;
    Ok((client, judge_rate_limit(&headers)))
}

async fn try_create_key(api: &ApiClient, project: ProjectId) -> Result<(ApiClient, HeaderMap), ApiError> {
    let expires_at = SystemClock.now().plus(KEY_LIFETIME).to_string();
    let draft = json!({ "name": NAME, "expiresAt": expires_at });
    let key = api.post(&format!("/v1/projects/{project}/api-keys"), &draft).await?.text("key")?;
    let key: ApiKey = key.parse().map_err(|_| ApiError::Unexpected("its key is not an API key".to_owned()))?;
    let client = api.with_key(key);
    let headers = client.get(&format!("/v1/projects/{project}")).await?.headers;
    Ok((client, headers))
}

/// What the rate limit of the key says.
fn judge_rate_limit(headers: &HeaderMap) -> Finding {
    let Some((calls, seconds)) = rate_limit(headers) else { return Finding::works("the key works") };
    let detail = format!("the key works; it may make {calls} calls in {seconds} s");
    if f64::from(calls) / f64::from(seconds) >= MIN_CALLS_PER_SECOND {
        return Finding::works(detail);
    }
    Finding::warning(detail, "A back end that publishes more gets 429. Raise the parameter RateLimit.")
}

/// Calls and seconds of a policy such as `"key";q=1000;w=10`.
fn rate_limit(headers: &HeaderMap) -> Option<(u32, u32)> {
    let policy = headers.get(header_names::RATE_LIMIT_POLICY)?.to_str().ok()?;
    let number = |name: &str| policy.split(';').find_map(|part| part.trim().strip_prefix(name)?.parse().ok());
    Some((number("q=")?, number("w=").filter(|seconds| *seconds > 0)?))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;
    use crate::check::step::StepState;

    fn judge(policy: &'static str) -> Finding {
        let policy = ("ratelimit-policy".parse().unwrap(), HeaderValue::from_static(policy));
        judge_rate_limit(&HeaderMap::from_iter([policy]))
    }

    #[tokio::test]
    async fn the_step_of_the_receiver_hides_what_may_be_a_token() {
        let tunnel = "https://user:token@abc.tunnel.example:8443/token?key=token".parse().unwrap();
        let (receiver, finding) = start_receiver("127.0.0.1:0".parse().unwrap(), Some(&tunnel)).await.unwrap();
        assert_eq!(finding.detail, "https://abc.tunnel.example:8443");
        assert_eq!(receiver.url(), &tunnel);
    }

    #[test]
    fn a_low_rate_limit_is_a_warning() {
        let finding = judge("\"key\";q=1000;w=10");
        assert_eq!(finding, Finding::works("the key works; it may make 1000 calls in 10 s"));
        assert_eq!(judge("\"key\";q=99;w=10").state, StepState::Warning);
    }

    #[test]
    fn the_advice_after_a_creation_without_an_answer_says_that_the_project_may_exist() {
        let advice = not_created(&ApiError::Unexpected("it is not JSON".to_owned())).advice.unwrap();
        assert!(advice.ends_with("If GET /v1/projects lists a project named `signpost check`, delete it."), "{advice}");
    }

    #[test]
    fn an_unknown_policy_says_nothing() {
        for policy in ["", "\"key\"", "\"key\";q=1;w=0", "\"key\";q=x;w=10"] {
            assert_eq!(judge(policy), Finding::works("the key works"), "{policy}");
        }
    }
}
