//! Every route: in the hands of every role, with the ids of another project, and called by another site.

use std::time::Duration;

use axum::http::Method;
use domain::projects::api_key::Scope;
use domain::projects::console::Role;
use domain::webhooks::delivery::Delivery;
use serde_json::{Value, json};

use crate::browser::{Browser, FORM};
use crate::client::Resource;
use crate::console::{ORIGIN, TestConsole};
use crate::fixture::Options;
use crate::webhooks;

/// Who may send a form.
#[derive(Clone, Copy)]
enum Access {
    /// Everybody with the link or with a session.
    Everyone,
    /// Roles with this scope.
    Scoped(Scope),
}

/// All forms: the path, who may send it, and what the person fills in.
const FORMS: &[(&str, Access, &str)] = {
    use Access::{Everyone, Scoped};
    use Scope::{DeliveriesReplay, EventsRead, KeysWrite, ReturnVerify, SecretsWrite, SettingsRead, SettingsWrite};
    const RETURN_URL: &str = "url=https%3A%2F%2Fnew.example%2F&fields=userid&encryption=none";
    const REPLAY: &str = "state=failed&from=2026-11-22T00%3A00&ratePerMinute=10";
    &[
        ("/in/{token}", Everyone, ""),
        ("/sign-out", Everyone, ""),
        ("/notification-users/new", Scoped(SettingsWrite), "name=Eve&email=eve%40acme.example&language=en"),
        ("/notification-users/{id}", Scoped(SettingsWrite), "name=Eve&language=ko"),
        ("/notification-users/{id}/resend", Scoped(SettingsWrite), ""),
        ("/notification-users/{id}/delete", Scoped(SettingsWrite), ""),
        (
            "/endpoints/new",
            Scoped(SettingsWrite),
            "url=https%3A%2F%2Fnew.example%2F&format=standard&payload=full&encryption=none&signatures=v1",
        ),
        (
            "/endpoints/{id}",
            Scoped(SettingsWrite),
            "url=https%3A%2F%2Fhooks.example.com%2Fnew&format=standard&payload=full&encryption=none&signatures=v1",
        ),
        ("/endpoints/{id}/pause", Scoped(SettingsWrite), ""),
        ("/endpoints/{id}/resume", Scoped(SettingsWrite), ""),
        ("/endpoints/{id}/handshake", Scoped(SettingsWrite), ""),
        ("/endpoints/{id}/delete", Scoped(SettingsWrite), ""),
        ("/endpoints/{id}/discard-held", Scoped(SettingsWrite), ""),
        ("/endpoints/{id}/secrets", Scoped(SecretsWrite), "overlapDays=7"),
        ("/endpoints/{id}/secrets/replace", Scoped(SecretsWrite), ""),
        ("/endpoints/{id}/secrets/end-previous", Scoped(SecretsWrite), ""),
        ("/endpoints/{id}/secrets/rotate-key", Scoped(SecretsWrite), ""),
        ("/endpoints/{id}/test", Scoped(SettingsWrite), "type=aml"),
        ("/endpoints/{id}/verify", Scoped(EventsRead), "headers=webhook-id%3A+1&body=%7B%7D"),
        ("/access/end-all", Scoped(KeysWrite), ""),
        ("/access/{id}/end", Scoped(KeysWrite), ""),
        ("/api-keys/new", Scoped(KeysWrite), "name=new&scopes=settings%3Aread"),
        ("/api-keys/{id}/rotate", Scoped(KeysWrite), "overlapDays=0"),
        ("/api-keys/{id}/revoke", Scoped(KeysWrite), ""),
        ("/history/{number}/revert", Scoped(SettingsWrite), ""),
        ("/deliveries/{id}/replay", Scoped(DeliveriesReplay), ""),
        ("/replays", Scoped(DeliveriesReplay), REPLAY),
        ("/replays/new", Scoped(DeliveriesReplay), REPLAY),
        ("/replays/{id}/cancel", Scoped(DeliveriesReplay), ""),
        ("/replays/{id}/resume", Scoped(DeliveriesReplay), ""),
        ("/return-url", Scoped(SettingsWrite), RETURN_URL),
        ("/return-url/preview", Scoped(SettingsRead), RETURN_URL),
        ("/return-url/delete", Scoped(SettingsWrite), ""),
        ("/return-url/check", Scoped(ReturnVerify), "url=https%3A%2F%2Fapp.example%2F"),
        ("/return-url/keys/new", Scoped(SecretsWrite), "secretKey=q7Zp2Lm9Xw4Rt6Vb1Nc8Yd3Kf5Hg0JsA"),
        ("/return-url/keys/{id}/activate", Scoped(SecretsWrite), ""),
        ("/return-url/keys/{id}/delete", Scoped(SecretsWrite), ""),
    ]
};

