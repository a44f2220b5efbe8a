//! Responses of handlers: a page, or the way to another page.

use std::fmt::Display;

use askama::Template;
use axum::http::header::LOCATION;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{Html, IntoResponse, Response};

use crate::http::flash;
use crate::http::pairs::Pairs;
use crate::http::problem::Problem;

/// What a handler returns.
pub(crate) type PageResult = Result<Response, Problem>;

/// Renders a page.
pub(crate) fn page(template: &impl Template) -> PageResult {
    page_with(StatusCode::OK, template)
}

/// Renders a part of a page, such as a chart.
pub(crate) fn part(template: &impl Template) -> Result<String, Problem> {
    template.render().map_err(|error| Problem::internal(&error))
}

/// Renders a page with another status, such as that of a refused form.
pub(crate) fn page_with(status: StatusCode, template: &impl Template) -> PageResult {
    Ok((status, Html(part(template)?)).into_response())
}

/// Leads to a page after a change (303). The page says what was done, with the text of this name.
pub(crate) fn done(path: &str, notice: impl Display) -> PageResult {
    see_other(&Pairs::default().and(flash::PARAMETER, notice).href(path))
}

/// Leads to another page (303). `url` is path and query.
pub(crate) fn see_other(url: &str) -> PageResult {
    let location = HeaderValue::from_str(url).map_err(|error| Problem::internal(&error))?;
    Ok((StatusCode::SEE_OTHER, [(LOCATION, location)]).into_response())
}
