//! The response to a browser, before it is rendered.

use aws::ServiceError;
use aws::secrets::SecretError;
use aws::store::StoreError;
use domain::foundation::key_ring::CannotOpen;
use domain::projects::color::Color;
use domain::return_urls::return_link::BadReturnLink;
use domain::return_urls::{KeyMissing, Location, Outcome, VisitProof};
use thiserror::Error;

/// The response to a browser.
#[derive(Debug)]
pub(crate) enum Answer {
    /// Redirect to the return URL.
    SendBack(Location),
    /// Show how the verification ended.
    Show(Ending),
    /// Show why there is nothing else to show.
    Refuse(Refusal),
}

/// How a verification ended, as a page shows it.
#[derive(Debug)]
pub(crate) struct Ending {
    /// The display name of the project.
    pub(crate) project_name: String,
    /// The colour of the project's logo.
    pub(crate) logo_color: Option<Color>,
    /// The result or the error code.
    pub(crate) outcome: Outcome,
    /// Whether the page shows the error code. `false` if an anonymous caller could choose its text.
    pub(crate) shows_code: bool,
    /// What the person can do next.
    pub(crate) next_step: NextStep,
}

/// What a person can do on a page.
#[derive(Debug)]
pub(crate) enum NextStep {
    /// Press "OK", or wait until the countdown leads to the return URL.
    Countdown {
        /// The return URL.
        location: Location,
        /// Value of the parameter `stay`, which opens the page again without the countdown.
        stay: String,
    },
    /// Press "OK" at any time. The person chose to stay on the page.
    Confirm(Location),
    /// Press "Go back" on an error page.
    GoBack(Location),
    /// Load the page again.
    TryAgain,
    /// Close the page.
    Close,
    /// Nothing on the page itself. Its message says what to do.
    Nothing,
}

/// Why there is nothing else to show.
#[derive(Debug, Error)]
pub(crate) enum Refusal {
    /// The path matches no route, or its parameters are malformed.
    #[error("unknown path")]
    UnknownPath,
    /// The route does not support the method.
    #[error("unsupported method")]
    UnsupportedMethod,
    /// The return link is invalid or has expired.
    #[error(transparent)]
    Link(#[from] BadReturnLink),
    /// The single-use return link was used before.
    #[error("return link was used before")]
    UsedLink,
    /// Signpost failed.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// A failure of Signpost itself.
#[derive(Debug, Error)]
pub(crate) enum Fault {
    /// A service failed.
    #[error(transparent)]
    Service(ServiceError),
    /// The `secretKey` could not be decrypted.
    #[error("secretKey of the return URL could not be opened")]
    Key(#[from] CannotOpen),
    /// The return URL requires a `secretKey`, and the project has none.
    #[error(transparent)]
    KeyMissing(#[from] KeyMissing),
}

aws::from_service_errors!(Fault: StoreError, SecretError);

impl Answer {
    /// Adds the proof of the visit that used a single-use link. Only this visit can open the page again to stay on it.
    pub(crate) fn for_visit(mut self, proof: &VisitProof) -> Self {
        if let Self::Show(Ending { next_step: NextStep::Countdown { stay, .. }, .. }) = &mut self {
            proof.expose().clone_into(stay);
        }
        self
    }
}

impl From<Result<Answer, Refusal>> for Answer {
    fn from(result: Result<Answer, Refusal>) -> Self {
        result.unwrap_or_else(Answer::Refuse)
    }
}
