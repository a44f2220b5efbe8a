//! `ETag` and `If-Match` (RFC 9110): nobody changes settings that are not what they saw.

use std::convert::Infallible;
use std::fmt;

use axum::extract::FromRequestParts;
use axum::http::HeaderValue;
use axum::http::header::IF_MATCH;
use axum::http::request::Parts;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use shared::audit::Fields;

use crate::problem::ApiError;

/// Fields of answers that are no settings: secrets that are shown once, and what changes by itself.
const NOT_SETTINGS: [&str; 7] = ["health", "key", "lastUsedOn", "revision", "secretKey", "signingSecret", "sourceIps"];

/// The settings in what is shown of a resource: what its tag stands for, and what the audit log tells.
pub(crate) fn settings_in(view: &impl Serialize) -> Fields {
    match serde_json::to_value(view).expect("what we show is JSON") {
        Value::Object(fields) => {
            fields.into_iter().filter(|(name, _)| !NOT_SETTINGS.contains(&name.as_str())).collect()
        }
        _ => Fields::new(),
    }
}

/// A state of a resource's settings. The same settings always have the same tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tag(String);

impl Tag {
    /// The tag of these settings.
    pub(crate) fn of(settings: &Fields) -> Self {
        let json = serde_json::to_vec(settings).expect("fields are JSON");
        Self(BASE64_URL_SAFE_NO_PAD.encode(&Sha256::digest(json)[..12]))
    }

    /// The tag of what is shown of a resource.
    pub(crate) fn of_view(view: &impl Serialize) -> Self {
        Self::of(&settings_in(view))
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

/// What a caller believes the settings to be that they change; anything, if they do not say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum IfMatch {
    /// No matter what they are, and whether there are any.
    Anything,
    /// No matter what they are, if there are any: `*`.
    AnyExisting,
    /// One of these.
    OneOf(Vec<String>),
}

impl IfMatch {
    /// Refuses settings that are not what the caller believes.
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
            // None of our tags has a comma in it. Weak ones never match (RFC 9110, 13.1.1), and nor do other people's.
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

    fn fields(value: Value) -> Fields {
        serde_json::from_value(value).unwrap()
    }

    async fn if_match(lines: &[&str]) -> IfMatch {
        let request = lines.iter().fold(Request::get("/"), |request, line| request.header(IF_MATCH, *line));
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        IfMatch::from_request_parts(&mut parts, &()).await.unwrap()
    }

    #[test]
    fn a_tag_stands_for_settings_alone() {
        let (quiet, busy) =
            (json!({"url": "a", "health": {"failures": 0}}), json!({"url": "a", "health": {"failures": 9}}));
        assert_eq!(Tag::of_view(&quiet), Tag::of_view(&busy));
        assert_ne!(Tag::of_view(&quiet), Tag::of_view(&json!({"url": "b"})));
    }

    #[tokio::test]
    async fn what_is_believed_must_be_so() {
        let settings = fields(json!({"url": "a"}));
        let tag = Tag::of(&settings).to_string();
        for (lines, there, not_there) in [
            (vec![], true, true),
            (vec!["*"], true, false),
            (vec![tag.as_str()], true, false),
            (vec!["\"other\"", &tag], true, false),
            (vec![&format!("\"other\" , {tag}") as &str], true, false),
            (vec![&format!("W/{tag}") as &str], false, false),
            (vec!["\"other\""], false, false),
            (vec!["caf\u{e9}"], false, false),
        ] {
            let believed = if_match(&lines).await;
            let found = (believed.check(Some(&settings)).is_ok(), believed.check(None).is_ok());
            assert_eq!(found, (there, not_there), "{lines:?}");
        }
    }
}
