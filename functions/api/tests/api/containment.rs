//! Random calls by the holder of a limited API key, or by the user of a console session: no key, link or secret that results
//! exceeds the rights of this key or of the user's role.
//!
//! The holder calls with this key or session, and with every key that the API returns. `PROPTEST_CASES` sets the number of cases.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use domain::foundation::clock::Clock;
use domain::foundation::id::{ApiKeyId, ProjectId};
use domain::foundation::time::Timestamp;
use domain::projects::api_key::{ProjectKey, Scope};
use domain::projects::console::Role;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, subsequence};
use serde_json::{Value, json};

use crate::client::{Client, Resource, SOURCE_IP};
use crate::fixture::TestApi;

/// Number of cases without `PROPTEST_CASES`. It is low, because each case starts a database.
const CASES: u32 = 12;

/// Networks, some of which contain the address of the caller.
const NETWORKS: [&str; 7] =
    ["203.0.113.9", "203.0.113.0/24", "203.0.0.0/16", "0.0.0.0/0", "198.51.100.0/24", "::/0", "::ffff:203.0.113.9/128"];

/// Fields of a request for an API key.
#[derive(Debug, Clone)]
struct KeyFields {
    scopes: Option<Vec<Scope>>,
    /// Minutes from now; 0 stands for `null`.
    expires_in: Option<u64>,
    networks: Option<Vec<&'static str>>,
}

#[derive(Debug, Clone)]
enum Call {
    CreateKey(KeyFields),
    RotateKey {
        target: Index,
        overlap_days: u8,
        expires_in: Option<u64>,
    },
    RevokeKey {
        target: Index,
    },
    CreateEndpoint {
        has_header: bool,
    },
    RotateSigningSecret,
    IssueSecretKey,
    MintLink {
        seconds: u64,
    },
    MintConsoleLink,
    /// No call: time passes.
    Wait {
        minutes: u64,
    },
}

fn key_fields() -> impl Strategy<Value = KeyFields> {
    let scopes = option::weighted(0.7, subsequence(Scope::ALL.to_vec(), 1..=Scope::ALL.len()));
    let networks = option::of(subsequence(NETWORKS.to_vec(), 0..=2));
    (scopes, option::of(minutes()), networks).prop_map(|(scopes, expires_in, networks)| KeyFields {
        scopes,
        expires_in,
        networks,
    })
}

fn minutes() -> impl Strategy<Value = u64> {
    prop_oneof![Just(0_u64), 1_u64..5_000]
}

fn call() -> impl Strategy<Value = Call> {
    prop_oneof![
        4 => key_fields().prop_map(Call::CreateKey),
        4 => (any::<Index>(), prop_oneof![Just(0_u8), Just(1), Just(30)], option::of(minutes()))
            .prop_map(|(target, overlap_days, expires_in)| Call::RotateKey { target, overlap_days, expires_in }),
        1 => any::<Index>().prop_map(|target| Call::RevokeKey { target }),
        2 => any::<bool>().prop_map(|has_header| Call::CreateEndpoint { has_header }),
        2 => Just(Call::RotateSigningSecret),
        2 => Just(Call::IssueSecretKey),
        3 => (60_u64..=86_400).prop_map(|seconds| Call::MintLink { seconds }),
        1 => Just(Call::MintConsoleLink),
        1 => (1_u64..500).prop_map(|minutes| Call::Wait { minutes }),
    ]
}

/// The scopes of the product.
const PRODUCT_SCOPES: [&str; 2] = ["submissions:read", "submissions:review"];

/// What the holder has at the start.
#[derive(Debug, Clone)]
enum First {
    Key(KeyFields),
    Session(Role),
}

/// The holder's first key. It can always create and read keys, so that calls succeed.
fn first_key() -> impl Strategy<Value = KeyFields> {
    (key_fields(), 1_u64..3_000, any::<bool>()).prop_map(|(mut key, minutes, has_networks)| {
        let more = [Scope::SettingsRead, Scope::KeysWrite];
        key.scopes = Some(key.scopes.unwrap_or_default().into_iter().chain(more).collect());
        key.expires_in = Some(minutes);
        key.networks = has_networks.then(|| vec!["203.0.113.0/24", "198.51.100.0/24"]);
        key
    })
}

