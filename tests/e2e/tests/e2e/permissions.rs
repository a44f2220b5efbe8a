//! During the tests of this program, each function needs exactly the permissions that its role allows.

use std::collections::BTreeMap;

use e2e::{run, stack};
use libtest_mimic::{Failed, Trial};
use stack::permissions::RolePermissions;

/// Actions that a role may allow although its function does not use them, by their beginning, with the reason.
const EXCEPTIONS: [(&str, &str); 5] = [
    ("ec2:", "Lambda connects a function to a VPC, and deletes its network interfaces after it left the VPC"),
    ("logs:", "Lambda writes the logs of a function"),
    ("sqs:DeleteMessage", "Lambda receives the messages for a function"),
    ("sqs:GetQueueAttributes", "Lambda receives the messages for a function"),
    ("sqs:ReceiveMessage", "Lambda receives the messages for a function"),
];

/// One test for each function, and one for the exceptions. Run them after all other tests.
pub(crate) fn trials() -> Vec<Trial> {
    let permissions = run(async { stack().await.permissions().await.unwrap_or_else(|error| panic!("{error}")) });
    let exceptions = exceptions_that_apply(&permissions);
    let of_functions = permissions.into_iter().map(|(function, role)| {
        let name = function.replace('-', "_");
        Trial::test(format!("permissions::the_role_of_{name}_allows_exactly_what_it_needs"), move || {
            allows_exactly_what_is_needed(&role)
        })
    });
    let of_exceptions = Trial::test("permissions::every_exception_applies_to_a_role", move || {
        assert_eq!(exceptions, EXCEPTIONS.map(|(action, _)| action));
        Ok(())
    });
    of_functions.chain([of_exceptions]).collect()
}

fn allows_exactly_what_is_needed(role: &RolePermissions) -> Result<(), Failed> {
    let superfluous: Vec<String> =
        role.unused().filter(|unused| exception_for(&unused.action).is_none()).map(ToString::to_string).collect();
    // Not every refusal fails another test. For example, if the sender may not write rows together, it writes them one by one.
    let missing: Vec<String> = role.refused.iter().map(ToString::to_string).collect();
    if superfluous.is_empty() && missing.is_empty() {
        return Ok(());
    }
    Err(format!("superfluous, or not reached by any test: {superfluous:#?}\nmissing: {missing:#?}").into())
}

/// The beginning of an action that is an exception.
fn exception_for(action: &str) -> Option<&'static str> {
    EXCEPTIONS.iter().map(|(beginning, _)| *beginning).find(|beginning| action.starts_with(beginning))
}

/// The exceptions that at least one role needs.
fn exceptions_that_apply(permissions: &BTreeMap<String, RolePermissions>) -> Vec<&'static str> {
    let unused = || permissions.values().flat_map(RolePermissions::unused);
    let applies = |beginning: &&str| unused().any(|unused| exception_for(&unused.action) == Some(beginning));
    EXCEPTIONS.iter().map(|(beginning, _)| *beginning).filter(applies).collect()
}