/// A name that only the other project has.
const MARK: &str = "Nightingale";

/// A project with one resource of each kind.
struct Site {
    project: Resource,
    /// The beginning of a path, and the id of the resource that the path needs.
    ids: Vec<(&'static str, String)>,
    test: String,
}

async fn start() -> TestConsole {
    TestConsole::start_with(&Options { test_result_timeout: Duration::ZERO, ..Options::default() }, "").await
}

impl Site {
    /// Creates a project. `mark` is in all names.
    async fn create(console: &TestConsole, mark: &str) -> Self {
        let project = console.create("/v1/projects", json!({"name": mark})).await;
        let endpoint = json!({"url": "https://hooks.example.com/", "description": mark});
        let endpoint = project.create("/endpoints", endpoint).await;
        let key = project.create("/api-keys", json!({"name": mark, "scopes": ["settings:read"]})).await;
        let user = json!({"name": mark, "email": "ada@acme.example", "language": "en"});
        let user = project.create("/notification-users", user).await;
        project.post("/return-url/keys", json!({})).await.expect(201);
        let next_key = project.post("/return-url/keys", json!({"overlapDays": 7})).await.expect(201);
        for path in ["old", mark] {
            let settings = json!({"url": format!("https://app.example/{path}"), "fields": ["userid"]});
            project.put("/return-url", settings).await;
        }
        let number = project.list("/audit").await[0]["number"].to_string();
        let event = json!({"type": "aml", "submissionId": mark, "data": {}});
        let event = project.post("/events", event).await.expect(202);
        let delivery = event["deliveries"][0]["id"].as_str().unwrap().to_owned();
        let ended = Delivery::unattempted(project.id(), delivery.parse().unwrap(), "aml".parse().unwrap(), None);
        webhooks::failed(console, ended, 1, 500).await;
        let replay = json!({"from": "2026-11-22T00:00:00Z", "to": "2026-11-22T08:30:00Z", "state": "failed"});
        let replay = project.post("/replays", replay).await.expect(202);
        let test = endpoint.post("/test", json!({"type": "aml"})).await.body["id"].as_str().unwrap().to_owned();
        // A confirmation mail is sent again after a minute at the earliest.
        console.clock.advance(Duration::from_mins(2));
        let mut site = Self { project, ids: Vec::new(), test };
        site.sign_in(console, "viewer").await;
        let session = site.project.list("/console-sessions").await[0]["id"].as_str().unwrap().to_owned();
        let id = |resource: &Resource| resource.string("id").to_owned();
        site.ids = vec![
            ("/endpoints/", id(&endpoint)),
            ("/api-keys/", id(&key)),
            ("/notification-users/", id(&user)),
            ("/return-url/keys/", next_key["id"].as_str().unwrap().to_owned()),
            ("/deliveries/", delivery),
            ("/events/", event["id"].as_str().unwrap().to_owned()),
            ("/replays/", replay["id"].as_str().unwrap().to_owned()),
            ("/access/", session),
            ("/history/", number),
        ];
        site
    }

