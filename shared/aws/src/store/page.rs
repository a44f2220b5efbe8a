//! Pages of lists, and the positions in them.

use std::collections::HashMap;

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::error::StoreError;
use super::keys;
use super::table::{Item, read, text, unavailable};
use domain::foundation::id::{NotificationUserId, ProjectId};

/// The start of the next page. Opaque to callers, and valid for the same list only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PageToken(pub(crate) String);

/// One page of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T> {
    /// The items of the page.
    pub items: Vec<T>,
    /// The start of the next page, if there is one.
    pub next: Option<PageToken>,
}

/// The list that a cursor belongs to. A cursor of another list is rejected.
#[derive(Debug, Clone, Copy)]
pub(super) enum ListOf {
    /// All projects.
    Projects,
    /// All notification users, by project.
    Users,
    /// The audit log of a project.
    AuditLog(ProjectId),
    /// The replays of a project.
    Replays(ProjectId),
    /// The console sessions of a project.
    ConsoleSessions(ProjectId),
    /// The kept reports of a project.
    Reports(ProjectId),
}

impl ListOf {
    /// The keys of the row that `found` identifies, built from its parsed id. Returns `None` if no row of this list has such an id.
    fn row_keys(self, found: &HashMap<String, String>) -> Option<Vec<(&'static str, String)>> {
        let (list_key, sk) = (found.get("listKey"), found.get("sk"));
        let keys = match self {
            Self::Projects => {
                let project: ProjectId = list_key?.parse().ok()?;
                listed_keys(keys::PROJECT_KIND, project, keys::PROJECT.to_owned(), project.to_string())
            }
            Self::Users => {
                let (project, user) = list_key?.split_once('#')?;
                let (project, user): (ProjectId, NotificationUserId) = (project.parse().ok()?, user.parse().ok()?);
                listed_keys(keys::USER_KIND, project, keys::user(user), keys::user_in_list(project, user))
            }
            Self::AuditLog(project) => {
                let number = sk?.strip_prefix(keys::AUDIT_PREFIX)?.parse().ok()?;
                vec![("pk", keys::audit(project)), ("sk", keys::audit_entry(number))]
            }
            Self::Replays(project) => {
                let replay = sk?.strip_prefix(keys::REPLAY_PREFIX)?.parse().ok()?;
                vec![("pk", keys::replays(project)), ("sk", keys::replay(replay))]
            }
            Self::ConsoleSessions(project) => {
                let session = sk?.strip_prefix(keys::CONSOLE_SESSION_PREFIX)?.parse().ok()?;
                vec![("pk", keys::console_sessions(project)), ("sk", keys::console_session(session))]
            }
            Self::Reports(project) => {
                let (pk, sk) = keys::report_summary(project, sk?.parse().ok()?);
                vec![("pk", pk), ("sk", sk)]
            }
        };
        Some(keys)
    }
}

/// The keys of a row that the index `kind` lists.
fn listed_keys(kind: &str, project: ProjectId, sk: String, list_key: String) -> Vec<(&'static str, String)> {
    vec![("pk", keys::settings(project)), ("sk", sk), ("kind", kind.to_owned()), ("listKey", list_key)]
}

/// Returns one page of a query, starting at `after`.
pub(super) async fn page<T: DeserializeOwned>(
    query: QueryFluentBuilder,
    list: ListOf,
    after: Option<&PageToken>,
) -> Result<Page<T>, StoreError> {
    let start = after.map(|token| token_keys(token, list).ok_or(StoreError::Token)).transpose()?;
    let answer = query.set_exclusive_start_key(start).send().await.map_err(unavailable)?;
    let items = answer.items.unwrap_or_default().into_iter().map(read).collect::<Result<_, _>>()?;
    Ok(Page { items, next: answer.last_evaluated_key.as_ref().map(key_token) })
}

