//! The pages behind the links in mails: a question with one button, and the result of pressing it.

use askama::Template;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use domain::foundation::language::Language;
use domain::foundation::random::{self, Random};
use domain::projects::project::Project;
use domain::reports::mail_link::LinkPurpose;

/// A page behind a link in a mail.
pub(crate) enum MailLinkPage<'a> {
    /// Asks whether to confirm or unsubscribe, in the user's language.
    Question(LinkPurpose, &'a Project, Language),
    /// Says that it is done, in the user's language.
    Done(LinkPurpose, &'a Project, Language),
    /// Says that the link is invalid or has expired, in the browser's language: the user is unknown.
    Dead(Language),
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

/// Responds with the page. No cache keeps it, no other site can frame it, and no script runs in it.
pub(crate) fn respond(page: &MailLinkPage<'_>, random: &dyn Random) -> Response {
    let nonce = random::letters_and_digits(22, random);
    let policy = format!(
        "default-src 'none'; style-src 'nonce-{nonce}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    );
    let headers: [(HeaderName, String); 5] = [
        (CONTENT_TYPE, "text/html; charset=utf-8".to_owned()),
        (CONTENT_SECURITY_POLICY, policy),
        (CACHE_CONTROL, "no-store".to_owned()),
        // The URL of the page contains the token.
        (REFERRER_POLICY, "no-referrer".to_owned()),
        (X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
    ];
    let status = match page {
        MailLinkPage::Question(..) | MailLinkPage::Done(..) => StatusCode::OK,
        MailLinkPage::Dead(_) => StatusCode::NOT_FOUND,
    };
    let html = fill(page, nonce).render().expect("rendering into a string does not fail");
    (status, headers, html).into_response()
}

fn fill(page: &MailLinkPage<'_>, nonce: String) -> PageHtml {
    let (language, title, text, button) = match page {
        MailLinkPage::Question(purpose, project, language) => {
            let (title, text, button) = question(*purpose, project.name.as_str(), *language);
            (*language, title, text, Some(button))
        }
        MailLinkPage::Done(purpose, project, language) => {
            let (title, text) = done(*purpose, project.name.as_str(), *language);
            (*language, title, text, None)
        }
        MailLinkPage::Dead(language) => {
            let (title, text) = dead(*language);
            (*language, title, text.to_owned(), None)
        }
    };
    PageHtml { nonce, language: language.as_str(), title, text, button }
}

/// Title, text and button.
fn question(purpose: LinkPurpose, project: &str, language: Language) -> (&'static str, String, &'static str) {
    match (purpose, language) {
        (LinkPurpose::Confirm, Language::English) => (
            "Do you want the daily report?",
            format!(
                "You will receive one email every morning with the delivery results of yesterday's webhooks of {project}."
            ),
            "Confirm my address",
        ),
        (LinkPurpose::Confirm, Language::Korean) => (
            "일일 리포트를 받으시겠습니까?",
            format!("{project}의 전날 웹훅 전달 결과를 매일 아침 한 통의 메일로 알려 드립니다."),
            "주소 확인하기",
        ),
        (LinkPurpose::Confirm, Language::Spanish) => (
            "¿Desea recibir el informe diario?",
            format!(
                "Cada mañana recibirá un correo con los resultados de entrega de los webhooks de {project} del día anterior."
            ),
            "Confirmar mi dirección",
        ),
        (LinkPurpose::Unsubscribe, Language::English) => (
            "Do you want to unsubscribe?",
            format!("You will no longer receive the daily report of {project} or warnings about its webhooks."),
            "Unsubscribe",
        ),
        (LinkPurpose::Unsubscribe, Language::Korean) => (
            "메일 수신을 거부하시겠습니까?",
            format!("{project}의 일일 리포트와 웹훅 경고 메일을 더 이상 받지 않게 됩니다."),
            "수신 거부",
        ),
        (LinkPurpose::Unsubscribe, Language::Spanish) => (
            "¿Desea cancelar la suscripción?",
            format!("Dejará de recibir el informe diario de {project} y los avisos sobre sus webhooks."),
            "Cancelar la suscripción",
        ),
    }
}

/// Title and text.
fn done(purpose: LinkPurpose, project: &str, language: Language) -> (&'static str, String) {
    match (purpose, language) {
        (LinkPurpose::Confirm, Language::English) => {
            ("Your address is confirmed", format!("You will receive the daily webhook report of {project}."))
        }
        (LinkPurpose::Confirm, Language::Korean) => {
            ("주소가 확인되었습니다", format!("이제 {project}의 일일 웹훅 리포트를 받으실 수 있습니다."))
        }
        (LinkPurpose::Confirm, Language::Spanish) => {
            ("Su dirección está confirmada", format!("Recibirá el informe diario de webhooks de {project}."))
        }
        (LinkPurpose::Unsubscribe, Language::English) => (
            "You are unsubscribed",
            format!(
                "You will not receive any more emails about {project}. To receive them again, ask for a new confirmation email."
            ),
        ),
        (LinkPurpose::Unsubscribe, Language::Korean) => (
            "더 이상 메일을 받지 않습니다",
            format!("{project}의 메일 발송이 중단되었습니다. 다시 받으시려면 확인 메일을 새로 요청해 주세요."),
        ),
        (LinkPurpose::Unsubscribe, Language::Spanish) => (
            "Ya no recibirá correos",
            format!(
                "Se ha cancelado su suscripción a los correos de {project}. Para volver a recibirlos, solicite un nuevo correo de confirmación."
            ),
        ),
    }
}

/// Title and text.
fn dead(language: Language) -> (&'static str, &'static str) {
    match language {
        Language::English => ("This link does not work", "It may have expired. Ask for a new one."),
        Language::Korean => ("사용할 수 없는 링크입니다", "링크가 만료되었을 수 있습니다. 새 링크를 요청해 주세요."),
        Language::Spanish => ("Este enlace no funciona", "Puede que haya caducado. Solicite uno nuevo."),
    }
}

#[cfg(test)]
mod tests {
    use domain::foundation::id::ProjectId;
    use domain::foundation::random::SystemRandom;
    use domain::foundation::time::Timestamp;
    use domain::projects::project::{Mode, Name, QuietDays};

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
        fill(page, "nonce".to_owned()).render().unwrap()
    }

    #[test]
    fn only_questions_have_a_button() {
        let project = project("Acme");
        for language in Language::ALL {
            for purpose in [LinkPurpose::Confirm, LinkPurpose::Unsubscribe] {
                assert!(html(&MailLinkPage::Question(purpose, &project, language)).contains("<button"));
                assert!(!html(&MailLinkPage::Done(purpose, &project, language)).contains("<button"));
            }
            assert!(!html(&MailLinkPage::Dead(language)).contains("<button"));
        }
    }

    #[test]
    fn each_page_declares_its_language() {
        let project = project("Acme");
        for language in Language::ALL {
            let declaration = format!("<html lang=\"{language}\">");
            for purpose in [LinkPurpose::Confirm, LinkPurpose::Unsubscribe] {
                assert!(html(&MailLinkPage::Question(purpose, &project, language)).contains(&declaration));
                assert!(html(&MailLinkPage::Done(purpose, &project, language)).contains(&declaration));
            }
            assert!(html(&MailLinkPage::Dead(language)).contains(&declaration));
        }
    }

    #[test]
    fn a_project_name_is_escaped() {
        let project = project("<script>alert(1)</script>");
        let page = html(&MailLinkPage::Question(LinkPurpose::Confirm, &project, Language::English));
        assert!(!page.contains("<script"), "{page}");
    }

    #[test]
    fn the_page_loads_nothing_and_is_not_cached() {
        let response = respond(&MailLinkPage::Dead(Language::English), &SystemRandom);
        let policy = response.headers()[CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert_eq!(response.status(), StatusCode::NOT_FOUND);
        assert!(policy.starts_with("default-src 'none'; style-src 'nonce-"), "{policy}");
        assert_eq!(response.headers()[CACHE_CONTROL], "no-store");
    }
}
