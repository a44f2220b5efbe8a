//! Request bodies, validated as a whole, so that one response names every bad field.
//!
//! A caller takes the fields out of a [`Draft`] one by one. Each is parsed into a type that is always valid, and errors are
//! collected. [`Draft::check`] returns all errors together, unknown fields included, each with a JSON pointer (RFC 6901).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;
use thiserror::Error;

pub use crate::foundation::bad_field::{BadField, BadFields};
use crate::foundation::members::{EveryMember, UniqueMembers};
use crate::foundation::portable_json::{self, REPEATED};

/// Maximum number of levels of objects and lists in a field.
const MAX_DEPTH: usize = 32;

/// The byte order mark in UTF-8. Some editors and older .NET clients write it before JSON (RFC 8259, section 8.1).
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A body that is not a JSON object.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NotAnObject {
    /// The body is not valid JSON.
    #[error("body is not valid JSON: {0}")]
    Malformed(String),
    /// The body is another JSON value.
    #[error("body must be a JSON object")]
    OtherKind,
}

/// Maximum number of errors that a response lists, so that it fits into the response of a function.
const MAX_ERRORS: usize = 100;

/// A change of one field (JSON merge patch, RFC 7396).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change<T> {
    /// The field is absent and keeps its value.
    Keep,
    /// The field is `null` and returns to its default.
    Reset,
    /// The field gets a new value.
    Set(T),
}

impl<T> Change<T> {
    /// Returns the new value, if the change sets one.
    pub fn new_value(&self) -> Option<&T> {
        match self {
            Self::Set(value) => Some(value),
            Self::Keep | Self::Reset => None,
        }
    }
}

impl<T: Default> Change<T> {
    /// Applies the change to `field`.
    pub fn apply(self, field: &mut T) {
        match self {
            Self::Keep => {}
            Self::Reset => *field = T::default(),
            Self::Set(value) => *field = value,
        }
    }
}

/// A request body whose fields are taken out and validated.
#[derive(Debug)]
pub struct Draft {
    fields: BTreeMap<String, Box<RawValue>>,
    bad: Vec<BadField>,
}

impl Draft {
    /// Parses a JSON object. All methods except [`Self::change`] treat a field that is `null` as absent. A byte order mark at the
    /// start is ignored.
    pub fn parse(body: &[u8]) -> Result<Self, NotAnObject> {
        let body = body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(body);
        let raw: &RawValue = serde_json::from_slice(body).map_err(|error| NotAnObject::Malformed(error.to_string()))?;
        if !raw.get().starts_with('{') {
            return Err(NotAnObject::OtherKind);
        }
        let UniqueMembers { members, repeated } =
            serde_json::from_str(raw.get()).map_err(|error| NotAnObject::Malformed(error.to_string()))?;
        let mut draft = Self { fields: members, bad: Vec::new() };
        for name in repeated {
            draft.refuse::<()>(pointer(&[&name]), REPEATED);
        }
        Ok(draft)
    }

    /// Creates a draft from fields that were parsed before.
    pub fn of(fields: serde_json::Map<String, Value>) -> Self {
        let raw = |value: Value| serde_json::value::to_raw_value(&value).expect("a JSON value can be serialized");
        Self { fields: fields.into_iter().map(|(name, value)| (name, raw(value))).collect(), bad: Vec::new() }
    }

    /// Takes a required field. Returns `None` if it is missing or bad; [`Self::check`] then fails.
    pub fn required<T: DeserializeOwned>(&mut self, name: &str) -> Option<T> {
        let raw = self.required_raw(name)?;
        self.read(pointer(&[name]), &raw)
    }

    /// Takes a required field as the JSON that the caller sent, byte for byte.
    pub fn required_raw(&mut self, name: &str) -> Option<Box<RawValue>> {
        let raw = self.take(name);
        if raw.is_none() {
            self.refuse::<()>(pointer(&[name]), "is required");
        }
        raw
    }

