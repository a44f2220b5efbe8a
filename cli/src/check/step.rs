//! The steps of a check: what each one found, and how it is shown.

use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::{Value, json};

use crate::output::{Output, printable};

/// Columns before the detail of a step.
const DETAIL_INDENT: usize = 40;

/// Columns before the advice of a step: it stands below the name, so that it fits in few lines.
const ADVICE_INDENT: usize = 11;

domain::public_names! {
    /// The steps of a check, in order. Their names are stable.
    pub(crate) enum StepName {
        /// Starts a receiver.
        Receiver = "receiver",
        /// Reaches the API.
        Api = "api",
        /// Reads the published source addresses.
        EgressIps = "egress-ips",
        /// Creates a project.
        Project = "project",
        /// Creates an API key.
        ApiKey = "api-key",
        /// Calls the API at the same time.
        Concurrency = "concurrency",
        /// Creates an endpoint.
        Endpoint = "endpoint",
        /// Publishes an event.
        Event = "event",
        /// Waits until the webhook is delivered.
        Delivery = "delivery",
        /// Verifies the signature of the webhook.
        Signature = "signature",
        /// Compares the source address of the webhook with the published ones.
        SourceAddress = "source-address",
        /// Opens a return link.
        ReturnLink = "return-link",
        /// Asks for a confirmation mail.
        ConfirmationMail = "confirmation-mail",
        /// Deletes the project.
        CleanUp = "clean-up",
        /// Somebody interrupted the check. Other checks have no such step.
        Interrupted = "interrupted",
    }
}

domain::public_names! {
    /// How a step ended.
    pub(crate) enum StepState {
        /// It works.
        Works = "works",
        /// It works, but something needs attention.
        Warning = "warning",
        /// It does not work.
        Failed = "failed",
        /// It was not tried, or has no result because the check was interrupted.
        Skipped = "skipped",
    }
}

/// What a step found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    /// How the step ended.
    pub(crate) state: StepState,
    /// What happened.
    pub(crate) detail: String,
    /// What to do about it.
    pub(crate) advice: Option<String>,
}

impl Finding {
    /// It works.
    pub(crate) fn works(detail: impl Into<String>) -> Self {
        Self { state: StepState::Works, detail: detail.into(), advice: None }
    }

    /// It works, but `advice` should be followed.
    pub(crate) fn warning(detail: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { state: StepState::Warning, detail: detail.into(), advice: Some(advice.into()) }
    }

    /// It does not work until `advice` is followed.
    pub(crate) fn failed(detail: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { state: StepState::Failed, detail: detail.into(), advice: Some(advice.into()) }
    }

    /// It has no result.
    pub(crate) fn skipped(reason: impl Into<String>) -> Self {
        Self { state: StepState::Skipped, detail: reason.into(), advice: None }
    }
}

/// One step, as written for programs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Step {
    name: StepName,
    state: StepState,
    duration_ms: u128,
    detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<String>,
}

/// The steps so far. Each is shown as soon as it has ended.
#[derive(Debug)]
pub(crate) struct Steps {
    output: Output,
    steps: Vec<Step>,
}

impl Steps {
    /// No steps yet.
    pub(crate) fn new(output: Output) -> Self {
        Self { output, steps: Vec::new() }
    }

    /// Runs a step. Returns its value if it works.
    pub(crate) async fn run<T>(
        &mut self,
        name: StepName,
        work: impl Future<Output = Result<(T, Finding), Finding>>,
    ) -> Option<T> {
        let started_at = Instant::now();
        let (value, finding) = match work.await {
            Ok((value, finding)) => (Some(value), finding),
            Err(finding) => (None, finding),
        };
        self.add(name, started_at.elapsed(), finding);
        value
    }

    /// Adds a step that is not tried.
    pub(crate) fn skip(&mut self, name: StepName, reason: &str) {
        self.add(name, Duration::ZERO, Finding::skipped(reason));
    }

    /// Adds the steps up to `last` that have no result yet.
    pub(crate) fn skip_up_to(&mut self, last: StepName, reason: &str) {
        for name in StepName::ALL.into_iter().filter(|name| *name <= last) {
            if self.steps.iter().all(|step| step.name != name) {
                self.skip(name, reason);
            }
        }
    }

