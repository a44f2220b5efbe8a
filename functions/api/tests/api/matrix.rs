//! Calls every route with every kind of API key, and in a console session of every role.

use std::time::Duration;

use domain::foundation::clock::Clock;
use domain::foundation::random::SystemRandom;
use domain::projects::api_key::{ApiKey, ApiKeyKind, Scope};
use domain::projects::console::Role;
use serde_json::json;

use crate::client::Client;
use crate::fixture::{TestApi, UNKNOWN_ID};

/// Who may call a route.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Access {
    Public,
    Operator,
    /// The operator, and keys of the project with this scope.
    Scoped(Scope),
}

/// All routes except the pages for people, as method, path and access.
pub(crate) const ROUTES: &[(&str, &str, Access)] = {
    use Access::{Operator, Public, Scoped};
    use Scope::{
        DeliveriesRead, DeliveriesReplay, EventsRead, EventsWrite, KeysWrite, LinksWrite, ReturnVerify, SecretsWrite,
        SettingsRead, SettingsWrite,
    };
    &[
        ("GET", "/v1/egress-ips", Public),
        ("GET", "/v1/event-types", Public),
        ("POST", "/v1/projects", Operator),
        ("GET", "/v1/projects", Operator),
        ("POST", "/v1/key-ring/reseal", Operator),
        ("POST", "/v1/suppressions/lift", Operator),
        ("GET", "/v1/projects/{pid}", Scoped(SettingsRead)),
        ("PATCH", "/v1/projects/{pid}", Scoped(SettingsWrite)),
        ("GET", "/v1/projects/{pid}/audit", Scoped(SettingsRead)),
        ("GET", "/v1/projects/{pid}/audit/{number}", Scoped(SettingsRead)),
        ("POST", "/v1/projects/{pid}/audit/{number}/revert", Scoped(SettingsWrite)),
        ("POST", "/v1/projects/{pid}/api-keys", Scoped(KeysWrite)),
        ("POST", "/v1/api-keys/verify", Operator),
        ("POST", "/v1/api-keys/revoke", Operator),
        ("GET", "/v1/projects/{pid}/api-keys", Scoped(SettingsRead)),
        ("GET", "/v1/projects/{pid}/api-keys/{id}", Scoped(SettingsRead)),
        ("DELETE", "/v1/projects/{pid}/api-keys/{id}", Scoped(KeysWrite)),
        ("POST", "/v1/projects/{pid}/api-keys/{id}/rotate", Scoped(KeysWrite)),
        ("POST", "/v1/projects/{pid}/endpoints", Scoped(SettingsWrite)),
        ("GET", "/v1/projects/{pid}/endpoints", Scoped(SettingsRead)),
        ("GET", "/v1/projects/{pid}/endpoints/{id}", Scoped(SettingsRead)),
        ("PATCH", "/v1/projects/{pid}/endpoints/{id}", Scoped(SettingsWrite)),
        ("DELETE", "/v1/projects/{pid}/endpoints/{id}", Scoped(SettingsWrite)),
        ("POST", "/v1/projects/{pid}/endpoints/{id}/pause", Scoped(SettingsWrite)),
        ("POST", "/v1/projects/{pid}/endpoints/{id}/resume", Scoped(SettingsWrite)),
        ("POST", "/v1/projects/{pid}/endpoints/{id}/discard-held", Scoped(SettingsWrite)),
        ("POST", "/v1/projects/{pid}/endpoints/{id}/test", Scoped(SettingsWrite)),
        ("GET", "/v1/projects/{pid}/endpoints/{id}/tests/{test}", Scoped(SettingsRead)),
        ("POST", "/v1/projects/{pid}/endpoints/{id}/handshake", Scoped(SettingsWrite)),
        ("POST", "/v1/projects/{pid}/endpoints/{id}/verify", Scoped(EventsRead)),
        ("POST", "/v1/projects/{pid}/endpoints/{id}/signing-secret/rotate", Scoped(SecretsWrite)),
        ("DELETE", "/v1/projects/{pid}/endpoints/{id}/signing-secret/previous", Scoped(SecretsWrite)),
        ("GET", "/v1/projects/{pid}/jwks.json", Public),
        ("POST", "/v1/projects/{pid}/jwks/rotate", Scoped(SecretsWrite)),
        ("POST", "/v1/projects/{pid}/events", Scoped(EventsWrite)),
        ("GET", "/v1/projects/{pid}/events", Scoped(DeliveriesRead)),
        ("POST", "/v1/projects/{pid}/events/batch", Scoped(EventsWrite)),
        ("GET", "/v1/projects/{pid}/events/{id}", Scoped(EventsRead)),
        ("GET", "/v1/projects/{pid}/feed", Scoped(EventsRead)),
        ("POST", "/v1/projects/{pid}/erasures", Scoped(EventsWrite)),
        ("GET", "/v1/projects/{pid}/deliveries", Scoped(DeliveriesRead)),
        ("GET", "/v1/projects/{pid}/deliveries/{id}", Scoped(DeliveriesRead)),
        ("GET", "/v1/projects/{pid}/deliveries/{id}/request", Scoped(EventsRead)),
        ("POST", "/v1/projects/{pid}/deliveries/{id}/replay", Scoped(DeliveriesReplay)),
        ("POST", "/v1/projects/{pid}/replays", Scoped(DeliveriesReplay)),
        ("GET", "/v1/projects/{pid}/replays", Scoped(DeliveriesRead)),
        ("GET", "/v1/projects/{pid}/replays/{id}", Scoped(DeliveriesRead)),
        ("POST", "/v1/projects/{pid}/replays/{id}/cancel", Scoped(DeliveriesReplay)),
        ("POST", "/v1/projects/{pid}/replays/{id}/resume", Scoped(DeliveriesReplay)),
        ("GET", "/v1/projects/{pid}/return-url", Scoped(SettingsRead)),
        ("PUT", "/v1/projects/{pid}/return-url", Scoped(SettingsWrite)),
        ("DELETE", "/v1/projects/{pid}/return-url", Scoped(SettingsWrite)),
        ("GET", "/v1/projects/{pid}/return-url/preview", Scoped(SettingsRead)),
        ("POST", "/v1/projects/{pid}/return-url/preview", Scoped(SettingsRead)),
        ("POST", "/v1/projects/{pid}/return-url/verify", Scoped(ReturnVerify)),
        ("POST", "/v1/projects/{pid}/return-url/keys", Scoped(SecretsWrite)),
        ("GET", "/v1/projects/{pid}/return-url/keys", Scoped(SettingsRead)),
        ("DELETE", "/v1/projects/{pid}/return-url/keys/{id}", Scoped(SecretsWrite)),
        ("POST", "/v1/projects/{pid}/return-url/keys/{id}/activate", Scoped(SecretsWrite)),
        ("POST", "/v1/projects/{pid}/return-links", Scoped(LinksWrite)),
        ("POST", "/v1/projects/{pid}/notification-users", Scoped(SettingsWrite)),
        ("GET", "/v1/projects/{pid}/notification-users", Scoped(SettingsRead)),
        ("GET", "/v1/projects/{pid}/notification-users/{id}", Scoped(SettingsRead)),
        ("PATCH", "/v1/projects/{pid}/notification-users/{id}", Scoped(SettingsWrite)),
        ("DELETE", "/v1/projects/{pid}/notification-users/{id}", Scoped(SettingsWrite)),
        ("POST", "/v1/projects/{pid}/notification-users/{id}/resend-confirmation", Scoped(SettingsWrite)),
        ("GET", "/v1/projects/{pid}/reports", Scoped(DeliveriesRead)),
        ("GET", "/v1/projects/{pid}/reports/{day}", Scoped(DeliveriesRead)),
        ("POST", "/v1/projects/{pid}/console-links", Operator),
        ("GET", "/v1/projects/{pid}/console-sessions", Scoped(SettingsRead)),
        ("DELETE", "/v1/projects/{pid}/console-sessions", Scoped(KeysWrite)),
        ("DELETE", "/v1/projects/{pid}/console-sessions/{id}", Scoped(KeysWrite)),
        // Comes last, because the other calls need the project.
        ("DELETE", "/v1/projects/{pid}", Operator),
    ]
};

