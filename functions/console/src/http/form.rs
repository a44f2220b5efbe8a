//! Forms as a page shows them: the values of the fields, and what is wrong with them.

use api::ProblemKind;
use axum::http::StatusCode;
use domain::foundation::random;

use crate::http::api_client::Reply;
use crate::http::pairs::Pairs;
use crate::http::problem::{ApiProblem, Problem};
use crate::http::sent_form::{ETAG, KEY, SentForm};
use crate::http::visitor::Visitor;

/// Fields for a secret that a person brings along. A page never shows it again, also not after an error.
const SECRETS: [&str; 4] = ["signingSecret", "secretKey", "oauth2.clientSecret", "clientCertificate.privateKey"];

/// What a private key in PEM contains. People may paste one into the field for the certificate.
const PRIVATE_KEY: &str = "PRIVATE KEY";

/// What is wrong with a field whose secret the page does not show again.
const CLEARED: &str = "must be entered again, because secrets are never shown";

/// A form as a page shows it: the values of its fields, and what is wrong with them.
#[derive(Debug, Clone)]
pub(crate) struct Form {
    values: Pairs,
    errors: Vec<InvalidField>,
    problem: Option<ApiProblem>,
    key: String,
    etag: Option<String>,
}

/// What is wrong with a field.
#[derive(Debug, Clone)]
struct InvalidField {
    field: String,
    /// The invalid member of a field that holds an object, such as the name of a header.
    member: Option<String>,
    /// What is wrong, in English.
    detail: String,
}

impl Form {
    /// An empty form.
    pub(crate) fn new(visitor: &Visitor) -> Self {
        let key = random::letters_and_digits(22, visitor.random());
        Self { key, ..Self::of_filters(Pairs::default()) }
    }

    /// The filters of a list, as a form that sends a `GET`.
    pub(crate) fn of_filters(values: Pairs) -> Self {
        Self { values, errors: Vec::new(), problem: None, key: String::new(), etag: None }
    }

    /// A form that changes the settings in `reply`. It is refused if they were changed after the person saw them.
    pub(crate) fn changing(visitor: &Visitor, reply: &Reply) -> Self {
        Self { etag: reply.etag.clone(), ..Self::new(visitor) }
    }

    /// Fills in a field. Repeat a name for checkboxes.
    #[must_use]
    pub(crate) fn with(mut self, name: &str, value: impl ToString) -> Self {
        self.values = self.values.and(name, value);
        self
    }

    /// The form that was sent, after a button that changes nothing, such as that of a preview.
    pub(crate) fn kept(visitor: &Visitor, sent: SentForm) -> Self {
        let etag = sent.etag().map(str::to_owned);
        let key = sent.key().map(str::to_owned);
        let form = Self { etag, ..Self::new(visitor) };
        Self { values: shown_again(sent), key: key.unwrap_or(form.key.clone()), ..form }
    }

    /// Fills in a field that was not sent, such as after a button that sends no fields.
    #[must_use]
    pub(crate) fn or(self, name: &str, value: impl ToString) -> Self {
        if self.values.get(name).is_some() { self } else { self.with(name, value) }
    }

    /// Shows the settings' current `ETag` after [`ProblemKind::PreconditionFailed`], so that the person can decide and send the
    /// form again.
    #[must_use]
    pub(crate) fn with_etag_of(mut self, reply: &Reply) -> Self {
        self.etag.clone_from(&reply.etag);
        self
    }

    /// The form that was sent, with what is wrong. `fields` are the names of the form's visible fields. An error belongs to the
    /// field whose name begins its JSON pointer: `/headers/x-a` to `headers`, `/user/name` to `user.name` if the form has such a
    /// field. Other errors are shown above the form.
    ///
    /// Fails with the problem if sending the form again cannot solve it, such as a resource that no longer exists.
    pub(crate) fn refused(
        visitor: &Visitor,
        sent: SentForm,
        problem: Problem,
        fields: &[&str],
    ) -> Result<Self, Problem> {
        if !problem.belongs_to_the_form() {
            return Err(problem);
        }
        let Problem::Api(problem) = problem else { return Err(problem) };
        let key = match sent.key() {
            // A reused key means that the form was sent before, and the browser went back to it.
            Some(key) if problem.kind != ProblemKind::IdempotencyKeyReused => key.to_owned(),
            _ => random::letters_and_digits(22, visitor.random()),
        };
        Ok(Self::with_problem(sent, problem, fields, key))
    }

