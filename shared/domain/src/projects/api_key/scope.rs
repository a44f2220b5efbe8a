//! Scopes of API keys.

use std::collections::BTreeSet;

use crate::public_names;

public_names! {
    /// A permission of an API key.
    pub enum Scope {
        /// Read the project's settings and audit log.
        SettingsRead = "settings:read",
        /// Change the project, its endpoints, notification users and return URL.
        SettingsWrite = "settings:write",
        /// Create, rotate and revoke API keys, and end console sessions.
        KeysWrite = "keys:write",
        /// Issue and end signing secrets, signing key pairs and `secretKey`s, and set the values of static headers.
        SecretsWrite = "secrets:write",
        /// Publish events, and erase their data.
        EventsWrite = "events:write",
        /// Read events with their data, and check why a received webhook does not verify.
        EventsRead = "events:read",
        /// Read deliveries, reports and lists of events, all without the events' data.
        DeliveriesRead = "deliveries:read",
        /// Replay deliveries.
        DeliveriesReplay = "deliveries:replay",
        /// Create return links.
        LinksWrite = "links:write",
        /// Verify return URLs, which shows the data in them.
        ReturnVerify = "return:verify",
    }
}

impl Scope {
    /// The scopes that this scope included before it was divided. Keys stored before then keep all of them.
    const fn split_off(self) -> &'static [Self] {
        match self {
            Self::SettingsWrite => &[Self::KeysWrite, Self::SecretsWrite],
            Self::DeliveriesRead => &[Self::EventsRead, Self::ReturnVerify],
            Self::SettingsRead
            | Self::KeysWrite
            | Self::SecretsWrite
            | Self::EventsWrite
            | Self::EventsRead
            | Self::DeliveriesReplay
            | Self::LinksWrite
            | Self::ReturnVerify => &[],
        }
    }

    /// Whether the scope existed before scopes were divided.
    fn is_undivided(self) -> bool {
        !Self::ALL.into_iter().any(|scope| scope.split_off().contains(&self))
    }
}

/// Returns the current scopes for scopes stored before the division.
pub(super) fn from_undivided(stored: &BTreeSet<Scope>) -> BTreeSet<Scope> {
    stored.iter().flat_map(|scope| [scope].into_iter().chain(scope.split_off())).copied().collect()
}

/// Returns the scopes for versions before the division. They never allow more than `scopes`.
pub(super) fn to_undivided(scopes: &BTreeSet<Scope>) -> BTreeSet<Scope> {
    let is_whole = |scope: &&Scope| scope.split_off().iter().all(|part| scopes.contains(part));
    scopes.iter().filter(|scope| scope.is_undivided()).filter(is_whole).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_serialized_as_its_name() {
        for scope in Scope::ALL {
            assert_eq!(serde_json::to_value(scope).unwrap(), scope.as_str());
        }
    }

    #[test]
    fn an_undivided_scope_is_written_only_for_a_key_that_has_all_of_its_parts() {
        for bits in 0_u32..1 << Scope::ALL.len() {
            let chosen = |index: usize| bits >> index & 1 == 1;
            let scopes: BTreeSet<Scope> = Scope::ALL
                .into_iter()
                .enumerate()
                .filter(|(index, _)| chosen(*index))
                .map(|(_, scope)| scope)
                .collect();
            let undivided = to_undivided(&scopes);
            assert!(undivided.iter().all(|scope| scope.is_undivided()), "{scopes:?}");
            assert!(from_undivided(&undivided).is_subset(&scopes), "{scopes:?}");
        }
        let all = BTreeSet::from(Scope::ALL);
        assert_eq!(from_undivided(&to_undivided(&all)), all);
    }
}
