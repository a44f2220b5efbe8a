//! The part of the endpoint's form about how the receiver recognises the sender: OAuth 2.0 client credentials and a client
//! certificate.

use domain::webhooks::endpoint::{CertificateFacts, ClientAuthentication};
use serde_json::{Map, Value};

use crate::http::form::Form;
use crate::http::sent_form::SentForm;
use crate::http::visitor::Visitor;
use crate::pages::endpoints::authentication_words::Words;
use crate::pages::endpoints::view::{Endpoint, Oauth2};

/// What this part of the form shows.
pub(super) struct Authentication {
    pub(super) words: &'static Words,
    pub(super) has_oauth2: bool,
    pub(super) certificate: Option<CertificateFacts>,
    pub(super) client_authentications: [(&'static str, &'static str); 2],
}

impl Authentication {
    /// The part of a form that adds an endpoint, or changes `endpoint`.
    pub(super) fn new(visitor: &Visitor, endpoint: Option<&Endpoint>) -> Self {
        let words = Words::of(visitor.language());
        Self {
            words,
            has_oauth2: endpoint.is_some_and(|endpoint| endpoint.oauth2.is_some()),
            certificate: endpoint.and_then(|endpoint| endpoint.client_certificate.clone()),
            client_authentications: ClientAuthentication::ALL
                .map(|way| (way.as_str(), words.client_authentication(way))),
        }
    }

    /// The help of the field for the client secret.
    pub(super) const fn client_secret_help(&self) -> &'static str {
        if self.has_oauth2 { self.words.client_secret_kept } else { self.words.never_shown }
    }
}

/// Fills the form with the settings of an endpoint. A client certificate is only replaced as a whole, so its fields are empty.
pub(super) fn filled(form: Form, endpoint: &Endpoint) -> Form {
    let Some(oauth2) = &endpoint.oauth2 else { return form };
    form.with("oauth2.tokenUrl", &oauth2.token_url)
        .with("oauth2.clientId", &oauth2.client_id)
        .with("oauth2.scope", oauth2.scope.as_deref().unwrap_or_default())
        .with("oauth2.audience", oauth2.audience.as_deref().unwrap_or_default())
        .with("oauth2.clientAuthentication", oauth2.client_authentication)
}

/// Adds what the person changed to the body of a request (JSON merge patch, RFC 7396). What the person did not change is left out:
/// the form does not have the secrets, and the api keeps them only if they are not mentioned. `current` is the endpoint, unless
/// the request creates it.
pub(super) fn add_changes(body: &mut Value, sent: &SentForm, current: Option<&Endpoint>) {
    let oauth2 = current.and_then(|endpoint| endpoint.oauth2.as_ref());
    let has_certificate = current.is_some_and(|endpoint| endpoint.client_certificate.is_some());
    if let Some(change) = oauth2_change(sent, oauth2) {
        body["oauth2"] = change;
    }
    if let Some(change) = certificate_change(sent, has_certificate) {
        body["clientCertificate"] = change;
    }
}

/// The change of the client credentials. `None`: they stay as they are.
fn oauth2_change(sent: &SentForm, current: Option<&Oauth2>) -> Option<Value> {
    if current.is_some() && sent.is_checked("oauth2.remove") {
        return Some(Value::Null);
    }
    let way = current.map(|oauth2| oauth2.client_authentication).unwrap_or_default();
    let known = [
        ("tokenUrl", current.map(|oauth2| oauth2.token_url.as_str())),
        ("clientId", current.map(|oauth2| oauth2.client_id.as_str())),
        // Forms never contain the current secret, so an empty field means that it stays.
        ("clientSecret", None),
        ("scope", current.and_then(|oauth2| oauth2.scope.as_deref())),
        ("audience", current.and_then(|oauth2| oauth2.audience.as_deref())),
        ("clientAuthentication", Some(way.as_str())),
    ];
    let mut changes = Map::new();
    for (member, known) in known {
        let field = format!("oauth2.{member}");
        if sent.contains(&field) && sent.optional(&field) != known {
            changes.insert(member.to_owned(), sent.json(&field));
        }
    }
    (!changes.is_empty()).then(|| changes.into())
}

