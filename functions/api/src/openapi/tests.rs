//! Tests that the committed documentation matches the code, and that requests are parsed as documented.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use domain::foundation::draft::{BadFields, Draft};
use domain::projects::api_key::Scope;
use domain::return_urls::{Encryption, KycStatus, ReturnField};
use domain::webhooks::endpoint::{EndpointField, Format, Ownership, Payload};
use domain::webhooks::event::EventType;
use domain::webhooks::signature::SignatureScheme;
use serde_json::{Value, json};

use super::document::document;
use super::{event_types, markdown, page, parsers, version_30};
use crate::api_keys::view::ApiKeyView;
use crate::documentation;
use crate::endpoints::view::EndpointView;
use crate::http::etag::SettingsView;
use crate::projects::view::ProjectView;
use crate::return_urls::keys::IssuedKey;
use crate::return_urls::view::ReturnUrlView;

/// Compares a committed file with the generated one. With the variable `OPENAPI=write`, writes the generated one instead.
fn compare(name: &str, committed: &str, generated: &str) {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    #[expect(clippy::disallowed_methods, reason = "a developer sets this variable to update the files")]
    let is_to_write = std::env::var("OPENAPI").is_ok_and(|mode| mode == "write");
    if is_to_write {
        std::fs::write(path, generated).unwrap();
        return;
    }
    assert!(
        committed == generated,
        "{name} differs from the code; to update it: OPENAPI=write cargo test --workspace --lib openapi"
    );
}

#[test]
fn the_committed_document_and_page_match_the_code() {
    let document = document();
    compare("openapi.json", documentation::OPENAPI, &format!("{document:#}\n"));
    compare("openapi-3.0.json", documentation::OPENAPI_30, &format!("{}\n", version_30::of(&document)));
    compare("docs.html", documentation::PAGE, &page::render(&document));
    compare("docs.md", documentation::PAGE_AS_TEXT, &markdown::reference(&document));
    compare("event-types.json", documentation::EVENT_TYPES, &event_types::document());
    compare("../../docs/event-types.md", documentation::EVENT_TYPES_PAGE, &markdown::event_types());
}

fn errors(parser: parsers::Parser, body: &Value) -> Vec<String> {
    let draft = Draft::parse(body.to_string().as_bytes()).unwrap();
    let bad = parser(draft).err().map_or_else(Vec::new, |BadFields(bad)| bad);
    bad.into_iter().map(|field| format!("{} {}", field.pointer, field.detail)).collect()
}

#[test]
fn documented_requests_are_accepted_and_unknown_fields_rejected() {
    let document = document();
    for (name, parser) in parsers::KNOWN {
        let schema = &document["components"]["schemas"][name];
        assert_eq!(schema["additionalProperties"], false, "{name}");
        let mut example = schema["example"].clone();
        assert_eq!(errors(parser, &example), Vec::<String>::new(), "{name}");

        let documented: Vec<&String> =
            schema["properties"].as_object().into_iter().flatten().map(|(key, _)| key).collect();
        let in_example: Vec<&String> = example.as_object().unwrap().keys().collect();
        assert_eq!(in_example, documented, "the example of {name} has every field");

        example["undocumented"] = json!(1);
        assert_eq!(errors(parser, &example), ["/undocumented is not a known field"], "{name}");
    }
}

#[test]
fn exactly_the_fields_documented_as_required_are_required() {
    let document = document();
    for (name, parser) in parsers::KNOWN {
        let schema = &document["components"]["schemas"][name];
        let required = schema["required"].as_array().cloned().unwrap_or_default();
        for (field, _) in schema["properties"].as_object().into_iter().flatten() {
            let mut body = schema["example"].clone();
            body.as_object_mut().unwrap().remove(field);
            let is_rejected = !errors(parser, &body).is_empty();
            // Either `kycStatus` or `errorCode` is required, which the schema says in `not`.
            let is_one_of_two = name == "NewReturnLink" && field == "kycStatus";
            assert_eq!(is_rejected, required.contains(&json!(field)) || is_one_of_two, "{name} without {field}");
        }
    }
}

#[test]
fn no_request_accepts_an_undocumented_field() {
    let document = document();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    // A field that can be set is documented somewhere, at least in a response.
    let everywhere: BTreeSet<&String> = schemas.values().flat_map(fields).collect();
    for (name, parser) in parsers::KNOWN {
        let schema = &schemas[name];
        for field in everywhere.iter().filter(|field| schema["properties"].get(field).is_none()) {
            let mut body = schema["example"].clone();
            body[field] = Value::Null;
            assert_eq!(errors(parser, &body), [format!("/{field} is not a known field")], "{name}");
        }
    }
}