    /// Takes an optional field.
    pub fn optional<T: DeserializeOwned>(&mut self, name: &str) -> Option<T> {
        let raw = self.take(name)?;
        self.read(pointer(&[name]), &raw)
    }

    /// Takes a required string like [`Self::optional_secret`].
    pub fn required_secret<T: TryFrom<String, Error: fmt::Display>>(&mut self, name: &str) -> Option<T> {
        let raw = self.required_raw(name)?;
        self.read_secret(name, &raw)
    }

    /// Takes an optional string that may be a secret. The error of a value that is not a string does not contain the value.
    pub fn optional_secret<T: TryFrom<String, Error: fmt::Display>>(&mut self, name: &str) -> Option<T> {
        let raw = self.take(name)?;
        self.read_secret(name, &raw)
    }

    fn read_secret<T: TryFrom<String, Error: fmt::Display>>(&mut self, name: &str, raw: &RawValue) -> Option<T> {
        let value = self.read(pointer(&[name]), raw)?;
        self.read_string(pointer(&[name]), value)
    }

    /// Takes a required object. `read` takes its fields. Their errors have pointers into the object, and a field that `read` does
    /// not take is unknown.
    pub fn required_object<T>(&mut self, name: &str, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        let raw = self.required_raw(name)?;
        self.read_object(name, &raw, read)
    }

    /// Takes an optional object like [`Self::required_object`].
    pub fn optional_object<T>(&mut self, name: &str, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        let raw = self.take(name)?;
        self.read_object(name, &raw, read)
    }

    fn read_object<T>(&mut self, name: &str, raw: &RawValue, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        let mut object = match Self::parse(raw.get().as_bytes()) {
            Ok(object) => object,
            Err(NotAnObject::OtherKind) => return self.refuse(pointer(&[name]), "must be an object"),
            Err(NotAnObject::Malformed(error)) => return self.refuse(pointer(&[name]), &error),
        };
        let value = read(&mut object);
        let errors = object.into_errors();
        let is_good = errors.is_empty();
        let inside = |error: BadField| BadField { pointer: pointer(&[name]) + &error.pointer, ..error };
        self.bad.extend(errors.into_iter().map(inside));
        value.filter(|_| is_good)
    }

    /// Takes an optional list. Each bad item is reported by its own pointer; with a bad item the list is `None`.
    pub fn optional_list<T: DeserializeOwned>(&mut self, name: &str) -> Option<Vec<T>> {
        let items: Vec<Box<RawValue>> = self.optional(name)?;
        let read =
            items.iter().enumerate().filter_map(|(index, item)| self.read(pointer(&[name, &index.to_string()]), item));
        let read: Vec<T> = read.collect();
        (read.len() == items.len()).then_some(read)
    }

    /// Takes a required list. Each bad item is reported by its own pointer.
    pub fn required_list<T: DeserializeOwned>(&mut self, name: &str) -> Option<Vec<T>> {
        if self.fields.get(name).is_none_or(|raw| is_null(raw)) {
            self.refuse::<()>(pointer(&[name]), "is required");
        }
        self.optional_list(name)
    }

    /// Takes an optional object of strings. Each bad member is reported by its own pointer.
    pub fn optional_map<K, V>(&mut self, name: &str) -> Vec<(K, V)>
    where
        K: FromStr<Err: fmt::Display> + Clone + Ord,
        V: TryFrom<String, Error: fmt::Display>,
    {
        let read = |draft: &mut Self, at, value: Value| draft.read_string(at, value);
        self.members(name, read)
    }

    /// Takes an object of strings like [`Self::optional_map`]. A member that is `null` is to be removed and becomes `None`.
    pub fn optional_map_of_changes<K, V>(&mut self, name: &str) -> Vec<(K, Option<V>)>
    where
        K: FromStr<Err: fmt::Display> + Clone + Ord,
        V: TryFrom<String, Error: fmt::Display>,
    {
        let read = |draft: &mut Self, at, value: Value| match value {
            Value::Null => Some(None),
            value => draft.read_string(at, value).map(Some),
        };
        self.members(name, read)
    }

