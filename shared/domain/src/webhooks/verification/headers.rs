//! The headers of a captured webhook, as people paste them: lines of a log or of `curl`, environment variables, a JSON object.

use serde_json::{Map, Value};

use super::finding::{Finding, WebhookHeader};

/// The header names of the sender whose libraries are used most.
const OTHER_PREFIX: &str = "svix-";

/// The pasted headers.
pub(super) struct HeaderLines(Vec<(String, String)>);

impl HeaderLines {
    /// Reads headers. Lines that are not headers are ignored.
    pub(super) fn parse(text: &str) -> Self {
        match serde_json::from_str::<Map<String, Value>>(text) {
            Ok(members) => Self(members.into_iter().flat_map(|(name, value)| values(&name, value)).collect()),
            Err(_) => Self(text.lines().filter_map(line).collect()),
        }
    }

    /// The value of a header. Adds what is wrong with it to `findings`.
    pub(super) fn take(&self, header: WebhookHeader, findings: &mut Vec<Finding>) -> Option<String> {
        let exact = self.with_name(|name| name.eq_ignore_ascii_case(header.as_str()));
        if exact.is_empty() {
            let renamed = self.with_name(|name| is_renamed(name, header));
            match renamed.first() {
                Some((found, _)) => findings.push(Finding::HeaderRenamed { header, found: (*found).to_owned() }),
                None => findings.push(Finding::HeaderMissing { header }),
            }
            return renamed.first().map(|(_, value)| (*value).to_owned());
        }
        let values: Vec<&str> = exact.iter().map(|(_, value)| *value).collect();
        if values.len() > 1 {
            findings.push(Finding::HeaderRepeated { header });
        }
        match header {
            WebhookHeader::Signature => Some(values.join(" ")),
            WebhookHeader::Id | WebhookHeader::Timestamp => values.first().map(|value| (*value).to_owned()),
        }
    }

    fn with_name(&self, is_wanted: impl Fn(&str) -> bool) -> Vec<(&str, &str)> {
        let all = self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        all.filter(|(name, _)| is_wanted(name)).collect()
    }
}

/// Whether `name` is a header under another name, such as `HTTP_WEBHOOK_ID`, `x-webhook-id` or `svix-id`.
fn is_renamed(name: &str, header: WebhookHeader) -> bool {
    let plain = |name: &str| name.to_ascii_lowercase().replace(['-', '_'], "");
    let other = header.as_str().replace("webhook-", OTHER_PREFIX);
    [header.as_str(), &other].into_iter().any(|known| plain(name).ends_with(&plain(known)))
}

/// The values of a member of a JSON object. Some frameworks log each header as a list.
fn values(name: &str, value: Value) -> Vec<(String, String)> {
    let values = match value {
        Value::Array(values) => values,
        value => vec![value],
    };
    let text = |value: Value| match value {
        Value::String(text) => text,
        other => other.to_string(),
    };
    values.into_iter().map(|value| (name.to_owned(), text(value).trim().to_owned())).collect()
}

/// Reads `name: value`, also with the quotes and options of `curl`, and `NAME=value`.
fn line(line: &str) -> Option<(String, String)> {
    let line = line.trim().trim_end_matches('\\');
    let line =
        ["-H ", "--header ", "> ", "< "].into_iter().find_map(|prefix| line.strip_prefix(prefix)).unwrap_or(line);
    let is_around = |character: char| character.is_whitespace() || "'\"`[],;".contains(character);
    let line = line.trim_matches(is_around);
    let (name, value) = line.split_at(line.find([':', '='])?);
    let value = value.get(1..).map(|value| value.strip_prefix('>').unwrap_or(value))?;
    let name = name.trim_matches(is_around);
    (!name.is_empty()).then(|| (name.to_owned(), value.trim_matches(is_around).to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, header: WebhookHeader) -> (Option<String>, Vec<Finding>) {
        let mut findings = Vec::new();
        let value = HeaderLines::parse(text).take(header, &mut findings);
        (value, findings)
    }

    #[test]
    fn headers_are_found_however_they_are_pasted() {
        for text in [
            "Webhook-Id: a.b",
            "host: x\r\nWEBHOOK-ID :  a.b \r\n",
            "  -H 'webhook-id: a.b' \\",
            "> webhook-id: a.b",
            "\"webhook-id\": \"a.b\",",
            "webhook-id=a.b",
            r#"{"webhook-id":"a.b","content-length":7}"#,
            r#"{"Webhook-Id":["a.b"]}"#,
        ] {
            assert_eq!(read(text, WebhookHeader::Id), (Some("a.b".to_owned()), Vec::new()), "{text}");
        }
        let signature = "webhook-signature: v1,a+/= v1a,b==";
        assert_eq!(read(signature, WebhookHeader::Signature).0.as_deref(), Some("v1,a+/= v1a,b=="));
    }

    #[test]
    fn a_renamed_header_is_used_and_reported() {
        for (text, found) in [
            ("HTTP_WEBHOOK_ID: a", "HTTP_WEBHOOK_ID"),
            ("[HTTP_WEBHOOK_ID] => a", "HTTP_WEBHOOK_ID"),
            ("x-webhook-id: a", "x-webhook-id"),
            ("svix-id: a", "svix-id"),
            (r#"{"webhookId":"a"}"#, "webhookId"),
        ] {
            let finding = Finding::HeaderRenamed { header: WebhookHeader::Id, found: found.to_owned() };
            assert_eq!(read(text, WebhookHeader::Id), (Some("a".to_owned()), vec![finding]), "{text}");
        }
    }

    #[test]
    fn missing_and_repeated_headers_are_reported() {
        let header = WebhookHeader::Timestamp;
        assert_eq!(read("date: today", header), (None, vec![Finding::HeaderMissing { header }]));
        let twice = "webhook-signature: v1,a\nwebhook-signature: v1,b";
        let header = WebhookHeader::Signature;
        assert_eq!(read(twice, header), (Some("v1,a v1,b".to_owned()), vec![Finding::HeaderRepeated { header }]));
    }
}
