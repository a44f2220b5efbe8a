//! `ETag` and `If-Match` (RFC 9110): a caller changes settings only if they are still as the caller read them.

use std::convert::Infallible;
use std::fmt;

use axum::extract::FromRequestParts;
use axum::http::HeaderValue;
use axum::http::header::IF_MATCH;
use axum::http::request::Parts;
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

/// The `ETag` of a resource. Equal settings always have the same tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tag(String);

impl Tag {
    /// The tag of these settings.
    pub(crate) fn of(settings: &Fields) -> Self {
        let json = serde_json::to_vec(settings).expect("fields can be written as JSON");
        Self(BASE64_URL_SAFE_NO_PAD.encode(&Sha256::digest(json)[..12]))
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

/// The condition of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum IfMatch {
    /// No condition: the header is absent.
    Anything,
    /// The resource must exist: `*`.
    AnyExisting,
    /// The resource must have one of these tags.
    OneOf(Vec<String>),
}

impl IfMatch {
    /// Fails unless the settings meet the condition. `settings` is `None` if the resource does not exist.
    pub(crate) fn check(&self, settings: Option<&Fields>) -> Result<(), ApiError> {
        let matches = match self {
            Self::Anything => true,
            Self::AnyExisting => settings.is_some(),
            Self::OneOf(tags) => settings.is_some_and(|settings| tags.contains(&Tag::of(settings).to_string())),
        };
        if matches { Ok(()) } else { Err(ApiError::PreconditionFailed) }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let lines: Vec<&str> =
            parts.headers.get_all(IF_MATCH).iter().map(|line| line.to_str().unwrap_or_default()).collect();
        Ok(match lines.as_slice() {
            [] => Self::Anything,
            ["*"] => Self::AnyExisting,
            // Splitting at commas is safe, because our tags contain none. A weak tag never matches (RFC 9110, section 13.1.1).
            lines => {
                Self::OneOf(lines.iter().flat_map(|line| line.split(',')).map(|tag| tag.trim().to_owned()).collect())
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Request;
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

    async fn if_match(lines: &[&str]) -> IfMatch {
        let request = lines.iter().fold(Request::get("/"), |request, line| request.header(IF_MATCH, *line));
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        IfMatch::from_request_parts(&mut parts, &()).await.unwrap()
    }

    #[test]
    fn only_settings_affect_the_tag() {
        let tag = |view: View| Tag::of(&view.settings());
        let healthy = tag(View { url: "a", failures: 0 });
        assert_eq!(healthy, tag(View { url: "a", failures: 9 }));
        assert_ne!(healthy, tag(View { url: "b", failures: 0 }));
    }

    #[tokio::test]
    async fn a_change_needs_a_matching_tag() {
        let settings = fields(json!({"url": "a"}));
        let tag = Tag::of(&settings).to_string();
        for (lines, allowed_if_present, allowed_if_absent) in [
            (vec![], true, true),
            (vec!["*"], true, false),
            (vec![tag.as_str()], true, false),
            (vec!["\"other\"", &tag], true, false),
            (vec![&format!("\"other\" , {tag}") as &str], true, false),
            (vec![&format!("W/{tag}") as &str], false, false),
            (vec!["\"other\""], false, false),
            (vec!["caf\u{e9}"], false, false),
        ] {
            let condition = if_match(&lines).await;
            let allowed = (condition.check(Some(&settings)).is_ok(), condition.check(None).is_ok());
            assert_eq!(allowed, (allowed_if_present, allowed_if_absent), "{lines:?}");
        }
    }
}
