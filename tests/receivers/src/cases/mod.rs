//! Everything that a receiver may be sent: by us, and by somebody who is not us.

mod bodies;
mod return_urls;
mod scene;
mod webhooks;

/// What the file with the cases begins with.
const HEADING: &str = "\
# Written by `RECEIVER_CASES=write cargo test --workspace --test receivers -- cases`; do not edit. Separated by tabs:
# name  verify-webhook      expected  secret  now  webhook-id  webhook-timestamp  webhook-signature  body
# name  decrypt-body        expected  keys  encryption  body
# name  verify-return-url   expected  keys  now  query
# name  decrypt-return-url  expected  keys  encryption  query
# What is expected is what the function returns, or - if it must refuse. An empty header is none. Keys: kid=secretKey, by spaces.
";

/// One thing that comes, and what must come of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// Tells it from all others.
    pub name: String,
    /// Which of the four functions it is for.
    pub function: &'static str,
    /// What the function returns; `None` if it refuses.
    pub expected: Option<String>,
    /// What it is given, as the file's heading says.
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

/// All cases.
pub fn all() -> Vec<Case> {
    [webhooks::cases(), bodies::cases(), return_urls::signed(), return_urls::encrypted()].concat()
}

/// The file that has all cases.
pub fn file() -> String {
    std::iter::once(HEADING.to_owned()).chain(all().iter().map(Case::line)).collect()
}
