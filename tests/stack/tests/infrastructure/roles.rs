//! The permissions that the functions' roles allow in the template, including those under a condition.
//!
//! The end-to-end tests compare the deployed roles with the calls that the functions make.

use std::collections::BTreeSet;

use crate::{functions, resources, role_of};

/// Actions that a role may allow on all resources, by their beginning, with the reason.
const ANY_RESOURCE: [(&str, &str); 3] = [
    ("ses:SendEmail", "a condition limits the sender instead: SES may check identities that are not known in advance"),
    ("ec2:", "AWS supports no narrower resource for a function's network interfaces"),
    ("xray:", "AWS supports no resource for traces"),
];

#[test]
fn only_listed_actions_are_allowed_on_every_resource() {
    for role in functions().iter().map(|function| role_of(function)) {
        for (_, action) in permissions_of(&role).into_iter().filter(|(resource, _)| resource == "*") {
            assert!(
                ANY_RESOURCE.iter().any(|(beginning, _)| action.starts_with(beginning)),
                "{role} may use {action} on every resource"
            );
        }
    }
}

#[test]
fn no_role_has_a_wildcard_in_an_action_or_in_part_of_a_resource() {
    for role in functions().iter().map(|function| role_of(function)) {
        for (resource, action) in permissions_of(&role) {
            assert!(
                !action.contains('*') && (resource == "*" || !resource.contains('*')),
                "{role}: {resource} {action}"
            );
        }
    }
}

/// The permissions that a role allows, ignoring conditions: resource and action, such as `ActivityTable/index/due` and
/// `dynamodb:Query`.
fn permissions_of(role: &str) -> BTreeSet<(String, String)> {
    let (_, lines) = resources("infra/application.yaml").into_iter().find(|(name, _)| name == role).unwrap();
    let (_, statements) = lines.split_once("Policies:").unwrap();
    statements.split("Effect: Allow").skip(1).flat_map(permissions_in).collect()
}

fn permissions_in(statement: &str) -> Vec<(String, String)> {
    let statement: String = statement.lines().filter(|line| !line.trim_start().starts_with('#')).collect();
    let statement = statement.replace("}/", "/");
    let (_, rest) = statement.split_once("Action:").unwrap();
    let (actions, rest) = rest.split_once("Resource:").unwrap();
    let resources = rest.split("Condition:").next().unwrap().split("- !If").next().unwrap();
    let actions = words(actions, |word| word.contains(':'));
    let resources = words(resources, |word| word == "*" || word.contains(['.', '$']));
    assert!(!actions.is_empty() && !resources.is_empty(), "{statement}");
    let on = |resource: String| actions.iter().map(move |action| (resource.clone(), action.clone()));
    resources.iter().map(|resource| name_of(resource)).flat_map(on).collect()
}

fn words(text: &str, is_wanted: impl Fn(&str) -> bool) -> Vec<String> {
    let words = text.split(|character: char| character.is_whitespace() || "[],\"}".contains(character));
    words.map(|word| word.trim_start_matches("${")).filter(|word| is_wanted(word)).map(str::to_owned).collect()
}

/// Turns `SettingsTable.Arn` into `SettingsTable`, and keeps what follows, such as the name of an index.
fn name_of(resource: &str) -> String {
    resource.replace(".Arn", "").replace(".Id", "")
}
