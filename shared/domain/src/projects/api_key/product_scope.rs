//! Scopes of the operator's product. The deployment names them, and API keys carry them beside Signpost's own [`Scope`]s.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::Scope;

/// Maximum number of product scopes of a deployment, so that the row of a key stays small.
const MAX_PRODUCT_SCOPES: usize = 50;

/// Maximum length of a product scope.
const MAX_LENGTH: usize = 64;

/// A permission in the operator's product, such as `submissions:read`. It never has the name of one of Signpost's own scopes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ProductScope(String);

/// Why a string is not a [`ProductScope`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BadProductScope {
    /// The syntax is wrong.
    #[error(
        "must be two names with a colon between, such as submissions:read: lower-case letters first, then also digits, '.', '_' \
         and '-', at most 64 characters"
    )]
    Syntax,
    /// Signpost has a scope with this name.
    #[error("must not be a scope of Signpost's own API")]
    OwnScope,
}

impl ProductScope {
    /// The name of the scope.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ProductScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for ProductScope {
    type Err = BadProductScope;

    fn from_str(text: &str) -> Result<Self, BadProductScope> {
        let Some((resource, action)) = text.split_once(':') else { return Err(BadProductScope::Syntax) };
        if text.len() > MAX_LENGTH || !is_name(resource) || !is_name(action) {
            return Err(BadProductScope::Syntax);
        }
        if text.parse::<Scope>().is_ok() {
            return Err(BadProductScope::OwnScope);
        }
        Ok(Self(text.to_owned()))
    }
}

fn is_name(text: &str) -> bool {
    let is_further = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte);
    text.starts_with(|first: char| first.is_ascii_lowercase()) && text.bytes().all(is_further)
}

impl TryFrom<String> for ProductScope {
    type Error = BadProductScope;

    fn try_from(text: String) -> Result<Self, BadProductScope> {
        text.parse()
    }
}

impl From<ProductScope> for String {
    fn from(scope: ProductScope) -> Self {
        scope.0
    }
}

/// The product scopes of a deployment, from its parameter `ProductScopes`: separated by commas, at most 50.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProductScopes(BTreeSet<ProductScope>);

/// Why a string is not a list of [`ProductScopes`].
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BadProductScopes {
    /// One of the scopes is invalid.
    #[error("product scope {0} {1}")]
    Scope(String, #[source] BadProductScope),
    /// There are too many.
    #[error("must have at most {MAX_PRODUCT_SCOPES} product scopes")]
    TooMany,
}

impl ProductScopes {
    /// All product scopes, sorted by name.
    pub fn all(&self) -> &BTreeSet<ProductScope> {
        &self.0
    }

    /// Whether the deployment has this scope.
    pub fn contain(&self, scope: &ProductScope) -> bool {
        self.0.contains(scope)
    }
}

impl FromStr for ProductScopes {
    type Err = BadProductScopes;

    fn from_str(text: &str) -> Result<Self, BadProductScopes> {
        let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
        let parse = |name: &str| name.parse().map_err(|error| BadProductScopes::Scope(name.to_owned(), error));
        let scopes: BTreeSet<ProductScope> = names.map(parse).collect::<Result<_, _>>()?;
        if scopes.len() > MAX_PRODUCT_SCOPES { Err(BadProductScopes::TooMany) } else { Ok(Self(scopes)) }
    }
}

/// A scope of an API key: Signpost's own, or the product's.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum KeyScope {
    /// A permission in Signpost's own API.
    Own(Scope),
    /// A permission in the product's API.
    Product(ProductScope),
}

impl KeyScope {
    /// The name of the scope.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Own(scope) => scope.as_str(),
            Self::Product(scope) => scope.as_str(),
        }
    }

    /// Divides scopes by the API that they belong to.
    pub(super) fn divide(scopes: impl IntoIterator<Item = Self>) -> (BTreeSet<Scope>, BTreeSet<ProductScope>) {
        let (mut own, mut product) = (BTreeSet::new(), BTreeSet::new());
        for scope in scopes {
            match scope {
                Self::Own(scope) => drop(own.insert(scope)),
                Self::Product(scope) => drop(product.insert(scope)),
            }
        }
        (own, product)
    }
}