struct World {
    api: TestApi,
    project: Resource,
    endpoint: Resource,
    /// The holder's first key, which nothing may exceed. A key with the scopes of the role stands for a session, but is not
    /// stored.
    first: ProjectKey,
    /// Keys of others, by their ids.
    others: Vec<ApiKeyId>,
    /// The holder's keys, by their ids.
    held: BTreeMap<ApiKeyId, Client>,
}

impl World {
    async fn start(first: &First) -> Self {
        let (api, project) = TestApi::with_project().await;
        let others = [json!({"name": "full"}), json!({"name": "reader", "scopes": ["settings:read"]})];
        let mut ids = Vec::new();
        for other in others {
            ids.push(project.create("/api-keys", other).await.id());
        }
        let endpoint = project.create_endpoint().await;
        let fields = match first {
            First::Key(fields) => body(fields, api.clock.now()),
            First::Session(role) => {
                let scopes = role.scopes().iter().map(|scope| scope.as_str()).chain(PRODUCT_SCOPES);
                json!({"name": "session", "scopes": scopes.collect::<Vec<_>>()})
            }
        };
        let created = project.create("/api-keys", fields).await;
        let id = created.id();
        let stored = api.store.api_keys.get(project.id(), id).await.unwrap().unwrap();
        let client = match first {
            First::Key(_) => project.with_key(created.string("key")),
            First::Session(role) => {
                created.delete("").await.expect(204);
                api.open_console(&project, *role).await.1
            }
        };
        let first = stored;
        Self { api, project, endpoint, first, others: ids, held: [(id, client)].into() }
    }

    /// Makes a call with one of the holder's keys, and checks that the call was within the key's rights.
    async fn make(&mut self, actor: Index, call: &Call) {
        let (id, client) = self.held.iter().nth(actor.index(self.held.len())).unwrap();
        let (client, now) = (client.clone(), self.api.clock.now());
        let actor = if client.is_session() {
            Some(self.first.clone())
        } else {
            self.api.store.api_keys.get(self.project.id(), *id).await.unwrap()
        };
        let (needed, response) = match call {
            Call::CreateKey(fields) => {
                let response = client.post("/api-keys", body(fields, now)).await;
                (vec![Scope::KeysWrite], response)
            }
            Call::RotateKey { target, overlap_days, expires_in } => {
                let mut body = json!({"overlapDays": overlap_days});
                if let Some(minutes) = expires_in {
                    body["expiresAt"] = expiry(*minutes, now);
                }
                let path = format!("/api-keys/{}/rotate", self.some_key(*target));
                (vec![Scope::KeysWrite], client.post(&path, body).await)
            }
            Call::RevokeKey { target } => {
                // The keys of others stay, as targets.
                let target = self.held.keys().nth(target.index(self.held.len())).unwrap();
                (vec![Scope::KeysWrite], client.delete(&format!("/api-keys/{target}")).await)
            }
            Call::CreateEndpoint { has_header } => {
                let mut body = json!({"url": "https://hooks.example.com/"});
                let mut needed = vec![Scope::SettingsWrite];
                if *has_header {
                    body["headers"] = json!({"authorization": "Bearer x"});
                    needed.push(Scope::SecretsWrite);
                }
                (needed, client.post("/endpoints", body).await)
            }
            Call::RotateSigningSecret => {
                let path = format!("/endpoints/{}/signing-secret/rotate", self.endpoint.string("id"));
                (vec![Scope::SecretsWrite], client.post(&path, "{}").await)
            }
            Call::IssueSecretKey => (vec![Scope::SecretsWrite], client.post("/return-url/keys", "{}").await),
            Call::MintLink { seconds } => {
                let link = json!({"kycStatus": "approved", "expiresInSeconds": seconds});
                (vec![Scope::LinksWrite], client.post("/return-links", link).await)
            }
            Call::MintConsoleLink => {
                let link = json!({"user": {"id": "u1", "name": "Ada"}, "role": "viewer"});
                let refused = client.post("/console-links", link).await;
                return assert!(matches!(refused.status, 401 | 403), "{}", refused.text);
            }
            Call::Wait { minutes } => return self.api.clock.advance(Duration::from_mins(*minutes)),
        };
        assert!(response.status < 500, "{call:?}: {}", response.text);
        if response.status >= 300 {
            return;
        }
        let actor = actor.expect("a call with a key that does not exist was accepted");
        assert!(actor.admit(now, Some(caller())).is_ok(), "{call:?} with {actor:?}");
        assert!(needed.iter().all(|scope| actor.permit(*scope).is_ok()), "{call:?} with {actor:?}");
        if let Call::MintLink { .. } = call {
            assert!(time(&response.body["expiresAt"]) <= actor.expires_at.unwrap(), "{}", response.text);
        }
        if let Some(key) = response.body["key"].as_str() {
            let id = response.body["id"].as_str().unwrap().parse().unwrap();
            let stored = self.api.store.api_keys.get(self.project.id(), id).await.unwrap();
            assert!(stored.is_some_and(|stored| stored.is_valid(now)), "{call:?} returned a key that does not exist");
            self.held.insert(id, self.project.with_key(key));
        }
    }

