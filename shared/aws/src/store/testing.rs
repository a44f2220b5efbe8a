//! A new database in memory for each test.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
    ProjectionType, ScalarAttributeType,
};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::table::{Table, unavailable};
use super::{
    ApiKeyStore, EndpointStore, ProjectStore, ReturnUrlStore, Store, StoreConfig, StoreError, api_keys, endpoints,
    key_pairs, keys, projects, return_urls,
};
use crate::Aws;
use domain::foundation::clock::FixedClock;
use domain::foundation::id::{DeliveryId, EndpointId, EventId, ProjectId};
use domain::foundation::random::SystemRandom;
use domain::projects::api_key::ProjectKey;
use domain::projects::project::Project;
use domain::return_urls::ReturnUrlSettings;
use domain::webhooks::endpoint::Endpoint;
use domain::webhooks::event::Event;
use domain::webhooks::key_pair::KeyPairs;

/// Name of the table `settings`.
pub const SETTINGS: &str = "settings";
/// Name of the table `activity`.
pub const ACTIVITY: &str = "activity";

/// An empty database with both tables. Dropping it stops its server.
#[derive(Debug)]
pub struct Database {
    /// The stores in it.
    pub store: Store,
    aws: Aws,
    address: String,
    server: JoinHandle<()>,
}

/// The configuration of stores in a [`Database`]. Rows are kept for 30 days.
pub fn config() -> StoreConfig {
    StoreConfig {
        settings_table: SETTINGS.to_owned(),
        activity_table: ACTIVITY.to_owned(),
        retention: "30".parse().expect("30 days are a retention"),
    }
}

impl Database {
    /// Starts on a free port of this machine.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let database = dynoxide::Database::memory().expect("a database in memory always opens");
        let server = tokio::spawn(dynoxide::server::serve_on(listener, database));

        let aws = Aws::local(format!("http://{address}"));
        let client = aws.dynamodb();
        create_table(
            client,
            SETTINGS,
            &[("key-hash", "keyHash", None), ("kind", "kind", Some(("listKey", ScalarAttributeType::S)))],
        )
        .await;
        let due = ("due", "dueShard", Some(("sweepAt", ScalarAttributeType::N)));
        let held = ("held", "heldFor", Some(("heldAt", ScalarAttributeType::N)));
        create_table(client, ACTIVITY, &[due, held]).await;
        let config = config();
        Self { store: Store::new(&aws, &config), aws, address: address.to_string(), server }
    }

    /// Accepts an event at the time of its id, and returns it with its number.
    pub async fn accept(&self, event: &Event, endpoints: &[EndpointId]) -> Event {
        let (clock, accepted) = (FixedClock(event.id.created_at()), [(event.clone(), endpoints.to_vec())]);
        let accepted = self.store.events.accept_all(&accepted, &clock, &SystemRandom).await;
        let accepted = accepted.expect("the database takes any event").pop().expect("one event was accepted");
        Event { sequence: accepted.sequence, ..event.clone() }
    }

    /// Replaces an endpoint's row by one that cannot be read.
    pub async fn spoil_endpoint(&self, endpoint: &Endpoint) {
        let client = self.aws.dynamodb();
        let key = |value: String| AttributeValue::S(value);
        let call = client
            .put_item()
            .table_name(SETTINGS)
            .item("pk", key(format!("project#{}", endpoint.project_id)))
            .item("sk", key(format!("endpoint#{}", endpoint.id)));
        call.send().await.expect("the database takes any row");
    }

    /// Changes a delivery's row so that it cannot be read. It stays in its indexes.
    pub async fn spoil_delivery(&self, project: ProjectId, id: DeliveryId) {
        self.spoil_activity(keys::delivery_row(project, id), "attempts").await;
    }

    /// Changes a delivery's row so that its entries in the indexes `due` and `held` cannot be read.
    pub async fn spoil_index_entry(&self, project: ProjectId, id: DeliveryId) {
        self.spoil_activity(keys::delivery_row(project, id), "attemptCount").await;
    }

    /// Changes the row of an endpoint's health so that it cannot be read.
    pub async fn spoil_health(&self, endpoint: &Endpoint) {
        self.spoil_activity(keys::health_row(endpoint.project_id, endpoint.id), "failures").await;
    }

    async fn spoil_activity(&self, (pk, sk): (String, String), attribute: &str) {
        let call = self.aws.dynamodb().update_item().table_name(ACTIVITY);
        let call = call.key("pk", AttributeValue::S(pk)).key("sk", AttributeValue::S(sk));
        let call =
            call.update_expression("SET #attribute = :value").expression_attribute_names("#attribute", attribute);
        let call = call.expression_attribute_values(":value", AttributeValue::S("unreadable".to_owned()));
        call.send().await.expect("the database takes any row");
    }

    /// Removes an event's data as the first step of an erasure does.
    pub async fn begin_erasure(&self, project: ProjectId, id: EventId) {
        let (pk, sk) = keys::event_row(project, id);
        let call = self.aws.dynamodb().update_item().table_name(ACTIVITY);
        let call = call.key("pk", AttributeValue::S(pk)).key("sk", AttributeValue::S(sk));
        let call =
            call.update_expression("SET erasedAt = :now REMOVE #data").expression_attribute_names("#data", "data");
        let now = AttributeValue::S(id.created_at().to_string());
        call.expression_attribute_values(":now", now).send().await.expect("the database takes any row");
    }

    /// Rewrites an API key's row to the form that was used before scopes were divided.
    pub async fn make_key_old(&self, key: &ProjectKey, scopes: &[&str]) {
        let row = api_keys::row(key);
        let scopes = scopes.iter().map(|scope| AttributeValue::S((*scope).to_owned())).collect();
        let call = self.aws.dynamodb().update_item().table_name(SETTINGS);
        let call = call.key("pk", AttributeValue::S(row.pk)).key("sk", AttributeValue::S(row.sk));
        let call = call.update_expression("REMOVE grantedScopes SET scopes = :scopes");
        let call = call.expression_attribute_values(":scopes", AttributeValue::L(scopes));
        call.send().await.expect("the database takes any row");
    }

    /// Returns all rows of a table as a string, for tests that secrets are not stored in clear.
    pub async fn dump(&self, table: &str) -> String {
        let call = self.aws.dynamodb().scan().table_name(table);
        format!("{:?}", call.send().await.expect("the database lists its rows").items())
    }

    /// The connection to the database. Calls to other AWS services fail.
    pub fn aws(&self) -> &Aws {
        &self.aws
    }

    /// Host and port of the database.
    pub fn address(&self) -> &str {
        &self.address
    }
}

