//! Signpost from outside: the real function binaries, deployed from the real template.

mod delivery;
mod overdue;
mod retries;
mod samples;
