//! Enumerations whose values have public, stable names: event types, scopes, states, reasons.
//!
//! [`public_names!`](crate::public_names) defines such an enumeration from one list, so that each name is spelled once and the
//! API's documentation lists every value with its meaning.

use std::fmt;

use thiserror::Error;

/// Defines an enumeration from its values, their names and their meanings.
///
/// ```ignore
/// public_names! {
///     /// What a project is used for.
///     #[derive(Default)]
///     pub enum Mode {
///         /// Real verifications.
///         #[default]
///         Live = "live",
///         /// Tests.
///         Test = "test",
///     }
/// }
/// ```
///
/// It implements `ALL`, `as_str`, `Display`, `FromStr`, `Serialize` and `Deserialize` by name. Other names are refused with
/// [`UnknownName`]. With the feature `openapi` it also implements the schema: the doc comments of the enumeration and of its
/// values become the description. `as "Name"` after the type gives the schema another name.
#[macro_export]
macro_rules! public_names {
    (
        $(#[doc = $description:literal])+
        $(#[derive($($derived:ident),+)])?
        $visibility:vis enum $type:ident $(as $schema:literal)? {
            $(
                $(#[doc = $meaning:literal])+
                // Matches nothing. The expansion needs a variable to know which value carries the attribute.
                $(#[default] $default:vis)?
                $value:ident = $name:literal,
            )+
        }
    ) => {
        $(#[doc = $description])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash $($(, $derived)+)?)]
        $visibility enum $type {
            $(
                $(#[doc = $meaning])+
                $(#[default] $default)?
                $value,
            )+
        }

        impl $type {
            /// All values, in the order of the documentation.
            $visibility const ALL: [Self; [$($name),+].len()] = [$(Self::$value),+];

            /// The public name.
            $visibility const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$value => $name,)+
                }
            }
        }

        impl ::std::fmt::Display for $type {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl ::std::str::FromStr for $type {
            type Err = $crate::foundation::names::UnknownName;

            fn from_str(name: &str) -> ::std::result::Result<Self, Self::Err> {
                let known = Self::ALL.into_iter().find(|known| known.as_str() == name);
                known.ok_or($crate::foundation::names::UnknownName(&[$($name),+]))
            }
        }

        impl ::serde::Serialize for $type {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> ::std::result::Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> ::serde::Deserialize<'de> for $type {
            fn deserialize<D: ::serde::Deserializer<'de>>(deserializer: D) -> ::std::result::Result<Self, D::Error> {
                let name = <::std::string::String as ::serde::Deserialize>::deserialize(deserializer)?;
                name.parse().map_err(<D::Error as ::serde::de::Error>::custom)
            }
        }

        $crate::public_names_schema! {
            $type [$($schema)?] [$($description),+] $($name: [$($meaning),+],)+
        }
    };
}

/// Implements the schema of an enumeration from [`public_names!`](crate::public_names).
#[cfg(feature = "openapi")]
#[doc(hidden)]
#[macro_export]
macro_rules! public_names_schema {
    ($type:ident [$($schema:literal)?] $description:tt $($name:literal: $meaning:tt,)+) => {
        impl $crate::foundation::names::openapi::PartialSchema for $type {
            fn schema() -> $crate::foundation::names::openapi::RefOr<$crate::foundation::names::openapi::Schema> {
                $crate::foundation::names::openapi::schema(&$description, &[$(($name, &$meaning)),+])
            }
        }

        impl $crate::foundation::names::openapi::ToSchema for $type {
            $(
                fn name() -> ::std::borrow::Cow<'static, str> {
                    ::std::borrow::Cow::Borrowed($schema)
                }
            )?
        }
    };
}

/// Without the feature `openapi` there are no schemas.
#[cfg(not(feature = "openapi"))]
#[doc(hidden)]
#[macro_export]
macro_rules! public_names_schema {
    ($($ignored:tt)*) => {};
}

/// A string that is not a name of the enumeration. Contains the names that are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub struct UnknownName(pub &'static [&'static str]);

impl fmt::Display for UnknownName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "must be one of {}", self.0.join(", "))
    }
}

/// What the expansion of [`public_names_schema!`](crate::public_names_schema) uses.
#[cfg(feature = "openapi")]
#[doc(hidden)]
pub mod openapi {
    use utoipa::openapi::schema::{ObjectBuilder, Type};
    pub use utoipa::openapi::{RefOr, schema::Schema};
    pub use utoipa::{PartialSchema, ToSchema};

    /// The schema of an enumeration: its description, then each name with its meaning. Takes doc comments line by line.
    pub fn schema(description: &[&str], values: &[(&str, &[&str])]) -> RefOr<Schema> {
        let meanings = values.iter().map(|(name, meaning)| format!("- `{name}`: {}", joined(meaning, " ")));
        let meanings: Vec<String> = meanings.collect();
        ObjectBuilder::new()
            .schema_type(Type::String)
            .enum_values(Some(values.iter().map(|(name, _)| *name)))
            .description(Some(format!("{}\n\n{}", joined(description, "\n"), meanings.join("\n"))))
            .into()
    }

    fn joined(lines: &[&str], separator: &str) -> String {
        lines.iter().map(|line| line.trim()).collect::<Vec<_>>().join(separator)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    public_names! {
        /// How a delivery is sent.
        #[derive(Default)]
        enum Speed {
            /// At once.
            #[default]
            Now = "now",
            /// Within
            /// a day.
            WithinADay = "within-a-day",
        }
    }

    #[test]
    fn each_value_is_written_and_read_by_its_name() {
        for speed in Speed::ALL {
            assert_eq!(speed.as_str().parse(), Ok(speed));
            assert_eq!(serde_json::to_value(speed).unwrap(), json!(speed.to_string()));
            assert_eq!(serde_json::from_value::<Speed>(json!(speed.as_str())).unwrap(), speed);
        }
        assert_eq!(Speed::default(), Speed::Now);
    }

    #[test]
    fn an_unknown_name_is_refused_with_the_list_of_known_names() {
        let error = serde_json::from_value::<Speed>(json!("Now")).unwrap_err();
        assert_eq!(error.to_string(), "must be one of now, within-a-day");
    }

    #[cfg(feature = "openapi")]
    #[test]
    fn the_schema_lists_each_name_with_its_meaning() {
        use utoipa::{PartialSchema, ToSchema};

        let schema = json!({
            "type": "string",
            "enum": ["now", "within-a-day"],
            "description": "How a delivery is sent.\n\n- `now`: At once.\n- `within-a-day`: Within a day.",
        });
        assert_eq!((serde_json::to_value(Speed::schema()).unwrap(), &*Speed::name()), (schema, "Speed"));
    }
}
