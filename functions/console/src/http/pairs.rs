//! Names and values of a query string or of a form.

use std::fmt;

use url::form_urlencoded;

/// Names and values in their order. A name may repeat, such as that of checkboxes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Pairs(Vec<(String, String)>);

impl Pairs {
    /// Parses `application/x-www-form-urlencoded`. Never fails: bytes that are not UTF-8 become replacement characters.
    pub(crate) fn parse(encoded: &[u8]) -> Self {
        Self(form_urlencoded::parse(encoded).into_owned().collect())
    }

    /// The first value of `name`, as it was sent.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// All values of `name`.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Adds a value.
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "callers pass numbers and ids")]
    pub(crate) fn and(mut self, name: &str, value: impl ToString) -> Self {
        self.0.push((name.to_owned(), value.to_string()));
        self
    }

    /// Replaces all values of `name` by one.
    #[must_use]
    pub(crate) fn with(self, name: &str, value: impl ToString) -> Self {
        self.without(name).and(name, value)
    }

    /// Removes all values of `name`.
    #[must_use]
    pub(crate) fn without(self, name: &str) -> Self {
        self.filter(|known, _| known != name)
    }

    /// Keeps only the pairs that `keeps` accepts.
    #[must_use]
    pub(crate) fn filter(mut self, keeps: impl Fn(&str, &str) -> bool) -> Self {
        self.0.retain(|(name, value)| keeps(name, value));
        self
    }

    /// Keeps only the values of these names, without empty ones: the filters of a list.
    #[must_use]
    pub(crate) fn only(self, names: &[&str]) -> Self {
        self.filter(|name, value| names.contains(&name) && !value.is_empty())
    }

    /// The URL of `path` with these values as its query.
    pub(crate) fn href(&self, path: &str) -> String {
        if self.0.is_empty() { path.to_owned() } else { format!("{path}?{self}") }
    }
}

/// Writes `application/x-www-form-urlencoded`.
impl fmt::Display for Pairs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.0).finish())
    }
}

impl<'a> FromIterator<(&'a str, &'a str)> for Pairs {
    fn from_iter<I: IntoIterator<Item = (&'a str, &'a str)>>(pairs: I) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_names_keep_all_values() {
        let pairs = Pairs::parse(b"fields=cf1&url=https%3A%2F%2Fa.example%2F+b&fields=email&empty=");
        assert_eq!(pairs.all("fields").collect::<Vec<_>>(), ["cf1", "email"]);
        assert_eq!(
            (pairs.get("url"), pairs.get("empty"), pairs.get("none")),
            (Some("https://a.example/ b"), Some(""), None)
        );
    }

    #[test]
    fn a_link_to_the_next_page_keeps_the_filters() {
        let query = Pairs::parse(b"state=failed&type=&cursor=old&done=added&to=a%26b");
        let filters = query.only(&["state", "type", "to"]);
        assert_eq!(filters.with("cursor", "new").href("/deliveries"), "/deliveries?state=failed&to=a%26b&cursor=new");
        assert_eq!(Pairs::default().href("/deliveries"), "/deliveries");
    }

    #[test]
    fn bytes_that_are_not_utf_8_do_not_fail() {
        assert_eq!(Pairs::parse(b"name=%FF%FE&%").get("name"), Some("\u{FFFD}\u{FFFD}"));
    }
}
