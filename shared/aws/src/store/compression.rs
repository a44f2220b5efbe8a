//! Compressed strings. DynamoDB bills writes per KiB, and this keeps an event of 1 KB within one write unit.

use std::fmt;

use miniz_oxide::deflate::compress_to_vec;
use miniz_oxide::inflate::decompress_to_vec_with_limit;
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Compression level from 0 to 10. Higher levels gain about one percent.
const LEVEL: u8 = 3;

/// Maximum length of a string: many times that of the data of an event and of a report.
const MAX_BYTES: usize = 4 * 1024 * 1024;

/// A string of at most 4 MiB. A row stores it as a binary attribute with raw DEFLATE (RFC 1951).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PackedText(pub(super) String);

impl Serialize for PackedText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&compress_to_vec(self.0.as_bytes(), LEVEL))
    }
}

impl<'de> Deserialize<'de> for PackedText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_byte_buf(Packed)
    }
}

struct Packed;

impl Visitor<'_> for Packed {
    type Value = PackedText;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a compressed text")
    }

    fn visit_bytes<E: Error>(self, packed: &[u8]) -> Result<PackedText, E> {
        let text = decompress_to_vec_with_limit(packed, MAX_BYTES).map_err(E::custom)?;
        String::from_utf8(text).map(PackedText).map_err(E::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::store::table::Item;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Content {
        data: Option<PackedText>,
    }

    fn row(data: &str) -> Item {
        serde_dynamo::to_item(Content { data: Some(PackedText(data.to_owned())) }).unwrap()
    }

    fn read(row: Item) -> Result<Content, serde_dynamo::Error> {
        serde_dynamo::from_item(row)
    }

    fn packed(row: &Item) -> &[u8] {
        row["data"].as_b().unwrap().as_ref()
    }

    proptest! {
        #[test]
        fn a_string_survives_compression(text in any::<String>()) {
            prop_assert_eq!(read(row(&text)).unwrap().data.unwrap().0, text);
        }
    }

    #[test]
    fn event_data_compresses_well() {
        let sample = include_str!("../../../domain/src/webhooks/samples/approved.json");
        assert!(packed(&row(sample)).len() < sample.len() * 3 / 5);
    }

    #[test]
    fn the_largest_string_is_unpacked_and_a_larger_one_is_refused() {
        let largest = "x".repeat(MAX_BYTES);
        assert_eq!(read(row(&largest)).unwrap().data.unwrap().0, largest);
        assert!(read(row(&(largest + "x"))).is_err());
    }

    #[test]
    fn invalid_compressed_data_is_refused() {
        let mut row = row("a text");
        row.insert(
            "data".to_owned(),
            aws_sdk_dynamodb::types::AttributeValue::B(aws_sdk_dynamodb::primitives::Blob::new([7])),
        );
        assert!(read(row).is_err());
    }
}
