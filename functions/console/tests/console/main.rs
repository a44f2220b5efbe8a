//! Tests of the console's pages on a database, as a browser sees them.

#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

mod access;
mod addresses;
mod api_keys;
mod browser;
#[expect(dead_code, reason = "the console's tests use only a part of the api's client")]
#[path = "../../../api/tests/api/client.rs"]
mod client;
mod console;
mod deliveries;
mod delivery;
mod endpoint_secrets;
mod endpoints;
mod entry;
mod events;
#[expect(dead_code, reason = "the console's tests use only a part of the api's fixture")]
#[path = "../../../api/tests/api/fixture.rs"]
mod fixture;
mod handshakes;
mod history;
mod html;
mod notification_users;
mod overview;
mod pages;
mod receiver_access;
mod replays;
mod return_url;
mod routes;
mod sessions;
mod test_sends;
mod verification;
mod webhooks;
