//! Signpost from outside: the real function binaries, deployed from the real template.

#![expect(clippy::unwrap_used, reason = "all of this is tests")]

mod delivery;
mod erase;
mod fairness;
mod holding;
mod logs;
mod notices;
mod overdue;
mod pages;
mod replays;
mod retries;
mod return_links;
mod samples;
mod test_sends;