/// The path of a route in this project. All other ids in it are unknown.
pub(crate) fn path(route: &str, project: &str) -> String {
    let path = route.replace("/v1/projects/{pid}", project).replace("{day}", "2026-01-01").replace("{number}", "999");
    path.replace("deliveries/{id}", &format!("deliveries/{UNKNOWN_ID}_{UNKNOWN_ID}"))
        .replace("{id}", UNKNOWN_ID)
        .replace("{test}", UNKNOWN_ID)
}

/// Keys that give no access to this project: their kind, the key and the expected status.
pub(crate) async fn refused_keys(api: &TestApi, project: &Client) -> Vec<(&'static str, String, u16)> {
    let valid = project.with_new_key(json!({"name": "valid"})).await.key().to_owned();
    let last = if valid.ends_with('x') { "y" } else { "x" };
    let expired = json!({"name": "expired", "expiresAt": api.clock.now().plus(Duration::from_secs(1))});
    let expired = project.with_new_key(expired).await.key().to_owned();
    api.clock.advance(Duration::from_secs(1));
    let other_networks = json!({"name": "far", "allowedCidrs": ["192.0.2.0/24", "2001:db8::/32"]});
    let other_project = api.create_project().await.with_new_key(json!({"name": "foreign"})).await;
    let revoked = project.create("/api-keys", json!({"name": "revoked"})).await;
    revoked.delete("").await.expect(204);
    let replaced = project.create("/api-keys", json!({"name": "replaced"})).await;
    replaced.with_key(replaced.string("key")).post("/rotate", json!({"overlapDays": 0})).await.expect(201);
    let unknown = |kind| ApiKey::generate(kind, &SystemRandom).expose().to_owned();
    vec![
        ("empty", String::new(), 401),
        ("malformed", "sp_live_short".to_owned(), 401),
        ("mistyped", format!("{}{last}", &valid[..valid.len() - 1]), 401),
        ("unknown", unknown(ApiKeyKind::Live), 401),
        ("an unknown operator's", unknown(ApiKeyKind::Operator), 401),
        ("revoked", revoked.string("key").to_owned(), 401),
        ("replaced", replaced.string("key").to_owned(), 401),
        ("expired", expired, 401),
        ("for other networks", project.with_new_key(other_networks).await.key().to_owned(), 403),
        ("of another project", other_project.key().to_owned(), 403),
    ]
}

