//! A request body being checked as a whole, so that one answer names every bad field.
//!
//! Fields are taken out of the draft one by one, each parsed into the type that cannot be wrong. What was bad is noted,
//! and [`Draft::check`] answers all of it at once, with a JSON pointer (RFC 6901) for each, unknown fields included.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::de::{DeserializeOwned, Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use thiserror::Error;

/// A body that is not even a JSON object.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NotAnObject {
    /// It is no JSON at all.
    #[error("body is not valid JSON: {0}")]
    Malformed(String),
    /// It is JSON of another kind.
    #[error("body must be a JSON object")]
    OtherKind,
}

/// One field that cannot be accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BadField {
    /// JSON pointer into the body: `/eventTypes/2`.
    pub pointer: String,
    /// What is wrong, in words the caller can act on.
    pub detail: String,
}

/// Every field that cannot be accepted; never empty.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{} of the body's fields cannot be accepted", .0.len())]
pub struct BadFields(pub Vec<BadField>);

/// What a change says of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change<T> {
    /// Nothing: it stays as it is.
    Keep,
    /// `null`: it becomes what it is when nobody sets it.
    Reset,
    /// A new value.
    Set(T),
}

impl<T> Change<T> {
    /// The new value, if there is one.
    pub fn new_value(&self) -> Option<&T> {
        match self {
            Self::Set(value) => Some(value),
            Self::Keep | Self::Reset => None,
        }
    }
}

impl<T: Default> Change<T> {
    /// Carries it out on `field`.
    pub fn apply(self, field: &mut T) {
        match self {
            Self::Keep => {}
            Self::Reset => *field = T::default(),
            Self::Set(value) => *field = value,
        }
    }
}

/// A body whose fields are being taken out.
#[derive(Debug)]
pub struct Draft {
    fields: BTreeMap<String, Box<RawValue>>,
    bad: Vec<BadField>,
}

impl Draft {
    /// Reads a JSON object. To everything but [`Self::change`], a field that is `null` counts as left out.
    pub fn parse(body: &[u8]) -> Result<Self, NotAnObject> {
        let raw: &RawValue = serde_json::from_slice(body).map_err(|error| NotAnObject::Malformed(error.to_string()))?;
        if !raw.get().starts_with('{') {
            return Err(NotAnObject::OtherKind);
        }
        let members: Members =
            serde_json::from_str(raw.get()).map_err(|error| NotAnObject::Malformed(error.to_string()))?;
        Ok(Self { fields: members.0, bad: Vec::new() })
    }

    /// A draft of fields that are there already.
    pub fn of(fields: serde_json::Map<String, Value>) -> Self {
        let raw = |value: Value| serde_json::value::to_raw_value(&value).expect("values are JSON");
        Self { fields: fields.into_iter().map(|(name, value)| (name, raw(value))).collect(), bad: Vec::new() }
    }

    /// Takes a field that must be there. `None` means that it was bad, and that [`Self::check`] will say so.
    pub fn required<T: DeserializeOwned>(&mut self, name: &str) -> Option<T> {
        let raw = self.required_raw(name)?;
        self.read(pointer(&[name]), &raw)
    }

    /// Takes a field that must be there, exactly as it was written.
    pub fn required_raw(&mut self, name: &str) -> Option<Box<RawValue>> {
        let raw = self.take(name);
        if raw.is_none() {
            self.refuse::<()>(pointer(&[name]), "is required");
        }
        raw
    }

    /// Takes a field that may be left out.
    pub fn optional<T: DeserializeOwned>(&mut self, name: &str) -> Option<T> {
        let raw = self.take(name)?;
        self.read(pointer(&[name]), &raw)
    }

    /// Takes a list that may be left out; every bad item is named by itself, and spoils the list.
    pub fn optional_list<T: DeserializeOwned>(&mut self, name: &str) -> Option<Vec<T>> {
        let items: Vec<Box<RawValue>> = self.optional(name)?;
        let read =
            items.iter().enumerate().filter_map(|(index, item)| self.read(pointer(&[name, &index.to_string()]), item));
        let read: Vec<T> = read.collect();
        (read.len() == items.len()).then_some(read)
    }

    /// Takes a list that must be there; every bad item is named by itself.
    pub fn required_list<T: DeserializeOwned>(&mut self, name: &str) -> Option<Vec<T>> {
        if self.fields.get(name).is_none_or(|raw| is_null(raw)) {
            self.refuse::<()>(pointer(&[name]), "is required");
        }
        self.optional_list(name)
    }

    /// Takes an object of strings that may be left out; every bad member is named by itself.
    pub fn optional_map<K, V>(&mut self, name: &str) -> Vec<(K, V)>
    where
        K: FromStr<Err: fmt::Display>,
        V: TryFrom<String, Error: fmt::Display>,
    {
        let read = |draft: &mut Self, at, value: Value| draft.read_text(at, value);
        self.members(name, read)
    }

