//! The rules of Signpost, without I/O and without a cloud SDK.
//!
//! Each folder is one area. An area may use the areas above it and never those below:
//!
//! | area | contains |
//! | --- | --- |
//! | [`foundation`] | time, randomness, ids, public names, languages, sealed values, request bodies |
//! | [`projects`] | projects, API keys, rate limits, the audit log |
//! | [`return_urls`] | return URLs, return links, `secretKey`s |
//! | [`webhooks`] | events, endpoints, deliveries, replays, signatures |
//! | [`reports`] | the daily report, the users who receive it, the links in their mails |
//!
//! Rules take the time and random bytes as arguments. Only `main` functions create a [`foundation::clock::SystemClock`] and a
//! [`foundation::random::SystemRandom`].

pub mod foundation;
pub mod projects;
pub mod reports;
pub mod return_urls;
pub mod webhooks;
