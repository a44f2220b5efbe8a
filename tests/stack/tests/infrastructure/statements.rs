//! What the roles in the template allow.

use std::collections::BTreeSet;

use crate::resources;

/// A right: an action on a resource, such as `ActivityTable/index/due dynamodb:Query`.
pub(crate) type Rights = BTreeSet<String>;

/// What a role of the template allows, whatever the conditions.
pub(crate) fn rights_of(role: &str) -> Rights {
    let (_, lines) = resources("infra/application.yaml").into_iter().find(|(name, _)| name == role).unwrap();
    let (_, statements) = lines.split_once("Policies:").unwrap();
    statements.split("Effect: Allow").skip(1).flat_map(rights).collect()
}

fn rights(statement: &str) -> Vec<String> {
    let statement: String = statement.lines().filter(|line| !line.trim_start().starts_with('#')).collect();
    let statement = statement.replace("}/", "/");
    let (_, rest) = statement.split_once("Action:").unwrap();
    let (actions, rest) = rest.split_once("Resource:").unwrap();
    let resources = rest.split("Condition:").next().unwrap().split("- !If").next().unwrap();
    let actions = words(actions, |word| word.contains(':'));
    let resources = words(resources, |word| word == "*" || word.contains(['.', '$']));
    assert!(!actions.is_empty() && !resources.is_empty(), "{statement}");
    let on = |resource: &String| actions.iter().map(|action| format!("{resource} {action}")).collect::<Vec<_>>();
    resources.iter().map(|resource| plain(resource)).flat_map(|resource| on(&resource)).collect()
}

fn words(text: &str, is_wanted: impl Fn(&str) -> bool) -> Vec<String> {
    let words = text.split(|character: char| character.is_whitespace() || "[],\"}".contains(character));
    words.map(|word| word.trim_start_matches("${")).filter(|word| is_wanted(word)).map(str::to_owned).collect()
}

/// `SettingsTable.Arn` is `SettingsTable`; what follows, such as an index, stays.
fn plain(resource: &str) -> String {
    resource.replace(".Arn", "").replace(".Id", "")
}