    /// Takes an object of strings like [`Self::optional_map`]; a member that is `null` is to be taken away, and `None`.
    pub fn optional_map_of_changes<K, V>(&mut self, name: &str) -> Vec<(K, Option<V>)>
    where
        K: FromStr<Err: fmt::Display>,
        V: TryFrom<String, Error: fmt::Display>,
    {
        let read = |draft: &mut Self, at, value: Value| match value {
            Value::Null => Some(None),
            value => draft.read_text(at, value).map(Some),
        };
        self.members(name, read)
    }

    /// Takes what a change says of a field (JSON merge patch, RFC 7396). `read` is asked only where it says a value.
    pub fn change<T>(&mut self, name: &str, read: impl FnOnce(&mut Self) -> Option<T>) -> Change<T> {
        match self.fields.get(name) {
            None => Change::Keep,
            Some(raw) if is_null(raw) => {
                self.fields.remove(name);
                Change::Reset
            }
            // What is bad was noted, so that nothing comes of the change.
            Some(_) => read(self).map_or(Change::Keep, Change::Set),
        }
    }

    /// The same of a field that `owner`, such as "an endpoint", is never without; `None` if it stays.
    pub fn change_of_required<T>(
        &mut self,
        name: &str,
        owner: &str,
        read: impl FnOnce(&mut Self) -> Option<T>,
    ) -> Option<T> {
        match self.change(name, read) {
            Change::Keep => None,
            Change::Set(value) => Some(value),
            Change::Reset => self.refuse(pointer(&[name]), &format!("is required: {owner} is never without one")),
        }
    }

    /// Notes a field as bad for a reason that its type alone cannot know. Answers `None`, to be returned in its place.
    pub fn refuse<T>(&mut self, pointer: impl Into<String>, detail: &str) -> Option<T> {
        self.bad.push(BadField { pointer: pointer.into(), detail: detail.to_owned() });
        None
    }

    /// Builds the request out of the fields taken, if every one of them was good and none is left over.
    ///
    /// `build` runs only then, so its `?` on required fields never stops it.
    pub fn check<T>(mut self, build: impl FnOnce() -> Option<T>) -> Result<T, BadFields> {
        for name in self.fields.into_keys() {
            self.bad.push(BadField { pointer: pointer(&[&name]), detail: "is not a known field".to_owned() });
        }
        if !self.bad.is_empty() {
            return Err(BadFields(self.bad));
        }
        Ok(build().expect("a required field that is missing was noted as bad"))
    }

    fn take(&mut self, name: &str) -> Option<Box<RawValue>> {
        self.fields.remove(name).filter(|raw| !is_null(raw))
    }

    fn members<K, V>(&mut self, name: &str, read: impl Fn(&mut Self, String, Value) -> Option<V>) -> Vec<(K, V)>
    where
        K: FromStr<Err: fmt::Display>,
    {
        let members: BTreeMap<String, Value> = self.optional(name).unwrap_or_default();
        let read = members.into_iter().filter_map(|(key, value)| {
            let at = pointer(&[name, &key]);
            match key.parse::<K>() {
                Ok(key) => Some((key, read(self, at, value)?)),
                Err(error) => self.refuse(at, &error.to_string()),
            }
        });
        read.collect()
    }

    fn read_text<V: TryFrom<String, Error: fmt::Display>>(&mut self, pointer: String, value: Value) -> Option<V> {
        let Value::String(text) = value else { return self.refuse(pointer, "must be a string") };
        match V::try_from(text) {
            Ok(value) => Some(value),
            Err(error) => self.refuse(pointer, &error.to_string()),
        }
    }

    fn read<T: DeserializeOwned>(&mut self, pointer: String, raw: &RawValue) -> Option<T> {
        // Through `Value`, because its errors do not speak of lines and columns within the field.
        let read = serde_json::from_str(raw.get()).map(whole_number).and_then(serde_json::from_value);
        match read {
            Ok(value) => Some(value),
            Err(error) => self.refuse(pointer, &error.to_string()),
        }
    }
}

/// A whole number is the same however it is written: some languages write 7 as `7.0`.
fn whole_number(value: Value) -> Value {
    /// Up to here, every whole number has a float of its own.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match value.as_f64().filter(|number| number.fract() == 0.0 && number.abs() <= EXACT) {
        #[expect(clippy::cast_possible_truncation, reason = "whole numbers of this size are exact")]
        Some(number) if value.is_f64() => Value::from(number as i64),
        _ => value,
    }
}

fn is_null(raw: &RawValue) -> bool {
    raw.get() == "null"
}

