//! The program as people and pipelines run it, against a fake deployment and a fake receiver.

#![expect(clippy::unwrap_used, reason = "this crate contains only tests")]

mod deliveries;
mod help;
mod listen;
mod program;
mod replay;
mod simulate;
#[path = "../../src/testing.rs"]
mod testing;
mod verify;
