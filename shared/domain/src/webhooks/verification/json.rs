//! JSON that keeps the order of members and the digits of numbers.

use std::collections::HashMap;

use serde_json::Value;
use serde_json::value::RawValue;

use super::finding::JsonDifference;
use super::style::{COMPACT, FLOATS, SORTED, Style};
use crate::foundation::draft::pointer;
use crate::foundation::members::EveryMember;

/// A JSON value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Json {
    /// A number, `true`, `false` or `null`, as it is written.
    Literal(String),
    /// A string, decoded.
    Text(String),
    List(Vec<Self>),
    /// Names and values in their order. Names may repeat.
    Object(Vec<(String, Self)>),
}

impl Json {
    /// Parses JSON. Returns `None` if it is malformed, nested too deeply, or has a string that is not Unicode.
    pub(super) fn parse(text: &str) -> Option<Self> {
        // Limits the depth, and with it the recursion below.
        let _: Value = serde_json::from_str(text).ok()?;
        Self::of(serde_json::from_str(text).ok()?)
    }

    fn of(raw: &RawValue) -> Option<Self> {
        let text = raw.get();
        match text.as_bytes().first()? {
            b'{' => {
                let EveryMember::<Box<RawValue>>(members) = serde_json::from_str(text).ok()?;
                let member = |(name, value): (String, Box<RawValue>)| Some((name, Self::of(&value)?));
                members.into_iter().map(member).collect::<Option<_>>().map(Self::Object)
            }
            b'[' => {
                let items: Vec<&RawValue> = serde_json::from_str(text).ok()?;
                items.into_iter().map(Self::of).collect::<Option<_>>().map(Self::List)
            }
            b'"' => serde_json::from_str(text).ok().map(Self::Text),
            _ => Some(Self::Literal(text.to_owned())),
        }
    }

    /// Writes the value without white space, in its order, with its digits.
    pub(super) fn compact(&self) -> String {
        self.write(COMPACT)
    }

    /// Writes the value as a library with this style does.
    pub(super) fn write(&self, style: Style) -> String {
        let mut text = String::new();
        self.write_into(&mut text, style, 0);
        text
    }

    fn write_into(&self, text: &mut String, style: Style, depth: usize) {
        match self {
            Self::Literal(literal) => text.push_str(&style.literal(literal)),
            Self::Text(string) => style.string(text, string),
            Self::List(items) => {
                style.container(text, ['[', ']'], items.len(), depth, |text, index| {
                    items[index].write_into(text, style, depth + 1);
                });
            }
            Self::Object(members) => {
                let mut members: Vec<&(String, Self)> = members.iter().collect();
                if style.is_sorted {
                    members.sort_by(|(one, _), (other, _)| one.cmp(other));
                }
                style.container(text, ['{', '}'], members.len(), depth, |text, index| {
                    let (name, value) = members[index];
                    style.string(text, name);
                    text.push_str(style.after_name);
                    value.write_into(text, style, depth + 1);
                });
            }
        }
    }
}

/// Compares two JSON texts. Returns how their form differs if they have the same content, or else a pointer to the first
/// difference. `None` if one of them is not JSON.
pub(super) fn compare(one: &str, other: &str) -> Option<Result<JsonDifference, String>> {
    let (one_value, other_value) = (Json::parse(one)?, Json::parse(other)?);
    let is_same = |style| one_value.write(style) == other_value.write(style);
    let difference = if without_white_space(one) == without_white_space(other) {
        JsonDifference::WhiteSpace
    } else if is_same(COMPACT) {
        JsonDifference::Escapes
    } else if is_same(FLOATS) {
        JsonDifference::Numbers
    } else if is_same(SORTED) {
        JsonDifference::Order
    } else {
        return Some(Err(first_difference(&one_value, &other_value, &mut Vec::new())));
    };
    Some(Ok(difference))
}

/// JSON without the white space outside of its strings.
fn without_white_space(json: &str) -> String {
    let (mut is_in_string, mut is_escaped) = (false, false);
    let is_kept = |character: &char| {
        let is_kept = is_in_string || !character.is_ascii_whitespace();
        is_in_string ^= *character == '"' && !is_escaped;
        is_escaped = is_in_string && *character == '\\' && !is_escaped;
        is_kept
    };
    json.chars().filter(is_kept).collect()
}

/// A pointer to the first value that differs.
fn first_difference(one: &Json, other: &Json, steps: &mut Vec<String>) -> String {
    let differing = match (one, other) {
        (Json::Object(members), Json::Object(others)) => differing_member(members, others),
        (Json::List(items), Json::List(others)) => Some(differing_item(items, others)),
        _ => None,
    };
    let Some((step, both)) = differing else { return pointer(&steps.iter().map(String::as_str).collect::<Vec<_>>()) };
    steps.push(step);
    match both {
        Some((one, other)) => first_difference(one, other, steps),
        None => pointer(&steps.iter().map(String::as_str).collect::<Vec<_>>()),
    }
}

/// The name or index of a difference, and the two values, if there are two.
type Differing<'a> = (String, Option<(&'a Json, &'a Json)>);

