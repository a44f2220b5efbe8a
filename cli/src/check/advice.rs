//! What an operator can do about a call that failed.

use domain::foundation::error_chain::chain;
use http::StatusCode;

use super::step::Finding;
use crate::api::ApiError;

/// The finding of a step whose call failed.
pub(crate) fn failed_call(error: &ApiError) -> Finding {
    Finding::failed(chain(error), advice(error))
}

fn advice(error: &ApiError) -> String {
    match error {
        ApiError::Unreachable(_) => {
            "Check SIGNPOST_API, your network, and the DNS record and certificate of the API's domain \
            name."
                .to_owned()
        }
        ApiError::Unexpected(_) => {
            "Check that SIGNPOST_API is the URL of the API, without a path, and that this program has \
            the version of the deployment."
                .to_owned()
        }
        ApiError::Refused { status, problem } => match *status {
            StatusCode::UNAUTHORIZED => {
                "The deployment does not know this key, or it has expired. Compare the hash of an \
                operator key with the parameter OperatorKeyHashes."
                    .to_owned()
            }
            StatusCode::FORBIDDEN => {
                "Check that SIGNPOST_API is the public host of the API: a deployment behind a proxy \
                rejects calls that bypass it."
                    .to_owned()
            }
            StatusCode::NOT_FOUND => "Check that SIGNPOST_API is the URL of the API, without the path /v1.".to_owned(),
            StatusCode::TOO_MANY_REQUESTS => {
                "Wait a minute and try again. If it stays, raise the parameter ApiThrottleRate \
                or the concurrency quota of Lambda."
                    .to_owned()
            }
            status if status.is_server_error() => server_error(&problem.request_id),
            _ => "Correct the value that the message names, and try again.".to_owned(),
        },
    }
}

fn server_error(request_id: &str) -> String {
    let logs = "Read the logs of the function api, and check the concurrency quota of Lambda";
    if request_id.is_empty() { format!("{logs}.") } else { format!("{logs}. The id of the request is {request_id}.") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Problem;

    #[test]
    fn a_fault_of_the_deployment_names_the_request_to_search_for() {
        let problem = Problem { request_id: "r-1".to_owned(), ..Problem::default() };
        let error = ApiError::Refused { status: StatusCode::INTERNAL_SERVER_ERROR, problem };
        let advice = failed_call(&error).advice.unwrap();
        assert!(advice.ends_with("The id of the request is r-1."), "{advice}");
    }

    #[test]
    fn the_advice_for_a_rejected_key_names_the_parameter() {
        let error = ApiError::Refused { status: StatusCode::UNAUTHORIZED, problem: Problem::default() };
        assert!(failed_call(&error).advice.unwrap().contains("OperatorKeyHashes"));
    }
}
