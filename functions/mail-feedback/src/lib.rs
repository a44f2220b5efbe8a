//! mail-feedback stops mails to addresses that bounce permanently or whose owner reports a mail as spam.
//!
//! SES publishes both to a topic, which feeds a queue. Tags on each mail name its project and user, so users are never looked up by
//! address. The hash of the address is added to the deployment's suppression list, so the address stays suppressed after the user
//! is removed. The settings show the reason of a suppressed user, who receives mails again after confirming the address again.

mod config;
mod handler;

pub use config::Config;
pub use handler::FeedbackHandler;