    /// A browser of a user of this project.
    async fn sign_in(&self, console: &TestConsole, role: &str) -> Browser {
        let mut browser = console.browser();
        browser.open(&self.link(role).await).await;
        assert!(browser.cookie.is_some());
        browser
    }

    async fn link(&self, role: &str) -> String {
        let link = json!({"user": {"id": "u1", "name": "Ada"}, "role": role});
        let link = self.project.post("/console-links", link).await.expect(201);
        link["url"].as_str().unwrap().strip_prefix(ORIGIN).unwrap().to_owned()
    }

    fn id(&self, kind: &str) -> &str {
        self.ids.iter().find(|(beginning, _)| *beginning == kind).map(|(_, id)| id.as_str()).unwrap()
    }

    /// A path with the ids of this project.
    fn path(&self, route: &str) -> String {
        let id = self.ids.iter().find(|(beginning, _)| route.starts_with(beginning)).map(|(_, id)| id.as_str());
        let path = route.replace("{id}", id.unwrap_or("{id}")).replace("{number}", id.unwrap_or("{number}"));
        let path = path.replace("{test}", &self.test).replace("{day}", "2026-11-21");
        assert!(!path.contains('{'), "{path}: name the ids of this path");
        path
    }

    /// Everything that the project contains.
    async fn contents(&self) -> Vec<Value> {
        let mut contents = Vec::new();
        for path in [
            "",
            "/endpoints",
            "/api-keys",
            "/notification-users",
            "/return-url",
            "/return-url/keys",
            "/deliveries",
            "/replays",
            "/console-sessions",
            "/audit",
            "/jwks.json",
        ] {
            contents.push(self.project.get(path).await.body);
        }
        contents
    }
}

#[tokio::test]
async fn the_table_has_every_form_and_other_methods_get_a_page_with_those_that_work() {
    let console = start().await;
    let site = Site::create(&console, "Own").await;
    let mut browser = site.sign_in(&console, "admin").await;
    let mut forms = Vec::new();
    for route in console::paths() {
        let path = if route == "/in/{token}" { site.link("viewer").await } else { site.path(route) };
        let page = browser.send_once(Method::DELETE, &path, "", &FORM).await;
        assert!(page.status == 405 && page.says("This does not work here"), "{route}: {}", page.text());
        if page.header("allow").split(',').any(|method| method == "POST") {
            forms.push(route);
        }
    }
    let mut known: Vec<&str> = FORMS.iter().map(|(route, ..)| *route).collect();
    forms.sort_unstable();
    known.sort_unstable();
    assert_eq!(forms, known);
}

#[tokio::test]
async fn every_form_is_open_only_to_roles_with_its_scope() {
    let console = start().await;
    for (route, access, body) in FORMS {
        let Access::Scoped(scope) = *access else { continue };
        let site = Site::create(&console, "Own").await;
        let (may, may_not): (Vec<Role>, Vec<Role>) = Role::ALL.into_iter().partition(|role| role.has(scope));
        for role in may_not {
            let mut browser = site.sign_in(&console, role.as_str()).await;
            let before = site.contents().await;
            let page = browser.post(&site.path(route), body).await;
            assert_eq!((page.status, page.says("Your role does not allow this")), (403, true), "{role} {route}");
            assert_eq!(site.contents().await, before, "{role} {route}");
        }
        for role in may {
            let mut browser = site.sign_in(&console, role.as_str()).await;
            let path = if role == Role::lowest_with(scope).unwrap() { site.path(route) } else { continue };
            let page = browser.send_once(Method::POST, &path, body, &FORM).await;
            // The request is complete, so only the state of the resource can be a reason to refuse it.
            assert!(matches!(page.status, 200 | 303 | 409), "{role} {route}: {} {}", page.status, page.text());
        }
    }
}

#[tokio::test]
async fn ids_of_another_project_lead_nowhere() {
    let console = start().await;
    let (own, mut other) = (Site::create(&console, "Own").await, Site::create(&console, MARK).await);
    // Changes are numbered in each project, so the number must be one that the own project does not have.
    for name in ["A", "B", "C", "D"] {
        other.project.patch("", json!({"name": format!("{MARK} {name}")})).await.expect(200);
    }
    other.ids.retain(|(beginning, _)| *beginning != "/history/");
    other.ids.push(("/history/", other.project.list("/audit").await[0]["number"].to_string()));
    let mut browser = own.sign_in(&console, "admin").await;
    let (mut own_before, before) = (own.contents().await, other.contents().await);
    for route in console::paths() {
        let has_id = ["{id}", "{test}", "{number}"].iter().any(|parameter| route.contains(parameter));
        if !has_id {
            continue;
        }
        let path = other.path(route);
        let page = browser.open(&path).await;
        // Some questions are asked before the resource is read.
        assert!(
            matches!(page.status, 200 | 404 | 405) && !page.says(MARK),
            "GET {path}: {} {}",
            page.status,
            page.text()
        );
        if let Some((_, _, body)) = FORMS.iter().find(|(form, ..)| *form == route) {
            let page = browser.post(&path, body).await;
            // Deleting what does not exist succeeds.
            let is_deletion = ["/delete", "/revoke", "/end"].iter().any(|end| route.ends_with(end));
            let is_refused = page.status == 404 || (is_deletion && page.status == 200);
            assert!(is_refused && !page.says(MARK), "POST {path}: {} {}", page.status, page.text());
            // An id that is not a session may be that of a link that was not opened yet, which then never opens one.
            if route == "/access/{id}/end" {
                own_before = own.contents().await;
            }
            assert_eq!(own.contents().await, own_before, "{route}");
        }
    }
    let endpoint = other.id("/endpoints/");
    for form in ["/replays", "/replays/new"] {
        let body = format!("state=failed&from=2026-11-22T00%3A00&ratePerMinute=10&endpointId={endpoint}");
        let page = browser.post(form, &body).await;
        assert!(
            page.status == 422 && !page.error("endpointId").is_empty() && !page.says(MARK),
            "{form}: {}",
            page.text()
        );
    }
    for list in [
        format!("/deliveries?endpoint={endpoint}"),
        format!("/deliveries?event={}", other.id("/events/")),
        format!("/deliveries?submissionId={MARK}"),
        format!("/replays/new?endpointId={endpoint}"),
    ] {
        let page = browser.open(&list).await;
        assert!(page.status == 200 && !page.says(MARK), "{list}: {}", page.text());
    }
    assert_eq!(other.contents().await, before);
}

#[tokio::test]
async fn a_form_that_another_site_sends_changes_nothing() {
    let console = start().await;
    let site = Site::create(&console, "Own").await;
    let (link, mut browser) = (site.link("admin").await, site.sign_in(&console, "admin").await);
    let before = site.contents().await;
    for (route, _, body) in FORMS {
        let path = if *route == "/in/{token}" { link.clone() } else { site.path(route) };
        for headers in [
            &[("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")][..],
            &[("sec-fetch-site", "cross-site"), ("origin", ORIGIN)],
            &[("sec-fetch-site", "same-site"), ("origin", ORIGIN)],
            &[("sec-fetch-site", "none"), ("origin", "https://evil.example")],
            &[("sec-fetch-site", "none"), ("origin", ORIGIN)],
            &[("origin", "https://evil.example")],
            &[("origin", "null")],
            &[],
        ] {
            let headers = [&[FORM[1]], headers].concat();
            let page = browser.send_once(Method::POST, &path, body, &headers).await;
            assert!(page.status == 403 && page.says("Request refused"), "{route} {headers:?}: {}", page.text());
        }
    }
    assert_eq!(site.contents().await, before);
    assert_eq!(browser.open("/").await.status, 200, "the session goes on");
    assert_eq!(console.browser().open(&link).await.status, 200, "the link still opens");
}
