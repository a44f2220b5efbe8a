//! Tests of the API's routes on a database, as callers see them.

#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

mod access;
mod changes;
mod client;
mod documentation;
mod endpoints;
mod events;
mod fixture;
mod matrix;
mod notification_users;
mod replays;
mod reports;
mod requests;
mod return_urls;
mod reverts;
mod submissions;
mod test_sends;
