//! The OpenAPI document and the page made from it, built from the code by the tests here.
//!
//! Each handler says in its own file what it takes and answers; the types say what they look like. [`completion`] adds what
//! is alike everywhere. Both are compiled for tests only: the function serves the files that were committed
//! ([`crate::documentation`]), and a test fails if they are not what the code says.

use serde_json::Value;
use utoipa::OpenApi;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, SecurityScheme};

use crate::problem_kind::ProblemKind;

pub(crate) mod answers;
mod completion;
mod examples;
mod html;
mod page;
pub(crate) mod parameters;
mod parsers;
#[expect(dead_code, reason = "only the schemas of these types are wanted")]
pub(crate) mod requests;
mod tests;
mod variants;

/// The resources, in the order of the page.
#[derive(OpenApi)]
#[openapi(
    info(title = "Signpost", description = include_str!("introduction.md"), contact()),
    tags(
        (name = "Projects", description = "What keys, endpoints, return URLs and notification users belong to."),
        (name = "API keys", description = "What a project's own servers call with: scopes, an expiry, allowed networks."),
        (name = "Endpoints", description = "Where webhooks go, and how they are made there."),
        (name = "Public keys", description = "What verifies the signatures `v1a`."),
        (name = "Events", description = "What happened to a verification. Every webhook begins here."),
        (name = "Deliveries", description = "What became of every event, attempt by attempt."),
        (name = "Replays", description = "What is over is sent once more, each delivery to its own endpoint."),
        (name = "Submissions", description = "The end of a person's data."),
        (name = "Return URL", description = "Where people go back to, with which fields, plain, encrypted or signed."),
        (name = "Return links", description = "One person's way back, sealed into a URL."),
        (name = "Notification users", description = "Who gets the daily report, once they have confirmed their address."),
        (name = "Reports", description = "What the daily mail tells, for programs."),
        (name = "Audit", description = "Who changed what, when and from where, and how to undo it."),
        (name = "Egress IPs", description = "The addresses that webhooks come from."),
        (name = "Key ring", description = "For the operator: what is sealed is sealed anew."),
    ),
    paths(
        crate::projects::create, crate::projects::list, crate::projects::read, crate::projects::change,
        crate::projects::delete,
        crate::api_keys::create, crate::api_keys::rotate, crate::api_keys::list, crate::api_keys::read,
        crate::api_keys::revoke,
        crate::endpoints::create, crate::endpoints::list, crate::endpoints::read, crate::endpoints::change,
        crate::endpoints::delete,
        crate::endpoint_states::pause, crate::endpoint_states::resume,
        crate::signing_secrets::rotate, crate::signing_secrets::end_previous,
        crate::test_sends::send, crate::test_sends::read,
        crate::jwks::show, crate::jwks::rotate,
        crate::events::publish, crate::events::publish_batch, crate::events::list, crate::events::read,
        crate::deliveries::list, crate::deliveries::read,
        crate::replays::replay_one, crate::replays::create, crate::replays::list, crate::replays::read,
        crate::replays::cancel, crate::replays::resume,
        crate::submissions::erase,
        crate::return_urls::set, crate::return_urls::read, crate::return_urls::delete, crate::return_urls::preview,
        crate::return_urls::verify,
        crate::return_url_keys::issue, crate::return_url_keys::list, crate::return_url_keys::activate,
        crate::return_url_keys::remove,
        crate::return_links::create,
        crate::notification_users::create, crate::notification_users::list, crate::notification_users::read,
        crate::notification_users::change, crate::notification_users::remove,
        crate::notification_users::resend_confirmation,
        crate::reports::read,
        crate::audit::list, crate::audit::read, crate::audit::revert,
        crate::egress_ips::list,
        crate::key_ring::reseal,
    ),
    components(schemas(Problem, shared::id::ProjectId)),
)]
struct Documentation;

/// What every refusal looks like (RFC 9457).
#[derive(utoipa::ToSchema)]
#[schema(rename_all = "camelCase", example = json!({
    "type": "/problems/bad-fields", "title": "Unprocessable Entity", "status": 422,
    "detail": "1 of the body's fields cannot be accepted", "requestId": "8d7f6a3c-1b1e-4d0b-9c36-0a3c0a5a4b11",
    "errors": [{"pointer": "/name", "detail": "is required"}],
}))]
#[expect(dead_code, reason = "only its schema is wanted")]
struct Problem {
    /// What kind of problem it is: `/problems/` and a stable name. It leads to the documentation.
    #[schema(rename = "type", format = "uri-reference", pattern = "^/problems/[a-z0-9-]+$")]
    kind: String,
    /// The status in words.
    title: String,
    /// The status of the answer.
    status: u16,
    /// What is wrong with this request.
    detail: String,
    /// Names this call in the logs of whoever runs Signpost.
    request_id: String,
    /// Every field of the body that cannot be accepted.
    #[schema(required = false, min_items = 1)]
    errors: Vec<shared::draft::BadField>,
}

/// The whole document.
pub(crate) fn document() -> Value {
    let mut document = Documentation::openapi();
    let scheme = ApiKey::Header(ApiKeyValue::with_description(
        "x-api-key",
        "A project's key (`sp_live_…`, `sp_test_…`) needs the scope that an operation names. The operator's key (`sp_op_…`) may \
         do everything, with every project.",
    ));
    let components = document.components.get_or_insert_default();
    components.add_security_scheme("x-api-key", SecurityScheme::ApiKey(scheme));
    let mut document = serde_json::to_value(document).expect("documents are JSON");
    completion::complete(&mut document);
    document
}

/// The kind of problem with this name.
fn problem_kind(name: &str) -> ProblemKind {
    let known = ProblemKind::ALL.iter().find(|kind| kind.name() == name);
    *known.unwrap_or_else(|| panic!("there is no problem {name}"))
}
