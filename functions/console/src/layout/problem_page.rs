//! The pages of problems: in the shell if there is a session, else plain.

use askama::Template;
use aws::lambda::preferred_language::PreferredLanguage;
use aws::lambda::request_log::RequestId;
use axum::extract::Request;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use domain::foundation::language::Language;

use crate::http::problem::Problem;
use crate::http::response::page_with;
use crate::http::visitor::Visitor;
use crate::layout::plain::{PlainPage, Way};
use crate::layout::problem_words::{self, Message};
use crate::layout::shell::Shell;
use crate::layout::translations::Fill;
use crate::layout::words::Words;

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage {
    shell: Shell,
    text: String,
    note: Option<String>,
}

/// Writes the page of a problem that a handler returned.
pub(crate) async fn write(PreferredLanguage(browser): PreferredLanguage, request: Request, next: Next) -> Response {
    let request_id = request.extensions().get::<RequestId>().cloned();
    let mut response = next.run(request).await;
    let Some(problem) = response.extensions_mut().remove::<Problem>() else { return response };
    let visitor = response.extensions().get::<Visitor>().cloned();
    let language = match (&visitor, &problem) {
        (Some(visitor), _) => visitor.language(),
        (None, Problem::SessionOver(after)) => after.language.unwrap_or(browser),
        (None, _) => browser,
    };
    let note = request_id.filter(|_| problem.status().is_server_error());
    let note = note.map(|RequestId(id)| Words::of(language).request_id.fill("id", id));
    let message = problem_words::message(&problem, language);
    let page = match visitor {
        Some(visitor) => in_shell(&visitor, &problem, message, note),
        None => plain(&problem, &message, language, note),
    };
    // The status and the headers of the problem stay.
    match page {
        Ok(page) => {
            let (parts, body) = page.into_parts();
            copy(response.headers_mut(), &parts.headers);
            *response.body_mut() = body;
            response
        }
        Err(_) => response,
    }
}

fn copy(to: &mut HeaderMap, from: &HeaderMap) {
    for (name, value) in from {
        to.insert(name, value.clone());
    }
    to.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static("text/plain"));
}

fn in_shell(visitor: &Visitor, problem: &Problem, message: Message, note: Option<String>) -> Result<Response, Problem> {
    let shell = Shell::without_area(visitor, message.title);
    page_with(problem.status(), &ProblemPage { shell, text: message.text, note })
}

fn plain(problem: &Problem, message: &Message, language: Language, note: Option<String>) -> Result<Response, Problem> {
    let way = match problem {
        Problem::SessionOver(after) => after
            .return_to
            .as_ref()
            .map(|url| Way::Leave { url: url.as_str(), label: problem_words::Words::of(language).open_again }),
        _ => None,
    };
    PlainPage { language, title: message.title, text: &message.text, note, way }.respond(StatusCode::OK)
}
