//! The pages shown at the end of a verification, the console, and the documentation, in a real browser.

use e2e::{run, stack};
use stack::browser;

trials! {
    every_page_is_accessible_and_usable,
    every_page_of_the_console_is_accessible_and_usable,
    people_do_their_work_in_the_console,
    pages_redirect_as_they_announce,
    the_documentation_is_accessible,
}

fn every_page_is_accessible_and_usable() {
    run_browser_test("looks.test.mjs");
}

fn pages_redirect_as_they_announce() {
    run_browser_test("way-back.test.mjs");
}

fn the_documentation_is_accessible() {
    run_browser_test("docs.test.mjs");
}

fn every_page_of_the_console_is_accessible_and_usable() {
    run_browser_test("console-looks.test.mjs");
}

fn people_do_their_work_in_the_console() {
    run_browser_test("console-flows.test.mjs");
}

fn run_browser_test(script: &str) {
    run(async {
        let stack = stack().await;
        if let Err(error) = browser::test(stack, script).await {
            panic!("{error}");
        }
    });
}
