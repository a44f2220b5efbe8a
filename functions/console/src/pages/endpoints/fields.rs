//! The form of an endpoint's settings, shared by the pages that add and change one.

use domain::projects::api_key::Scope;
use domain::return_urls::Encryption;
use domain::webhooks::endpoint::{Format, Ownership, Payload};
use domain::webhooks::signature::SignatureScheme;
use serde_json::{Map, Value, json};

use crate::http::form::Form;
use crate::http::sent_form::SentForm;
use crate::http::visitor::Visitor;
use crate::layout::choice::Choice;
use crate::layout::event_types;
use crate::layout::translations::Fill;
use crate::pages::endpoints::authentication::{self, Authentication};
use crate::pages::endpoints::view::Endpoint;
use crate::pages::endpoints::words::Words;

/// The fields of the form. Each is named like the api's field, with a full stop before the member of an object.
pub(super) const FIELDS: [&str; 22] = [
    "url",
    "description",
    "eventTypes",
    "format",
    "payload",
    "encryption",
    "signatures",
    "ordered",
    "pace",
    "ownership",
    "headers",
    "signingSecret",
    "oauth2",
    "oauth2.tokenUrl",
    "oauth2.clientId",
    "oauth2.clientSecret",
    "oauth2.scope",
    "oauth2.audience",
    "oauth2.clientAuthentication",
    "clientCertificate",
    "clientCertificate.certificate",
    "clientCertificate.privateKey",
];

/// A choice of a select: the value and the label.
type Choices<const COUNT: usize> = [(&'static str, &'static str); COUNT];

/// The choices and help texts of the form.
pub(super) struct FieldTexts {
    pub(super) event_types: [Choice; 11],
    pub(super) formats: Choices<3>,
    pub(super) payloads: Choices<2>,
    pub(super) encryptions: Choices<3>,
    pub(super) signatures: [Choice; 2],
    pub(super) headers_help: String,
    pub(super) authentication: Authentication,
}

impl FieldTexts {
    /// The texts for a form that adds an endpoint, or changes `endpoint`.
    pub(super) fn new(visitor: &Visitor, words: &Words, endpoint: Option<&Endpoint>) -> Self {
        Self {
            event_types: event_types::Words::of(visitor.language()).choices(),
            formats: Format::ALL.map(|format| (format.as_str(), words.format(format))),
            payloads: Payload::ALL.map(|payload| (payload.as_str(), words.payload(payload))),
            // The strong encryption comes before the weak one.
            encryptions: [Encryption::None, Encryption::Aes256Gcm, Encryption::Aes256Ecb]
                .map(|encryption| (encryption.as_str(), words.encryption(encryption))),
            signatures: SignatureScheme::ALL.map(|scheme| (scheme.as_str(), words.signature(scheme), scheme.as_str())),
            headers_help: headers_help(visitor, words, endpoint),
            authentication: Authentication::new(visitor, endpoint),
        }
    }
}

fn headers_help(visitor: &Visitor, words: &Words, endpoint: Option<&Endpoint>) -> String {
    let Some(endpoint) = endpoint else { return words.headers_help.to_owned() };
    let how = if visitor.may(Scope::SecretsWrite) { words.headers_change_help } else { words.headers_remove_help };
    let names = &endpoint.header_names;
    let set = if names.is_empty() {
        words.headers_none.to_owned()
    } else {
        words.headers_set.fill("names", names.join(", "))
    };
    format!("{set} {how}")
}

/// Fills the form with the settings of an endpoint.
pub(super) fn filled(form: Form, endpoint: &Endpoint) -> Form {
    let form = form
        .with("url", &endpoint.url)
        .with("description", endpoint.description.as_deref().unwrap_or_default())
        .with("format", endpoint.format)
        .with("payload", endpoint.payload)
        .with("encryption", endpoint.encryption)
        .with("ordered", endpoint.ordered)
        .with("pace", endpoint.pace.map(|pace| pace.per_minute().to_string()).unwrap_or_default())
        .with("ownership", endpoint.needs_handshake());
    let form = authentication::filled(form, endpoint);
    let form = endpoint.event_types.iter().flatten().fold(form, |form, event_type| form.with("eventTypes", event_type));
    endpoint.signatures.iter().fold(form, |form, scheme| form.with("signatures", scheme))
}

/// The body of the request that creates an endpoint.
pub(super) fn creation(sent: &SentForm) -> Value {
    let mut body = settings(sent);
    body["headers"] = headers(sent, false).into();
    body["signingSecret"] = sent.json("signingSecret");
    authentication::add_changes(&mut body, sent, None);
    body
}

/// The body of the request that changes an endpoint. Headers that are not in the form stay as they are.
pub(super) fn change(sent: &SentForm, current: &Endpoint) -> Value {
    let mut body = settings(sent);
    let headers = headers(sent, true);
    if !headers.is_empty() {
        body["headers"] = headers.into();
    }
    authentication::add_changes(&mut body, sent, Some(current));
    body
}

fn settings(sent: &SentForm) -> Value {
    let event_types = Some(sent.all("eventTypes")).filter(|types| !types.is_empty());
    json!({
        "url": sent.json("url"),
        "description": sent.json("description"),
        "eventTypes": event_types,
        "format": sent.json("format"),
        "payload": sent.json("payload"),
        "encryption": sent.json("encryption"),
        "signatures": sent.all("signatures"),
        "ordered": sent.is_checked("ordered"),
        "pace": sent.optional_number("pace"),
        "ownership": if sent.is_checked("ownership") { Ownership::Handshake } else { Ownership::None },
    })
}

/// The headers of the form, `name: value` on each line. If `removes`, a line with a name and a colon removes the header.
fn headers(sent: &SentForm, removes: bool) -> Map<String, Value> {
    let mut headers = Map::new();
    for line in sent.lines("headers") {
        let (name, value) =
            line.split_once(':').map_or((line, None), |(name, value)| (name.trim(), Some(value.trim())));
        // JSON objects cannot repeat a name. The api compares names without regard to case, and so refuses the repetition.
        let name = if headers.contains_key(name) { other_case(name) } else { name.to_owned() };
        let is_removal = removes && value == Some("");
        headers.insert(name, if is_removal { Value::Null } else { value.unwrap_or_default().into() });
    }
    headers
}

/// The same name with one letter in the other case.
fn other_case(name: &str) -> String {
    let lower = name.to_ascii_lowercase();
    if lower == name { name.to_ascii_uppercase() } else { lower }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::endpoints::view::testing::endpoint;

    fn sent(headers: &str) -> SentForm {
        let pairs = [("url", "https://a.example/"), ("signatures", "v1"), ("headers", headers)];
        let encoded = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        SentForm::parse(encoded.as_bytes())
    }

    #[test]
    fn each_line_sets_or_removes_one_header() {
        let sent = sent(" authorization : Bearer a:b \r\nx-a:\r\n\r\nx-b\r\nx-a: 2");
        let expected = json!({"authorization": "Bearer a:b", "x-a": null, "x-b": "", "X-A": "2"});
        assert_eq!(change(&sent, &endpoint(&json!({})))["headers"], expected);
        assert_eq!(creation(&sent)["headers"]["x-a"], "");
    }

    #[test]
    fn without_lines_all_headers_stay_and_without_types_all_types_are_sent() {
        let sent = sent("\r\n");
        let change = change(&sent, &endpoint(&json!({})));
        assert_eq!((change.get("headers"), &change["eventTypes"]), (None, &Value::Null));
        assert_eq!(creation(&sent)["headers"], json!({}));
    }
}
