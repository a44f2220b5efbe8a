//! The pages: one template, one style sheet, no script.

use std::sync::LazyLock;

use askama::Template;
use axum::http::header::{CONTENT_LANGUAGE, LOCATION, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha256};
use shared::return_link::BadReturnLink;
use shared::return_url::{KycStatus, Location, Outcome};
use shared::telemetry;

use crate::answer::{Answer, Ending, Refusal, WayOn};
use crate::language::Language;
use crate::texts::{Message, Texts};

const STYLE: &str = include_str!("../templates/page.css");

/// The style sheet as a source for a Content-Security-Policy: the pages' own is let in, and no other.
pub(crate) static STYLE_SOURCE: LazyLock<String> =
    LazyLock::new(|| format!("'sha256-{}'", BASE64_STANDARD.encode(Sha256::digest(STYLE))));

/// Why a request failed by our own fault; for the log only.
#[derive(Debug, Clone)]
pub(crate) struct Cause(pub(crate) String);

#[derive(Template)]
#[template(path = "page.html")]
struct Page<'a> {
    language: Language,
    texts: &'static Texts,
    style: &'static str,
    tone: Tone,
    message: &'static Message,
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
    let location = HeaderValue::from_str(location.as_str()).expect("a location is visible ASCII");
    (StatusCode::SEE_OTHER, [(LOCATION, location)]).into_response()
}

fn show(ending: &Ending, language: Language) -> Response {
    let texts = language.texts();
    let (tone, message, code) = match &ending.outcome {
        Outcome::Result(KycStatus::Approved) => (Tone::Approved, &texts.approved, None),
        Outcome::Result(KycStatus::Pending) => (Tone::Pending, &texts.pending, None),
        Outcome::Result(KycStatus::Rejected) => (Tone::Rejected, &texts.rejected, None),
        Outcome::Error(code) => (Tone::Problem, &texts.error, Some(code.as_str())),
    };
    let project_name = Some(ending.project_name.as_str());
    page(
        StatusCode::OK,
        &Page { language, texts, style: STYLE, tone, message, project_name, code, way_on: &ending.way_on },
    )
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
    let (project_name, code) = (None, None);
    let mut response =
        page(status, &Page { language, texts, style: STYLE, tone, message, project_name, code, way_on: &way_on });
    if let Refusal::Fault(fault) = refusal {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("5"));
        response.extensions_mut().insert(Cause(telemetry::chain(fault)));
    }
    response
}

fn page(status: StatusCode, page: &Page<'_>) -> Response {
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
        let ending = Ending { project_name, outcome, way_on: WayOn::Close };
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
