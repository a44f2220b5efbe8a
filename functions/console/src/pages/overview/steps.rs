//! What is not set up yet.

use crate::pages::overview::Facts;
use crate::pages::overview::words::Words;

/// A missing step, and the page on which to do it.
pub(super) struct Step {
    pub(super) text: &'static str,
    pub(super) href: &'static str,
    pub(super) action: &'static str,
}

/// Returns the missing steps in the order in which people do them.
pub(super) fn missing(facts: &Facts, words: &'static Words) -> Vec<Step> {
    [
        (facts.endpoints.is_empty(), words.no_endpoint, "/endpoints/new", words.add_endpoint),
        (!facts.has_return_url, words.no_return_url, "/return-url", words.set_return_url),
        (facts.users.is_empty(), words.no_user, "/notification-users/new", words.add_user),
    ]
    .into_iter()
    .filter(|(is_missing, ..)| *is_missing)
    .map(|(_, text, href, action)| Step { text, href, action })
    .collect()
}
