//! The pages behind the links in mails: a question with one button, and the result of pressing it.

use askama::Template;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_SECURITY_POLICY, VARY};
use axum::response::{Html, IntoResponse, Response};
use domain::foundation::language::Language;
use domain::foundation::random::{self, Random};
use domain::projects::project::Project;
use domain::reports::mail_link::LinkPurpose;

/// A page behind a link in a mail.
pub(crate) enum MailLinkPage<'a> {
    /// Asks whether to confirm or unsubscribe, in the user's language.
    Question(LinkPurpose, &'a Project, Language),
    /// Says that the address is confirmed, in the user's language.
    Confirmed(&'a Project, Language),
    /// Says that the user is unsubscribed, in the user's language. If there is a URL that confirms the address, a button lets the
    /// person subscribe again.
    Unsubscribed(&'a Project, Language, Option<String>),
    /// Says that the link is invalid or has expired, in the browser's language: the user is unknown.
    Dead(Language),
}

/// Placeholder for the project's name in the texts of this file.
const NAME: &str = "\u{FFFC}";

#[derive(Template)]
#[template(path = "mail-link.html")]
struct PageHtml<'a> {
    nonce: String,
    language: &'static str,
    title: &'static str,
    /// The text before and after the project's name.
    text: (String, String),
    project: &'a str,
    button: Option<Button<'a>>,
}

/// A button that sends a `POST`.
struct Button<'a> {
    label: &'static str,
    /// The target URL; `None` for the URL of the page.
    action: Option<&'a str>,
}

