//! Webhooks: events, endpoints, deliveries and their attempts, signatures, replays, test sends and handshakes.

pub mod address;
pub mod attempt;
pub mod delivery;
pub mod egress;
pub mod endpoint;
pub mod event;
pub mod feed;
pub mod handshake;
pub mod health;
pub mod key_pair;
pub mod replay;
pub mod request;
pub mod retry;
pub mod sample;
pub mod schema;
pub mod signature;
mod stored_reason;
pub mod sweep;
pub mod test_send;
pub mod verification;