    /// Takes the change of a field (JSON merge patch, RFC 7396). Calls `read` only if the field has a value.
    pub fn change<T>(&mut self, name: &str, read: impl FnOnce(&mut Self) -> Option<T>) -> Change<T> {
        match self.fields.get(name) {
            None => Change::Keep,
            Some(raw) if is_null(raw) => {
                self.fields.remove(name);
                Change::Reset
            }
            // The error of a bad field was collected, so `check` fails and the change is never applied.
            Some(_) => read(self).map_or(Change::Keep, Change::Set),
        }
    }

    /// Takes the change of a field that `owner`, such as "an endpoint", must always have. `null` is an error. Returns `None`
    /// if the field keeps its value.
    pub fn change_of_required<T>(
        &mut self,
        name: &str,
        owner: &str,
        read: impl FnOnce(&mut Self) -> Option<T>,
    ) -> Option<T> {
        match self.change(name, read) {
            Change::Keep => None,
            Change::Set(value) => Some(value),
            Change::Reset => self.refuse(pointer(&[name]), &format!("is required: {owner} must have one")),
        }
    }

    /// Collects an error that the field's type alone cannot find. Returns `None`, to use in place of the value.
    pub fn refuse<T>(&mut self, pointer: impl Into<String>, detail: &str) -> Option<T> {
        self.bad.push(BadField { pointer: pointer.into(), detail: detail.to_owned() });
        None
    }

    /// Builds the request from the fields, or fails with all collected errors. A field that was not taken is unknown, which
    /// is an error.
    ///
    /// `build` runs only without errors, so its `?` on required fields never returns early.
    pub fn check<T>(self, build: impl FnOnce() -> Option<T>) -> Result<T, BadFields> {
        let mut errors = self.into_errors();
        if !errors.is_empty() {
            errors.truncate(MAX_ERRORS);
            return Err(BadFields(errors));
        }
        Ok(build().expect("the error of a missing required field was collected"))
    }

    /// Returns the collected errors, and one for each field that was not taken.
    fn into_errors(mut self) -> Vec<BadField> {
        for name in self.fields.into_keys() {
            self.bad.push(BadField { pointer: pointer(&[&name]), detail: "is not a known field".to_owned() });
        }
        self.bad
    }

    fn take(&mut self, name: &str) -> Option<Box<RawValue>> {
        self.fields.remove(name).filter(|raw| !is_null(raw))
    }

    /// Takes the members of an object. Two members with the same key are an error even if their spelling differs, because only one
    /// value can apply.
    fn members<K, V>(&mut self, name: &str, read: impl Fn(&mut Self, String, Value) -> Option<V>) -> Vec<(K, V)>
    where
        K: FromStr<Err: fmt::Display> + Clone + Ord,
    {
        let (mut seen, mut members) = (BTreeSet::new(), Vec::new());
        for (member, value) in self.every_member(name).unwrap_or_default() {
            let at = pointer(&[name, &member]);
            match member.parse::<K>() {
                Ok(key) if seen.contains(&key) => drop(self.refuse::<()>(at, REPEATED)),
                Ok(key) => {
                    seen.insert(key.clone());
                    members.extend(read(self, at, value).map(|value| (key, value)));
                }
                Err(error) => drop(self.refuse::<()>(at, &error.to_string())),
            }
        }
        members
    }

    /// Takes the members of an optional object, including repeated ones, in the order of the request.
    fn every_member(&mut self, name: &str) -> Option<Vec<(String, Value)>> {
        let raw = self.take(name)?;
        // Checks that the value is an object. `Map` keeps only the last of repeated members, so they are read again below.
        let _: serde_json::Map<String, Value> = self.read(pointer(&[name]), &raw)?;
        let members: EveryMember<Value> = serde_json::from_str(raw.get()).expect("it was read as an object");
        Some(members.0)
    }

