//! Counts accepted events and refused requests.

use aws::lambda::metric::{Measured, Metric};
use aws::lambda::telemetry;
use axum::http::StatusCode;
use axum::response::Response;
use domain::foundation::time::Timestamp;

/// The number of events that a response accepts. The handler puts it into the response's extensions.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AcceptedCount(pub(crate) usize);

/// Writes the metrics of a request, whose response is made at `now`.
pub(crate) fn record(response: &Response, now: Timestamp) {
    let accepted = response.extensions().get::<AcceptedCount>().copied();
    telemetry::record(&measure(response.status(), accepted), now);
}

fn measure(status: StatusCode, accepted: Option<AcceptedCount>) -> Measured {
    let mut measured = Measured::one(Metric::Accepted, accepted.map_or(0, |AcceptedCount(count)| count as u64));
    measured.add(Metric::Refused, status.is_client_error().into());
    measured
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_accepted_events_and_refused_requests_are_counted() {
        let accepted = measure(StatusCode::ACCEPTED, Some(AcceptedCount(100)));
        assert_eq!(accepted, Measured::one(Metric::Accepted, 100));
        assert_eq!(measure(StatusCode::TOO_MANY_REQUESTS, None), Measured::one(Metric::Refused, 1));
        for status in [StatusCode::OK, StatusCode::INTERNAL_SERVER_ERROR] {
            assert_eq!(measure(status, None), Measured::default());
        }
    }
}
