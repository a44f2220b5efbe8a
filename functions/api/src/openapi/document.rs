//! Builds the OpenAPI document from the handlers and their types.

use serde_json::Value;
use utoipa::OpenApi;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, SecurityScheme};

use super::{completion, event_types};

/// The areas and the handlers, in the order of the page.
#[derive(OpenApi)]
#[openapi(
    info(title = "Signpost", description = include_str!("introduction.md"), contact()),
    tags(
        (name = "Projects", description = "A project owns API keys, endpoints, a return URL and notification users."),
        (name = "API keys", description = "The keys with which a project's servers call this API and the operator's product. A key has scopes, and can have an expiry and allowed networks."),
        (name = "Endpoints", description = "The URLs that receive webhooks, with their settings, signing secrets and health."),
        (name = "Public keys", description = "The public keys that verify `v1a` signatures."),
        (name = "Events", description = "Events in the life of a verification. Publishing an event sends a webhook to each endpoint that receives its type."),
        (name = "Deliveries", description = "A delivery is one event to one endpoint, with all its attempts."),
        (name = "Replays", description = "Sends ended deliveries again, each to its own endpoint, or earlier events to an endpoint that has no delivery of them."),
        (name = "Erasures", description = "Erases the data of a person."),
        (name = "Return URL", description = "The URL that people return to after a verification, with the fields that it carries, and the keys that encrypt and sign them."),
        (name = "Return links", description = "A link for one person to the result page and back to the return URL. Its data is sealed in the link."),
        (name = "Notification users", description = "The people who get the daily report. They must confirm their address first."),
        (name = "Reports", description = "The data of the daily report."),
        (name = "Console", description = "The customer's settings pages. The operator creates a link for each visit of a user, who gets a session with a role."),
        (name = "Audit", description = "Every change of settings: who made it, when and from which address. Most changes can be reverted."),
        (name = "Egress IPs", description = "The IP addresses that webhooks come from."),
        (name = "Key ring", description = "For the operator: moves sealed secrets to the current key of the key ring."),
    ),
    paths(
        crate::projects::settings::create, crate::projects::settings::list, crate::projects::settings::read, crate::projects::settings::change,
        crate::projects::settings::delete,
        crate::api_keys::settings::create, crate::api_keys::settings::rotate, crate::api_keys::settings::list, crate::api_keys::settings::read,
        crate::api_keys::settings::revoke, crate::api_keys::verification::verify, crate::api_keys::leaks::revoke,
        crate::endpoints::settings::create, crate::endpoints::settings::list, crate::endpoints::settings::read, crate::endpoints::settings::change,
        crate::endpoints::settings::delete,
        crate::endpoints::pause::pause, crate::endpoints::pause::resume, crate::endpoints::discard_held::discard,
        crate::endpoints::signing_secrets::rotate, crate::endpoints::signing_secrets::end_previous,
        crate::endpoints::test_sends::send, crate::endpoints::test_sends::read, crate::endpoints::handshakes::make,
        crate::endpoints::verification::verify,
        crate::endpoints::jwks::list, crate::endpoints::jwks::rotate,
        crate::documentation::event_types, crate::events::publish::publish, crate::events::publish::publish_batch, crate::events::read::list, crate::events::read::read, crate::events::feed::read,
        crate::events::deliveries::list, crate::events::deliveries::read, crate::events::sent_requests::read,
        crate::events::replays::replay_one, crate::events::replays::create, crate::events::replays::list, crate::events::replays::read,
        crate::events::replays::cancel, crate::events::replays::resume,
        crate::events::erasures::erase,
        crate::return_urls::settings::set, crate::return_urls::settings::read, crate::return_urls::settings::delete, crate::return_urls::settings::preview, crate::return_urls::settings::preview_new,
        crate::return_urls::settings::verify,
        crate::return_urls::keys::issue, crate::return_urls::keys::list, crate::return_urls::keys::activate,
        crate::return_urls::keys::remove,
        crate::return_urls::links::create,
        crate::notifications::users::create, crate::notifications::users::list, crate::notifications::users::read,
        crate::notifications::users::change, crate::notifications::users::remove,
        crate::notifications::users::resend_confirmation,
        crate::notifications::suppressions::lift,
        crate::notifications::reports::list,
        crate::notifications::reports::read,
        crate::console::links::create, crate::console::sessions::list, crate::console::sessions::end, crate::console::sessions::end_all,
        crate::audit::entries::list, crate::audit::entries::read, crate::audit::revert::revert,
        crate::endpoints::egress_ips::list,
        crate::projects::key_ring::reseal,
    ),
    components(schemas(Problem, domain::foundation::id::ProjectId)),
)]
struct Documentation;

/// An error response (RFC 9457).
#[derive(utoipa::ToSchema)]
#[schema(rename_all = "camelCase", example = json!({
    "type": "/problems/bad-fields", "title": "Unprocessable Entity", "status": 422,
    "detail": "1 of the body's fields cannot be accepted", "requestId": "8d7f6a3c-1b1e-4d0b-9c36-0a3c0a5a4b11",
    "errors": [{"pointer": "/name", "detail": "is required"}],
}))]
#[expect(dead_code, reason = "only the schema is used")]
struct Problem {
    /// Kind of the problem: `/problems/` and a stable name. As a path of this API, it leads to the documentation.
    #[schema(rename = "type", format = "uri-reference", pattern = "^/problems/[a-z0-9-]+$")]
    kind: String,
    /// Name of the HTTP status.
    title: String,
    /// HTTP status of the response.
    status: u16,
    /// What is wrong with this request, for people. The sentence may change.
    detail: String,
    /// Id of the request in the operator's logs.
    request_id: String,
    /// All invalid fields of the body.
    #[schema(required = false, min_items = 1)]
    errors: Vec<domain::foundation::draft::BadField>,
}

/// Builds the complete document.
pub(super) fn document() -> Value {
    let mut document = Documentation::openapi();
    let scheme = ApiKey::Header(ApiKeyValue::with_description(
        "x-api-key",
        "A project's key (`sp_live_…`, `sp_test_…`) needs the scope of the operation. An operator key (`sp_op_…`) has all scopes \
         on all projects.",
    ));
    let components = document.components.get_or_insert_default();
    components.add_security_scheme("x-api-key", SecurityScheme::ApiKey(scheme));
    let mut document = serde_json::to_value(document).expect("an OpenAPI document can be written as JSON");
    completion::complete(&mut document);
    document["webhooks"] = event_types::webhooks();
    document["components"]["parameters"] = event_types::parameters();
    document
}
