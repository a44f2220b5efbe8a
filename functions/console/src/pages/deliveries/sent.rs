//! What the receiver was sent, as far as it can be shown: headers and body without secrets.

use std::collections::BTreeMap;

use api::ProblemKind;
use domain::foundation::id::DeliveryId;
use domain::projects::api_key::Scope;
use domain::return_urls::Encryption;
use serde::Deserialize;

use crate::http::problem::Problem;
use crate::http::visitor::Visitor;
use crate::pages::deliveries::path_of;
use crate::pages::deliveries::words::Words;

/// Maximum length of the body on the page, in bytes. Larger ones are cut.
const MAX_BODY_BYTES: usize = 16 * 1024;

/// The request of the last attempt, as the api returns it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Sent {
    url: String,
    headers: BTreeMap<String, String>,
    header_names: Vec<String>,
    pub(super) encryption: Encryption,
    body: String,
}

impl Sent {
    /// Reads the request. `None`: the role may not read it, nothing was sent, or the event or the endpoint is gone.
    pub(super) async fn read(visitor: &Visitor, id: DeliveryId) -> Result<Option<Self>, Problem> {
        if !visitor.may(Scope::EventsRead) {
            return Ok(None);
        }
        match visitor.api().get(&format!("{}/request", path_of(id))).await {
            Ok(reply) => Ok(Some(reply.json()?)),
            Err(problem) => match problem.kind() {
                Some(ProblemKind::NotFound | ProblemKind::EventGone | ProblemKind::EndpointDeleted) => Ok(None),
                _ => Err(problem),
            },
        }
    }

    /// Whether the receiver gets the body encrypted.
    pub(super) fn is_encrypted(&self) -> bool {
        self.encryption != Encryption::None
    }

    /// Whether the page shows only the beginning of the body.
    pub(super) const fn is_cut(&self) -> bool {
        self.body.len() > MAX_BODY_BYTES
    }

    /// The request as text.
    pub(super) fn text(&self, words: &Words) -> String {
        let secret = std::iter::once("webhook-signature").chain(self.header_names.iter().map(String::as_str));
        let secret = secret.map(|name| (name, words.not_shown));
        let known = self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let lines = known.chain(secret).map(|(name, value)| format!("{name}: {value}\n"));
        let end = self.body.floor_char_boundary(MAX_BODY_BYTES);
        format!("POST {}\n{}\n{}", self.url, lines.collect::<String>(), &self.body[..end])
    }
}

#[cfg(test)]
mod tests {
    use domain::foundation::language::Language;
    use serde_json::json;

    use super::*;

    fn sent(body: &str) -> Sent {
        let request = json!({
            "url": "https://a.example/", "headers": {"webhook-id": "1"}, "headerNames": ["x-key"], "encryption": "none",
            "body": body,
        });
        serde_json::from_value(request).unwrap()
    }

    #[test]
    fn a_request_is_written_as_text_without_secrets() {
        let text = sent("{}").text(Words::of(Language::English));
        let expected =
            "POST https://a.example/\nwebhook-id: 1\nwebhook-signature: (not shown)\nx-key: (not shown)\n\n{}";
        assert_eq!(text, expected);
    }

    #[test]
    fn a_large_body_is_cut_between_characters() {
        let (small, large) = (sent(&"a".repeat(MAX_BODY_BYTES)), sent(&format!("a{}", "한".repeat(MAX_BODY_BYTES))));
        assert!(!small.is_cut() && large.is_cut());
        let text = large.text(Words::of(Language::Korean));
        assert!(text.len() < MAX_BODY_BYTES + 200 && text.ends_with('한'), "{}", text.len());
    }
}
