//! webhook-sender: sends the webhooks that a batch of queue messages asks for, and records every attempt.
//!
//! Each message results in at most one attempt, replay or test. Duplicated and late messages, and messages about a finished
//! delivery, are dropped. A message that could not be processed because of a fault on our side returns to the queue or is
//! left to the sweep.

mod access_tokens;
mod attempt;
mod attempt_writer;
mod batch;
mod concurrency;
mod config;
mod endpoint_cache;
mod endpoint_health;
mod expiry;
mod handler;
mod handshake;
mod health_cache;
mod http;
mod invocation;
mod lane;
mod order;
mod outcome;
mod pace;
mod pacer;
mod post;
mod replay;
mod sender;
mod shared_failure;
mod test_send;
mod unreadable;

pub use config::Config;
pub use http::client::ClientError;
pub use sender::Sender;