    fn with_problem(sent: SentForm, mut problem: ApiProblem, fields: &[&str], key: String) -> Self {
        let mut errors = Vec::new();
        problem.errors.retain(|error| {
            let field = field_of(&error.pointer, fields);
            errors.extend(field.map(|field| InvalidField {
                field: field.to_owned(),
                member: member_of(&error.pointer, field),
                detail: error.detail.clone(),
            }));
            field.is_none()
        });
        // Without this, a person could overlook that a new secret is no longer in the form.
        errors.extend(cleared(&sent, fields).map(|field| InvalidField {
            field: field.to_owned(),
            member: None,
            detail: CLEARED.to_owned(),
        }));
        let etag = sent.etag().map(str::to_owned);
        Self { values: shown_again(sent), errors, problem: Some(problem), key, etag }
    }

    /// The value of a field; empty if it has none.
    pub(crate) fn value(&self, name: &str) -> &str {
        self.values.get(name).unwrap_or_default()
    }

    /// Whether a checkbox, radio button or option is chosen.
    pub(crate) fn has(&self, name: &str, value: &str) -> bool {
        self.values.all(name).any(|chosen| chosen == value)
    }

    /// What is wrong with a field, in English.
    pub(crate) fn error(&self, name: &str) -> Option<&str> {
        self.invalid(name).map(|invalid| invalid.detail.as_str())
    }

    /// Whether something is wrong with a field, or with a field of the group `name`, such as `oauth2.scope` of `oauth2`.
    pub(crate) fn is_marked(&self, name: &str) -> bool {
        let is_in = |field: &str| field.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
        self.errors.iter().any(|invalid| is_in(&invalid.field))
    }

    /// The member of the field that the error is about, such as the name of a header. `None` if it is about the field itself or
    /// an item of a list.
    pub(crate) fn invalid_member(&self, name: &str) -> Option<&str> {
        self.invalid(name).and_then(|invalid| invalid.member.as_deref())
    }

    fn invalid(&self, name: &str) -> Option<&InvalidField> {
        self.errors.iter().find(|invalid| invalid.field == name)
    }

    /// The first invalid field in the order in which the api reported them.
    pub(crate) fn first_invalid_field(&self) -> Option<&str> {
        self.errors.first().map(|invalid| invalid.field.as_str())
    }

    /// Why the api refused the form. Its `errors` are those that belong to no field.
    pub(crate) fn problem(&self) -> Option<&ApiProblem> {
        self.problem.as_ref()
    }

    /// The status of the page with this form.
    pub(crate) fn status(&self) -> StatusCode {
        self.problem.as_ref().map_or(StatusCode::OK, |problem| problem.kind.status())
    }

    /// The hidden fields: names and values.
    pub(crate) fn hidden(&self) -> impl Iterator<Item = (&'static str, &str)> {
        [(KEY, self.key.as_str())].into_iter().chain(self.etag.iter().map(|etag| (ETAG, etag.as_str())))
    }
}

/// What a form shows of what was sent: everything except secrets.
fn shown_again(sent: SentForm) -> Pairs {
    sent.into_values().filter(|name, value| !is_secret(name, value))
}

fn is_secret(name: &str, value: &str) -> bool {
    SECRETS.contains(&name) || value.contains(PRIVATE_KEY)
}

/// The fields whose secrets the page does not show again.
fn cleared<'a>(sent: &'a SentForm, fields: &'a [&str]) -> impl Iterator<Item = &'a str> {
    fields.iter().copied().filter(|name| !sent.text(name).is_empty() && is_secret(name, sent.raw(name)))
}

/// A JSON pointer with full stops between its steps, as in the names of fields.
fn path_of(pointer: &str) -> Option<String> {
    Some(pointer.strip_prefix('/')?.replace('/', ".").replace("~1", "/").replace("~0", "~"))
}

/// The part of a JSON pointer after `field`, if it is not the index of an item.
fn member_of(pointer: &str, field: &str) -> Option<String> {
    let path = path_of(pointer)?;
    let member = path.strip_prefix(field)?.strip_prefix('.')?;
    (!member.bytes().all(|byte| byte.is_ascii_digit())).then(|| member.to_owned())
}

