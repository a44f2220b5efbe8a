//! Roles of console users.

use crate::projects::api_key::Scope;
use crate::public_names;

public_names! {
    /// What a console user may do.
    pub enum Role {
        /// Sees settings, deliveries and reports, without the data of events.
        Viewer = "viewer",
        /// Also changes endpoints, notification users and the return URL, sees the data of events, and replays deliveries.
        Developer = "developer",
        /// Also manages API keys and secrets, and ends console sessions.
        Admin = "admin",
    }
}

const VIEWER: [Scope; 2] = [Scope::SettingsRead, Scope::DeliveriesRead];
const DEVELOPER: [Scope; 6] = [
    Scope::SettingsRead,
    Scope::DeliveriesRead,
    Scope::SettingsWrite,
    Scope::EventsRead,
    Scope::DeliveriesReplay,
    Scope::ReturnVerify,
];
const ADMIN: [Scope; 8] = [
    Scope::SettingsRead,
    Scope::DeliveriesRead,
    Scope::SettingsWrite,
    Scope::EventsRead,
    Scope::DeliveriesReplay,
    Scope::ReturnVerify,
    Scope::KeysWrite,
    Scope::SecretsWrite,
];

impl Role {
    /// The scopes of the role. No role publishes events or mints links.
    pub const fn scopes(self) -> &'static [Scope] {
        match self {
            Self::Viewer => &VIEWER,
            Self::Developer => &DEVELOPER,
            Self::Admin => &ADMIN,
        }
    }

    /// Returns whether the role has `scope`.
    pub fn has(self, scope: Scope) -> bool {
        self.scopes().contains(&scope)
    }

    /// The first role in the order viewer, developer, admin that has `scope`; `None` if no role has it.
    pub fn lowest_with(scope: Scope) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.has(scope))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_has_the_scopes_of_the_role_before_it() {
        for [lower, higher] in [[Role::Viewer, Role::Developer], [Role::Developer, Role::Admin]] {
            assert!(lower.scopes().iter().all(|scope| higher.has(*scope)), "{higher} lacks a scope of {lower}");
            assert!(lower.scopes().len() < higher.scopes().len());
        }
    }

    #[test]
    fn no_role_publishes_events_or_mints_links() {
        let without_role = Scope::ALL.into_iter().filter(|scope| Role::lowest_with(*scope).is_none());
        assert_eq!(without_role.collect::<Vec<_>>(), [Scope::EventsWrite, Scope::LinksWrite]);
        assert_eq!(Role::lowest_with(Scope::EventsRead), Some(Role::Developer));
    }
}
