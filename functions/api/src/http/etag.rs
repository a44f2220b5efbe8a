//! `ETag`, `If-Match` and `If-None-Match` (RFC 9110): a change applies only to the settings that the caller has read, or only if
//! none exist yet. [`super::conditional_read`] applies the conditions of reads.

use std::convert::Infallible;
use std::fmt;

use axum::extract::FromRequestParts;
use axum::http::header::{HeaderName, IF_MATCH, IF_NONE_MATCH};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use domain::projects::audit::Fields;
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::http::api_error::ApiError;

/// A resource as the API returns it, whose settings determine its `ETag` and are recorded in the audit log.
pub(crate) trait SettingsView: Serialize {
    /// Names of the fields that are not settings: secrets that are shown once, and values that Signpost changes.
    const NOT_SETTINGS: &[&str] = &[];

    /// The settings by their public names.
    fn settings(&self) -> Fields {
        let view = serde_json::to_value(self).expect("a view can be written as JSON");
        let Value::Object(mut fields) = view else { return Fields::new() };
        fields.retain(|name, _| !Self::NOT_SETTINGS.contains(&name.as_str()));
        fields
    }
}

/// The `ETag` of a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tag(String);

impl Tag {
    /// The tag of a resource with these settings. `changed_in` is the audit log entry of its last change.
    ///
    /// The number of the entry changes the tag with every write, including writes of values that the API never returns, such as a
    /// signing secret. The settings can also change the tag over time, for example when an overlap ends.
    pub(crate) fn of(settings: &Fields, changed_in: u64) -> Self {
        Self::of_content(serde_json::to_vec(&(settings, changed_in)).expect("fields can be written as JSON"))
    }

    /// The tag of a document with this content.
    pub(crate) fn of_content(content: impl AsRef<[u8]>) -> Self {
        Self(BASE64_URL_SAFE_NO_PAD.encode(&Sha256::digest(content)[..12]))
    }

    /// The tag in an `ETag` header, unless it is weak.
    pub(crate) fn in_header(value: &HeaderValue) -> Option<Self> {
        let tag = value.to_str().ok()?.strip_prefix('"')?.strip_suffix('"')?;
        Some(Self(tag.to_owned()))
    }

    pub(crate) fn header_value(&self) -> HeaderValue {
        HeaderValue::try_from(self.to_string()).expect("base64url in quotes is visible ASCII")
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0)
    }
}

/// The conditions of a request: `If-Match` and `If-None-Match`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Preconditions {
    if_match: Option<Tags>,
    if_none_match: Option<Tags>,
}

/// The value of a condition.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Tags {
    /// Any tag of an existing resource: `*`.
    Any,
    /// One of these tags, as the caller wrote them.
    OneOf(Vec<String>),
}

impl Preconditions {
    /// A request without conditions.
    pub(crate) const NONE: Self = Self { if_match: None, if_none_match: None };

    /// Reads the conditions of a request.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let read = |name| Tags::read(headers, name);
        Self { if_match: read(IF_MATCH), if_none_match: read(IF_NONE_MATCH) }
    }

    /// Fails unless the resource meets both conditions. `current` is its tag, or `None` if it does not exist. A call that creates a
    /// resource under a new id passes `None`.
    pub(crate) fn check(&self, current: Option<&Tag>) -> Result<(), ApiError> {
        let is_known = current.is_some_and(|current| self.name(current));
        let matches = self.if_match.as_ref().is_none_or(|tags| tags.contain(current, Comparison::Strong));
        if matches && !is_known { Ok(()) } else { Err(ApiError::PreconditionFailed) }
    }

    /// Whether an existing resource may be read: `If-Match` is absent or matches. `current` is its tag, or `None` if it has none.
    pub(crate) fn allow_read(&self, current: Option<&Tag>) -> bool {
        match &self.if_match {
            None | Some(Tags::Any) => true,
            Some(tags) => tags.contain(current, Comparison::Strong),
        }
    }

    /// Whether `If-None-Match` names the current tag, so that the caller already has the resource.
    pub(crate) fn name(&self, current: &Tag) -> bool {
        self.if_none_match.as_ref().is_some_and(|tags| tags.contain(Some(current), Comparison::Weak))
    }
}

/// How tags are compared (RFC 9110, section 8.8.3.2). Our tags are strong; proxies that compress a response may make them weak.
#[derive(Clone, Copy)]
enum Comparison {
    /// A weak tag matches nothing.
    Strong,
    /// A weak tag matches like a strong one.
    Weak,
}

