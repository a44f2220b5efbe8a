//! daily-digest mails notification users. Every morning each user gets one report of the previous day. Notices about endpoints
//! that failed for long or were disabled are mailed at any time. The morning's run also queues lost deliveries again.
//!
//! The schedule only queues one message for each project with notification users, so its duration hardly depends on the number
//! of projects. Each message builds one project's report and mails it.
//!
//! Each mail is claimed before it is sent and marked as sent after SES accepted it (see [`aws::store::MailStore`]). The schedule
//! may therefore fire twice, a message may be delivered twice, and a run may die at any point: the next run sends only the missing
//! mails.

mod config;
mod digest;
mod mailing;
mod notice;
mod ports;
mod reconcile;
mod report;
mod run;
mod schedule;
mod trigger;

pub use config::Config;
pub use digest::{Digest, DigestError, RunResult};
pub use ports::{DigestMailer, DigestQueue, Queues};
pub use trigger::{BadTrigger, Trigger};
