//! A webhook as a receiver got it.

use std::fmt;

use crate::foundation::draft::{BadFields, Draft};

/// Maximum size of a captured body. The largest webhook has 350 KiB: an encrypted event of 256 KiB.
pub const MAX_CAPTURED_BODY_BYTES: usize = 512 * 1024;

const MAX_HEADER_BYTES: usize = 32 * 1024;

const MAX_COMPUTED_BYTES: usize = 1024;

/// A webhook as a receiver got it. Debug output hides it, because it may contain personal data.
#[derive(Clone, PartialEq, Eq)]
pub struct CapturedWebhook {
    /// The headers: a line each, as `name: value`, or a JSON object.
    pub headers: String,
    /// The body.
    pub body: String,
    /// The signature that the receiver's code computed.
    pub computed_signature: Option<String>,
}

impl TryFrom<Draft> for CapturedWebhook {
    type Error = BadFields;

    fn try_from(mut draft: Draft) -> Result<Self, BadFields> {
        let headers = required(&mut draft, "headers", MAX_HEADER_BYTES);
        let body = required(&mut draft, "body", MAX_CAPTURED_BODY_BYTES);
        let computed = draft.optional("computedSignature");
        let computed_signature =
            computed.and_then(|text| limited(&mut draft, "computedSignature", text, MAX_COMPUTED_BYTES));
        draft.check(|| Some(Self { headers: headers?, body: body?, computed_signature }))
    }
}

fn required(draft: &mut Draft, name: &str, limit: usize) -> Option<String> {
    let text = draft.required(name)?;
    limited(draft, name, text, limit)
}

fn limited(draft: &mut Draft, name: &str, text: String, limit: usize) -> Option<String> {
    if text.len() <= limit {
        return Some(text);
    }
    draft.refuse(format!("/{name}"), &format!("must have at most {limit} bytes"))
}

impl fmt::Debug for CapturedWebhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CapturedWebhook(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<CapturedWebhook, Vec<String>> {
        let read = CapturedWebhook::try_from(Draft::parse(body.as_bytes()).unwrap());
        read.map_err(|BadFields(bad)| bad.into_iter().map(|field| field.pointer).collect())
    }

    #[test]
    fn headers_and_body_are_required_and_limited() {
        assert_eq!(read("{}"), Err(vec!["/headers".to_owned(), "/body".to_owned()]));
        let long = "x".repeat(MAX_CAPTURED_BODY_BYTES + 1);
        let all = read(&format!(r#"{{"headers":"{long}","body":"{long}","computedSignature":"{long}"}}"#));
        assert_eq!(all.unwrap_err(), ["/headers", "/body", "/computedSignature"]);
        assert!(read(&format!(r#"{{"headers":"","body":"{}"}}"#, &long[1..])).is_ok());
    }

    #[test]
    fn debug_output_hides_what_was_pasted() {
        let captured = read(r#"{"headers":"secret","body":"secret","computedSignature":"secret"}"#).unwrap();
        assert!(!format!("{captured:?}").contains("secret"));
    }
}
