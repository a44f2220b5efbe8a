//! Tests of the API's routes on a database, as callers see them.

#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

mod access;
mod api_keys;
mod changes;
mod client;
mod console;
mod containment;
mod cursors;
mod deliveries;
mod delivery_filters;
mod discard_held;
mod documentation;
mod endpoints;
mod erasures;
mod events;
mod feed;
mod fixture;
mod handshakes;
mod http_semantics;
mod matrix;
mod missing;
mod notification_users;
mod preconditions;
mod product_keys;
mod projects;
mod proxy;
mod receiver_access;
mod replays;
mod reports;
mod requests;
mod response_headers;
mod return_urls;
mod reverts;
mod sent_requests;
mod slow_reads;
mod test_sends;
mod verification;
