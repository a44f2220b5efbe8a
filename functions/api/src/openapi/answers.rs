//! Answers that no single type of the API stands for.

use shared::notification_user::NotificationUserView;
use shared::project::Project;
use shared::return_url::ReturnUrlSettings;
use utoipa::ToSchema;

use crate::endpoint_view::EndpointView;

/// What a resource is after a change was undone.
#[derive(ToSchema)]
#[serde(untagged)]
#[expect(
    dead_code,
    clippy::large_enum_variant,
    reason = "only its schema is wanted: the handlers of the resources answer"
)]
pub(crate) enum Reverted {
    /// The project.
    Project(Project),
    /// The endpoint.
    Endpoint(EndpointView),
    /// The notification user.
    NotificationUser(NotificationUserView),
    /// The return URL.
    ReturnUrl(ReturnUrlSettings),
}
