//! That the committed documentation is what the code says, and that the code does what it says.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use shared::api_key::Scope;
use shared::draft::{BadFields, Draft};
use shared::event::EventType;
use shared::return_url::{Encryption, KycStatus, ReturnField};
use shared::signature::SignatureScheme;
use shared::webhook::Format;

use super::{document, page, parsers};
use crate::documentation;

/// Writes the files anew if the variable `OPENAPI` is `write`, and compares them else.
fn compare(name: &str, committed: &str, made: &str) {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    #[expect(clippy::disallowed_methods, reason = "this is how a developer asks for new files")]
    let is_to_write = std::env::var("OPENAPI").is_ok_and(|wish| wish == "write");
    if is_to_write {
        std::fs::write(path, made).unwrap();
        return;
    }
    assert!(
        committed == made,
        "{name} is not what the code says; after a wanted change: OPENAPI=write cargo test --workspace --lib openapi"
    );
}

#[test]
fn the_committed_document_and_page_are_what_the_code_says() {
    let document = document();
    compare("openapi.json", documentation::OPENAPI, &format!("{document:#}\n"));
    compare("docs.html", documentation::PAGE, &page::render(&document));
}

fn refusals(parser: parsers::Parser, body: &Value) -> Vec<String> {
    let draft = Draft::parse(body.to_string().as_bytes()).unwrap();
    let bad = parser(draft).err().map_or_else(Vec::new, |BadFields(bad)| bad);
    bad.into_iter().map(|field| format!("{} {}", field.pointer, field.detail)).collect()
}

#[test]
fn requests_are_taken_as_they_are_documented() {
    let document = document();
    for (name, parser) in parsers::KNOWN {
        let schema = &document["components"]["schemas"][name];
        assert_eq!(schema["additionalProperties"], false, "{name}");
        let mut example = schema["example"].clone();
        assert_eq!(refusals(parser, &example), Vec::<String>::new(), "{name}");

        let documented: Vec<&String> =
            schema["properties"].as_object().into_iter().flatten().map(|(key, _)| key).collect();
        let exemplified: Vec<&String> = example.as_object().unwrap().keys().collect();
        assert_eq!(exemplified, documented, "the example of {name} shows every field");

        example["undocumented"] = json!(1);
        assert_eq!(refusals(parser, &example), ["/undocumented is not a known field"], "{name}");
    }
}

#[test]
fn required_fields_are_just_those_that_are_documented_so() {
    let document = document();
    for (name, parser) in parsers::KNOWN {
        let schema = &document["components"]["schemas"][name];
        let required = schema["required"].as_array().cloned().unwrap_or_default();
        for (field, _) in schema["properties"].as_object().into_iter().flatten() {
            let mut body = schema["example"].clone();
            body.as_object_mut().unwrap().remove(field);
            let is_refused = !refusals(parser, &body).is_empty();
            // Of these two, one is required: the schema says so beside its fields.
            let is_one_of_two = name == "NewReturnLink" && field == "kycStatus";
            assert_eq!(is_refused, required.contains(&json!(field)) || is_one_of_two, "{name} without {field}");
        }
    }
}

#[test]
fn no_request_takes_a_field_that_is_documented_elsewhere_only() {
    let document = document();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    // Whatever can be set is shown somewhere, if only in the answer.
    let everywhere: BTreeSet<&String> = schemas.values().flat_map(fields).collect();
    for (name, parser) in parsers::KNOWN {
        let schema = &schemas[name];
        for field in everywhere.iter().filter(|field| schema["properties"].get(field).is_none()) {
            let mut body = schema["example"].clone();
            body[field] = Value::Null;
            assert_eq!(refusals(parser, &body), [format!("/{field} is not a known field")], "{name}");
        }
    }
}

/// The names of all fields in a schema.
fn fields(schema: &Value) -> Vec<&String> {
    let own = schema["properties"].as_object().into_iter().flatten().map(|(name, _)| name);
    let parts = [&schema["allOf"], &schema["oneOf"]].into_iter().filter_map(Value::as_array).flatten();
    own.chain(parts.flat_map(fields)).collect()
}

#[test]
fn names_are_documented_as_they_are_written() {
    let document = document();
    let documented = |schema: &str| document["components"]["schemas"][schema]["enum"].clone();
    assert_eq!(documented("EventType"), json!(EventType::ALL));
    assert_eq!(documented("Scope"), json!(Scope::ALL));
    assert_eq!(documented("ReturnField"), json!(ReturnField::ALL));
    assert_eq!(documented("KycStatus"), json!(KycStatus::ALL));
    assert_eq!(documented("SignatureScheme"), json!(SignatureScheme::ALL));
    assert_eq!(documented("Format"), json!(Format::ALL));
    assert_eq!(documented("Encryption"), json!(Encryption::ALL));
}
