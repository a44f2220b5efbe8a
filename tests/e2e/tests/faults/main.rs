//! Signpost while its functions are killed, and while the services that it uses refuse calls, throttle calls and lose responses.
//!
//! These tests run in their own process with their own stack, which they disturb. They share that stack: a test waits for its
//! [`turn`] before it disturbs it, and must tolerate the faults of the others.

#![expect(clippy::unwrap_used, reason = "this crate contains only tests")]

mod crashes;
mod feed_reader;
mod lanes;
mod load;
mod recovery;
mod storm;

use e2e::{default_options, stack_with};
use stack::{Stack, StackOptions};
use tokio::sync::{Mutex, MutexGuard};

/// The stack of these tests.
async fn stack() -> &'static Stack {
    stack_with(|| StackOptions {
        with_faults: true,
        // The minimum that the template and AWS allow: the timeout of the sender. Messages that a sender returned, or that a killed
        // sender had received, are delivered again after this time. A slow batch may be delivered again before it is finished.
        send_visibility_seconds: 45,
        ..default_options()
    })
    .await
}

/// Waits until no other test disturbs the stack.
async fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::const_new(());
    TURN.lock().await
}
