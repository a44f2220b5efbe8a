//! A page with every macro of `macros.html`, for tests.

use std::sync::Arc;

use api::ProblemKind;
use askama::Template;
use aws::Aws;
use aws::secrets::KeyRingSecret;
use axum::http::Request;
use domain::foundation::clock::FixedClock;
use domain::foundation::draft::BadField;
use domain::foundation::id::{ConsoleSessionId, ProjectId};
use domain::foundation::key_ring::KeyRing;
use domain::foundation::language::Language;
use domain::foundation::random::SystemRandom;
use domain::foundation::time::Timestamp;
use domain::projects::api_key::Scope;
use domain::projects::console::ConsoleSession;
use serde_json::json;

use crate::app::App;
use crate::config::Config;
use crate::http::form::Form;
use crate::http::problem::{ApiProblem, Problem};
use crate::http::sent_form::SentForm;
use crate::http::session_cache::OpenSession;
use crate::http::visitor::Visitor;
use crate::layout::nav::Area;
use crate::layout::pager::Pager;
use crate::layout::shell::Shell;

/// A visitor with this role, without services.
pub(crate) fn visitor(role: &str, language: Language) -> Visitor {
    let config = Config::read(|name| {
        let value = match name {
            "CONSOLE_BASE_URL" | "API_BASE_URL" | "REDIRECT_BASE_URL" => "https://console.example",
            "RETRY_SCHEDULE" => "5s",
            "RETENTION_DAYS" | "RATE_LIMIT" | "MAX_CONFIRMATIONS_PER_PROJECT" | "MAX_CONFIRMATIONS_PER_DAY" => "30",
            "SETTINGS_TABLE" | "ACTIVITY_TABLE" | "SEND_QUEUE_URL" | "KEY_RING_SECRET" | "MAIL_FROM" => "unused",
            _ => return None,
        };
        Some(value.to_owned())
    });
    let (config, now): (_, Timestamp) = (config.unwrap(), "2026-11-22T08:30:05Z".parse().unwrap());
    let (aws, clock) = (Aws::local("http://127.0.0.1:1".to_owned()), Arc::new(FixedClock(now)));
    let ring = KeyRing::from_json(r#"{"current":"k1","k1":"0123456789abcdef0123456789abcdef"}"#).unwrap();
    let key_ring = KeyRingSecret::known(ring);
    let api = api::App::new(config.api.clone(), &aws, key_ring.clone(), clock.clone(), Arc::new(SystemRandom));
    let app = App::new(config, api, &aws, key_ring, clock, Arc::new(SystemRandom));
    let session: ConsoleSession = serde_json::from_value(json!({
        "id": ConsoleSessionId::new(now, &SystemRandom), "projectId": ProjectId::new(now, &SystemRandom),
        "user": {"id": "u1", "name": "Ada <b>"}, "role": role, "revision": 0, "createdAt": now, "expiresAt": now,
    }))
    .unwrap();
    let open = OpenSession { session, project_name: serde_json::from_value(json!("Acme & Co")).unwrap(), accent: None };
    let (parts, ()) = Request::get("/?done=added").body(()).unwrap().into_parts();
    Visitor::new(&app, Arc::new(open), &parts, language)
}

#[derive(Template)]
#[template(path = "gallery.html")]
struct Gallery {
    shell: Shell,
    form: Form,
    at: Timestamp,
    pager: Pager,
}

const CHOICES: [(&str, &str, &str); 2] = [("userid", "User ID", "userid"), ("email", "Email", "")];

const OPTIONS: [(&str, &str); 2] = [("en", "English"), ("ko", "한국어")];

fn gallery(form: impl FnOnce(&Visitor) -> Form) -> String {
    let visitor = visitor("viewer", Language::Korean);
    let form = form(&visitor);
    let shell = Shell::new(&visitor, Area::Endpoints, "Gallery <b>").with_form(&form);
    let filters = [("state", "failed")].into_iter().collect();
    let pager = Pager::new(&visitor, "/list", &filters, Some("a+b".to_owned()));
    Gallery { shell, form, at: visitor.now(), pager }.render().unwrap()
}

#[track_caller]
fn assert_contains(html: &str, parts: &[&str]) {
    for part in parts {
        assert!(html.contains(part), "{part} is not in {html}");
    }
}

#[test]
fn every_macro_writes_its_part_of_the_page() {
    let html = gallery(|visitor| {
        let form = Form::new(visitor).with("name", "<ada>").with("language", "ko").with("fields", "email");
        form.with("on", "true").with("text", "\na\nb")
    });
    assert_contains(
        &html,
        &[
            r#"<span class="chip ok">delivered</span>"#,
            r#"<time datetime="2026-11-22T08:30:05.000Z">2026-11-22 08:30 UTC</time>"#,
            "2026-11-22 08:30:05 UTC",
            "관리자만 할 수 있습니다.",
            r#"<a class="button" href="/new">"#,
            r#"<a class="button quiet" rel="next" href="/list?state=failed&#38;cursor=a%2Bb">"#,
            r#"<label for="f-name">Name</label>"#,
            r#"<p class="help" id="f-name-help">help</p>"#,
            r#"<input type="text" id="f-name" name="name" value="&#60;ada&#62;" aria-describedby="f-name-help">"#,
            r#"<option value="ko" selected>"#,
            r#"<input type="checkbox" name="fields" value="email" checked>"#,
            r#"<input type="radio" name="kind" value="userid">"#,
            r#"<input type="checkbox" id="f-on" name="on" value="true" checked aria-describedby="f-on-help">"#,
            "rows=\"4\" spellcheck=\"false\">\n\na\nb</textarea>",
            r#"data-copy="secret""#,
            "Gallery &#60;b&#62; – Acme &#38; Co",
            "<bdi>Ada &#60;b&#62;</bdi> · 조회자",
        ],
    );
    assert!(!html.contains(" style=") && !html.contains("role=\"alert\"") && !html.contains("aria-invalid=\"true\" "));
}

#[test]
fn errors_are_beside_their_fields_and_at_the_top() {
    let html = gallery(|visitor| {
        let error = |pointer: &str, detail: &str| BadField { pointer: pointer.to_owned(), detail: detail.to_owned() };
        let errors =
            vec![error("/name", "is required"), error("/fields/1", "is <odd>"), error("/other", "is required")];
        let problem = ApiProblem { kind: ProblemKind::BadFields, errors, retry_after: None };
        Form::refused(visitor, SentForm::default(), Problem::Api(problem), &["name", "fields"]).unwrap()
    });
    assert_contains(
        &html,
        &[
            "<title>오류: Gallery",
            r#"<section class="card notice" role="alert" tabindex="-1" autofocus>"#,
            r##"<a href="#f-name">표시된 첫 항목으로 이동</a>"##,
            "<code>/other</code> <span>필수 항목입니다.</span>",
            r#"aria-invalid="true" aria-describedby="f-name-error f-name-help">"#,
            r#"<fieldset id="f-fields" tabindex="-1" aria-invalid="true" aria-describedby="f-fields-error">"#,
            r#"<p class="error" id="f-fields-error" lang="en">"#,
        ],
    );
}
