//! Scopes of API keys.

use crate::public_names;

public_names! {
    /// A permission of an API key.
    pub enum Scope {
        /// Read the project's settings and audit log.
        SettingsRead = "settings:read",
        /// Change the project's settings.
        SettingsWrite = "settings:write",
        /// Publish events.
        EventsWrite = "events:write",
        /// Read events, deliveries and reports, and verify return URLs.
        DeliveriesRead = "deliveries:read",
        /// Replay deliveries.
        DeliveriesReplay = "deliveries:replay",
        /// Create return links.
        LinksWrite = "links:write",
    }
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
}