impl Tags {
    fn read(headers: &HeaderMap, name: HeaderName) -> Option<Self> {
        let lines: Vec<&str> = headers.get_all(name).iter().map(|line| line.to_str().unwrap_or_default()).collect();
        match lines.as_slice() {
            [] => None,
            [any] if any.trim() == "*" => Some(Self::Any),
            // Splitting at commas is safe, because our tags contain none.
            lines => {
                let tags = lines.iter().flat_map(|line| line.split(','));
                Some(Self::OneOf(tags.map(|tag| tag.trim().to_owned()).collect()))
            }
        }
    }

    fn contain(&self, current: Option<&Tag>, comparison: Comparison) -> bool {
        let Some(current) = current.map(Tag::to_string) else { return false };
        match self {
            Self::Any => true,
            Self::OneOf(tags) => tags.iter().any(|tag| match comparison {
                Comparison::Strong => *tag == current,
                Comparison::Weak => tag.strip_prefix("W/").unwrap_or(tag) == current,
            }),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Preconditions {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.headers))
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Request;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[derive(Serialize)]
    struct View {
        url: &'static str,
        failures: u32,
    }

    impl SettingsView for View {
        const NOT_SETTINGS: &[&str] = &["failures"];
    }

    fn fields(value: Value) -> Fields {
        serde_json::from_value(value).unwrap()
    }

    async fn preconditions(name: HeaderName, lines: &[&str]) -> Preconditions {
        let request = lines.iter().fold(Request::get("/"), |request, line| request.header(&name, *line));
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        Preconditions::from_request_parts(&mut parts, &()).await.unwrap()
    }

    #[test]
    fn only_settings_and_the_number_of_the_last_change_affect_the_tag() {
        let tag = |view: View, changed_in| Tag::of(&view.settings(), changed_in);
        let healthy = tag(View { url: "a", failures: 0 }, 3);
        assert_eq!(healthy, tag(View { url: "a", failures: 9 }, 3));
        assert_ne!(healthy, tag(View { url: "b", failures: 0 }, 3));
        assert_ne!(healthy, tag(View { url: "a", failures: 0 }, 4));
    }

    proptest! {
        #[test]
        fn reading_conditions_never_panics_and_only_the_exact_tag_matches(lines in vec("[\"W/*, a-zA-Z0-9_-]{0,20}", 0..4), other in "\\PC{0,40}") {
            let current = Tag::of(&Fields::new(), 3);
            let mut headers = HeaderMap::new();
            for line in lines.iter().chain([&other]) {
                headers.append(IF_MATCH, HeaderValue::from_bytes(line.as_bytes()).unwrap());
            }
            let tags = Tags::read(&headers, IF_MATCH).unwrap();
            prop_assert!(!tags.contain(None, Comparison::Weak));
            // A generated line practically never equals the tag, and `*` counts only as the only value.
            prop_assert_eq!(tags.contain(Some(&current), Comparison::Strong), lines.is_empty() && other == "*");
            headers.append(IF_MATCH, current.header_value());
            prop_assert!(Tags::read(&headers, IF_MATCH).unwrap().contain(Some(&current), Comparison::Strong));
        }
    }

    #[tokio::test]
    async fn a_change_needs_a_matching_tag() {
        let current = Tag::of(&fields(json!({"url": "a"})), 3);
        let tag = current.to_string();
        let (weak, among_others) = (format!("W/{tag}"), format!("\"other\" , {tag}"));
        for (lines, if_match, if_none_match) in [
            (vec![], [true, true], [true, true]),
            (vec!["*"], [true, false], [false, true]),
            (vec![tag.as_str()], [true, false], [false, true]),
            (vec!["\"other\"", &tag], [true, false], [false, true]),
            (vec![&among_others], [true, false], [false, true]),
            (vec![&weak], [false, false], [false, true]),
            (vec!["\"other\""], [false, false], [true, true]),
            (vec!["caf\u{e9}"], [false, false], [true, true]),
        ] {
            for (name, [if_present, if_absent]) in [(IF_MATCH, if_match), (IF_NONE_MATCH, if_none_match)] {
                let condition = preconditions(name.clone(), &lines).await;
                let allowed = (condition.check(Some(&current)).is_ok(), condition.check(None).is_ok());
                assert_eq!(allowed, (if_present, if_absent), "{name}: {lines:?}");
            }
        }
    }
}