fn differing_member<'a>(members: &'a [(String, Json)], others: &'a [(String, Json)]) -> Option<Differing<'a>> {
    // Of members with the same name, the first counts.
    let by_name = |members: &'a [(String, Json)]| -> HashMap<&'a str, &'a Json> {
        members.iter().rev().map(|(name, value)| (name.as_str(), value)).collect()
    };
    let (ours, theirs) = (by_name(members), by_name(others));
    let values = |name: &str| (ours.get(name).copied(), theirs.get(name).copied());
    let mut names = others.iter().chain(members).map(|(name, _)| name);
    let name = names.find(|name| matches!(values(name), (one, other) if one != other))?;
    let (one, other) = values(name);
    Some((name.clone(), one.zip(other)))
}

fn differing_item<'a>(items: &'a [Json], others: &'a [Json]) -> Differing<'a> {
    let index = items.iter().zip(others).position(|(one, other)| one != other);
    let index = index.unwrap_or(items.len().min(others.len()));
    (index.to_string(), items.get(index).zip(others.get(index)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::webhooks::verification::style::STYLES;

    const SENT: &str = r#"{"b":1.10,"a":"é/<\u00e9\"","n":12345678901234567890,"l":[{},[],1e2,true,null]}"#;

    #[test]
    fn libraries_write_the_same_json_differently() {
        let json = Json::parse(SENT).unwrap();
        let written: Vec<String> = STYLES.into_iter().map(|style| json.write(style)).collect();
        // As Node.js, Python, Ruby, PHP and Go write it, except that PHP writes the large number with an exponent.
        let expected = [
            r#"{"b":1.10,"a":"é/<é\"","n":12345678901234567890,"l":[{},[],1e2,true,null]}"#,
            r#"{"b":1.1,"a":"é/<é\"","n":12345678901234567890,"l":[{},[],100.0,true,null]}"#,
            r#"{"b":1.1,"a":"é/<é\"","n":12345678901234567000,"l":[{},[],100,true,null]}"#,
            "{\n  \"b\": 1.1,\n  \"a\": \"é/<é\\\"\",\n  \"n\": 12345678901234567000,\n  \"l\": [\n    {},\n    [],\n    100,\n    true,\n    null\n  ]\n}",
            r#"{"b": 1.1, "a": "\u00e9/<\u00e9\"", "n": 12345678901234567890, "l": [{}, [], 100.0, true, null]}"#,
            r#"{"b": 1.1, "a": "é/<é\"", "n": 12345678901234567890, "l": [{}, [], 100.0, true, null]}"#,
            r#"{"b":1.1,"a":"\u00e9/<\u00e9\"","n":12345678901234567890,"l":[{},[],100.0,true,null]}"#,
            "{\n    \"b\": 1.1,\n    \"a\": \"\\u00e9/<\\u00e9\\\"\",\n    \"n\": 12345678901234567890,\n    \"l\": [\n        {},\n        [],\n        100.0,\n        true,\n        null\n    ]\n}",
            r#"{"a": "\u00e9/<\u00e9\"", "b": 1.1, "l": [{}, [], 100.0, true, null], "n": 12345678901234567890}"#,
            r#"{"b":1.1,"a":"\u00e9\/<\u00e9\"","n":12345678901234567000,"l":[{},[],100,true,null]}"#,
            r#"{"a":"é/\u003cé\"","b":1.1,"l":[{},[],100,true,null],"n":12345678901234567000}"#,
            r#"{"b":1.10,"a":"\u00E9/\u003C\u00E9\u0022","n":12345678901234567890,"l":[{},[],1e2,true,null]}"#,
            r#"{"a":"é/<é\"","b":1.1,"l":[{},[],100,true,null],"n":12345678901234567000}"#,
        ];
        for (written, expected) in written.iter().zip(expected) {
            assert_eq!(written, expected);
        }
    }

    #[test]
    fn the_kind_of_difference_is_recognised() {
        for (other, expected) in [
            (r#"{ "a" : [1.0, "é\u00e9 \" x"] , "b":{} }"#, Ok(JsonDifference::WhiteSpace)),
            (r#"{"a":[1.0,"\u00e9é \u0022 x"],"b":{}}"#, Ok(JsonDifference::Escapes)),
            (r#"{"a": [1, "éé \" x"], "b":{}}"#, Ok(JsonDifference::Numbers)),
            (r#"{"b":{},"a":[1,"éé \" x"]}"#, Ok(JsonDifference::Order)),
            (r#"{"a":[2,"éé \" x"],"b":{}}"#, Err("/a/0".to_owned())),
            (r#"{"a":[1.0,"éé \" x"],"b":{"c/d":1}}"#, Err("/b/c~1d".to_owned())),
            (r#"{"a":[1.0],"b":{}}"#, Err("/a/1".to_owned())),
            ("[]", Err(String::new())),
        ] {
            let sent = r#"{"a":[1.0,"é\u00e9 \" x"],"b":{}}"#;
            assert_eq!(compare(other, sent), Some(expected), "{other}");
        }
        assert_eq!(compare("{", "{}"), None);
    }

    #[test]
    fn json_that_is_nested_too_deeply_is_not_parsed() {
        assert!(Json::parse(&"[".repeat(200_000)).is_none());
        assert!(Json::parse(&format!("{}{}", "[".repeat(200), "]".repeat(200))).is_none());
    }
}
