//! The two tables, with the indexes of `infra/application.yaml`. The projection of an index affects the cost of a write.

use serde_json::{Value, json};

pub(crate) const SETTINGS: &str = "settings";
pub(crate) const ACTIVITY: &str = "activity";

/// The requests of `CreateTable`.
pub(crate) fn all() -> [Value; 2] {
    let all = json!({ "ProjectionType": "ALL" });
    let due = ["id", "projectId", "nextAttemptAt", "attemptCount", "endpointId", "replayId"];
    let held = ["id", "projectId", "attemptCount"];
    let some = |names: &[&str]| json!({ "ProjectionType": "INCLUDE", "NonKeyAttributes": names });
    [
        table(
            SETTINGS,
            &["pk:S", "sk:S", "keyHash:S", "kind:S", "listKey:S"],
            &json!([index("key-hash", &["keyHash"], &all), index("kind", &["kind", "listKey"], &all)]),
        ),
        table(
            ACTIVITY,
            &["pk:S", "sk:S", "dueShard:S", "sweepAt:N", "heldFor:S", "heldAt:N"],
            &json!([
                index("due", &["dueShard", "sweepAt"], &some(&due)),
                index("held", &["heldFor", "heldAt"], &some(&held)),
            ]),
        ),
    ]
}

fn table(name: &str, attributes: &[&str], indexes: &Value) -> Value {
    let attributes: Vec<Value> = attributes
        .iter()
        .filter_map(|attribute| attribute.split_once(':'))
        .map(|(name, kind)| json!({ "AttributeName": name, "AttributeType": kind }))
        .collect();
    json!({
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": attributes,
        "KeySchema": key_schema(&["pk", "sk"]),
        "GlobalSecondaryIndexes": indexes,
    })
}

fn index(name: &str, keys: &[&str], projection: &Value) -> Value {
    json!({ "IndexName": name, "KeySchema": key_schema(keys), "Projection": projection })
}

fn key_schema(keys: &[&str]) -> Value {
    let kinds = ["HASH", "RANGE"];
    let keys = keys.iter().zip(kinds).map(|(name, kind)| json!({ "AttributeName": name, "KeyType": kind }));
    keys.collect()
}
