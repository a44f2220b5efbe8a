//! mail-feedback stops mails to addresses that bounce permanently or whose owner reports a mail as spam.
//!
//! SES publishes both to a topic, which feeds a queue. Tags on each mail name its project and user, so users are never looked up
//! by address. A suppressed user is shown in the settings with the reason, and receives mails again after confirming the address
//! again.

mod config;
mod handler;

pub use config::Config;
pub use handler::FeedbackHandler;
