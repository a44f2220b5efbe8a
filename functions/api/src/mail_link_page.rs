//! The pages behind the links in mails: a question with one button, and what comes after it.

use askama::Template;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use shared::mail_link::LinkPurpose;
use shared::notification_user::Language;
use shared::project::Project;
use shared::random::{self, Random};

/// What the page says.
pub(crate) enum MailLinkPage<'a> {
    /// Whether what the link is for should be done.
    Question(LinkPurpose, &'a Project, Language),
    /// That it is done.
    Done(LinkPurpose, &'a Project, Language),
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
        MailLinkPage::Question(..) | MailLinkPage::Done(..) => StatusCode::OK,
        MailLinkPage::Dead => StatusCode::NOT_FOUND,
    };
    let html = words(page, nonce).render().expect("writing into a text does not fail");
    (status, headers, html).into_response()
}

fn words(page: &MailLinkPage<'_>, nonce: String) -> PageHtml {
    let (language, title, text, button) = match page {
        MailLinkPage::Question(purpose, project, language) => {
            let (title, text, button) = question(*purpose, project.name.as_str(), *language);
            (*language, title, text, Some(button))
        }
        MailLinkPage::Done(purpose, project, language) => {
            let (title, text) = done(*purpose, project.name.as_str(), *language);
            (*language, title, text, None)
        }
        MailLinkPage::Dead => {
            let text = "It may be too old. Ask for a new one. · 이 링크는 사용할 수 없습니다. 새 링크를 요청해 주세요.";
            (Language::En, "This link does not work", text.to_owned(), None)
        }
    };
    PageHtml { nonce, language: language.code(), title, text, button }
}

/// Title, text and button.
fn question(purpose: LinkPurpose, name: &str, language: Language) -> (&'static str, String, &'static str) {
    match purpose {
        LinkPurpose::Confirm => language.say(
            (
                "Do you want the daily report?",
                format!("Every morning, one mail tells what became of yesterday's webhooks of {name}."),
                "Confirm my address",
            ),
            (
                "일일 리포트를 받으시겠습니까?",
                format!("{name}의 전날 웹훅 전달 결과를 매일 아침 한 통의 메일로 알려 드립니다."),
                "주소 확인하기",
            ),
        ),
        LinkPurpose::Unsubscribe => language.say(
            (
                "No more mails?",
                format!("You will get neither the daily report of {name} nor warnings about its webhooks."),
                "Unsubscribe",
            ),
            (
                "메일 수신을 거부하시겠습니까?",
                format!("{name}의 일일 리포트와 웹훅 경고 메일을 더 이상 받지 않게 됩니다."),
                "수신 거부",
            ),
        ),
    }
}

/// Title and text.
fn done(purpose: LinkPurpose, name: &str, language: Language) -> (&'static str, String) {
    match purpose {
        LinkPurpose::Confirm => language.say(
            (
                "Thank you",
                format!("Your address is confirmed. You will get the daily webhook report of {name}."),
            ),
            ("감사합니다", format!("주소가 확인되었습니다. 이제 {name}의 일일 웹훅 리포트를 받으실 수 있습니다.")),
        ),
        LinkPurpose::Unsubscribe => language.say(
            (
                "You get no more mails",
                format!("The mails of {name} have ended for your address. To get them again, ask for a new confirmation mail."),
            ),
            (
                "더 이상 메일을 받지 않습니다",
                format!("{name}의 메일 발송이 중단되었습니다. 다시 받으시려면 확인 메일을 새로 요청해 주세요."),
            ),
        ),
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
            for purpose in [LinkPurpose::Confirm, LinkPurpose::Unsubscribe] {
                assert!(html(&MailLinkPage::Question(purpose, &project, language)).contains("<button"));
                assert!(!html(&MailLinkPage::Done(purpose, &project, language)).contains("<button"));
            }
        }
        assert!(!html(&MailLinkPage::Dead).contains("<button"));
    }

    #[test]
    fn names_cannot_break_out_of_the_page() {
        let project = project("<script>alert(1)</script>");
        let page = html(&MailLinkPage::Question(LinkPurpose::Confirm, &project, Language::En));
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
