//! Signpost while its functions are killed and the services below it refuse, throttle, and lose their answers.
//!
//! A test process of its own, so that the stack it disturbs is nobody else's. What is disturbed is common to its tests, too:
//! who disturbs it takes [`turn`], and others must bear it.

#![expect(clippy::unwrap_used, reason = "all of this is tests")]

mod crashes;
mod load;
mod storm;

use e2e::{stack_with, usual_options};
use stack::{Stack, StackOptions};
use tokio::sync::{Mutex, MutexGuard};

/// The stack of these tests.
async fn stack() -> &'static Stack {
    stack_with(|| StackOptions {
        with_faults: true,
        // The least that the template and AWS allow, which is the sender's own timeout: what was given back, or was with a
        // sender that was killed, comes again after this. A slow batch may come a second time before it is done.
        send_visibility_seconds: 30,
        ..usual_options()
    })
    .await
}

/// Waits until no other test disturbs the stack.
async fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::const_new(());
    TURN.lock().await
}
