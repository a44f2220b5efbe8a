//! The result of the check of a webhook, as the API returns it.

use domain::webhooks::verification::{Finding, SignatureCheck};
use serde::Serialize;

/// What the check of a webhook found.
#[derive(Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = SignatureCheck))]
#[serde(rename_all = "camelCase")]
pub(crate) struct SignatureCheckView {
    /// Whether the headers and the body, as you sent them, carry a valid signature. If so, the mistake is in the code that
    /// verifies them, or it signed with another secret.
    verifies: bool,
    /// Whether the body was compared with the one that was sent. If not, the event is not known, no longer stored, or encrypted
    /// with AES-256-GCM.
    has_original: bool,
    /// What was found, the most important first. Empty: the webhook is as it was sent.
    findings: Vec<FindingView>,
}

/// One thing that the check found.
#[derive(Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = ExplainedFinding))]
struct FindingView {
    #[serde(flatten)]
    finding: Finding,
    /// What it means and what to do, for people. The sentence may change.
    detail: &'static str,
}

impl From<SignatureCheck> for SignatureCheckView {
    fn from(check: SignatureCheck) -> Self {
        let view = |finding: Finding| FindingView { detail: finding.detail(), finding };
        Self {
            verifies: check.verifies,
            has_original: check.has_original,
            findings: check.findings.into_iter().map(view).collect(),
        }
    }
}