/// Responds with the page. Other sites cannot frame it, and scripts do not run in it.
pub(crate) fn respond(page: &MailLinkPage<'_>, random: &dyn Random) -> Response {
    let nonce = random::letters_and_digits(22, random);
    let policy = format!(
        "default-src 'none'; style-src 'nonce-{nonce}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    );
    let status = match page {
        MailLinkPage::Question(..) | MailLinkPage::Confirmed(..) | MailLinkPage::Unsubscribed(..) => StatusCode::OK,
        MailLinkPage::Dead(_) => StatusCode::NOT_FOUND,
    };
    let html = fill(page, nonce).render().expect("rendering into a string does not fail");
    let headers = [(CONTENT_SECURITY_POLICY, policy), (VARY, "accept-language".to_owned())];
    (status, headers, Html(html)).into_response()
}

fn fill<'a>(page: &'a MailLinkPage<'_>, nonce: String) -> PageHtml<'a> {
    let (language, project, (title, text), button) = match page {
        MailLinkPage::Question(purpose, project, language) => {
            let (title, text, label) = question(*purpose, *language);
            (*language, project.name.as_str(), (title, text), Some(Button { label, action: None }))
        }
        MailLinkPage::Confirmed(project, language) => (*language, project.name.as_str(), confirmed(*language), None),
        MailLinkPage::Unsubscribed(project, language, url) => {
            let button = url.as_deref().map(|url| Button { label: come_back(*language), action: Some(url) });
            (*language, project.name.as_str(), unsubscribed(*language), button)
        }
        MailLinkPage::Dead(language) => {
            let (title, text) = dead(*language);
            (*language, "", (title, text.to_owned()), None)
        }
    };
    let text = text.split_once(NAME).map_or((text.clone(), String::new()), |(a, b)| (a.to_owned(), b.to_owned()));
    PageHtml { nonce, language: language.as_str(), title, text, project, button }
}

/// Title, text and button.
fn question(purpose: LinkPurpose, language: Language) -> (&'static str, String, &'static str) {
    match (purpose, language) {
        (LinkPurpose::Confirm, Language::English) => (
            "Do you want the daily report?",
            format!(
                "You will receive one email every morning with the delivery results of yesterday's webhooks of {NAME}."
            ),
            "Confirm my address",
        ),
        (LinkPurpose::Confirm, Language::Korean) => (
            "일일 리포트를 받으시겠습니까?",
            format!("{NAME}의 전날 웹훅 전달 결과를 매일 아침 한 통의 메일로 알려 드립니다."),
            "주소 확인하기",
        ),
        (LinkPurpose::Confirm, Language::Spanish) => (
            "¿Desea recibir el informe diario?",
            format!(
                "Cada mañana recibirá un correo con los resultados de entrega de los webhooks de {NAME} del día anterior."
            ),
            "Confirmar mi dirección",
        ),
        (LinkPurpose::Unsubscribe, Language::English) => (
            "Do you want to unsubscribe?",
            format!("You will no longer receive the daily report of {NAME} or warnings about its webhooks."),
            "Unsubscribe",
        ),
        (LinkPurpose::Unsubscribe, Language::Korean) => (
            "메일 수신을 거부하시겠습니까?",
            format!("{NAME}의 일일 리포트와 웹훅 경고 메일을 더 이상 받지 않게 됩니다."),
            "수신 거부",
        ),
        (LinkPurpose::Unsubscribe, Language::Spanish) => (
            "¿Desea cancelar la suscripción?",
            format!("Dejará de recibir el informe diario de {NAME} y los avisos sobre sus webhooks."),
            "Cancelar la suscripción",
        ),
    }
}

/// Title and text.
fn confirmed(language: Language) -> (&'static str, String) {
    match language {
        Language::English => {
            ("Your address is confirmed", format!("You will receive the daily webhook report of {NAME}."))
        }
        Language::Korean => ("주소가 확인되었습니다", format!("이제 {NAME}의 일일 웹훅 리포트를 받으실 수 있습니다.")),
        Language::Spanish => {
            ("Su dirección está confirmada", format!("Recibirá el informe diario de webhooks de {NAME}."))
        }
    }
}

/// Title and text.
fn unsubscribed(language: Language) -> (&'static str, String) {
    match language {
        Language::English => ("You are unsubscribed", format!("You will not receive any more emails about {NAME}.")),
        Language::Korean => ("더 이상 메일을 받지 않습니다", format!("{NAME}의 메일 발송이 중단되었습니다.")),
        Language::Spanish => {
            ("Ya no recibirá correos", format!("Se ha cancelado su suscripción a los correos de {NAME}."))
        }
    }
}

/// The button on the page of a person who has unsubscribed.
fn come_back(language: Language) -> &'static str {
    match language {
        Language::English => "Receive them again",
        Language::Korean => "다시 받기",
        Language::Spanish => "Volver a recibirlos",
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
    use domain::projects::name::Name;
    use domain::projects::project::{Mode, QuietDays};

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
            report_hour: None,
            report_hour_changed_at: None,
            created_at: now,
            revision: 0,
            changed_in: 0,
        }
    }

    fn html(page: &MailLinkPage<'_>) -> String {
        fill(page, "nonce".to_owned()).render().unwrap()
    }

    /// All pages of a project in a language, and whether they have a button.
    fn pages(project: &Project, language: Language) -> Vec<(String, bool)> {
        let again = || Some("https://api.example/confirm/x".to_owned());
        let pages = [
            (MailLinkPage::Question(LinkPurpose::Confirm, project, language), true),
            (MailLinkPage::Question(LinkPurpose::Unsubscribe, project, language), true),
            (MailLinkPage::Confirmed(project, language), false),
            (MailLinkPage::Unsubscribed(project, language, None), false),
            (MailLinkPage::Unsubscribed(project, language, again()), true),
            (MailLinkPage::Dead(language), false),
        ];
        pages.into_iter().map(|(page, has_button)| (html(&page), has_button)).collect()
    }

    #[test]
    fn each_page_declares_its_language_and_has_a_button_if_an_action_is_possible() {
        let project = project("Acme");
        for language in Language::ALL {
            for (page, has_button) in pages(&project, language) {
                assert!(page.contains(&format!("<html lang=\"{language}\">")), "{page}");
                assert_eq!(page.contains("<button"), has_button, "{page}");
                assert!(!page.contains(NAME), "{page}");
            }
        }
        let back = pages(&project, Language::English).swap_remove(4).0;
        assert!(back.contains(r#"action="https://api.example/confirm/x""#), "{back}");
    }

    #[test]
    fn a_project_name_is_escaped_and_its_text_direction_is_isolated() {
        let project = project("<script>alert(1)</script>");
        for language in Language::ALL {
            for (page, _) in pages(&project, language).into_iter().take(5) {
                assert!(page.contains("<bdi>&#60;script&#62;alert(1)&#60;/script&#62;</bdi>"), "{page}");
            }
        }
    }

    #[test]
    fn the_page_loads_nothing() {
        let response = respond(&MailLinkPage::Dead(Language::English), &SystemRandom);
        let policy = response.headers()[CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert_eq!(response.status(), StatusCode::NOT_FOUND);
        assert!(policy.starts_with("default-src 'none'; style-src 'nonce-"), "{policy}");
    }
}
