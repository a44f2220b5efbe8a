//! The areas of the console, in the order of the navigation.

use domain::projects::api_key::Scope;

use crate::layout::words::Words;

/// An area of the console.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Area {
    Overview,
    Endpoints,
    Deliveries,
    Replays,
    ReturnUrl,
    NotificationUsers,
    Reports,
    ApiKeys,
    History,
    Addresses,
    Access,
}

impl Area {
    /// All areas.
    pub(crate) const ALL: [Self; 11] = [
        Self::Overview,
        Self::Endpoints,
        Self::Deliveries,
        Self::Replays,
        Self::ReturnUrl,
        Self::NotificationUsers,
        Self::Reports,
        Self::ApiKeys,
        Self::History,
        Self::Addresses,
        Self::Access,
    ];

    /// The path of the area's first page.
    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::Overview => "/",
            Self::Endpoints => "/endpoints",
            Self::Deliveries => "/deliveries",
            Self::Replays => "/replays",
            Self::ReturnUrl => "/return-url",
            Self::NotificationUsers => "/notification-users",
            Self::Reports => "/reports",
            Self::ApiKeys => "/api-keys",
            Self::History => "/history",
            Self::Addresses => "/addresses",
            Self::Access => "/access",
        }
    }

    /// The scope that the area's first page needs. Roles without it do not see the area.
    pub(crate) const fn scope(self) -> Scope {
        match self {
            Self::Deliveries | Self::Replays | Self::Reports => Scope::DeliveriesRead,
            Self::Overview
            | Self::Endpoints
            | Self::ReturnUrl
            | Self::NotificationUsers
            | Self::ApiKeys
            | Self::History
            | Self::Addresses
            | Self::Access => Scope::SettingsRead,
        }
    }

    /// The label in the navigation.
    pub(crate) const fn label(self, words: &Words) -> &'static str {
        match self {
            Self::Overview => words.overview,
            Self::Endpoints => words.endpoints,
            Self::Deliveries => words.deliveries,
            Self::Replays => words.replays,
            Self::ReturnUrl => words.return_url,
            Self::NotificationUsers => words.notification_users,
            Self::Reports => words.reports,
            Self::ApiKeys => words.api_keys,
            Self::History => words.history,
            Self::Addresses => words.addresses,
            Self::Access => words.access,
        }
    }
}