    /// One of all keys: the holder's and those of others.
    fn some_key(&self, index: Index) -> ApiKeyId {
        let all: Vec<ApiKeyId> = self.held.keys().chain(&self.others).copied().collect();
        all[index.index(all.len())]
    }

    /// Checks that no key of the holder exceeds the first one.
    async fn check(&self) {
        let keys = self.api.store.api_keys.list(self.project.id::<ProjectId>()).await.unwrap();
        let now = self.api.clock.now();
        assert!(keys.iter().filter(|key| key.is_valid(now)).count() <= 20 && keys.len() <= 20);
        for key in keys.iter().filter(|key| !self.others.contains(&key.id)) {
            assert!(self.held.contains_key(&key.id), "a key that was not returned to its creator: {key:?}");
            assert!(key.all_scopes().is_subset(&self.first.all_scopes()), "{key:?} exceeds {:?}", self.first);
            let is_limited = self.first.expires_at.is_none_or(|end| key.expires_at.is_some_and(|own| own <= end));
            assert!(is_limited, "{key:?} exceeds {:?}", self.first);
            for address in ["203.0.113.9", "203.0.113.10", "198.51.100.1", "192.0.2.1", "2001:db8::1", "::1"] {
                let admits = |key: &ProjectKey| key.admit(key.created_at, Some(address.parse().unwrap())).is_ok();
                assert!(!admits(key) || admits(&self.first), "{key:?} exceeds {:?} at {address}", self.first);
            }
        }
    }
}

fn caller() -> IpAddr {
    SOURCE_IP.parse().unwrap()
}

fn body(fields: &KeyFields, now: Timestamp) -> Value {
    let mut body = json!({"name": "key"});
    if let Some(scopes) = &fields.scopes {
        // Keys with one of two scopes also have a product scope, so that product scopes vary too.
        let has = |scope: Scope| scopes.contains(&scope);
        let product = [has(Scope::EventsRead), has(Scope::LinksWrite)].into_iter().zip(PRODUCT_SCOPES);
        let product = product.filter_map(|(is_wanted, scope)| is_wanted.then_some(scope));
        body["scopes"] = json!(scopes.iter().map(|scope| scope.as_str()).chain(product).collect::<Vec<_>>());
    }
    if let Some(minutes) = fields.expires_in {
        body["expiresAt"] = expiry(minutes, now);
    }
    if let Some(networks) = &fields.networks {
        body["allowedCidrs"] = json!(networks);
    }
    body
}

fn expiry(minutes: u64, now: Timestamp) -> Value {
    if minutes == 0 { Value::Null } else { json!(now.plus(Duration::from_mins(minutes))) }
}

fn time(value: &Value) -> Timestamp {
    value.as_str().unwrap().parse().unwrap()
}

/// The number of cases that `PROPTEST_CASES` sets, or fewer than proptest's default.
fn config() -> ProptestConfig {
    let config = ProptestConfig::default();
    let is_default = config.cases == 256;
    ProptestConfig { cases: if is_default { CASES } else { config.cases }, ..config }
}

fn calls() -> impl Strategy<Value = Vec<(Index, Call)>> {
    vec((any::<Index>(), call()), 10..40)
}

fn run(first: &First, calls: &[(Index, Call)]) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut world = World::start(first).await;
        for (actor, call) in calls {
            world.make(*actor, call).await;
            world.check().await;
        }
    });
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn keys_links_and_secrets_from_a_limited_key_never_exceed_its_rights(
        first in first_key().prop_map(First::Key), calls in calls(),
    ) {
        run(&first, &calls);
    }

    #[test]
    fn keys_and_secrets_from_a_console_session_never_exceed_its_role(
        first in prop_oneof![3 => Just(Role::Admin), 1 => Just(Role::Developer), 1 => Just(Role::Viewer)].prop_map(First::Session),
        calls in calls(),
    ) {
        run(&first, &calls);
    }
}