/// The change of the client certificate. `None`: it stays as it is.
fn certificate_change(sent: &SentForm, is_set: bool) -> Option<Value> {
    if is_set && sent.is_checked("clientCertificate.remove") {
        return Some(Value::Null);
    }
    let members =
        ["certificate", "privateKey"].map(|member| (member, sent.json(&format!("clientCertificate.{member}"))));
    let is_empty = members.iter().all(|(_, value)| value.is_null());
    (!is_empty).then(|| members.into_iter().map(|(member, value)| (member.to_owned(), value)).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn sent(pairs: &[(&str, &str)]) -> SentForm {
        let encoded = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        SentForm::parse(encoded.as_bytes())
    }

    fn oauth2() -> Oauth2 {
        let oauth2 = json!({
            "tokenUrl": "https://login.example/token", "clientId": "signpost", "scope": "hooks", "audience": null,
            "clientAuthentication": "post",
        });
        serde_json::from_value(oauth2).unwrap()
    }

    /// The form as the page shows it, without a change.
    const UNCHANGED: [(&str, &str); 6] = [
        ("oauth2.tokenUrl", "https://login.example/token"),
        ("oauth2.clientId", "signpost"),
        ("oauth2.clientSecret", ""),
        ("oauth2.scope", "hooks"),
        ("oauth2.audience", ""),
        ("oauth2.clientAuthentication", "post"),
    ];

    fn change(field: &str, value: &str) -> Option<Value> {
        let pairs = UNCHANGED.map(|(name, known)| (name, if name == field { value } else { known }));
        oauth2_change(&sent(&pairs), Some(&oauth2()))
    }

    #[test]
    fn only_changed_client_credentials_are_sent() {
        for (field, value, expected) in [
            ("", "", None),
            ("oauth2.tokenUrl", "https://login.example/v2", Some(json!({"tokenUrl": "https://login.example/v2"}))),
            ("oauth2.clientSecret", " hunter2 ", Some(json!({"clientSecret": "hunter2"}))),
            ("oauth2.scope", "", Some(json!({"scope": null}))),
            ("oauth2.clientId", "", Some(json!({"clientId": null}))),
            ("oauth2.audience", "api", Some(json!({"audience": "api"}))),
            ("oauth2.clientAuthentication", "basic", Some(json!({"clientAuthentication": "basic"}))),
        ] {
            assert_eq!(change(field, value), expected, "{field} {value}");
        }
        let remove = [UNCHANGED.to_vec(), vec![("oauth2.remove", "true")]].concat();
        assert_eq!(oauth2_change(&sent(&remove), Some(&oauth2())), Some(Value::Null));
        assert_eq!(oauth2_change(&sent(&[]), Some(&oauth2())), None, "the form of a role without these fields");
    }

    #[test]
    fn an_endpoint_without_client_credentials_gets_some_only_if_something_was_typed() {
        let empty = UNCHANGED.map(|(name, _)| (name, if name.ends_with("tion") { "basic" } else { "" }));
        assert_eq!(oauth2_change(&sent(&empty), None), None);
        let typed = UNCHANGED.map(|(name, known)| (name, if name == "oauth2.scope" { "" } else { known }));
        let expected =
            json!({"tokenUrl": "https://login.example/token", "clientId": "signpost", "clientAuthentication": "post"});
        assert_eq!(oauth2_change(&sent(&typed), None), Some(expected));
    }

    #[test]
    fn a_certificate_is_replaced_as_a_whole_kept_or_removed() {
        let (certificate, key) = ("clientCertificate.certificate", "clientCertificate.privateKey");
        for (pairs, expected) in [
            (&[(certificate, ""), (key, "\r\n")][..], None),
            (&[(certificate, "c"), (key, "k")], Some(json!({"certificate": "c", "privateKey": "k"}))),
            (&[(certificate, ""), (key, "k")], Some(json!({"certificate": null, "privateKey": "k"}))),
            (&[(certificate, "c"), (key, ""), ("clientCertificate.remove", "true")], Some(Value::Null)),
        ] {
            assert_eq!(certificate_change(&sent(pairs), true), expected, "{pairs:?}");
        }
        assert_eq!(certificate_change(&sent(&[("clientCertificate.remove", "true")]), false), None);
    }
}
