//! The API's routes against a real store, as callers see them.

#![expect(clippy::unwrap_used, reason = "what a test needs and cannot have ends it")]

mod access;
mod changes;
mod documentation;
mod endpoints;
mod events;
mod matrix;
mod notification_users;
mod replays;
mod reports;
mod requests;
mod return_urls;
mod scene;
mod site;
mod submissions;
mod test_sends;
