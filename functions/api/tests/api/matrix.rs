//! Every route × every kind of caller.

use axum::http::StatusCode;
use serde_json::{Value, json};
use shared::api_key::{ApiKey, ApiKeyKind, Scope};
use shared::random::SystemRandom;

use crate::scene::Scene;

/// Who may call a route.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Who {
    Anybody,
    Operator,
    Has(Scope),
}

/// All routes but the pages. In `{…}` stand ids, as the router names them.
pub(crate) const ROUTES: &[(&str, &str, Who)] = {
    use Scope::{DeliveriesRead, DeliveriesReplay, EventsWrite, LinksWrite, SettingsRead, SettingsWrite};
    use Who::{Anybody, Has, Operator};
    &[
        ("GET", "/v1/egress-ips", Anybody),
        ("POST", "/v1/projects", Operator),
        ("GET", "/v1/projects", Operator),
        ("POST", "/v1/key-ring/reseal", Operator),
        ("GET", "/v1/projects/{pid}", Has(SettingsRead)),
        ("PATCH", "/v1/projects/{pid}", Has(SettingsWrite)),
        ("GET", "/v1/projects/{pid}/audit", Has(SettingsRead)),
        ("GET", "/v1/projects/{pid}/audit/{number}", Has(SettingsRead)),
        ("POST", "/v1/projects/{pid}/audit/{number}/revert", Has(SettingsWrite)),
        ("POST", "/v1/projects/{pid}/api-keys", Has(SettingsWrite)),
        ("GET", "/v1/projects/{pid}/api-keys", Has(SettingsRead)),
        ("GET", "/v1/projects/{pid}/api-keys/{id}", Has(SettingsRead)),
        ("DELETE", "/v1/projects/{pid}/api-keys/{id}", Has(SettingsWrite)),
        ("POST", "/v1/projects/{pid}/api-keys/{id}/rotate", Has(SettingsWrite)),
        ("POST", "/v1/projects/{pid}/endpoints", Has(SettingsWrite)),
        ("GET", "/v1/projects/{pid}/endpoints", Has(SettingsRead)),
        ("GET", "/v1/projects/{pid}/endpoints/{id}", Has(SettingsRead)),
        ("PATCH", "/v1/projects/{pid}/endpoints/{id}", Has(SettingsWrite)),
        ("DELETE", "/v1/projects/{pid}/endpoints/{id}", Has(SettingsWrite)),
        ("POST", "/v1/projects/{pid}/endpoints/{id}/pause", Has(SettingsWrite)),
        ("POST", "/v1/projects/{pid}/endpoints/{id}/resume", Has(SettingsWrite)),
        ("POST", "/v1/projects/{pid}/endpoints/{id}/test", Has(SettingsWrite)),
        ("GET", "/v1/projects/{pid}/endpoints/{id}/tests/{test}", Has(SettingsRead)),
        ("POST", "/v1/projects/{pid}/endpoints/{id}/signing-secret/rotate", Has(SettingsWrite)),
        ("DELETE", "/v1/projects/{pid}/endpoints/{id}/signing-secret/previous", Has(SettingsWrite)),
        ("GET", "/v1/projects/{pid}/jwks.json", Anybody),
        ("POST", "/v1/projects/{pid}/jwks/rotate", Has(SettingsWrite)),
        ("POST", "/v1/projects/{pid}/events", Has(EventsWrite)),
        ("GET", "/v1/projects/{pid}/events", Has(DeliveriesRead)),
        ("POST", "/v1/projects/{pid}/events/batch", Has(EventsWrite)),
        ("GET", "/v1/projects/{pid}/events/{id}", Has(DeliveriesRead)),
        ("POST", "/v1/projects/{pid}/submissions/{id}/erase", Has(EventsWrite)),
        ("GET", "/v1/projects/{pid}/deliveries", Has(DeliveriesRead)),
        ("GET", "/v1/projects/{pid}/deliveries/{id}", Has(DeliveriesRead)),
        ("POST", "/v1/projects/{pid}/deliveries/{id}/replay", Has(DeliveriesReplay)),
        ("POST", "/v1/projects/{pid}/replays", Has(DeliveriesReplay)),
        ("GET", "/v1/projects/{pid}/replays", Has(DeliveriesRead)),
        ("GET", "/v1/projects/{pid}/replays/{id}", Has(DeliveriesRead)),
        ("POST", "/v1/projects/{pid}/replays/{id}/cancel", Has(DeliveriesReplay)),
        ("POST", "/v1/projects/{pid}/replays/{id}/resume", Has(DeliveriesReplay)),
        ("GET", "/v1/projects/{pid}/return-url", Has(SettingsRead)),
        ("PUT", "/v1/projects/{pid}/return-url", Has(SettingsWrite)),
        ("DELETE", "/v1/projects/{pid}/return-url", Has(SettingsWrite)),
        ("GET", "/v1/projects/{pid}/return-url/preview", Has(SettingsRead)),
        ("POST", "/v1/projects/{pid}/return-url/verify", Has(DeliveriesRead)),
        ("POST", "/v1/projects/{pid}/return-url/keys", Has(SettingsWrite)),
        ("GET", "/v1/projects/{pid}/return-url/keys", Has(SettingsRead)),
        ("DELETE", "/v1/projects/{pid}/return-url/keys/{id}", Has(SettingsWrite)),
        ("POST", "/v1/projects/{pid}/return-url/keys/{id}/activate", Has(SettingsWrite)),
        ("POST", "/v1/projects/{pid}/return-links", Has(LinksWrite)),
        ("POST", "/v1/projects/{pid}/notification-users", Has(SettingsWrite)),
        ("GET", "/v1/projects/{pid}/notification-users", Has(SettingsRead)),
        ("GET", "/v1/projects/{pid}/notification-users/{id}", Has(SettingsRead)),
        ("PATCH", "/v1/projects/{pid}/notification-users/{id}", Has(SettingsWrite)),
        ("DELETE", "/v1/projects/{pid}/notification-users/{id}", Has(SettingsWrite)),
        ("POST", "/v1/projects/{pid}/notification-users/{id}/resend-confirmation", Has(SettingsWrite)),
        ("GET", "/v1/projects/{pid}/reports/{day}", Has(DeliveriesRead)),
        // Last, because there is nothing to ask for afterwards.
        ("DELETE", "/v1/projects/{pid}", Operator),
    ]
};