/// The field that a JSON pointer belongs to: the one with the longest name that begins the pointer.
fn field_of<'a>(pointer: &str, fields: &[&'a str]) -> Option<&'a str> {
    let path = path_of(pointer)?;
    let begins = |field: &&str| path.strip_prefix(*field).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    fields.iter().copied().filter(begins).max_by_key(|field| field.len())
}

#[cfg(test)]
mod tests {
    use domain::foundation::draft::BadField;

    use super::*;

    fn problem(pointers: &[&str]) -> ApiProblem {
        let error = |pointer: &&str| BadField { pointer: (*pointer).to_owned(), detail: "is wrong".to_owned() };
        let errors = pointers.iter().map(error).collect();
        ApiProblem { kind: ProblemKind::BadFields, errors, retry_after: None }
    }

    #[test]
    fn an_error_belongs_to_the_longest_field_that_begins_its_pointer() {
        let fields = ["url", "headers", "headers.x-a", "user.name", "user"];
        for (pointer, field) in [
            ("/url", Some("url")),
            ("/urls", None),
            ("/headers/x-b", Some("headers")),
            ("/headers/x-a", Some("headers.x-a")),
            ("/user/name", Some("user.name")),
            ("/user/id", Some("user")),
            ("/eventTypes/2", None),
            ("/", None),
            ("", None),
        ] {
            assert_eq!(field_of(pointer, &fields), field, "{pointer}");
        }
        assert_eq!(field_of("/a~1b", &["a/b"]), Some("a/b"));
        let members = ["/headers/x.a~1b", "/headers", "/headers/7", "/header/a"].map(|at| member_of(at, "headers"));
        assert_eq!(members, [Some("x.a/b".to_owned()), None, None, None]);
    }

    #[test]
    fn a_refused_form_keeps_what_was_typed_and_shows_each_error_once() {
        let sent = SentForm::parse(b"name=%3Cb%3E&email=&fields=cf1&fields=email&idempotencyKey=k&etag=%22e%22");
        let form = Form::with_problem(sent, problem(&["/name", "/secret"]), &["name", "email"], "k".to_owned());
        assert_eq!((form.value("name"), form.has("fields", "email"), form.has("fields", "cf2")), ("<b>", true, false));
        assert_eq!((form.error("name"), form.error("email")), (Some("is wrong"), None));
        assert_eq!(form.problem().unwrap().errors[0].pointer, "/secret");
        assert_eq!(form.problem().unwrap().errors.len(), 1);
        assert_eq!(form.hidden().collect::<Vec<_>>(), [("idempotencyKey", "k"), ("etag", "\"e\"")]);
        assert_eq!(form.status(), StatusCode::UNPROCESSABLE_ENTITY);
    }

    #[test]
    fn a_secret_that_was_typed_is_never_shown_again() {
        let sent = SentForm::parse(b"name=Ada&signingSecret=whsec_1&secretKey=2&signingSecret=whsec_3");
        let form = Form::with_problem(sent, problem(&["/signingSecret"]), &["name", "signingSecret"], "k".to_owned());
        assert_eq!((form.value("name"), form.value("signingSecret"), form.value("secretKey")), ("Ada", "", ""));
        assert_eq!(form.error("signingSecret"), Some("is wrong"));
        // The line before the key is damaged.
        let pem = SentForm::parse(b"certificate=-----BEGIN+PRIVATE+KEY+---%0AMC4CAQ&name=Ada&secretKey=");
        let form = Form::with_problem(pem, problem(&[]), &["certificate", "name", "secretKey"], "k".to_owned());
        assert_eq!((form.value("certificate"), form.value("name")), ("", "Ada"));
        assert_eq!((form.error("certificate"), form.error("secretKey")), (Some(CLEARED), None));
    }

    #[test]
    fn a_new_secret_must_be_entered_again_after_an_error_elsewhere() {
        let sent = SentForm::parse(b"name=&oauth2.clientSecret=hunter2&oauth2.scope=");
        let fields = ["name", "oauth2.clientSecret", "oauth2.scope"];
        let form = Form::with_problem(sent, problem(&["/name"]), &fields, "k".to_owned());
        assert_eq!((form.error("oauth2.clientSecret"), form.first_invalid_field()), (Some(CLEARED), Some("name")));
        assert!(form.is_marked("oauth2") && !form.is_marked("oauth") && !form.is_marked("oauth2.scope"));
    }
}