/// The members of an object. One that comes twice is refused: readers differ on which of the two counts.
struct Members(BTreeMap<String, Box<RawValue>>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MembersVisitor;

        impl<'de> Visitor<'de> for MembersVisitor {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = BTreeMap::new();
                while let Some((name, value)) = map.next_entry::<String, Box<RawValue>>()? {
                    if members.insert(name.clone(), value).is_some() {
                        return Err(A::Error::custom(format_args!("member `{name}` comes twice")));
                    }
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(MembersVisitor)
    }
}

/// Writes a JSON pointer (RFC 6901).
pub fn pointer(steps: &[&str]) -> String {
    let escaped = steps.iter().map(|step| step.replace('~', "~0").replace('/', "~1"));
    escaped.flat_map(|step| ["/".to_owned(), step]).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::time::Timestamp;

    fn bad(pointer: &str, detail: &str) -> BadField {
        BadField { pointer: pointer.to_owned(), detail: detail.to_owned() }
    }

    #[test]
    fn good_fields_are_built_into_the_request() {
        let mut draft = Draft::parse(br#"{"name":"Acme","limit":3,"note":null}"#).unwrap();
        let (name, limit) = (draft.required::<String>("name"), draft.optional::<u8>("limit"));
        let note = draft.optional::<String>("note");
        assert_eq!(draft.check(|| Some((name?, limit, note))), Ok(("Acme".to_owned(), Some(3), None)));
    }

    #[test]
    fn a_whole_number_is_taken_however_it_is_written() {
        let mut draft = Draft::parse(br#"{"a":7.0,"b":7e0,"c":7.5,"d":[1.0],"e":1e300}"#).unwrap();
        assert_eq!((draft.required::<u8>("a"), draft.required::<u8>("b")), (Some(7), Some(7)));
        assert_eq!((draft.required::<u8>("c"), draft.optional_list::<u8>("d")), (None, Some(vec![1])));
        assert_eq!((draft.required::<u64>("e"), draft.check(|| Some(())).unwrap_err().0.len()), (None, 2));
    }

    #[test]
    fn all_bad_fields_are_named_at_once() {
        let mut draft = Draft::parse(br#"{"at":"soon","list":[1,"x"],"a/b":1}"#).unwrap();
        let at = draft.required::<Timestamp>("at");
        let name = draft.required::<String>("name");
        let list = draft.optional_list::<u8>("list");
        assert_eq!(
            draft.check(|| Some((at?, name?, list?))),
            Err(BadFields(vec![
                bad("/at", "must be an RFC 3339 date and time with an offset, such as 2026-11-22T08:30:00.000Z"),
                bad("/name", "is required"),
                bad("/list/1", "invalid type: string \"x\", expected u8"),
                bad("/a~1b", "is not a known field"),
            ]))
        );
    }

    #[test]
    fn a_change_tells_null_from_nothing_said() {
        let mut draft =
            Draft::parse(br#"{"limit":null,"note":"x","size":"big","headers":{"a":null,"b":"c","d":1}}"#).unwrap();
        let limit = draft.change("limit", |draft| draft.optional::<u8>("limit"));
        let name = draft.change("name", |draft| draft.optional::<String>("name"));
        let note = draft.change("note", |draft| draft.optional::<String>("note"));
        let size = draft.change("size", |draft| draft.optional::<u8>("size"));
        let headers = draft.optional_map_of_changes::<String, String>("headers");
        assert_eq!((limit, name, note), (Change::Reset, Change::Keep, Change::Set("x".to_owned())));
        assert_eq!((size, headers.len()), (Change::Keep, 2));
        let BadFields(noted) = draft.check(|| Some(())).unwrap_err();
        assert_eq!((noted.len(), noted[0].pointer.as_str()), (2, "/size"));
        assert_eq!(noted[1], bad("/headers/d", "must be a string"));
    }

    #[test]
    fn an_unknown_field_is_named_even_if_it_is_null() {
        let draft = Draft::parse(br#"{"colour":null}"#).unwrap();
        assert_eq!(draft.check(|| Some(())), Err(BadFields(vec![bad("/colour", "is not a known field")])));
    }

    #[test]
    fn a_member_that_comes_twice_is_refused() {
        let error = Draft::parse(br#" {"type":"aml","type":"approved"}"#).unwrap_err();
        assert!(
            matches!(&error, NotAnObject::Malformed(what) if what.contains("member `type` comes twice")),
            "{error}"
        );
    }

    #[test]
    fn space_around_a_body_does_not_matter() {
        let mut draft = Draft::parse(b" \n{\"limit\": 3 }\t").unwrap();
        assert_eq!(draft.optional::<u8>("limit"), Some(3));
    }

    #[test]
    fn bodies_of_another_kind_are_refused() {
        assert_eq!(Draft::parse(b"[1]").unwrap_err(), NotAnObject::OtherKind);
        assert!(matches!(Draft::parse(b"{").unwrap_err(), NotAnObject::Malformed(_)));
        assert!(matches!(Draft::parse(b"\xff").unwrap_err(), NotAnObject::Malformed(_)));
    }

    proptest! {
        #[test]
        fn outside_bytes_never_break_a_draft(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Draft::parse(&body);
        }
    }
}