/// The route's path in this project. Its other ids name nothing.
pub(crate) fn path(route: &str, project: &str) -> String {
    let nothing = "019ab5e0-0000-7000-8000-000000000000";
    let path = route.replace("{pid}", project).replace("{day}", "2026-01-01").replace("{number}", "999");
    path.replace("deliveries/{id}", &format!("deliveries/{nothing}_{nothing}"))
        .replace("{id}", nothing)
        .replace("{test}", nothing)
}

/// The keys that a project can have, beside those that the routes themselves ask for.
struct Keys {
    refused: Vec<(&'static str, String, StatusCode)>,
    full: String,
}

impl Keys {
    async fn of(scene: &Scene, project: &str) -> Self {
        let full = scene.key_of(project, json!({"name": "full"})).await;
        let expired = scene.key_of(project, json!({"name": "old", "expiresAt": "2020-01-01T00:00:00Z"})).await;
        let elsewhere =
            scene.key_of(project, json!({"name": "far", "allowedCidrs": ["192.0.2.0/24", "2001:db8::/32"]})).await;
        let theirs = scene.project().await;
        let foreign = scene.key_of(&theirs, json!({"name": "foreign"})).await;
        let keys = format!("/v1/projects/{project}/api-keys");
        let revoked = scene.operator("POST", &keys, &json!({"name": "gone"})).await.body;
        let revoked_id = revoked["id"].as_str().unwrap();
        scene.operator("DELETE", &format!("{keys}/{revoked_id}"), &Value::Null).await;
        let unknown = |kind| ApiKey::generate(kind, &SystemRandom).expose().to_owned();
        let last = if full.ends_with('x') { "y" } else { "x" };
        let refused = vec![
            ("none", String::new(), StatusCode::UNAUTHORIZED),
            ("malformed", "sp_live_short".to_owned(), StatusCode::UNAUTHORIZED),
            ("wrong checksum", format!("{}{last}", &full[..full.len() - 1]), StatusCode::UNAUTHORIZED),
            ("unknown", unknown(ApiKeyKind::Live), StatusCode::UNAUTHORIZED),
            ("unknown operator", unknown(ApiKeyKind::Operator), StatusCode::UNAUTHORIZED),
            ("revoked", revoked["key"].as_str().unwrap().to_owned(), StatusCode::UNAUTHORIZED),
            ("expired", expired, StatusCode::UNAUTHORIZED),
            ("outside of its networks", elsewhere, StatusCode::FORBIDDEN),
            ("of another project", foreign, StatusCode::FORBIDDEN),
        ];
        Self { refused, full }
    }
}

#[tokio::test]
async fn every_route_is_open_to_just_whom_it_is_for() {
    let scene = Scene::new().await;
    let project = scene.project().await;
    let keys = Keys::of(&scene, &project).await;
    let mut without = Vec::new();
    for scope in Scope::ALL {
        let others: Vec<&str> = Scope::ALL.into_iter().filter(|other| *other != scope).map(Scope::as_str).collect();
        without.push((scope, scene.key_of(&project, json!({"name": "narrow", "scopes": others})).await));
    }
    for (method, route, who) in ROUTES {
        let path = path(route, &project);
        let status = async |key: &str| scene.call_with(method, &path, key, &[], &Value::Null).await.status;
        let is_let_in = |status: StatusCode| !matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
        for (caller, key, expected) in &keys.refused {
            let found = status(key).await;
            match who {
                Who::Anybody => assert!(is_let_in(found), "{method} {route} with a key that is {caller}"),
                Who::Operator | Who::Has(_) => {
                    assert_eq!(found, *expected, "{method} {route} with a key that is {caller}");
                }
            }
        }
        let found = status(&keys.full).await;
        assert_eq!(is_let_in(found), !matches!(who, Who::Operator), "{method} {route} with a full key");
        if let Who::Has(scope) = who {
            let key = &without.iter().find(|(missing, _)| missing == scope).unwrap().1;
            assert_eq!(status(key).await, StatusCode::FORBIDDEN, "{method} {route} without {}", scope.as_str());
        }
        assert!(is_let_in(status(scene.operator_key.expose()).await), "{method} {route} with the operator's key");
    }
}
