//! Writes in DynamoDB's JSON protocol, for [direct calls](crate::direct): `PutItem`, and `UpdateItem` with its output.

use std::collections::HashMap;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::ser::{Error, SerializeMap};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The attributes of a row.
type Item = HashMap<String, AttributeValue>;

/// A conditional write of a row.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct PutItem<'a> {
    pub(super) table_name: &'a str,
    #[serde(serialize_with = "attributes")]
    pub(super) item: &'a Item,
    pub(super) condition_expression: &'a str,
}

/// A conditional update that returns the whole row.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct UpdateItem<'a> {
    table_name: &'a str,
    #[serde(serialize_with = "attributes")]
    key: &'a Item,
    update_expression: &'a str,
    condition_expression: &'a str,
    #[serde(serialize_with = "attributes")]
    expression_attribute_values: &'a Item,
    return_values: &'static str,
}

impl<'a> UpdateItem<'a> {
    pub(super) fn new(table: &'a str, key: &'a Item, update: &'a str, condition: &'a str, values: &'a Item) -> Self {
        Self {
            table_name: table,
            key,
            update_expression: update,
            condition_expression: condition,
            expression_attribute_values: values,
            return_values: "ALL_NEW",
        }
    }
}

/// The output of [`UpdateItem`].
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Updated {
    #[serde(deserialize_with = "read_attributes")]
    pub(super) attributes: Item,
}

fn read_attributes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Item, D::Error> {
    let members = HashMap::<String, ReadAttribute>::deserialize(deserializer)?;
    Ok(members.into_iter().map(|(name, value)| (name, value.into())).collect())
}

/// An attribute value of an output. Rows that are updated directly have no other kinds.
#[derive(Deserialize)]
enum ReadAttribute {
    S(String),
    N(String),
    B(#[serde(deserialize_with = "read_bytes")] Vec<u8>),
    L(Vec<ReadAttribute>),
}

fn read_bytes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    BASE64_STANDARD.decode(String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
}

impl From<ReadAttribute> for AttributeValue {
    fn from(value: ReadAttribute) -> Self {
        match value {
            ReadAttribute::S(text) => Self::S(text),
            ReadAttribute::N(number) => Self::N(number),
            ReadAttribute::B(bytes) => Self::B(Blob::new(bytes)),
            ReadAttribute::L(values) => Self::L(values.into_iter().map(Into::into).collect()),
        }
    }
}

fn attributes<S: Serializer>(item: &Item, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(item.iter().map(|(name, value)| (name, Attribute(value))))
}

/// An attribute value: an object whose only member is named after the type.
struct Attribute<'a>(&'a AttributeValue);

impl Serialize for Attribute<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(Some(1))?;
        match self.0 {
            AttributeValue::S(text) => object.serialize_entry("S", text)?,
            AttributeValue::N(number) => object.serialize_entry("N", number)?,
            AttributeValue::B(bytes) => object.serialize_entry("B", &BASE64_STANDARD.encode(bytes))?,
            AttributeValue::Bool(value) => object.serialize_entry("BOOL", value)?,
            AttributeValue::Null(value) => object.serialize_entry("NULL", value)?,
            AttributeValue::L(values) => {
                object.serialize_entry("L", &values.iter().map(Attribute).collect::<Vec<_>>())?;
            }
            AttributeValue::M(members) => object.serialize_entry("M", &Members(members))?,
            // Rows have no sets. The SDK, which is asked next, can write them.
            _ => return Err(S::Error::custom("unsupported attribute")),
        }
        object.end()
    }
}

struct Members<'a>(&'a Item);

impl Serialize for Members<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        attributes(self.0, serializer)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::table::ABSENT;
    use super::*;

    #[test]
    fn every_kind_of_attribute_is_written_as_dynamodb_names_it() {
        let text = |value: &str| AttributeValue::S(value.to_owned());
        let item = Item::from([
            ("s".to_owned(), text("a\"b")),
            ("n".to_owned(), AttributeValue::N("7".to_owned())),
            ("b".to_owned(), AttributeValue::B(Blob::new([0, 255]))),
            ("bool".to_owned(), AttributeValue::Bool(true)),
            ("null".to_owned(), AttributeValue::Null(true)),
            ("l".to_owned(), AttributeValue::L(vec![text("x"), AttributeValue::L(Vec::new())])),
            ("m".to_owned(), AttributeValue::M(Item::from([("inner".to_owned(), text("y"))]))),
        ]);
        let put = PutItem { table_name: "activity", item: &item, condition_expression: ABSENT };
        let expected = json!({
            "TableName": "activity",
            "Item": {
                "s": {"S": "a\"b"}, "n": {"N": "7"}, "b": {"B": "AP8="}, "bool": {"BOOL": true}, "null": {"NULL": true},
                "l": {"L": [{"S": "x"}, {"L": []}]}, "m": {"M": {"inner": {"S": "y"}}},
            },
            "ConditionExpression": ABSENT,
        });
        assert_eq!(serde_json::to_value(&put).unwrap(), expected);
        let set = Item::from([("ss".to_owned(), AttributeValue::Ss(vec!["x".to_owned()]))]);
        assert!(serde_json::to_value(PutItem { item: &set, ..put }).is_err());
    }

    #[test]
    fn the_row_after_an_update_is_read() {
        let output = json!({"Attributes": {"ids": {"L": [{"B": "AP8="}]}, "count": {"N": "16"}, "pk": {"S": "x"}}});
        let Updated { attributes } = serde_json::from_value(output).unwrap();
        let ids = AttributeValue::L(vec![AttributeValue::B(Blob::new([0, 255]))]);
        let (count, pk) = (AttributeValue::N("16".to_owned()), AttributeValue::S("x".to_owned()));
        assert_eq!(attributes, Item::from([("ids".into(), ids), ("count".into(), count), ("pk".into(), pk)]));
    }
}
