//! Everything that may reach a receiver: from Signpost, and from an attacker.

mod bodies;
mod inboxes;
mod order;
mod return_urls;
mod scene;
mod webhooks;

/// The first lines of `cases.tsv`.
const HEADING: &str = "\
# Written by `RECEIVER_CASES=write cargo test --workspace --test receivers -- cases`; do not edit. Separated by tabs:
# name  verify-webhook      expected  secrets  now  webhook-id  webhook-timestamp  webhook-signature  body
# name  decrypt-body        expected  keys  encryption  body
# name  verify-return-url   expected  keys  now  query
# name  decrypt-return-url  expected  keys  encryption  query
# name  apply               expected  last  sequence
# name  keep                expected  webhook-id
# name  receive             expected  secrets  now  keys  encryption  for each request: webhook-id  webhook-timestamp  webhook-signature  body  works
# expected: what the function returns, or - if it must refuse. An empty header or number is a missing one. secrets: separated by spaces.
# keys: kid=secretKey, separated by spaces. receive: verify each request, keep it, then work on all that are kept: decrypt if there is an encryption,
# and apply. works: yes, or no if the work fails. expected: for each request refused, kept or seen, and what the work did: failed, new, older or seen.
";

/// One call of a receiver, and its expected result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// A unique name.
    pub name: String,
    /// The receiver's function to call, such as `verify-webhook`.
    pub function: &'static str,
    /// What the function must return. `None` means that it must refuse.
    pub expected: Option<String>,
    /// The arguments, in the order that the heading of `cases.tsv` lists.
    pub given: Vec<String>,
}

impl Case {
    fn new(function: &'static str, name: &str, expected: Option<String>, given: &[&str]) -> Self {
        let given = given.iter().map(|&text| text.to_owned()).collect();
        Self { name: format!("{function}: {name}"), function, expected, given }
    }

    fn line(&self) -> String {
        let mut fields = vec![self.name.as_str(), self.function, self.expected.as_deref().unwrap_or("-")];
        fields.extend(self.given.iter().map(String::as_str));
        assert!(!fields.iter().any(|field| field.contains(['\t', '\n', '\r'])), "{fields:?}");
        fields.join("\t") + "\n"
    }
}

/// All cases, in the order of `cases.tsv`.
pub fn all() -> Vec<Case> {
    let return_urls = [return_urls::signed(), return_urls::encrypted()].concat();
    [webhooks::cases(), bodies::cases(), return_urls, order::cases(), inboxes::cases()].concat()
}

/// The id and the body of the webhook of an event with this `sequence` in its submission. The body has no encryption if the name
/// of the `encryption` is empty; otherwise the [`secret_key`] decrypts it.
pub fn webhook(sequence: u64, encryption: &str) -> (String, String) {
    let webhook = inboxes::webhook(sequence, encryption);
    (webhook.id, webhook.body)
}

/// The key that decrypts a [`webhook`], as `id=secretKey`.
pub fn secret_key() -> String {
    let [key, _] = scene::keys();
    scene::written(&key)
}

/// The content of `cases.tsv`.
pub fn file() -> String {
    std::iter::once(HEADING.to_owned()).chain(all().iter().map(Case::line)).collect()
}