/// Encodes a row's keys as an opaque string. All keys are strings, so this is a JSON object of strings.
fn key_token(keys: &Item) -> PageToken {
    let texts: HashMap<&str, &str> =
        keys.iter().filter_map(|(name, value)| Some((name.as_str(), value.as_s().ok()?.as_str()))).collect();
    PageToken(serde_json::to_string(&texts).expect("texts are JSON"))
}

/// Returns the keys in a token. A caller may have changed the token, and DynamoDB rejects keys that the list cannot have. The keys
/// are therefore rebuilt from the id in the token. A token with other keys is rejected.
fn token_keys(token: &PageToken, list: ListOf) -> Option<Item> {
    let found: HashMap<String, String> = serde_json::from_str(&token.0).ok()?;
    let keys = list.row_keys(&found)?;
    let is_same = keys.len() == found.len() && keys.iter().all(|(name, value)| found.get(*name) == Some(value));
    is_same.then(|| keys.into_iter().map(|(name, value)| (name.to_owned(), text(value))).collect())
}

#[cfg(test)]
mod tests {
    use domain::foundation::random::SystemRandom;
    use domain::foundation::time::Timestamp;
    use proptest::prelude::*;

    use super::*;

    fn now() -> Timestamp {
        "2026-11-22T08:30:00Z".parse().unwrap()
    }

    /// The token of a row with these keys.
    fn token(keys: &[(&'static str, String)]) -> PageToken {
        key_token(&keys.iter().map(|(name, value)| ((*name).to_owned(), text(value.as_str()))).collect())
    }

    fn lists() -> [(ListOf, Vec<(&'static str, String)>); 5] {
        let [ours, theirs] = [(); 2].map(|()| ProjectId::new(now(), &SystemRandom));
        let user = NotificationUserId::new(now(), &SystemRandom);
        let replay = domain::foundation::id::ReplayId::new(now(), &SystemRandom);
        let in_list = keys::user_in_list(theirs, user);
        [
            (ListOf::Projects, listed_keys(keys::PROJECT_KIND, ours, keys::PROJECT.to_owned(), ours.to_string())),
            (ListOf::Users, listed_keys(keys::USER_KIND, theirs, keys::user(user), in_list)),
            (ListOf::AuditLog(ours), vec![("pk", keys::audit(ours)), ("sk", keys::audit_entry(7))]),
            (ListOf::Replays(ours), vec![("pk", keys::replays(ours)), ("sk", keys::replay(replay))]),
            (ListOf::Reports(ours), vec![("pk", keys::reports(ours)), ("sk", now().day().to_string())]),
        ]
    }

    #[test]
    fn a_token_is_valid_for_its_own_list_only() {
        let lists = lists();
        for (index, (_, keys)) in lists.iter().enumerate() {
            let accepting: Vec<usize> =
                (0..lists.len()).filter(|other| token_keys(&token(keys), lists[*other].0).is_some()).collect();
            assert_eq!(accepting, [index]);
        }
    }

    proptest! {
        #[test]
        fn a_token_with_any_other_key_is_refused(part in 0..4_usize, value in "(\\PC|\\x00){0,60}") {
            for (list, keys) in lists() {
                let mut changed = keys.clone();
                let at = part % keys.len();
                prop_assume!(changed[at].1 != value);
                changed[at].1.clone_from(&value);
                // The number of an audit entry and the ids are free, so only their exact form is accepted.
                prop_assert!(token_keys(&token(&changed), list).is_none(), "{changed:?}");
            }
        }
    }

    #[test]
    fn a_token_that_was_tampered_with_is_refused() {
        let (list, keys) = &lists()[2];
        let pk = &keys[0].1;
        for sk in ["zzz", "\0", "entry#", "entry#7", "entry#-1", &"9".repeat(1500), &format!("{} ", keys[1].1)] {
            let tampered = token(&[("pk", pk.clone()), ("sk", sk.to_owned())]);
            assert!(token_keys(&tampered, *list).is_none(), "{sk:?}");
        }
        let largest = token(&[("pk", pk.clone()), ("sk", keys::audit_entry(u64::MAX))]);
        assert!(token_keys(&largest, *list).is_some());
    }
}
