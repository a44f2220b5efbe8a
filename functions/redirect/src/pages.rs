//! Renders the pages: one template, one style sheet, no script.

use std::sync::LazyLock;

use askama::Template;
use aws::lambda::accent::Accent;
use aws::lambda::csp::source;
use aws::lambda::request_log::FailureCause;
use aws::lambda::telemetry;
use axum::http::header::{CONTENT_LANGUAGE, CONTENT_SECURITY_POLICY, LOCATION, REFRESH, RETRY_AFTER, VARY};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use domain::foundation::language::Language;
use domain::return_urls::return_link::BadReturnLink;
use domain::return_urls::{KycStatus, Location, Outcome};

use crate::answer::{Answer, Ending, NextStep, Refusal};
use crate::csp;
use crate::error_kind::{ErrorKind, Remedy};
use crate::texts::{self, Message, Texts};

/// The style sheet of all pages.
const STYLE: &str = include_str!("../templates/page.css");

static STYLE_SOURCE: LazyLock<String> = LazyLock::new(|| source(STYLE));

#[derive(Template)]
#[template(path = "page.html")]
struct Page<'a> {
    language: Language,
    texts: &'static Texts,
    style: &'static str,
    accent: Option<&'a Accent>,
    tone: Tone,
    message: &'a Message,
    project_name: Option<&'a str>,
    code: Option<&'a str>,
    next_step: &'a NextStep,
}

/// The look of a page: its icon and colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tone {
    Approved,
    Pending,
    Rejected,
    Problem,
    Notice,
}

impl Tone {
    /// The tone of an error page. It follows from what the person can do.
    const fn of_error(kind: ErrorKind) -> Self {
        match kind.remedy() {
            Remedy::Wait => Self::Pending,
            Remedy::GetNewLink => Self::Notice,
            Remedy::ChangeSomething => Self::Problem,
        }
    }

    /// The class in the style sheet.
    const fn class(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Pending => "pending",
            Self::Rejected => "rejected",
            Self::Problem => "problem",
            Self::Notice => "notice",
        }
    }
}

/// Renders a response.
pub(crate) fn render(answer: Answer, language: Language) -> Response {
    let mut response = match answer {
        Answer::SendBack(location) => send_back(&location),
        Answer::Show(ending) => show(&ending, language),
        Answer::Refuse(refusal) => refuse(&refusal, language),
    };
    response.headers_mut().insert(VARY, HeaderValue::from_static("accept-language"));
    response
}

fn send_back(location: &Location) -> Response {
    let headers = [(LOCATION, header(location.as_str())), (CONTENT_SECURITY_POLICY, csp::policy(&[&STYLE_SOURCE]))];
    (StatusCode::SEE_OTHER, headers).into_response()
}

fn header(value: &str) -> HeaderValue {
    HeaderValue::from_str(value).expect("a location is visible ASCII")
}

fn show(ending: &Ending, language: Language) -> Response {
    let texts = texts::in_language(language);
    let error_message;
    let (tone, message, code) = match &ending.outcome {
        Outcome::Result(KycStatus::Approved) => (Tone::Approved, &texts.approved, None),
        Outcome::Result(KycStatus::Pending) => (Tone::Pending, &texts.pending, None),
        Outcome::Result(KycStatus::Rejected) => (Tone::Rejected, &texts.rejected, None),
        Outcome::Error(code) => {
            let kind = ErrorKind::of(code);
            error_message = texts::error(kind, language);
            (Tone::of_error(kind), &error_message, ending.shows_code.then_some(code.as_str()))
        }
    };
    let accent = ending.logo_color.map(Accent::new);
    let (project_name, next_step) = (Some(ending.project_name.as_str()), &ending.next_step);
    let page =
        Page { language, texts, style: STYLE, accent: accent.as_ref(), tone, message, project_name, code, next_step };
    let mut response = write(StatusCode::OK, &page);
    if let NextStep::Countdown { location, .. } = next_step {
        // A `meta` element would do the same, but accessibility checkers report it: they cannot see that the page lets people
        // stay.
        response.headers_mut().insert(REFRESH, header(&format!("5; url={}", location.as_str())));
    }
    response
}

fn refuse(refusal: &Refusal, language: Language) -> Response {
    let texts = texts::in_language(language);
    let (status, message, next_step) = match refusal {
        Refusal::UnknownPath => (StatusCode::NOT_FOUND, &texts.page_not_found, NextStep::Nothing),
        Refusal::UnsupportedMethod => (StatusCode::METHOD_NOT_ALLOWED, &texts.page_not_found, NextStep::Nothing),
        Refusal::Link(BadReturnLink::Foreign) => (StatusCode::NOT_FOUND, &texts.invalid_link, NextStep::Nothing),
        Refusal::Link(BadReturnLink::Expired) => (StatusCode::GONE, &texts.expired_link, NextStep::Nothing),
        Refusal::UsedLink => (StatusCode::GONE, &texts.used_link, NextStep::Nothing),
        Refusal::Fault(_) => (StatusCode::SERVICE_UNAVAILABLE, &texts.unavailable, NextStep::TryAgain),
    };
    let tone = Tone::Notice;
    let (accent, project_name, code, next_step) = (None, None, None, &next_step);
    let page = Page { language, texts, style: STYLE, accent, tone, message, project_name, code, next_step };
    let mut response = write(status, &page);
    if let Refusal::Fault(fault) = refusal {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("5"));
        response.extensions_mut().insert(FailureCause(telemetry::chain(fault)));
    }
    response
}

fn write(status: StatusCode, page: &Page<'_>) -> Response {
    let language = HeaderValue::from_static(page.language.as_str());
    let policy = match page.accent {
        Some(accent) => csp::policy(&[&STYLE_SOURCE, &accent.source]),
        None => csp::policy(&[&STYLE_SOURCE]),
    };
    let html = page.render().expect("rendering into a string does not fail");
    (status, [(CONTENT_LANGUAGE, language), (CONTENT_SECURITY_POLICY, policy)], Html(html)).into_response()
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;

    use super::*;
    use crate::answer::Fault;

    async fn html(response: Response) -> String {
        String::from_utf8(to_bytes(response.into_body(), usize::MAX).await.unwrap().to_vec()).unwrap()
    }

    #[tokio::test]
    async fn a_project_name_is_escaped() {
        let project_name = "<script>alert(1)</script>\"'&".to_owned();
        let outcome = Outcome::Result(KycStatus::Approved);
        let ending = Ending { project_name, logo_color: None, outcome, shows_code: true, next_step: NextStep::Close };
        let html = html(render(Answer::Show(ending), Language::English)).await;
        assert!(!html.contains("<script"), "{html}");
        assert!(html.contains("&#60;script&#62;alert(1)"), "{html}");
    }

    #[test]
    fn a_fault_of_ours_can_be_retried_and_its_cause_reaches_only_the_log() {
        let refusal = Refusal::Fault(Fault::KeyMissing(domain::return_urls::KeyMissing));
        let response = render(Answer::Refuse(refusal), Language::English);
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.headers()[RETRY_AFTER], "5");
        assert!(response.extensions().get::<FailureCause>().is_some());
    }

    #[test]
    fn every_tone_has_colours_in_both_schemes() {
        for tone in [Tone::Approved, Tone::Pending, Tone::Rejected, Tone::Problem, Tone::Notice] {
            assert_eq!(STYLE.matches(&format!(".{} {{ --tone:", tone.class())).count(), 2, "{tone:?}");
        }
    }
}
