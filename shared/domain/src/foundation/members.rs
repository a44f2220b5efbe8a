//! The members of a JSON object, including repeated ones, which `serde_json` otherwise drops silently.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// The members of an object by name.
pub(super) struct UniqueMembers {
    /// The first member of each name.
    pub(super) members: BTreeMap<String, Box<RawValue>>,
    /// Names of further members with the same name. JSON parsers differ on which value counts.
    pub(super) repeated: Vec<String>,
}

impl<'de> Deserialize<'de> for UniqueMembers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct UniqueMembersVisitor;

        impl<'de> Visitor<'de> for UniqueMembersVisitor {
            type Value = UniqueMembers;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<UniqueMembers, A::Error> {
                let (mut members, mut repeated) = (BTreeMap::new(), Vec::new());
                while let Some((name, value)) = map.next_entry::<String, Box<RawValue>>()? {
                    match members.entry(name) {
                        Entry::Vacant(entry) => drop(entry.insert(value)),
                        Entry::Occupied(entry) => repeated.push(entry.key().clone()),
                    }
                }
                Ok(UniqueMembers { members, repeated })
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
