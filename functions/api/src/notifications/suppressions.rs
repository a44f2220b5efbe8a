//! `POST /v1/suppressions/lift`: the operator allows mails to a suppressed address again.

use axum::Json;
use axum::extract::State;
use domain::foundation::draft::{BadFields, Draft};
use domain::reports::email_address::EmailAddress;
use serde::Serialize;
use tracing::info;

use crate::app::App;
use crate::http::api_error::ApiError;
use crate::http::body::Checked;
use crate::http::caller::Operator;
#[cfg(test)]
use crate::openapi::requests;

/// A request to lift the suppression of an address.
pub(crate) struct SuppressedAddress {
    email: EmailAddress,
}

impl TryFrom<Draft> for SuppressedAddress {
    type Error = BadFields;

    fn try_from(mut draft: Draft) -> Result<Self, BadFields> {
        let email = draft.required("email");
        draft.check(|| Some(Self { email: email? }))
    }
}

/// The result of lifting a suppression.
#[derive(Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
pub(crate) struct LiftedSuppression {
    /// Number of entries that were removed from the suppression list.
    lifted: usize,
}

/// Removes an address from the suppression list, at the request of the person who owns it. No mail is sent. A `suppressed` or
/// `unsubscribed` notification user with this address can then get a confirmation mail again.
#[cfg_attr(test, utoipa::path(
    post, path = "/v1/suppressions/lift", operation_id = "liftSuppression", tag = "Notification users",
    security(("x-api-key" = ["operator"])), request_body = requests::SuppressedAddress,
    responses((status = 200, description = "The number of removed entries. It may be 0.", body = LiftedSuppression)),
))]
pub(crate) async fn lift(
    State(app): State<App>,
    _: Operator,
    Checked(request): Checked<SuppressedAddress>,
) -> Result<Json<LiftedSuppression>, ApiError> {
    let lifted = app.store.suppressions.lift(&request.email.hashes(), app.clock.now()).await?;
    // Does not log the address. The log line of the request has the same request id.
    info!(lifted, "the operator removed {lifted} entries of an address from the suppression list");
    Ok(Json(LiftedSuppression { lifted }))
}
