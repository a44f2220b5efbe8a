//! The pages behind the links in mails: a question with one button, and what comes after it.

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
pub(crate) enum MailLinkPage<'a> {
    /// Whether the address should get the reports of this project.
    Confirm(&'a Project, Language),
    /// That it will get them.
    Confirmed(&'a Project, Language),
    /// Whether the address should get no more mails.
    Unsubscribe(&'a Project, Language),
    /// That it gets none.
    Unsubscribed(&'a Project, Language),
    /// That the link does not work, or no longer. Nobody's language is known then.
    Dead,
}

#[derive(Template)]
#[template(path = "mail-link.html")]
struct PageHtml {
    nonce: String,
    language: &'static str,
    title: &'static str,
    text: String,
    button: Option<&'static str>,
}

/// The page as an answer that no cache keeps, no other site frames and no script runs in.
pub(crate) fn respond(page: &MailLinkPage<'_>, random: &dyn Random) -> Response {
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
        MailLinkPage::Confirm(..)
        | MailLinkPage::Confirmed(..)
        | MailLinkPage::Unsubscribe(..)
        | MailLinkPage::Unsubscribed(..) => StatusCode::OK,
        MailLinkPage::Dead => StatusCode::NOT_FOUND,
    };
    let html = words(page, nonce).render().expect("writing into a text does not fail");
    (status, headers, html).into_response()
}

fn words(page: &MailLinkPage<'_>, nonce: String) -> PageHtml {
    match page {
        MailLinkPage::Confirm(Project { name, .. }, Language::En) => PageHtml {
            nonce,
            language: "en",
            title: "Do you want the daily report?",
            text: format!("Every morning, one mail tells what became of yesterday's webhooks of {}.", name.as_str()),
            button: Some("Confirm my address"),
        },
        MailLinkPage::Confirm(Project { name, .. }, Language::Ko) => PageHtml {
            nonce,
            language: "ko",
            title: "일일 리포트를 받으시겠습니까?",
            text: format!("{}의 전날 웹훅 전달 결과를 매일 아침 한 통의 메일로 알려 드립니다.", name.as_str()),
            button: Some("주소 확인하기"),
        },
        MailLinkPage::Confirmed(Project { name, .. }, Language::En) => PageHtml {
            nonce,
            language: "en",
            title: "Thank you",
            text: format!("Your address is confirmed. You will get the daily webhook report of {}.", name.as_str()),
            button: None,
        },
        MailLinkPage::Confirmed(Project { name, .. }, Language::Ko) => PageHtml {
            nonce,
            language: "ko",
            title: "감사합니다",
            text: format!("주소가 확인되었습니다. 이제 {}의 일일 웹훅 리포트를 받으실 수 있습니다.", name.as_str()),
            button: None,
        },
        MailLinkPage::Unsubscribe(Project { name, .. }, Language::En) => PageHtml {
            nonce,
            language: "en",
            title: "No more mails?",
            text: format!(
                "You will get neither the daily report of {} nor warnings about its webhooks.",
                name.as_str()
            ),
            button: Some("Unsubscribe"),
        },
        MailLinkPage::Unsubscribe(Project { name, .. }, Language::Ko) => PageHtml {
            nonce,
            language: "ko",
            title: "메일 수신을 거부하시겠습니까?",
            text: format!("{}의 일일 리포트와 웹훅 경고 메일을 더 이상 받지 않게 됩니다.", name.as_str()),
            button: Some("수신 거부"),
        },
        MailLinkPage::Unsubscribed(Project { name, .. }, Language::En) => PageHtml {
            nonce,
            language: "en",
            title: "You get no more mails",
            text: format!(
                "The mails of {} have ended for your address. To get them again, ask for a new confirmation mail.",
                name.as_str()
            ),
            button: None,
        },
        MailLinkPage::Unsubscribed(Project { name, .. }, Language::Ko) => PageHtml {
            nonce,
            language: "ko",
            title: "더 이상 메일을 받지 않습니다",
            text: format!(
                "{}의 메일 발송이 중단되었습니다. 다시 받으시려면 확인 메일을 새로 요청해 주세요.",
                name.as_str()
            ),
            button: None,
        },
        MailLinkPage::Dead => PageHtml {
            nonce,
            language: "en",
            title: "This link does not work",
            text: "It may be too old. Ask for a new one. · 이 링크는 사용할 수 없습니다. 새 링크를 요청해 주세요."
                .to_owned(),
            button: None,
        },
    }
}

#[cfg(test)]
mod tests {
    use shared::id::ProjectId;
    use shared::project::{Mode, Name, QuietDays};
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
            quiet_days: QuietDays::Mail,
            created_at: now,
            revision: 0,
        }
    }

    fn html(page: &MailLinkPage<'_>) -> String {
        words(page, "nonce".to_owned()).render().unwrap()
    }

    #[test]
    fn only_questions_have_a_button() {
        let project = project("Acme");
        for language in [Language::En, Language::Ko] {
            assert!(html(&MailLinkPage::Confirm(&project, language)).contains("<button"));
            assert!(!html(&MailLinkPage::Confirmed(&project, language)).contains("<button"));
            assert!(html(&MailLinkPage::Unsubscribe(&project, language)).contains("<button"));
            assert!(!html(&MailLinkPage::Unsubscribed(&project, language)).contains("<button"));
        }
        assert!(!html(&MailLinkPage::Dead).contains("<button"));
    }

    #[test]
    fn names_cannot_break_out_of_the_page() {
        let page = html(&MailLinkPage::Confirm(&project("<script>alert(1)</script>"), Language::En));
        assert!(!page.contains("<script"), "{page}");
    }

    #[test]
    fn the_page_is_closed_to_everything_else() {
        let response = respond(&MailLinkPage::Dead, &SystemRandom);
        let policy = response.headers()[CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert_eq!(response.status(), StatusCode::NOT_FOUND);
        assert!(policy.starts_with("default-src 'none'; style-src 'nonce-"), "{policy}");
        assert_eq!(response.headers()[CACHE_CONTROL], "no-store");
    }
}
