//! Failures by endpoint and event type: what the reader has to repair.

use std::collections::BTreeMap;

use super::bars::Shade;
use super::words::{self, CountedState, Words};
use domain::foundation::id::EndpointId;
use domain::reports::report::{Problem, ReportView};
use domain::webhooks::event::SubmissionId;

/// The failures at one endpoint.
pub(super) struct EndpointProblems {
    pub(super) name: String,
    pub(super) types: Vec<TypeProblem>,
}

/// The failures of one event type at an endpoint.
pub(super) struct TypeProblem {
    pub(super) shade: Shade,
    pub(super) what: String,
    /// `None` if no attempt was made.
    pub(super) reason: Option<String>,
    /// Some submissions, if the events have any.
    pub(super) submissions: Option<String>,
}

/// Returns the first `max_rows` problems of a report, grouped by endpoint.
pub(super) fn by_endpoint(
    report: &ReportView,
    names: &BTreeMap<EndpointId, String>,
    words: &'static dyn Words,
    max_rows: usize,
) -> Vec<EndpointProblems> {
    let mut endpoints: Vec<(EndpointId, EndpointProblems)> = Vec::new();
    for problem in report.problems.iter().take(max_rows) {
        let lines = lines(problem, words);
        match endpoints.iter_mut().find(|(id, _)| *id == problem.endpoint_id) {
            Some((_, endpoint)) => endpoint.types.push(lines),
            None => {
                let name = names[&problem.endpoint_id].clone();
                endpoints.push((problem.endpoint_id, EndpointProblems { name, types: vec![lines] }));
            }
        }
    }
    endpoints.into_iter().map(|(_, endpoint)| endpoint).collect()
}

fn lines(problem: &Problem, words: &'static dyn Words) -> TypeProblem {
    let Problem { failed, expired, still_trying, .. } = *problem;
    let counts =
        [(CountedState::Failed, failed), (CountedState::Expired, expired), (CountedState::StillTrying, still_trying)];
    TypeProblem {
        shade: if problem.lost() > 0 { Shade::Failed } else { Shade::StillTrying },
        what: format!("{}: {}", problem.event_type, words.list_counts(counts)),
        reason: reasons(problem, words),
        submissions: submissions(problem, words),
    }
}

/// The reasons of a problem, each with its number of deliveries if there are several.
fn reasons(problem: &Problem, words: &'static dyn Words) -> Option<String> {
    let reasons: Vec<String> = match &problem.reasons[..] {
        [only] => vec![words.failure_reason(only.reason, only.status)],
        several => {
            let text = several.iter().map(|row| (words.failure_reason(row.reason, row.status), row.deliveries));
            text.map(|(reason, deliveries)| format!("{reason} ({})", words::count(deliveries))).collect()
        }
    };
    (!reasons.is_empty()).then(|| reasons.join("; "))
}

fn submissions(problem: &Problem, words: &'static dyn Words) -> Option<String> {
    let ids = problem.examples.iter().filter_map(|example| example.submission_id.as_ref());
    let mut ids: Vec<&str> = ids.map(SubmissionId::as_str).collect();
    if ids.is_empty() {
        return None;
    }
    if problem.lost() + problem.still_trying > ids.len() as u64 {
        ids.push("…");
    }
    Some(words.submissions(&ids.join(", ")))
}