#[tokio::test]
async fn every_route_is_open_only_to_the_callers_it_is_meant_for() {
    let (api, project) = TestApi::with_project().await;
    let refused = refused_keys(&api, &project).await;
    let full = project.with_new_key(json!({"name": "full"})).await.key().to_owned();
    for (method, route, access) in ROUTES {
        let path = path(route, &project.path);
        let status = async |key: &str| api.with_key(key).send(method, &path, "").await.status;
        let is_admitted = |status: u16| !matches!(status, 401 | 403);
        for (kind, key, expected) in &refused {
            let actual = status(key).await;
            match access {
                Access::Public => assert!(is_admitted(actual), "{method} {route} with a key that is {kind}"),
                Access::Operator | Access::Scoped(_) => {
                    assert_eq!(actual, *expected, "{method} {route} with a key that is {kind}");
                }
            }
        }
        let without_key = api.without_key().send(method, &path, "").await.status;
        assert_eq!(is_admitted(without_key), matches!(access, Access::Public), "{method} {route} without a key");
        let actual = status(&full).await;
        assert_eq!(is_admitted(actual), !matches!(access, Access::Operator), "{method} {route} with a full key");
        assert!(is_admitted(api.send(method, &path, "").await.status), "{method} {route} with the operator's key");
    }
}

#[tokio::test]
async fn a_scope_gives_access_to_exactly_its_own_routes() {
    let (api, project) = TestApi::with_project().await;
    let key_with =
        async |scopes: &[Scope]| project.create("/api-keys", json!({"name": "limited", "scopes": scopes})).await;
    for scope in Scope::ALL {
        let others: Vec<Scope> = Scope::ALL.into_iter().filter(|other| *other != scope).collect();
        let (only, without) = (key_with(&[scope]).await, key_with(&others).await);
        for (method, route, access) in ROUTES {
            let Access::Scoped(needed) = access else { continue };
            let path = path(route, &project.path);
            let is_admitted = async |key: &str| api.with_key(key).send(method, &path, "").await.status != 403;
            assert_eq!(is_admitted(only.string("key")).await, *needed == scope, "{method} {route} with only {scope}");
            assert_eq!(is_admitted(without.string("key")).await, *needed != scope, "{method} {route} without {scope}");
        }
        only.delete("").await.expect(204);
        without.delete("").await.expect(204);
    }
}

#[tokio::test]
async fn a_console_session_has_exactly_the_routes_of_its_role_in_its_project() {
    let (api, project) = TestApi::with_project().await;
    let other = api.create_project().await;
    for role in Role::ALL {
        for (method, route, access) in ROUTES {
            // A route can end all sessions, so each call has its own.
            let (session, _) = api.open_console(&project, role).await;
            let user = api.in_session(&session);
            let status = async |user: &Client, project: &str| user.send(method, &path(route, project), "").await.status;
            let expected = match access {
                Access::Public => true,
                Access::Operator => false,
                Access::Scoped(scope) => role.has(*scope),
            };
            let actual = status(&user, &project.path).await;
            assert_eq!(!matches!(actual, 401 | 403), expected, "{method} {route} as {role}: {actual}");
            if let Access::Public = access {
                continue;
            }
            for elsewhere in [&other.path, &format!("/v1/projects/{UNKNOWN_ID}")] {
                let actual = status(&user, elsewhere).await;
                assert_eq!(actual, 403, "{method} {route} as {role} in another project");
            }
            let actual = status(&user.with_key(api.key()), &project.path).await;
            assert_eq!(!matches!(actual, 401 | 403), expected, "{method} {route} as {role} with an operator key");
        }
    }
}