/// Returns the names of all fields in a schema.
fn fields(schema: &Value) -> Vec<&String> {
    let own = schema["properties"].as_object().into_iter().flatten().map(|(name, _)| name);
    let parts = [&schema["allOf"], &schema["oneOf"]].into_iter().filter_map(Value::as_array).flatten();
    own.chain(parts.flat_map(fields)).collect()
}

/// Two types of the same name would share one schema, and the document would describe one of them wrongly.
#[test]
fn no_type_replaces_the_schema_of_another() {
    let document = document();
    let properties =
        |schema: &str| fields(&document["components"]["schemas"][schema]).into_iter().cloned().collect::<Vec<_>>();
    assert!(properties("Problem").contains(&"requestId".to_owned()));
    assert!(properties("ReportProblem").contains(&"stillTrying".to_owned()));
    assert!(properties("ExplainedFinding").contains(&"detail".to_owned()));
    assert!(document["components"]["schemas"]["Finding"]["oneOf"].is_array());
}

/// Every name in the document, also inside of the forms of an enumeration, is written in camel case.
#[test]
fn all_documented_fields_are_in_camel_case() {
    fn check(schema: &Value, path: &str) {
        for name in schema["properties"].as_object().into_iter().flatten().map(|(name, _)| name) {
            assert!(!name.contains('_'), "{path}: {name}");
        }
        let parts: Vec<(String, &Value)> = match schema {
            Value::Object(members) => members.iter().map(|(name, value)| (name.clone(), value)).collect(),
            Value::Array(items) => items.iter().enumerate().map(|(index, item)| (index.to_string(), item)).collect(),
            _ => Vec::new(),
        };
        for (name, part) in parts.iter().filter(|(name, _)| name != "example") {
            check(part, &format!("{path}/{name}"));
        }
    }
    check(&document()["components"]["schemas"], "");
}

#[test]
fn the_documented_names_are_those_in_the_code() {
    let document = document();
    let documented = |schema: &str| document["components"]["schemas"][schema]["enum"].clone();
    assert_eq!(documented("EventType"), json!(EventType::ALL));
    // Keys also have scopes of the product, so the schema lists no values.
    let scopes = document["components"]["schemas"]["KeyScope"]["description"].as_str().unwrap();
    assert!(Scope::ALL.iter().all(|scope| scopes.contains(&format!("`{scope}`"))), "{scopes}");
    assert_eq!(documented("ReturnField"), json!(ReturnField::ALL));
    assert_eq!(documented("KycStatus"), json!(KycStatus::ALL));
    assert_eq!(documented("SignatureScheme"), json!(SignatureScheme::ALL));
    assert_eq!(documented("Format"), json!(Format::ALL));
    assert_eq!(documented("Payload"), json!(Payload::ALL));
    assert_eq!(documented("Encryption"), json!(Encryption::ALL));
    assert_eq!(documented("Ownership"), json!(Ownership::ALL));
}

#[test]
fn the_documented_fields_of_an_endpoint_change_are_those_that_can_be_reverted() {
    let document = document();
    let documented: BTreeSet<&str> =
        fields(&document["components"]["schemas"]["EndpointChange"]).into_iter().map(String::as_str).collect();
    assert_eq!(documented, EndpointField::ALL.map(EndpointField::as_str).into());
    let returned: BTreeSet<&str> =
        fields(&document["components"]["schemas"]["Endpoint"]).into_iter().map(String::as_str).collect();
    assert!(EndpointField::ALL.iter().all(|field| returned.contains(field.audit_name())), "{returned:?}");
}

#[test]
fn fields_excluded_from_the_tag_exist() {
    let document = document();
    for (schema, names) in [
        ("ApiKey", ApiKeyView::NOT_SETTINGS),
        ("Endpoint", EndpointView::NOT_SETTINGS),
        ("IssuedReturnUrlKey", IssuedKey::NOT_SETTINGS),
        ("Project", ProjectView::NOT_SETTINGS),
        ("ReturnUrlSettings", ReturnUrlView::NOT_SETTINGS),
    ] {
        let existing = fields(&document["components"]["schemas"][schema]);
        assert!(names.iter().all(|name| existing.iter().any(|field| field == name)), "{schema}: {existing:?}");
    }
}
