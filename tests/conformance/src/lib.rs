//! Tests a sender of webhooks against [Standard Webhooks](https://www.standardwebhooks.com): see the README.
//!
//! A [`case`] says how a receiver behaves and what a sender must do. The [`receiver`] behaves so and keeps a [`record`]. The
//! [`judge`] compares the record with the case. A [`driver`] makes the sender act. [`suite`] runs all of them.

pub mod case;
pub mod driver;
pub mod judge;
pub mod receiver;
pub mod record;
pub mod report;
pub mod signature;
pub mod suite;

mod clock;
mod http;
