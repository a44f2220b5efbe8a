//! Usual changes of a body before the receiver's code verifies it, and how to undo them.

use super::finding::Finding;
use super::json::{self, Json};
use super::known::Original;

/// A body that may be the one that was sent, and what would have changed it into the pasted one.
pub(super) struct Candidate {
    pub(super) body: String,
    pub(super) changes: Vec<Finding>,
}

/// Undoes a change. Returns `None` if there is nothing to undo.
type Repair = fn(&str) -> Option<String>;

/// The changes that can be undone, in the order in which they are undone, each with its ways to undo it.
const REPAIRS: [(Finding, &[Repair]); 4] = [
    (Finding::BodyEncoding, &[from_latin_1, from_windows_1252]),
    (Finding::BodyByteOrderMark, &[without_byte_order_mark]),
    (Finding::BodyPadded, &[without_padding]),
    (Finding::BodyLineBreaks, &[with_line_feeds, with_carriage_returns]),
];

/// Bodies from which the usual changes make `pasted`, those with the fewest changes first. The first is `pasted` itself.
pub(super) fn candidates(pasted: &str) -> Vec<Candidate> {
    let mut candidates = vec![Candidate { body: pasted.to_owned(), changes: Vec::new() }];
    for (change, ways) in REPAIRS {
        for index in 0..candidates.len() {
            let repaired = ways.iter().filter_map(|repair| repair(&candidates[index].body));
            let changes = [&candidates[index].changes[..], std::slice::from_ref(&change)].concat();
            let more: Vec<Candidate> = repaired.map(|body| Candidate { body, changes: changes.clone() }).collect();
            candidates.extend(more);
        }
    }
    candidates.sort_by_key(|candidate| candidate.changes.len());
    candidates
}

/// The body that was sent, if `pasted` is the same JSON and nothing in it needed another form.
pub(super) fn reserialized(pasted: &str) -> Option<Candidate> {
    let body = Json::parse(pasted)?.compact();
    let difference = json::compare(pasted, &body)?.ok()?;
    Some(Candidate { body, changes: vec![Finding::BodyReserialized { difference }] })
}

/// How `pasted` differs from the body that was sent. Empty if it is the same. `None` if they cannot be compared.
pub(super) fn differences(pasted: &str, original: &Original) -> Option<Vec<Finding>> {
    if original.plain.as_ref().is_some_and(|plain| matches!(json::compare(pasted, plain), Some(Ok(_)))) {
        return Some(vec![Finding::BodyDecrypted]);
    }
    let sent = original.sent.as_deref()?;
    if let Some(candidate) = candidates(pasted).into_iter().find(|candidate| candidate.body == sent) {
        return Some(candidate.changes);
    }
    let finding = if pasted.trim().is_empty() {
        Finding::BodyEmpty
    } else if is_beginning(pasted, sent) {
        Finding::BodyTruncated { bytes: pasted.len(), sent_bytes: Some(sent.len()) }
    } else if !sent.is_ascii() && plain_ascii(pasted) == plain_ascii(sent) {
        Finding::BodyEncoding
    } else {
        match json::compare(pasted.trim().trim_start_matches(BYTE_ORDER_MARK), sent) {
            Some(Ok(difference)) => Finding::BodyReserialized { difference },
            Some(Err(pointer)) => Finding::BodyChanged { pointer: Some(pointer) },
            None => Finding::BodyChanged { pointer: None },
        }
    };
    Some(vec![finding])
}

/// What is suspicious about a body that cannot be compared with the one that was sent.
pub(super) fn suspicion(pasted: &str) -> Option<Finding> {
    if pasted.trim().is_empty() {
        return Some(Finding::BodyEmpty);
    }
    let is_cut_off = serde_json::from_str::<serde_json::Value>(pasted).is_err_and(|error| error.is_eof());
    is_cut_off.then_some(Finding::BodyTruncated { bytes: pasted.len(), sent_bytes: None })
}

/// Whether `pasted` is the beginning of `sent`. Logs mark where they cut off.
fn is_beginning(pasted: &str, sent: &str) -> bool {
    let pasted = pasted.trim_end().trim_end_matches(['.', '…', char::REPLACEMENT_CHARACTER]);
    pasted.len() < sent.len() && sent.starts_with(pasted)
}

/// The text without the characters that a wrong encoding replaces.
fn plain_ascii(text: &str) -> String {
    text.chars().filter(|character| character.is_ascii() && *character != '?').collect()
}

const BYTE_ORDER_MARK: char = '\u{feff}';

fn without_byte_order_mark(text: &str) -> Option<String> {
    text.strip_prefix(BYTE_ORDER_MARK).map(str::to_owned)
}

fn without_padding(text: &str) -> Option<String> {
    let trimmed = text.trim_matches(|character: char| character.is_ascii_whitespace());
    (trimmed.len() < text.len()).then(|| trimmed.to_owned())
}

