//! The page behind the link that confirms an address: one button, and what comes after it.

use askama::Template;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use shared::notification_user::Language;
use shared::project::Project;
use shared::random::{self, Random};

/// What the page says.
pub(crate) enum ConfirmPage<'a> {
    /// Whether the address should get the reports of this project.
    Question(&'a Project, Language),
    /// That it will get them.
    Thanks(&'a Project, Language),
    /// That the link does not work, or no longer. Nobody's language is known then.
    Dead,
}

#[derive(Template)]
#[template(path = "confirm.html")]
struct ConfirmHtml {
    nonce: String,
    language: &'static str,
    title: &'static str,
    text: String,
    button: Option<&'static str>,
}

/// The page as an answer that no cache keeps, no other site frames and no script runs in.
pub(crate) fn respond(page: &ConfirmPage<'_>, random: &dyn Random) -> Response {
    let nonce = random::letters_and_digits(22, random);
    let policy = format!(
        "default-src 'none'; style-src 'nonce-{nonce}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    );
    let headers: [(HeaderName, String); 5] = [
        (CONTENT_TYPE, "text/html; charset=utf-8".to_owned()),
        (CONTENT_SECURITY_POLICY, policy),
        (CACHE_CONTROL, "no-store".to_owned()),
        (REFERRER_POLICY, "no-referrer".to_owned()),
        (X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
    ];
    let status = match page {
        ConfirmPage::Question(..) | ConfirmPage::Thanks(..) => StatusCode::OK,
        ConfirmPage::Dead => StatusCode::NOT_FOUND,
    };
    let html = words(page, nonce).render().expect("writing into a text does not fail");
    (status, headers, html).into_response()
}

fn words(page: &ConfirmPage<'_>, nonce: String) -> ConfirmHtml {
    match page {
        ConfirmPage::Question(Project { name, .. }, Language::En) => ConfirmHtml {
            nonce,
            language: "en",
            title: "Do you want the daily report?",
            text: format!("Every morning, one mail tells what became of yesterday's webhooks of {}.", name.as_str()),
            button: Some("Confirm my address"),
        },
        ConfirmPage::Question(Project { name, .. }, Language::Ko) => ConfirmHtml {
            nonce,
            language: "ko",
            title: "일일 리포트를 받으시겠습니까?",
            text: format!("{}의 전날 웹훅 전달 결과를 매일 아침 한 통의 메일로 알려 드립니다.", name.as_str()),
            button: Some("주소 확인하기"),
        },
        ConfirmPage::Thanks(Project { name, .. }, Language::En) => ConfirmHtml {
            nonce,
            language: "en",
            title: "Thank you",
            text: format!("Your address is confirmed. You will get the daily webhook report of {}.", name.as_str()),
            button: None,
        },
        ConfirmPage::Thanks(Project { name, .. }, Language::Ko) => ConfirmHtml {
            nonce,
            language: "ko",
            title: "감사합니다",
            text: format!("주소가 확인되었습니다. 이제 {}의 일일 웹훅 리포트를 받으실 수 있습니다.", name.as_str()),
            button: None,
        },
        ConfirmPage::Dead => ConfirmHtml {
            nonce,
            language: "en",
            title: "This link does not work",
            text: "It may be older than seven days. Ask for a new one. · 이 링크는 사용할 수 없습니다. 새 링크를 요청해 주세요."
                .to_owned(),
            button: None,
        },
    }
}

#[cfg(test)]
mod tests {
    use shared::id::ProjectId;
    use shared::project::{Mode, Name};
    use shared::random::SystemRandom;
    use shared::time::Timestamp;

    use super::*;

    fn project(name: &str) -> Project {
        let now = Timestamp::from_millis(1_764_000_000_000).unwrap();
        let name = Name::try_from(name.to_owned()).unwrap();
        Project {
            id: ProjectId::new(now, &SystemRandom),
            name,
            mode: Mode::Live,
            logo_color: None,
            created_at: now,
            revision: 0,
        }
    }

    fn html(page: &ConfirmPage<'_>) -> String {
        words(page, "nonce".to_owned()).render().unwrap()
    }

    #[test]
    fn only_the_question_has_a_button() {
        let project = project("Acme");
        for language in [Language::En, Language::Ko] {
            assert!(html(&ConfirmPage::Question(&project, language)).contains("<button"));
            assert!(!html(&ConfirmPage::Thanks(&project, language)).contains("<button"));
        }
        assert!(!html(&ConfirmPage::Dead).contains("<button"));
    }

    #[test]
    fn names_cannot_break_out_of_the_page() {
        let page = html(&ConfirmPage::Question(&project("<script>alert(1)</script>"), Language::En));
        assert!(!page.contains("<script"), "{page}");
    }

    #[test]
    fn the_page_is_closed_to_everything_else() {
        let response = respond(&ConfirmPage::Dead, &SystemRandom);
        let policy = response.headers()[CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert_eq!(response.status(), StatusCode::NOT_FOUND);
        assert!(policy.starts_with("default-src 'none'; style-src 'nonce-"), "{policy}");
        assert_eq!(response.headers()[CACHE_CONTROL], "no-store");
    }
}