    fn read_string<V: TryFrom<String, Error: fmt::Display>>(&mut self, pointer: String, value: Value) -> Option<V> {
        let Value::String(text) = value else { return self.refuse(pointer, "must be a string") };
        match V::try_from(text) {
            Ok(value) => Some(value),
            Err(error) => self.refuse(pointer, &error.to_string()),
        }
    }

    /// Collects the problems of JSON that parsers reject or read differently. `max_depth` limits its levels of objects and lists.
    /// Returns whether it has none.
    pub fn check_portable(&mut self, pointer: &str, raw: &RawValue, max_depth: usize) -> bool {
        let problems = portable_json::problems(raw, pointer, max_depth);
        let is_portable = problems.is_empty();
        self.bad.extend(problems);
        is_portable
    }

    fn read<T: DeserializeOwned>(&mut self, pointer: String, raw: &RawValue) -> Option<T> {
        // Parsing into a `Value` would drop repeated members silently.
        if !self.check_portable(&pointer, raw, MAX_DEPTH) {
            return None;
        }
        // Errors of a conversion from `Value` have no line and column, which would be relative to the field.
        let read = serde_json::from_str(raw.get()).map(whole_number).and_then(serde_json::from_value);
        match read {
            Ok(value) => Some(value),
            Err(error) => self.refuse(pointer, &error.to_string()),
        }
    }
}

/// Turns a whole number that is written as a float into an integer. Some languages write 7 as `7.0`.
fn whole_number(value: Value) -> Value {
    /// Up to 2^53, every whole number has an exact float.
    const MAX_EXACT: f64 = 9_007_199_254_740_992.0;
    match value.as_f64().filter(|number| number.fract() == 0.0 && number.abs() <= MAX_EXACT) {
        #[expect(clippy::cast_possible_truncation, reason = "whole numbers of this size are exact")]
        Some(number) if value.is_f64() => Value::from(number as i64),
        _ => value,
    }
}

fn is_null(raw: &RawValue) -> bool {
    raw.get() == "null"
}