fn with_line_feeds(text: &str) -> Option<String> {
    text.contains('\r').then(|| text.replace("\r\n", "\n").replace('\r', "\n"))
}

fn with_carriage_returns(text: &str) -> Option<String> {
    let changed = text.replace("\r\n", "\n").replace('\n', "\r\n");
    (changed != text).then_some(changed)
}

/// Undoes reading UTF-8 as Latin-1.
fn from_latin_1(text: &str) -> Option<String> {
    decoded(text, |character| u8::try_from(u32::from(character)).ok())
}

/// Undoes reading UTF-8 as Windows-1252.
fn from_windows_1252(text: &str) -> Option<String> {
    /// The characters of the bytes 0x80 to 0x9F. Five of these bytes have none.
    const UPPER: &str = "€\u{81}‚ƒ„…†‡ˆ‰Š‹Œ\u{8d}Ž\u{8f}\u{90}‘’“”•–—˜™š›œ\u{9d}žŸ";
    let byte = |character| match UPPER.chars().position(|upper| upper == character) {
        Some(position) => u8::try_from(0x80 + position).ok(),
        None => u8::try_from(u32::from(character)).ok(),
    };
    text.contains(|character| u32::from(character) > 0xff).then(|| decoded(text, byte))?
}

fn decoded(text: &str, byte: impl Fn(char) -> Option<u8>) -> Option<String> {
    if text.is_ascii() {
        return None;
    }
    let bytes = text.chars().map(byte).collect::<Option<Vec<u8>>>()?;
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::webhooks::verification::JsonDifference;

    const SENT: &str = "{\"a\":\"é한\",\n\"b\":1.0}";

    fn differences(pasted: &str) -> Vec<Finding> {
        let original = Original { sent: Some(SENT.to_owned()), plain: Some(r#"{"data":"x"}"#.to_owned()) };
        super::differences(pasted, &original).unwrap()
    }

    #[test]
    fn each_change_of_a_body_is_recognised() {
        let latin_1: String = SENT.bytes().map(char::from).collect();
        let truncated = |bytes| Finding::BodyTruncated { bytes, sent_bytes: Some(SENT.len()) };
        let reserialized = |difference| Finding::BodyReserialized { difference };
        let changed = |pointer: Option<&str>| Finding::BodyChanged { pointer: pointer.map(str::to_owned) };
        for (pasted, expected) in [
            (SENT.to_owned(), vec![]),
            (format!("{SENT}\n"), vec![Finding::BodyPadded]),
            (format!("\u{feff}{SENT}"), vec![Finding::BodyByteOrderMark]),
            (SENT.replace('\n', "\r\n"), vec![Finding::BodyLineBreaks]),
            (latin_1.clone(), vec![Finding::BodyEncoding]),
            (
                format!("{}\r\n", latin_1.replace('\n', "\r\n")),
                vec![Finding::BodyEncoding, Finding::BodyPadded, Finding::BodyLineBreaks],
            ),
            (SENT.replace(['é', '한'], "?"), vec![Finding::BodyEncoding]),
            (SENT[..8].to_owned(), vec![truncated(8)]),
            (format!("{}…", &SENT[..8]), vec![truncated(11)]),
            (String::new(), vec![Finding::BodyEmpty]),
            (SENT.replace('\n', " "), vec![reserialized(JsonDifference::WhiteSpace)]),
            (SENT.replace('é', "\\u00e9"), vec![reserialized(JsonDifference::Escapes)]),
            (SENT.replace("1.0", "1"), vec![reserialized(JsonDifference::Numbers)]),
            ("{\"b\":1.0,\"a\":\"é한\"}".to_owned(), vec![reserialized(JsonDifference::Order)]),
            (SENT.replace("1.0", "2"), vec![changed(Some("/b"))]),
            ("a=b".to_owned(), vec![changed(None)]),
            (r#"{ "data": "x" }"#.to_owned(), vec![Finding::BodyDecrypted]),
        ] {
            assert_eq!(differences(&pasted), expected, "{pasted}");
        }
    }

    #[test]
    fn utf_8_that_was_read_as_windows_1252_is_undone() {
        let pasted = "{\"a\":\"Ã©â‚¬\"}";
        let undone: Vec<String> = candidates(pasted).into_iter().map(|candidate| candidate.body).collect();
        assert_eq!(undone, [pasted, "{\"a\":\"é€\"}"]);
    }

    #[test]
    fn a_body_that_cannot_be_compared_may_look_cut_off_or_empty() {
        assert_eq!(suspicion(r#"{"a":"#), Some(Finding::BodyTruncated { bytes: 5, sent_bytes: None }));
        assert_eq!((suspicion(" \n"), suspicion("{}"), suspicion("a=b")), (Some(Finding::BodyEmpty), None, None));
    }
}
