//! The rules of Signpost.
//!
//! Modules are in reading order and named after things customers know. None of them opens a socket or knows
//! a cloud; the AWS services are in [`aws`], one module and one feature each. The clock, chance and the environment are read in
//! [`clock`], [`random`] and [`config`] alone, for `main` to hand out.

pub mod clock;
pub mod random;
pub mod time;

pub mod draft;
pub mod id;
pub mod key_ring;
pub mod overlap;

pub mod api_key;
pub mod audit;
pub mod color;
pub mod project;
pub mod rate_limit;

pub mod address;
pub mod delivery;
pub mod endpoint;
pub mod event;
pub mod health;
pub mod key_pair;
pub mod replay;
pub mod retry;
pub mod sample;
pub mod signature;
pub mod test_send;
pub mod webhook;

pub mod mail_feedback;
pub mod mail_link;
pub mod return_link;
pub mod return_url;

pub mod digest;
pub mod notification_user;
pub mod report;
#[cfg(feature = "report-mail")]
pub mod report_mail;

pub mod config;
pub mod metric;
pub mod telemetry;

#[cfg(feature = "aws")]
pub mod aws;