/// Returns the JSON pointer (RFC 6901) with these steps.
pub fn pointer(steps: &[&str]) -> String {
    let escaped = steps.iter().map(|step| step.replace('~', "~0").replace('/', "~1"));
    escaped.flat_map(|step| ["/".to_owned(), step]).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::foundation::time::Timestamp;

    fn bad(pointer: &str, detail: &str) -> BadField {
        BadField { pointer: pointer.to_owned(), detail: detail.to_owned() }
    }

    #[test]
    fn valid_fields_are_built_into_the_request() {
        let mut draft = Draft::parse(br#"{"name":"Acme","limit":3,"note":null}"#).unwrap();
        let (name, limit) = (draft.required::<String>("name"), draft.optional::<u8>("limit"));
        let note = draft.optional::<String>("note");
        assert_eq!(draft.check(|| Some((name?, limit, note))), Ok(("Acme".to_owned(), Some(3), None)));
    }

    #[test]
    fn a_whole_number_may_be_written_as_a_float() {
        let mut draft = Draft::parse(br#"{"a":7.0,"b":7e0,"c":7.5,"d":[1.0],"e":1e300}"#).unwrap();
        assert_eq!((draft.required::<u8>("a"), draft.required::<u8>("b")), (Some(7), Some(7)));
        assert_eq!((draft.required::<u8>("c"), draft.optional_list::<u8>("d")), (None, Some(vec![1])));
        assert_eq!((draft.required::<u64>("e"), draft.check(|| Some(())).unwrap_err().0.len()), (None, 2));
    }

    #[test]
    fn all_bad_fields_are_reported_together() {
        let mut draft = Draft::parse(br#"{"at":"soon","list":[1,"x"],"a/b":1}"#).unwrap();
        let at = draft.required::<Timestamp>("at");
        let name = draft.required::<String>("name");
        let list = draft.optional_list::<u8>("list");
        assert_eq!(
            draft.check(|| Some((at?, name?, list?))),
            Err(BadFields(vec![
                bad(
                    "/at",
                    "must be an RFC 3339 date and time with an offset and a year from 0001 to 9999, such as \
                     2026-11-22T08:30:00.000Z"
                ),
                bad("/name", "is required"),
                bad("/list/1", "invalid type: string \"x\", expected u8"),
                bad("/a~1b", "is not a known field"),
            ]))
        );
    }

    #[test]
    fn errors_inside_an_object_have_pointers_into_it() {
        let read = |body: &str| {
            let mut draft = Draft::parse(body.as_bytes()).unwrap();
            let user = draft.required_object("a/b", |user| {
                let (id, age) = (user.required::<String>("id"), user.optional::<u8>("age"));
                Some((id?, age))
            });
            draft.check(|| user).map_err(|BadFields(bad)| {
                bad.into_iter().map(|field| format!("{} {}", field.pointer, field.detail)).collect::<Vec<_>>()
            })
        };
        assert_eq!(read(r#"{"a/b":{"id":"u","age":7}}"#), Ok(("u".to_owned(), Some(7))));
        let errors = read(r#"{"a/b":{"age":"x","extra":1},"z":1}"#).unwrap_err();
        assert_eq!(errors.len(), 4, "{errors:?}");
        assert_eq!((&*errors[0], &*errors[2]), ("/a~1b/id is required", "/a~1b/extra is not a known field"));
        assert_eq!(read("{}"), Err(vec!["/a~1b is required".to_owned()]));
        assert_eq!(read(r#"{"a/b":[]}"#), Err(vec!["/a~1b must be an object".to_owned()]));
        assert_eq!(read(r#"{"a/b":{"id":"u","id":"v"}}"#), Err(vec!["/a~1b/id repeats another member".to_owned()]));
    }

    #[test]
    fn a_change_distinguishes_null_from_an_absent_field() {
        let mut draft =
            Draft::parse(br#"{"limit":null,"note":"x","size":"big","headers":{"a":null,"b":"c","d":1}}"#).unwrap();
        let limit = draft.change("limit", |draft| draft.optional::<u8>("limit"));
        let name = draft.change("name", |draft| draft.optional::<String>("name"));
        let note = draft.change("note", |draft| draft.optional::<String>("note"));
        let size = draft.change("size", |draft| draft.optional::<u8>("size"));
        let headers = draft.optional_map_of_changes::<String, String>("headers");
        assert_eq!((limit, name, note), (Change::Reset, Change::Keep, Change::Set("x".to_owned())));
        assert_eq!((size, headers.len()), (Change::Keep, 2));
        let BadFields(errors) = draft.check(|| Some(())).unwrap_err();
        assert_eq!((errors.len(), errors[0].pointer.as_str()), (2, "/size"));
        assert_eq!(errors[1], bad("/headers/d", "must be a string"));
    }

    #[test]
    fn an_unknown_field_is_reported_even_if_it_is_null() {
        let draft = Draft::parse(br#"{"colour":null}"#).unwrap();
        assert_eq!(draft.check(|| Some(())), Err(BadFields(vec![bad("/colour", "is not a known field")])));
    }

    #[test]
    fn a_repeated_member_is_named_at_every_level() {
        let mut draft = Draft::parse(br#" {"type":"aml","list":[{"a":1,"a":2}],"type":"approved","type":1}"#).unwrap();
        assert_eq!(draft.required::<String>("type").as_deref(), Some("aml"));
        assert_eq!(draft.optional_list::<BTreeMap<String, u8>>("list"), None);
        let BadFields(errors) = draft.check(|| Some(())).unwrap_err();
        let [first, second, nested] = ["/type", "/type", "/list/0/a"].map(|pointer| bad(pointer, REPEATED));
        assert_eq!(errors, [first, second, nested]);
    }

    #[test]
    fn text_that_is_not_unicode_is_an_error_of_its_field() {
        let mut draft = Draft::parse(br#"{"name":"\ud800","note":"\u0000","deep":[[[[1]]]]}"#).unwrap();
        let _ = (draft.optional::<String>("name"), draft.optional::<String>("note"));
        assert_eq!(draft.optional::<Value>("deep"), Some(serde_json::json!([[[[1]]]])));
        let BadFields(errors) = draft.check(|| Some(())).unwrap_err();
        let pointers: Vec<&str> = errors.iter().map(|error| error.pointer.as_str()).collect();
        assert_eq!(pointers, ["/name", "/note"]);
    }

    #[test]
    fn a_byte_order_mark_is_ignored() {
        for body in [b"\xef\xbb\xbf{\"limit\":3}".as_slice(), b"\xef\xbb\xbf \r\n{\"limit\":3}"] {
            assert_eq!(Draft::parse(body).unwrap().optional::<u8>("limit"), Some(3));
        }
        for body in [b"\xef\xbb\xbf".as_slice(), b"\xef\xbb\xbf\xef\xbb\xbf{}", b"\xff\xfe{\0}\0", b"\xef\xbb{}"] {
            assert!(matches!(Draft::parse(body), Err(NotAnObject::Malformed(_))), "{body:?}");
        }
    }

    #[test]
    fn white_space_around_a_body_is_ignored() {
        let mut draft = Draft::parse(b" \n{\"limit\": 3 }\t").unwrap();
        assert_eq!(draft.optional::<u8>("limit"), Some(3));
    }

    #[test]
    fn an_error_names_a_repeated_member_in_any_case() {
        /// A key that ignores case, like the name of a header.
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
        struct Key(String);

        impl FromStr for Key {
            type Err = std::convert::Infallible;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Ok(Self(text.to_ascii_lowercase()))
            }
        }

        for (object, expected) in [
            (r#"{"A":"1","a":"2"}"#, "/headers/a"),
            (r#"{"b":null,"a":"1","a":"2"}"#, "/headers/a"),
            (r#"{"a":null,"A":"2"}"#, "/headers/A"),
        ] {
            let draft = || Draft::parse(format!(r#"{{"headers":{object}}}"#).as_bytes()).unwrap();
            let repeated = Err(BadFields(vec![bad(expected, "repeats another member")]));
            let mut changes = draft();
            changes.optional_map_of_changes::<Key, String>("headers");
            assert_eq!(changes.check(|| Some(())), repeated, "{object}");
            let mut values = draft();
            values.optional_map::<Key, String>("headers");
            let BadFields(errors) = values.check(|| Some(())).unwrap_err();
            assert!(errors.contains(&bad(expected, "repeats another member")), "{errors:?}");
        }
    }

    #[test]
    fn the_number_of_errors_is_limited() {
        let fields: Vec<String> = (0..5000).map(|number| format!(r#""f{number}":1"#)).collect();
        let draft = Draft::parse(format!("{{{}}}", fields.join(",")).as_bytes()).unwrap();
        let BadFields(errors) = draft.check(|| Some(())).unwrap_err();
        assert_eq!(errors.len(), MAX_ERRORS);
    }

    #[test]
    fn a_body_that_is_not_a_json_object_is_rejected() {
        assert_eq!(Draft::parse(b"[1]").unwrap_err(), NotAnObject::OtherKind);
        assert!(matches!(Draft::parse(b"{").unwrap_err(), NotAnObject::Malformed(_)));
        assert!(matches!(Draft::parse(b"\xff").unwrap_err(), NotAnObject::Malformed(_)));
    }

    proptest! {
        #[test]
        fn parsing_a_body_never_panics(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Draft::parse(&body);
        }
    }
}
