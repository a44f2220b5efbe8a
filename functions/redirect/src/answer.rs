//! What a browser is answered: decided here, written in [`crate::pages`].

use shared::aws::secrets::SecretError;
use shared::aws::store::StoreError;
use shared::key_ring::CannotOpen;
use shared::return_link::BadReturnLink;
use shared::return_url::{KeyMissing, Location, Outcome};
use thiserror::Error;

/// What a browser is answered.
#[derive(Debug)]
pub(crate) enum Answer {
    /// It is sent to the return URL at once.
    SendBack(Location),
    /// It is shown how the verification ended.
    Show(Ending),
    /// It is told why there is nothing to show.
    Refuse(Refusal),
}

/// How a verification ended, as a page shows it.
#[derive(Debug)]
pub(crate) struct Ending {
    /// Whose verification it was, in words for people.
    pub(crate) project_name: String,
    /// How it ended.
    pub(crate) outcome: Outcome,
    /// What the person can do next.
    pub(crate) way_on: WayOn,
}

/// What a person can do on a page.
#[derive(Debug)]
pub(crate) enum WayOn {
    /// Press OK, or wait five seconds.
    ByItself(Location),
    /// Press OK when they like: they asked to stay.
    Stay(Location),
    /// Press the button of an error page.
    ByButton(Location),
    /// Load the page again.
    TryAgain,
    /// Close the page.
    Close,
    /// Nothing here; the text says what.
    Nowhere,
}

/// Why there is nothing to show.
#[derive(Debug, Error)]
pub(crate) enum Refusal {
    /// No page has this address.
    #[error("no such page")]
    NoSuchPage,
    /// No page takes this method.
    #[error("no page takes this method")]
    NoSuchMethod,
    /// The return link cannot be followed.
    #[error(transparent)]
    Link(#[from] BadReturnLink),
    /// The return link works once, and was used.
    #[error("return link was used")]
    UsedLink,
    /// Our own fault.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// What went wrong on our side.
#[derive(Debug, Error)]
pub(crate) enum Fault {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The key ring cannot be had.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The project's `secretKey` cannot be opened.
    #[error("secretKey of the return URL cannot be opened")]
    Key(#[from] CannotOpen),
    /// The project's settings need a `secretKey`, and there is none.
    #[error(transparent)]
    KeyMissing(#[from] KeyMissing),
}

impl From<Result<Answer, Refusal>> for Answer {
    fn from(result: Result<Answer, Refusal>) -> Self {
        result.unwrap_or_else(Answer::Refuse)
    }
}