    /// Adds a step that has ended.
    pub(crate) fn add(&mut self, name: StepName, duration: Duration, finding: Finding) {
        let Finding { state, detail, advice } = finding;
        let (detail, advice) = (printable(&detail), advice.map(|advice| printable(&advice)));
        let step = Step { name, state, duration_ms: duration.as_millis(), detail, advice };
        for line in lines(&step, self.output) {
            self.output.line(&line);
        }
        self.steps.push(step);
    }

    /// Whether no step failed.
    pub(crate) fn all_work(&self) -> bool {
        self.count(StepState::Failed) == 0
    }

    /// Writes the result: a sentence for people, or all steps for programs. `api` is the URL of the API.
    pub(crate) fn finish(&self, api: &str) {
        self.output.line(&format!("\n{}", self.summary()));
        self.output.json(&self.json(api));
    }

    fn json(&self, api: &str) -> Value {
        json!({ "works": self.all_work(), "api": api, "steps": self.steps })
    }

    fn summary(&self) -> String {
        match (self.count(StepState::Failed), self.count(StepState::Warning)) {
            (0, 0) => "Everything that was tried works.".to_owned(),
            (0, warnings) => format!("Everything that was tried works. Warnings: {warnings}."),
            (failed, 0) => format!("Failed steps: {failed}."),
            (failed, warnings) => format!("Failed steps: {failed}. Warnings: {warnings}."),
        }
    }

    fn count(&self, state: StepState) -> usize {
        self.steps.iter().filter(|step| step.state == state).count()
    }
}

/// The lines that show a step to people.
fn lines(step: &Step, output: Output) -> Vec<String> {
    let duration = match step.state {
        StepState::Skipped => String::new(),
        _ => format!("{} ms", step.duration_ms),
    };
    let head = format!("  {:<8} {:<17} {duration:>9}  ", step.state.as_str(), step.name.as_str());
    let mut details = output.wrap(&step.detail, DETAIL_INDENT).into_iter();
    let first = format!("{head}{}", details.next().unwrap_or_default());
    let details = details.map(|line| format!("{:DETAIL_INDENT$}{line}", ""));
    let advice = step.advice.iter().flat_map(|advice| output.wrap(&format!("→ {advice}"), ADVICE_INDENT));
    let advice = advice.map(|line| format!("{:ADVICE_INDENT$}{line}", ""));
    std::iter::once(first).chain(details).chain(advice).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(findings: &[Finding]) -> Steps {
        let mut steps = Steps::new(Output::SILENT);
        for finding in findings {
            steps.add(StepName::Event, Duration::from_millis(12), finding.clone());
        }
        steps
    }

    #[test]
    fn a_terminal_shows_details_in_one_column_and_advice_below_the_name() {
        let steps =
            steps(&[Finding::failed("the API answered 422: /url must begin with https://", "Use another URL.")]);
        let terminal = Output { is_json: false, is_terminal: true, ..Output::SILENT };
        assert_eq!(
            lines(&steps.steps[0], terminal),
            [
                "  failed   event                 12 ms  the API answered 422: /url must begin",
                "                                        with https://",
                "           → Use another URL.",
            ]
        );
    }

    #[test]
    fn warnings_and_skipped_steps_do_not_count_as_failures() {
        let steps = steps(&[Finding::works("a"), Finding::warning("b", "c"), Finding::skipped("d")]);
        assert!(steps.all_work());
        assert_eq!(steps.summary(), "Everything that was tried works. Warnings: 1.");
    }

    #[test]
    fn a_step_with_a_result_is_not_skipped() {
        let mut steps = steps(&[Finding::works("a")]);
        steps.skip_up_to(StepName::Delivery, "b");
        let shown: Vec<_> = steps.steps.iter().map(|step| (step.name.as_str(), step.state)).collect();
        let skipped = |name| (name, StepState::Skipped);
        let before = ["receiver", "api", "egress-ips", "project", "api-key", "concurrency", "endpoint"].map(skipped);
        let expected = [&[("event", StepState::Works)], &before[..], &[skipped("delivery")]].concat();
        assert_eq!(shown, expected);
    }

    #[test]
    fn programs_get_every_step() {
        let steps = steps(&[Finding::works("a"), Finding::failed("b", "c")]);
        let expected = json!({
            "works": false,
            "api": "https://a.example",
            "steps": [
                {"name": "event", "state": "works", "durationMs": 12, "detail": "a"},
                {"name": "event", "state": "failed", "durationMs": 12, "detail": "b", "advice": "c"},
            ],
        });
        assert_eq!(steps.json("https://a.example"), expected);
    }
}