impl std::ops::Deref for Database {
    type Target = Store;

    fn deref(&self) -> &Store {
        &self.store
    }
}

// The writes below skip the transaction that a real change goes through.

impl ProjectStore {
    /// Stores a project.
    pub async fn put(&self, project: &Project) -> Result<(), StoreError> {
        self.table.put(&projects::row(project)).await
    }
}

impl EndpointStore {
    /// Stores an endpoint.
    pub async fn put(&self, endpoint: &Endpoint) -> Result<(), StoreError> {
        self.table.put(&endpoints::row(endpoint)).await
    }

    /// Deletes an endpoint.
    pub async fn delete(&self, project: ProjectId, id: EndpointId) -> Result<(), StoreError> {
        delete(&self.table, &keys::settings(project), &keys::endpoint(id)).await
    }

    /// Stores key pairs.
    pub async fn put_key_pairs(&self, pairs: &KeyPairs) -> Result<(), StoreError> {
        self.table.put(&key_pairs::row(pairs.clone())).await
    }
}

impl ReturnUrlStore {
    /// Stores a return URL.
    pub async fn put(&self, project: ProjectId, settings: &ReturnUrlSettings) -> Result<(), StoreError> {
        self.table.put(&return_urls::row(project, settings)).await
    }
}

impl ApiKeyStore {
    /// Stores an API key.
    pub async fn put(&self, key: &ProjectKey) -> Result<(), StoreError> {
        self.table.put(&api_keys::row(key)).await
    }

    /// Deletes an API key.
    pub async fn delete(&self, key: &ProjectKey) -> Result<(), StoreError> {
        let row = api_keys::row(key);
        delete(&self.table, &row.pk, &row.sk).await
    }
}

async fn delete(table: &Table, pk: &str, sk: &str) -> Result<(), StoreError> {
    table.deleting(pk, sk).send().await.map_err(unavailable)?;
    Ok(())
}

impl Drop for Database {
    fn drop(&mut self) {
        self.server.abort();
    }
}

type IndexKeys<'a> = (&'a str, &'a str, Option<(&'a str, ScalarAttributeType)>);

async fn create_table(client: &Client, name: &str, indexes: &[IndexKeys<'_>]) {
    let mut call = client
        .create_table()
        .table_name(name)
        .billing_mode(BillingMode::PayPerRequest)
        .attribute_definitions(attribute("pk", ScalarAttributeType::S))
        .attribute_definitions(attribute("sk", ScalarAttributeType::S))
        .key_schema(key("pk", KeyType::Hash))
        .key_schema(key("sk", KeyType::Range));
    for (index_name, hash, range) in indexes {
        let mut index = GlobalSecondaryIndex::builder()
            .index_name(*index_name)
            .key_schema(key(hash, KeyType::Hash))
            .projection(Projection::builder().projection_type(ProjectionType::All).build());
        call = call.attribute_definitions(attribute(hash, ScalarAttributeType::S));
        if let Some((range, range_type)) = range {
            index = index.key_schema(key(range, KeyType::Range));
            call = call.attribute_definitions(attribute(range, range_type.clone()));
        }
        call = call.global_secondary_indexes(index.build().expect("name and keys are set"));
    }
    call.send().await.expect("a fresh database takes new tables");
}

fn attribute(name: &str, attribute_type: ScalarAttributeType) -> AttributeDefinition {
    let definition = AttributeDefinition::builder().attribute_name(name).attribute_type(attribute_type);
    definition.build().expect("name and type are set")
}

fn key(name: &str, key_type: KeyType) -> KeySchemaElement {
    KeySchemaElement::builder().attribute_name(name).key_type(key_type).build().expect("name and type are set")
}
