//! The input of DynamoDB's `PutItem` in its JSON protocol, for [direct calls](crate::direct).

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::ser::{Error, SerializeMap};
use serde::{Serialize, Serializer};

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
    use aws_sdk_dynamodb::primitives::Blob;
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
}
