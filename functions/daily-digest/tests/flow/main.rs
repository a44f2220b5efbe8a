//! A morning's run from the schedule to the mails.

#![expect(clippy::unwrap_used, reason = "what a test needs and cannot have ends it")]

mod days;
mod mails;
mod morning;
mod reconciliation;
