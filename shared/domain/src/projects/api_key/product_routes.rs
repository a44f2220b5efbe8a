//! Which scope each route of the operator's product needs, from a deployment parameter.

use std::collections::BTreeMap;
use std::str::FromStr;

use thiserror::Error;

use super::ProductScope;

/// Stands for all methods of a path.
const ANY: &str = "ANY";

/// The routes of the product that API keys can open, each with the scope that it needs. A route that is not listed is closed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProductRoutes(BTreeMap<String, ProductScope>);

/// Why a string is not a list of [`ProductRoutes`].
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "route {0} must be written like GET /submissions/{{id}}=submissions:read, once, with one of the deployment's ProductScopes"
)]
pub struct BadProductRoute(String);

impl ProductRoutes {
    /// The scope that a route needs. `path` is the route's path as API Gateway names it, such as `/submissions/{id}`. An entry for
    /// the method goes before one for `ANY`. Only an entry for `ANY` opens a route whose own method is `ANY`.
    pub fn scope_of(&self, method: &str, path: &str) -> Option<&ProductScope> {
        self.0.get(&format!("{method} {path}")).or_else(|| self.0.get(&format!("{ANY} {path}")))
    }

    /// The scopes that any route needs.
    pub fn scopes(&self) -> impl Iterator<Item = &ProductScope> {
        self.0.values()
    }
}

impl FromStr for ProductRoutes {
    type Err = BadProductRoute;

    fn from_str(text: &str) -> Result<Self, BadProductRoute> {
        let mut routes = BTreeMap::new();
        for entry in text.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
            let (route, scope) = parse(entry).ok_or_else(|| BadProductRoute(entry.to_owned()))?;
            if routes.insert(route, scope).is_some() {
                return Err(BadProductRoute(entry.to_owned()));
            }
        }
        Ok(Self(routes))
    }
}

fn parse(entry: &str) -> Option<(String, ProductScope)> {
    let (route, scope) = entry.split_once('=')?;
    let (method, path) = route.trim().split_once(' ')?;
    let is_method = !method.is_empty() && method.bytes().all(|byte| byte.is_ascii_uppercase());
    let is_path = path.starts_with('/') && path.bytes().all(|byte| byte.is_ascii_graphic());
    let scope = scope.trim().parse().ok()?;
    (is_method && is_path).then(|| (format!("{method} {path}"), scope))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope<'a>(routes: &'a ProductRoutes, method: &str, path: &str) -> Option<&'a str> {
        routes.scope_of(method, path).map(ProductScope::as_str)
    }

    #[test]
    fn a_route_that_is_not_listed_is_closed() {
        let routes = "GET /submissions/{id}=submissions:read, ANY /tokens=tokens:write,GET /tokens=tokens:read";
        let routes: ProductRoutes = routes.parse().unwrap();
        assert_eq!(scope(&routes, "GET", "/submissions/{id}"), Some("submissions:read"));
        assert_eq!(scope(&routes, "POST", "/tokens"), Some("tokens:write"));
        assert_eq!(scope(&routes, "GET", "/tokens"), Some("tokens:read"));
        for (method, path) in [("POST", "/submissions/{id}"), ("GET", "/submissions/7"), ("GET", "/"), ("get", "/x")] {
            assert_eq!(scope(&routes, method, path), None, "{method} {path}");
        }
        assert_eq!(scope(&ProductRoutes::default(), "GET", "/tokens"), None);
        // A route of all methods needs an entry for all methods.
        assert_eq!(scope(&routes, "ANY", "/tokens"), Some("tokens:write"));
        assert_eq!((scope(&routes, "ANY", "/submissions/{id}"), scope(&routes, "", "$default")), (None, None));
    }

    #[test]
    fn a_mistake_in_the_parameter_is_refused() {
        assert_eq!("".parse(), Ok(ProductRoutes::default()));
        for bad in [
            "GET /a",
            "/a=submissions:read",
            "get /a=submissions:read",
            "GET a=submissions:read",
            "GET /a b=submissions:read",
            "GET /a=submissions",
            "GET /a=events:read",
            "GET /a=submissions:read,GET /a=submissions:read",
        ] {
            assert!(bad.parse::<ProductRoutes>().is_err(), "{bad}");
        }
    }
}
