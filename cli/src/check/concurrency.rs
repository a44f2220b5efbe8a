//! Whether the deployment takes calls that come at the same time.

use domain::foundation::error_chain::chain;
use domain::foundation::id::ProjectId;
use tokio::task::JoinSet;

use super::step::Finding;
use crate::api::{ApiClient, ApiError};

/// Calls made at the same time: more than the functions that a new AWS account may run at once, which are 10.
const CALLS: usize = 20;

/// Makes calls at the same time. Each needs an invocation of its own.
pub(crate) async fn check(api: &ApiClient, project: ProjectId) -> Result<((), Finding), Finding> {
    let mut calls = JoinSet::new();
    for _ in 0..CALLS {
        let (api, path) = (api.clone(), format!("/v1/projects/{project}"));
        calls.spawn(async move { api.get_once(&path).await.map(drop) });
    }
    Ok(((), judge(&calls.join_all().await)))
}

fn judge(results: &[Result<(), ApiError>]) -> Finding {
    let calls = results.len();
    let failed: Vec<&ApiError> = results.iter().filter_map(|result| result.as_ref().err()).collect();
    match failed.first() {
        None => Finding::works(format!("{calls} calls at the same time were answered")),
        Some(first) => Finding::warning(
            format!("{} of {calls} calls at the same time failed; one error: {}", failed.len(), chain(*first)),
            "Raise the concurrency quota of Lambda, which is 10 in a new account, and the parameters ApiThrottleRate and \
             ApiThrottleBurst if you lowered them. `aws lambda get-account-settings` shows the quota.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;
    use crate::api::Problem;
    use crate::check::step::StepState;

    #[test]
    fn one_rejected_call_is_a_warning_that_names_the_quota() {
        assert_eq!(judge(&[Ok(()), Ok(())]), Finding::works("2 calls at the same time were answered"));
        let throttled = ApiError::Refused { status: StatusCode::SERVICE_UNAVAILABLE, problem: Problem::default() };
        let finding = judge(&[Ok(()), Err(throttled)]);
        assert_eq!(finding.state, StepState::Warning);
        assert!(finding.detail.starts_with("1 of 2 calls at the same time failed; one error: the API answered 503"));
        assert!(finding.advice.unwrap().contains("get-account-settings"));
    }
}
