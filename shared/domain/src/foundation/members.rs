//! The members of a JSON object, including repeated ones, which `serde_json` otherwise drops silently.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;

/// The members of an object. A repeated member is an error, because JSON parsers differ on which value counts.
pub(super) struct UniqueMembers(pub(super) BTreeMap<String, Box<RawValue>>);

impl<'de> Deserialize<'de> for UniqueMembers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct UniqueMembersVisitor;

        impl<'de> Visitor<'de> for UniqueMembersVisitor {
            type Value = UniqueMembers;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<UniqueMembers, A::Error> {
                let mut members = BTreeMap::new();
                while let Some((name, value)) = map.next_entry::<String, Box<RawValue>>()? {
                    if members.insert(name.clone(), value).is_some() {
                        return Err(A::Error::custom(format_args!("member `{name}` is repeated")));
                    }
                }
                Ok(UniqueMembers(members))
            }
        }

        deserializer.deserialize_map(UniqueMembersVisitor)
    }
}

/// The members of an object, including repeated ones.
pub(super) struct EveryMember(pub(super) Vec<(String, Value)>);

impl<'de> Deserialize<'de> for EveryMember {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EveryMemberVisitor;

        impl<'de> Visitor<'de> for EveryMemberVisitor {
            type Value = EveryMember;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<EveryMember, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(EveryMember(members))
            }
        }

        deserializer.deserialize_map(EveryMemberVisitor)
    }
}