impl FromStr for KeyScope {
    type Err = BadProductScope;

    fn from_str(text: &str) -> Result<Self, BadProductScope> {
        match text.parse() {
            Ok(scope) => Ok(Self::Own(scope)),
            Err(_) => text.parse().map(Self::Product),
        }
    }
}

impl TryFrom<String> for KeyScope {
    type Error = BadProductScope;

    fn try_from(text: String) -> Result<Self, BadProductScope> {
        text.parse()
    }
}

impl From<KeyScope> for String {
    fn from(scope: KeyScope) -> Self {
        scope.as_str().to_owned()
    }
}

#[cfg(feature = "openapi")]
mod schema {
    use utoipa::openapi::schema::{ObjectBuilder, Schema};
    use utoipa::openapi::{RefOr, Type};
    use utoipa::{PartialSchema, ToSchema};

    use super::{KeyScope, MAX_LENGTH, Scope};

    impl PartialSchema for KeyScope {
        fn schema() -> RefOr<Schema> {
            let own = Scope::ALL.map(|scope| format!("`{scope}`")).join(", ");
            let description = format!(
                "A scope of an API key: one of Signpost's own scopes ({own}), or a scope of the operator's product, which the \
                 deployment's parameter `ProductScopes` names."
            );
            ObjectBuilder::new()
                .schema_type(Type::String)
                .description(Some(description))
                .pattern(Some("^[a-z][a-z0-9._-]*:[a-z][a-z0-9._-]*$"))
                .max_length(Some(MAX_LENGTH))
                .examples(["settings:read", "submissions:read"])
                .into()
        }
    }

    impl ToSchema for KeyScope {}
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_product_scope_is_two_names_with_a_colon_between() {
        for good in ["submissions:read", "tokens:write", "v2.submissions:re-view_1", "a:b"] {
            assert_eq!(good.parse::<ProductScope>().map(|scope| scope.to_string()).as_deref(), Ok(good));
        }
        let long = format!("a:{}", "b".repeat(63));
        for bad in ["", "read", ":read", "a:", "a:b:c", "A:b", "a: b", "1a:b", "a:-b", "a:b,c", "a:*", "é:b", &long] {
            assert_eq!(bad.parse::<ProductScope>(), Err(BadProductScope::Syntax), "{bad}");
        }
    }

    #[test]
    fn a_product_scope_never_has_the_name_of_an_own_scope() {
        for scope in Scope::ALL {
            assert_eq!(scope.as_str().parse::<ProductScope>(), Err(BadProductScope::OwnScope));
            assert_eq!(scope.as_str().parse(), Ok(KeyScope::Own(scope)));
        }
        let refused = "submissions:read,events:write".parse::<ProductScopes>().unwrap_err();
        assert_eq!(refused.to_string(), "product scope events:write must not be a scope of Signpost's own API");
    }

    #[test]
    fn the_parameter_is_a_list_that_may_be_empty() {
        assert_eq!("".parse(), Ok(ProductScopes::default()));
        let scopes: ProductScopes = "tokens:write, submissions:read,tokens:write".parse().unwrap();
        let names: Vec<&str> = scopes.all().iter().map(ProductScope::as_str).collect();
        assert_eq!(names, ["submissions:read", "tokens:write"]);
        let many = (0..51).map(|number| format!("a:b{number}")).collect::<Vec<_>>().join(",");
        assert_eq!(many.parse::<ProductScopes>(), Err(BadProductScopes::TooMany));
    }

    proptest! {
        #[test]
        fn parsing_a_scope_never_panics_and_keeps_its_name(text in "[a-z0-9.:_é -]{0,70}") {
            if let Ok(scope) = text.parse::<KeyScope>() {
                prop_assert_eq!(scope.as_str(), text);
            }
        }
    }
}
