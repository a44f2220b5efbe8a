//! Pages without a session: a title, a text and one way on.

use askama::Template;
use axum::http::header::CONTENT_LANGUAGE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use domain::foundation::language::Language;

use crate::http::problem::Problem;
use crate::http::response::page_with;
use crate::layout::shell::STYLE;

/// A page without a session.
#[derive(Template)]
#[template(path = "plain.html")]
pub(crate) struct PlainPage<'a> {
    pub(crate) language: Language,
    pub(crate) title: &'a str,
    pub(crate) text: &'a str,
    /// A line in small print, such as the id of the request.
    pub(crate) note: Option<String>,
    pub(crate) way: Option<Way<'a>>,
}

/// The way on from a page.
pub(crate) enum Way<'a> {
    /// A link to the operator's page.
    Leave {
        /// The URL.
        url: &'a str,
        label: &'a str,
    },
    /// A button that sends the request again as a `POST`.
    Post { label: &'a str },
}

impl PlainPage<'_> {
    const STYLE: &'static str = STYLE;

    /// Renders the page.
    pub(crate) fn respond(&self, status: StatusCode) -> Result<Response, Problem> {
        let mut response = page_with(status, self)?;
        let language = HeaderValue::from_static(self.language.as_str());
        response.headers_mut().insert(CONTENT_LANGUAGE, language);
        Ok(response)
    }
}
