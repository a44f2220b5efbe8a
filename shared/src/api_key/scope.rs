//! What keys may be used for.

use serde::{Deserialize, Serialize};

/// What a key may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Scope {
    /// Read the project's settings.
    #[serde(rename = "settings:read")]
    SettingsRead,
    /// Change the project's settings.
    #[serde(rename = "settings:write")]
    SettingsWrite,
    /// Publish events.
    #[serde(rename = "events:write")]
    EventsWrite,
    /// Read events, deliveries and reports.
    #[serde(rename = "deliveries:read")]
    DeliveriesRead,
    /// Replay deliveries.
    #[serde(rename = "deliveries:replay")]
    DeliveriesReplay,
    /// Mint return links.
    #[serde(rename = "links:write")]
    LinksWrite,
}

impl Scope {
    /// All of them: what a key has when nothing less was asked for.
    pub const ALL: [Self; 6] = [
        Self::SettingsRead,
        Self::SettingsWrite,
        Self::EventsWrite,
        Self::DeliveriesRead,
        Self::DeliveriesReplay,
        Self::LinksWrite,
    ];

    /// Its public name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SettingsRead => "settings:read",
            Self::SettingsWrite => "settings:write",
            Self::EventsWrite => "events:write",
            Self::DeliveriesRead => "deliveries:read",
            Self::DeliveriesReplay => "deliveries:replay",
            Self::LinksWrite => "links:write",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_written_alike_everywhere() {
        for scope in Scope::ALL {
            assert_eq!(serde_json::to_value(scope).unwrap(), scope.as_str());
        }
    }
}
