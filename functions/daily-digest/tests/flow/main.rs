//! The daily run from the schedule to the mails.

#![expect(clippy::unwrap_used, reason = "a failed step of a test ends the test")]

mod days;
mod mails;
mod morning;
mod reconciliation;
mod slices;
