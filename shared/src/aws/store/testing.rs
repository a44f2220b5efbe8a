//! A fresh database in memory for each test.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
    ProjectionType, ScalarAttributeType,
};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::table::unavailable;
use super::{Activity, Settings, StoreError, api_keys, endpoints, key_pairs, projects, return_urls};
use crate::api_key::ProjectKey;
use crate::aws::Aws;
use crate::endpoint::Endpoint;
use crate::id::{EndpointId, ProjectId};
use crate::key_pair::KeyPairs;
use crate::project::Project;
use crate::return_url::ReturnUrlSettings;

/// The name of the table `settings`.
pub const SETTINGS: &str = "settings";
/// The name of the table `activity`.
pub const ACTIVITY: &str = "activity";

/// A database with both tables, empty; gone when it is dropped.
#[derive(Debug)]
pub struct Database {
    /// The settings in it.
    pub settings: Settings,
    /// The activity in it.
    pub activity: Activity,
    aws: Aws,
    address: String,
    server: JoinHandle<()>,
}

impl Database {
    /// Starts it on a free port of this machine.
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
        let submission = ("submission", "submissionKey", None);
        create_table(client, ACTIVITY, &[due, held, submission]).await;
        let retention = "30".parse().expect("30 days are a retention");
        Self {
            settings: Settings::new(&aws, SETTINGS),
            activity: Activity::new(&aws, ACTIVITY, retention),
            aws,
            address: address.to_string(),
            server,
        }
    }

    /// Stores nonsense over an endpoint, as a version to come might.
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

    /// All that is in a table, as text, for tests of what must not be there in clear.
    pub async fn dump(&self, table: &str) -> String {
        let call = self.aws.dynamodb().scan().table_name(table);
        format!("{:?}", call.send().await.expect("the database lists its rows").items())
    }

    /// What clients reach it by. Other services are not there: calls to them fail.
    pub fn aws(&self) -> &Aws {
        &self.aws
    }

    /// Its host and port.
    pub fn address(&self) -> &str {
        &self.address
    }
}

/// Rows as the tests of other crates want them, without the change that would have written them.
impl Settings {
    /// Stores a project.
    pub async fn put_project(&self, project: &Project) -> Result<(), StoreError> {
        self.table.put(&projects::row(project)).await
    }

    /// Stores key pairs.
    pub async fn put_key_pairs(&self, pairs: &KeyPairs) -> Result<(), StoreError> {
        self.table.put(&key_pairs::row(pairs.clone())).await
    }

    /// Stores an endpoint.
    pub async fn put_endpoint(&self, endpoint: &Endpoint) -> Result<(), StoreError> {
        self.table.put(&endpoints::row(endpoint)).await
    }

    /// Stores a return URL.
    pub async fn put_return_url(&self, project: ProjectId, settings: &ReturnUrlSettings) -> Result<(), StoreError> {
        self.table.put(&return_urls::row(project, settings)).await
    }

    /// Stores an API key.
    pub async fn put_api_key(&self, key: &ProjectKey) -> Result<(), StoreError> {
        self.table.put(&api_keys::row(key)).await
    }

    /// Deletes an API key.
    pub async fn delete_api_key(&self, key: &ProjectKey) -> Result<(), StoreError> {
        let row = api_keys::row(key);
        self.delete(&row.pk, &row.sk).await
    }

    /// Deletes an endpoint.
    pub async fn delete_endpoint(&self, project: ProjectId, id: EndpointId) -> Result<(), StoreError> {
        self.delete(&projects::partition(project), &endpoints::sort_key(id)).await
    }

    async fn delete(&self, pk: &str, sk: &str) -> Result<(), StoreError> {
        self.table.deleting(pk, sk).send().await.map_err(unavailable)?;
        Ok(())
    }
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
