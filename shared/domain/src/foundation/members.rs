//! The members of a JSON object, including repeated ones, which `serde_json` otherwise drops silently.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
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

/// The members of an object in their order, including repeated ones.
pub(crate) struct EveryMember<V>(pub(crate) Vec<(String, V)>);

impl<'de, V: Deserialize<'de>> Deserialize<'de> for EveryMember<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EveryMemberVisitor<V>(PhantomData<V>);

        impl<'de, V: Deserialize<'de>> Visitor<'de> for EveryMemberVisitor<V> {
            type Value = EveryMember<V>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<EveryMember<V>, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(EveryMember(members))
            }
        }

        deserializer.deserialize_map(EveryMemberVisitor(PhantomData))
    }
}
