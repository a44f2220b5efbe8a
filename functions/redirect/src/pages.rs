//! The pages: one template, one style sheet, no script.

use askama::Template;
use axum::http::header::{CONTENT_LANGUAGE, LOCATION, REFRESH, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use shared::return_link::BadReturnLink;
use shared::return_url::{KycStatus, Location, Outcome};
use shared::telemetry;

use crate::accent::Accent;
use crate::answer::{Answer, Ending, Refusal, WayOn};
use crate::error_kind::{ErrorKind, Remedy};
use crate::language::Language;
use crate::texts::{Message, Texts};

/// The style sheet of all pages.
pub(crate) const STYLE: &str = include_str!("../templates/page.css");

/// Why a request failed by our own fault; for the log only.
#[derive(Debug, Clone)]
pub(crate) struct Cause(pub(crate) String);

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
    way_on: &'a WayOn,
}

/// What a page looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tone {
    Approved,
    Pending,
    Rejected,
    Problem,
    Notice,
}

impl Tone {
    /// That of an error.
    const fn of(kind: ErrorKind) -> Self {
        match kind.remedy() {
            Remedy::Wait => Self::Pending,
            Remedy::AskForLink => Self::Notice,
            Remedy::DoOtherwise => Self::Problem,
        }
    }

    /// Its class in the style sheet.
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

/// Writes an answer.
pub(crate) fn render(answer: Answer, language: Language) -> Response {
    match answer {
        Answer::SendBack(location) => send_back(&location),
        Answer::Show(ending) => show(&ending, language),
        Answer::Refuse(refusal) => refuse(&refusal, language),
    }
}

fn send_back(location: &Location) -> Response {
    (StatusCode::SEE_OTHER, [(LOCATION, header(location.as_str()))]).into_response()
}

fn header(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).expect("a location is visible ASCII")
}

fn show(ending: &Ending, language: Language) -> Response {
    let texts = language.texts();
    let error_message;
    let (tone, message, code) = match &ending.outcome {
        Outcome::Result(KycStatus::Approved) => (Tone::Approved, &texts.approved, None),
        Outcome::Result(KycStatus::Pending) => (Tone::Pending, &texts.pending, None),
        Outcome::Result(KycStatus::Rejected) => (Tone::Rejected, &texts.rejected, None),
        Outcome::Error(code) => {
            let kind = ErrorKind::of(code);
            error_message = language.error(kind);
            (Tone::of(kind), &error_message, Some(code.as_str()))
        }
    };
    let accent = ending.logo_color.map(Accent::of);
    let (project_name, way_on) = (Some(ending.project_name.as_str()), &ending.way_on);
    let page =
        Page { language, texts, style: STYLE, accent: accent.as_ref(), tone, message, project_name, code, way_on };
    let mut response = write(StatusCode::OK, &page);
    if let WayOn::ByItself(location) = way_on {
        // Not as a `meta` element: it does the same, but checkers cannot see that this page lets people stay.
        response.headers_mut().insert(REFRESH, header(&format!("5; url={}", location.as_str())));
    }
    if let Some(accent) = accent {
        response.extensions_mut().insert(accent);
    }
    response
}

fn refuse(refusal: &Refusal, language: Language) -> Response {
    let texts = language.texts();
    let (status, message, way_on) = match refusal {
        Refusal::NoSuchPage => (StatusCode::NOT_FOUND, &texts.no_such_page, WayOn::Nowhere),
        Refusal::NoSuchMethod => (StatusCode::METHOD_NOT_ALLOWED, &texts.no_such_page, WayOn::Nowhere),
        Refusal::Link(BadReturnLink::Foreign) => (StatusCode::NOT_FOUND, &texts.foreign_link, WayOn::Nowhere),
        Refusal::Link(BadReturnLink::Expired) => (StatusCode::GONE, &texts.expired_link, WayOn::Nowhere),
        Refusal::UsedLink => (StatusCode::GONE, &texts.used_link, WayOn::Nowhere),
        Refusal::Fault(_) => (StatusCode::SERVICE_UNAVAILABLE, &texts.unavailable, WayOn::TryAgain),
    };
    let tone = Tone::Notice;
    let (accent, project_name, code, way_on) = (None, None, None, &way_on);
    let page = Page { language, texts, style: STYLE, accent, tone, message, project_name, code, way_on };
    let mut response = write(status, &page);
    if let Refusal::Fault(fault) = refusal {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("5"));
        response.extensions_mut().insert(Cause(telemetry::chain(fault)));
    }
    response
}

fn write(status: StatusCode, page: &Page<'_>) -> Response {
    let language = HeaderValue::from_static(page.language.tag());
    let html = page.render().expect("the template only writes texts into memory");
    (status, [(CONTENT_LANGUAGE, language)], Html(html)).into_response()
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
    async fn names_are_text_and_never_markup() {
        let project_name = "<script>alert(1)</script>\"'&".to_owned();
        let outcome = Outcome::Result(KycStatus::Approved);
        let ending = Ending { project_name, logo_color: None, outcome, way_on: WayOn::Close };
        let html = html(render(Answer::Show(ending), Language::English)).await;
        assert!(!html.contains("<script"), "{html}");
        assert!(html.contains("&#60;script&#62;alert(1)"), "{html}");
    }

    #[test]
    fn our_own_faults_can_be_tried_again_and_their_causes_are_for_the_log() {
        let refusal = Refusal::Fault(Fault::KeyMissing(shared::return_url::KeyMissing));
        let response = render(Answer::Refuse(refusal), Language::English);
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.headers()[RETRY_AFTER], "5");
        assert!(response.extensions().get::<Cause>().is_some());
    }

    #[test]
    fn every_tone_has_colours() {
        for tone in [Tone::Approved, Tone::Pending, Tone::Rejected, Tone::Problem, Tone::Notice] {
            assert_eq!(STYLE.matches(&format!(".{} {{ --tone:", tone.class())).count(), 2, "{tone:?}");
        }
    }
}
