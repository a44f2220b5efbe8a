//! Forms that a browser sent.

use axum::extract::{FromRequest, Request};
use axum::http::header::CONTENT_TYPE;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde_json::Value;

use crate::http::pairs::Pairs;
use crate::http::problem::Problem;

/// Maximum size of a form. It fits the largest webhook that a person may paste, 256 KiB with every byte percent-encoded.
const MAX_FORM_BYTES: usize = 1024 * 1024;

/// The hidden field with the `Idempotency-Key` of a form.
pub(crate) const KEY: &str = "idempotencyKey";

/// The hidden field with the `ETag` of the settings that the form changes.
pub(crate) const ETAG: &str = "etag";

/// A form that a browser sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct SentForm(Pairs);

impl SentForm {
    /// Parses a form.
    pub(crate) fn parse(encoded: &[u8]) -> Self {
        Self(Pairs::parse(encoded))
    }

    /// All fields, for a page that shows the form again.
    pub(crate) fn into_values(self) -> Pairs {
        self.0
    }

    /// The value of a field without surrounding white space; empty if the field was not sent. Pasted values often have some.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.raw(name).trim()
    }

    /// The value of a field as it was sent; empty if the field was not sent.
    pub(crate) fn raw(&self, name: &str) -> &str {
        self.0.get(name).unwrap_or_default()
    }

    /// The value of a field without surrounding white space, or `None` if it is empty.
    pub(crate) fn optional(&self, name: &str) -> Option<&str> {
        Some(self.text(name)).filter(|value| !value.is_empty())
    }

    /// The value for the api's JSON: a string without surrounding white space, or `null` if it is empty. The api treats `null` as
    /// absent, and says of a required field that it is required.
    pub(crate) fn json(&self, name: &str) -> Value {
        self.optional(name).into()
    }

    /// The value for the api's JSON where it expects a number: `null` if the field was not sent. A value that is not a number stays
    /// as it is, so that the api says what is wrong with it.
    pub(crate) fn number(&self, name: &str) -> Value {
        let typed = self.0.get(name).map(str::trim);
        typed.map_or(Value::Null, |text| text.parse::<u64>().map_or_else(|_| text.into(), Value::from))
    }

    /// The value for the api's JSON where it expects a number or `null`: like [`Self::number`], but an empty field is `null`.
    pub(crate) fn optional_number(&self, name: &str) -> Value {
        if self.text(name).is_empty() { Value::Null } else { self.number(name) }
    }

    /// Whether the form has a field with this name.
    pub(crate) fn contains(&self, name: &str) -> bool {
        self.0.get(name).is_some()
    }

    /// All values of checkboxes with this name.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> Vec<&'a str> {
        self.0.all(name).collect()
    }

    /// Whether a checkbox is ticked.
    pub(crate) fn is_checked(&self, name: &str) -> bool {
        self.contains(name)
    }

    /// The lines of a text area without surrounding white space. Empty lines are left out.
    pub(crate) fn lines(&self, name: &str) -> Vec<&str> {
        self.raw(name).lines().map(str::trim).filter(|line| !line.is_empty()).collect()
    }

    /// The form's `Idempotency-Key`.
    pub(crate) fn key(&self) -> Option<&str> {
        self.0.get(KEY).filter(|key| !key.is_empty())
    }

    /// The `ETag` of the settings that the person saw.
    pub(crate) fn etag(&self) -> Option<&str> {
        self.0.get(ETAG).filter(|etag| !etag.is_empty())
    }
}

impl<S: Send + Sync> FromRequest<S> for SentForm {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let bytes = match Limited::new(body, MAX_FORM_BYTES).collect().await {
            Ok(collected) => collected.to_bytes(),
            Err(error) if error.is::<LengthLimitError>() => return Err(Problem::FormTooLarge),
            Err(_) => return Err(Problem::NotAForm),
        };
        let content_type = parts.headers.get(CONTENT_TYPE).map_or(&[][..], |value| value.as_bytes());
        let media_type = content_type.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
        // A button without fields may send an empty body without a type.
        if !bytes.is_empty() && !media_type.eq_ignore_ascii_case(b"application/x-www-form-urlencoded") {
            return Err(Problem::NotAForm);
        }
        Ok(Self::parse(&bytes))
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    const FORM: &str = "application/x-www-form-urlencoded";

    async fn sent(content_type: Option<&str>, body: impl Into<Body>) -> Result<SentForm, Problem> {
        let request = Request::post("/");
        let request = content_type.into_iter().fold(request, |request, value| request.header(CONTENT_TYPE, value));
        SentForm::from_request(request.body(body.into()).unwrap(), &()).await
    }

    #[tokio::test]
    async fn a_form_is_read_in_one_type_only_and_up_to_its_limit() {
        let form =
            sent(Some("Application/X-WWW-Form-Urlencoded; charset=utf-8"), "name=+Ada+&a=1&a=2&on").await.unwrap();
        assert_eq!((form.text("name"), form.raw("name"), form.text("none")), ("Ada", " Ada ", ""));
        assert_eq!((form.all("a"), form.is_checked("on"), form.is_checked("off")), (vec!["1", "2"], true, false));
        assert_eq!(sent(None, "").await, Ok(SentForm::default()));
        for other in [None, Some("application/json"), Some("multipart/form-data; boundary=x"), Some("text/plain")] {
            assert_eq!(sent(other, "name=Ada").await, Err(Problem::NotAForm), "{other:?}");
        }
        assert!(sent(Some(FORM), vec![b'a'; MAX_FORM_BYTES]).await.is_ok());
        assert_eq!(sent(Some(FORM), vec![b'a'; MAX_FORM_BYTES + 1]).await, Err(Problem::FormTooLarge));
    }

    #[test]
    fn lines_are_trimmed_and_empty_ones_left_out() {
        let form = SentForm::parse(b"cidrs=10.0.0.0%2F8+%0D%0A%0D%0A+192.0.2.1%0D%0A");
        assert_eq!(form.lines("cidrs"), ["10.0.0.0/8", "192.0.2.1"]);
        assert_eq!((form.optional("none"), form.optional("cidrs").is_some()), (None, true));
    }

    #[test]
    fn a_number_that_cannot_be_read_is_left_to_the_api() {
        let form = SentForm::parse(b"a=+7+&b=&c=-1&d=1.5");
        let numbers = ["a", "b", "c", "d", "none"].map(|name| form.number(name));
        assert_eq!(Value::from(numbers.to_vec()), serde_json::json!([7, "", "-1", "1.5", null]));
        let optional = ["a", "b", "c", "none"].map(|name| form.optional_number(name));
        assert_eq!(Value::from(optional.to_vec()), serde_json::json!([7, null, "-1", null]));
    }
}
