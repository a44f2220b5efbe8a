//! The pages that people see at the end of their verification, in a real browser.

use e2e::{run, stack};
use stack::browser;

#[test]
fn everybody_can_read_and_use_every_page() {
    pass("looks.test.mjs");
}

#[test]
fn people_leave_the_pages_as_they_were_promised() {
    pass("way-back.test.mjs");
}

#[test]
fn everybody_can_read_the_documentation() {
    pass("docs.test.mjs");
}

fn pass(script: &str) {
    run(async {
        let stack = stack().await;
        if let Err(error) = browser::test(stack, script).await {
            panic!("{error}");
        }
    });
}
