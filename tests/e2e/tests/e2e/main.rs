//! Black-box tests of the real function binaries, deployed from the real template.
//!
//! After a complete and successful run, the tests in `permissions` compare the role of each function with the calls that the
//! emulator saw. The built-in test harness cannot run tests after all others, so this program has its own `main`.

#![expect(clippy::unwrap_used, reason = "this crate contains only tests")]

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

/// Defines the function `trials`, which returns the listed tests of a module.
macro_rules! trials {
    ($($test:ident),+ $(,)?) => {
        pub(crate) fn trials() -> Vec<libtest_mimic::Trial> {
            vec![$(crate::trial(module_path!(), stringify!($test), $test)),+]
        }
    };
}

mod check;
mod conformance;
mod console;
mod delivery;
mod erase;
mod fairness;
mod feed;
mod feed_readers;
mod handshakes;
mod holding;
mod listen;
mod logs;
mod notices;
mod ordered;
mod overdue;
mod pace;
mod pages;
mod permissions;
mod product_api;
mod program;
mod projects;
mod receiver_auth;
mod replays;
mod reports;
mod retries;
mod return_links;
mod samples;
mod test_sends;
mod tutorial;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let trials: Vec<Trial> = [
        check::trials(),
        conformance::trials(),
        console::trials(),
        delivery::trials(),
        erase::trials(),
        fairness::trials(),
        feed::trials(),
        feed_readers::trials(),
        handshakes::trials(),
        holding::trials(),
        listen::trials(),
        logs::trials(),
        notices::trials(),
        ordered::trials(),
        overdue::trials(),
        pace::trials(),
        pages::trials(),
        product_api::trials(),
        projects::trials(),
        receiver_auth::trials(),
        replays::trials(),
        reports::trials(),
        retries::trials(),
        return_links::trials(),
        samples::trials(),
        test_sends::trials(),
        tutorial::trials(),
    ]
    .into_iter()
    .flatten()
    .collect();
    let count = trials.len();
    let conclusion = libtest_mimic::run(&arguments, trials);
    // With `--list`, no trial passes.
    if conclusion.num_passed < count as u64 {
        return conclusion.exit_code();
    }
    libtest_mimic::run(&arguments, permissions::trials()).exit_code()
}

/// Makes a test with the name that the built-in harness would give it, such as `erase::an_erased_…`.
fn trial(module: &str, name: &str, test: fn()) -> Trial {
    let (_, module) = module.split_once("::").unwrap();
    let run = move || {
        test();
        Ok(())
    };
    Trial::test(format!("{module}::{name}"), run)
}
