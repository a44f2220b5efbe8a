//! Schemas of responses that have no type in the handlers.

use domain::reports::notification_user::NotificationUserView;
use utoipa::ToSchema;

use crate::endpoints::view::EndpointView;
use crate::projects::view::ProjectView;
use crate::return_urls::view::ReturnUrlView;

/// The resource after a change was reverted.
#[derive(ToSchema)]
#[serde(untagged)]
#[expect(
    dead_code,
    clippy::large_enum_variant,
    reason = "only the schema is used: the handlers of the resources write the response"
)]
pub(crate) enum Reverted {
    /// A project.
    Project(ProjectView),
    /// An endpoint.
    Endpoint(EndpointView),
    /// A notification user.
    NotificationUser(NotificationUserView),
    /// A return URL.
    ReturnUrl(ReturnUrlView),
}
