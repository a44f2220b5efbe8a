//! The pages as browsers get them.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_LANGUAGE, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{Method, Request, Response, StatusCode};
use shared::aws::secrets::KeyRingSecret;
use shared::aws::store::UsedLinks;
use shared::aws::store::testing::{ACTIVITY, Database};
use shared::clock::Clock;
use shared::draft::Draft;
use shared::id::{ProjectId, ReturnUrlKeyId};
use shared::key_ring::KeyRing;
use shared::project::NewProject;
use shared::random::SystemRandom;
use shared::return_link::{NewReturnLink, ReturnLink};
use shared::return_url::{KeyIssue, NewReturnUrlSettings, ReturnUrlKey};
use shared::time::Timestamp;
use tower::ServiceExt;

use crate::{App, router};

/// The ring that the tokens in `events/` are sealed with.
const RING: &str = r#"{"current":"k1","k1":"the-ring-of-the-sample-events-only"}"#;
const APPROVED: &str = r#"{"kycStatus":"approved","userid":"user123","email":"user@example.com","cf1":"<b>&"}"#;
const ONCE: &str = r#"{"kycStatus":"approved","userid":"user123","singleUse":true}"#;
const BLOCKED: &str = r#"{"errorCode":"DE-20000","userid":"user123"}"#;
const PLAIN: &str = r#"{"url":"https://yourapp.com/done","fields":["userid","kycStatus","errorCode"]}"#;
const SKIPPING: &str =
    r#"{"url":"https://yourapp.com/done","fields":["userid","kycStatus","errorCode"],"skipResultPage":true}"#;
const WITHOUT_ERROR_CODE: &str = r#"{"url":"https://yourapp.com/done","fields":["kycStatus"],"skipResultPage":true}"#;

/// A clock that is moved by hand.
#[derive(Clone)]
struct Hands(Arc<Mutex<Timestamp>>);

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

/// The pages of one project, on a database of their own.
struct Site {
    database: Database,
    hands: Hands,
    project: ProjectId,
    router: Router,
}

impl Site {
    /// A project whose return URL is set by `settings`.
    async fn with(settings: &str) -> Self {
        let site = Self::without_return_url().await;
        site.set(settings).await;
        site
    }

    async fn without_return_url() -> Self {
        Self::noting_used_links_in(ACTIVITY).await
    }

    /// One that cannot note anything: there is no such table.
    async fn that_cannot_write() -> Self {
        let site = Self::noting_used_links_in("no-such-table").await;
        site.set(SKIPPING).await;
        site
    }

    async fn noting_used_links_in(table: &str) -> Self {
        let database = Database::start().await;
        let hands = Hands(Arc::new(Mutex::new("2026-11-22T08:30:00Z".parse().unwrap())));
        let new: NewProject = Draft::parse("{\"name\":\"아고스 & Sons\"}".as_bytes()).unwrap().try_into().unwrap();
        let project = new.create(ProjectId::new(hands.now(), &SystemRandom));
        database.settings.put_project(&project).await.unwrap();
        let secret = KeyRingSecret::known(ring());
        let used_links = UsedLinks::new(database.aws(), table);
        let (settings, clock) = (database.settings.clone(), Arc::new(hands.clone()));
        let app = App::new(settings, used_links, secret, clock, Arc::new(SystemRandom));
        Self { database, hands, project: project.id, router: router(app) }
    }

    async fn set(&self, settings: &str) {
        let new: NewReturnUrlSettings = Draft::parse(settings.as_bytes()).unwrap().try_into().unwrap();
        self.database.settings.put_return_url(self.project, &new.accept(true).unwrap()).await.unwrap();
    }

    /// Issues a `secretKey` that takes over in so many days.
    async fn issue_key(&self, overlap_days: u64) -> ReturnUrlKeyId {
        let (now, settings) = (self.hands.now(), &self.database.settings);
        let mut keys = settings.return_url_keys_now(self.project).await.unwrap();
        let (id, key) = (ReturnUrlKeyId::new(now, &SystemRandom), ReturnUrlKey::generate(&SystemRandom));
        let wish = KeyIssue { overlap: overlap_days.try_into().unwrap() };
        keys.issue(id, &key, wish, now, &ring(), &SystemRandom).unwrap();
        settings.replace_return_url_keys(&keys).await.unwrap();
        id
    }

    fn link(&self, body: &str) -> String {
        let new: NewReturnLink = Draft::parse(body.as_bytes()).unwrap().try_into().unwrap();
        format!("/r/{}", new.create(self.project, self.hands.now(), &SystemRandom).seal(&ring(), &SystemRandom))
    }

    fn pass(&self, time: Duration) {
        let mut now = self.hands.0.lock().unwrap();
        *now = now.plus(time);
    }

    async fn get(&self, path: &str) -> Answered {
        self.send(Request::get(path).body(Body::empty()).unwrap()).await
    }

    async fn get_in(&self, language: &str, path: &str) -> Answered {
        self.send(Request::get(path).header("accept-language", language).body(Body::empty()).unwrap()).await
    }

    async fn send(&self, request: Request<Body>) -> Answered {
        let response: Response<Body> = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let html = String::from_utf8(to_bytes(body, usize::MAX).await.unwrap().to_vec()).unwrap();
        Answered { status: parts.status, headers: parts.headers, html }
    }
}

/// What came back.
#[derive(Debug)]
struct Answered {
    status: StatusCode,
    headers: axum::http::HeaderMap,
    html: String,
}

impl Answered {
    fn header(&self, name: impl axum::http::header::AsHeaderName) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Neither a header nor a refresh moves the browser.
    fn stays(&self) -> bool {
        !self.headers.contains_key(LOCATION)
            && !self.headers.contains_key("refresh")
            && !self.html.contains("http-equiv")
    }
}

fn ring() -> KeyRing {
    KeyRing::from_json(RING).unwrap()
}

#[tokio::test]
async fn a_result_is_shown_and_left_by_button_or_by_itself() {
    let site = Site::with(PLAIN).await;
    let page = site.get(&site.link(APPROVED)).await;
    assert_eq!((page.status, page.header(CONTENT_TYPE)), (StatusCode::OK, "text/html; charset=utf-8"));
    assert!(page.html.contains("<h1>You are verified</h1>"), "{}", page.html);
    assert!(page.html.contains("아고스 &#38; Sons"), "{}", page.html);
    let location = "https://yourapp.com/done?userid=user123&#38;kycStatus=approved";
    assert!(
        page.html.contains(&format!(r#"<meta http-equiv="refresh" content="5; url={location}">"#)),
        "{}",
        page.html
    );
    assert!(page.html.contains(&format!(r#"<a class="button timed" href="{location}">OK</a>"#)), "{}", page.html);
    assert!(!page.html.contains("<script") && !page.html.contains(" style="), "{}", page.html);
}

#[tokio::test]
async fn every_result_has_a_page_in_every_language() {
    let site = Site::with(PLAIN).await;
    for (result, language, tag, title) in [
        ("approved", "en-GB", "en", "You are verified"),
        ("pending", "en", "en", "Your verification is under review"),
        ("rejected", "fr", "en", "You could not be verified"),
        ("approved", "ko-KR,ko;q=0.9", "ko", "본인 확인이 완료되었습니다"),
        ("pending", "ko", "ko", "본인 확인을 검토하고 있습니다"),
        ("rejected", "es-419,es;q=0.9,en;q=0.8", "es", "No se pudo verificar su identidad"),
    ] {
        let page = site.get_in(language, &site.link(&format!(r#"{{"kycStatus":"{result}"}}"#))).await;
        assert!(page.html.contains(&format!("<h1>{title}</h1>")), "{language} {result}: {}", page.html);
        assert!(page.html.contains(&format!(r#"<html lang="{tag}">"#)), "{language}");
        assert_eq!(page.header(CONTENT_LANGUAGE), tag);
    }
}

#[tokio::test]
async fn who_wants_to_stay_is_not_sent_away() {
    let site = Site::with(PLAIN).await;
    let page = site.get(&format!("{}?stay=1", site.link(APPROVED))).await;
    assert!(page.stays(), "{page:?}");
    assert!(page.html.contains(r#"<a class="button" href="https://yourapp.com/done?"#), "{}", page.html);
}

#[tokio::test]
async fn without_a_result_page_the_browser_is_sent_back_at_once() {
    let site = Site::with(SKIPPING).await;
    for path in [site.link(APPROVED), format!("{}?stay=1", site.link(APPROVED))] {
        let answer = site.get(&path).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER);
        assert_eq!(answer.header(LOCATION), "https://yourapp.com/done?userid=user123&kycStatus=approved");
        assert_eq!(answer.html, "");
    }
}

#[tokio::test]
async fn errors_are_left_by_a_button_only() {
    for settings in [PLAIN, SKIPPING] {
        let site = Site::with(settings).await;
        let page = site.get(&site.link(BLOCKED)).await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(page.stays() && page.html.contains("<code>DE-20000</code>"), "{page:?}");
        let location = "https://yourapp.com/done?userid=user123&#38;kycStatus=rejected&#38;errorCode=DE-20000";
        assert!(page.html.contains(&format!(r#"<a class="button" href="{location}">Go back</a>"#)), "{}", page.html);
    }
}

#[tokio::test]
async fn errors_have_no_way_back_unless_the_error_code_is_told() {
    let site = Site::with(WITHOUT_ERROR_CODE).await;
    for path in [site.link(BLOCKED), format!("/r/{}/error/DE-20000", site.project)] {
        let page = site.get(&path).await;
        assert!(page.stays() && !page.html.contains("yourapp.com"), "{page:?}");
        assert!(page.html.contains("You can close this page now."), "{}", page.html);
    }
}

#[tokio::test]
async fn an_error_before_there_is_a_link_tells_nothing_about_anybody() {
    let site = Site::with(SKIPPING).await;
    let page = site.get(&format!("/r/{}/error/bad-path?userid=evil&kycStatus=approved", site.project)).await;
    assert!(page.stays(), "{page:?}");
    let location = "https://yourapp.com/done?kycStatus=rejected&#38;errorCode=bad-path";
    assert!(page.html.contains(&format!(r#"href="{location}""#)) && !page.html.contains("evil"), "{}", page.html);
}

#[tokio::test]
async fn links_that_are_not_ours_lead_nowhere() {
    let site = Site::with(SKIPPING).await;
    let good = site.link(APPROVED);
    let other_ring = KeyRing::from_json(&format!(r#"{{"current":"k1","k1":"{}"}}"#, "x".repeat(32))).unwrap();
    let new: NewReturnLink = Draft::parse(APPROVED.as_bytes()).unwrap().try_into().unwrap();
    let forged = new.create(site.project, site.hands.now(), &SystemRandom).seal(&other_ring, &SystemRandom);
    for path in [format!("{good}A"), good[..good.len() - 1].to_owned(), format!("/r/{forged}"), "/r/x".to_owned()] {
        let page = site.get(&path).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{path}");
        assert!(page.stays() && page.html.contains("This link does not work"), "{path}: {page:?}");
    }
}

#[tokio::test]
async fn an_expired_link_leads_nowhere() {
    let site = Site::with(SKIPPING).await;
    let link = site.link(APPROVED);
    site.pass(Duration::from_hours(1));
    let page = site.get(&link).await;
    assert_eq!(page.status, StatusCode::GONE);
    assert!(page.stays() && page.html.contains("This link has expired"), "{page:?}");
}

#[tokio::test]
async fn a_link_of_a_project_that_is_gone_leads_nowhere() {
    let (site, other) = (Site::with(SKIPPING).await, Site::with(SKIPPING).await);
    let page = site.get(&other.link(APPROVED)).await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
    assert!(page.stays(), "{page:?}");
}

#[tokio::test]
async fn a_project_without_a_return_url_still_shows_the_result() {
    let site = Site::without_return_url().await;
    for body in [APPROVED, BLOCKED] {
        let page = site.get(&site.link(body)).await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(page.stays() && page.html.contains("You can close this page now."), "{page:?}");
        assert!(!page.html.contains("<a "), "{}", page.html);
    }
}

#[tokio::test]
async fn no_request_can_choose_where_a_browser_goes() {
    let site = Site::with(SKIPPING).await;
    let link = site.link(APPROVED);
    let expected = "https://yourapp.com/done?userid=user123&kycStatus=approved";
    for more in [
        "?url=https://evil.example",
        "?stay=//evil.example",
        "?kycStatus=approved&kycStatus=rejected",
        "?%0d%0alocation:%20https://evil.example",
        "?return=javascript:alert(1)",
    ] {
        let answer = site.get(&format!("{link}{more}")).await;
        assert_eq!(answer.header(LOCATION), expected, "{more}");
    }
    let elsewhere = Request::get(&link).header("host", "evil.example").header("x-forwarded-host", "evil.example");
    assert_eq!(site.send(elsewhere.body(Body::empty()).unwrap()).await.header(LOCATION), expected);
}

#[tokio::test]
async fn strange_addresses_get_a_friendly_page_and_nothing_else() {
    let site = Site::with(SKIPPING).await;
    let project = site.project;
    for path in [
        "/".to_owned(),
        "/r".to_owned(),
        "/r/".to_owned(),
        "//evil.example".to_owned(),
        "/https://evil.example".to_owned(),
        "/r/%0d%0alocation:%20https:%2f%2fevil.example".to_owned(),
        "/r/%ff%fe".to_owned(),
        "/r/..%2f..%2fetc".to_owned(),
        format!("/r/{project}"),
        format!("/r/{project}/error/"),
        format!("/r/{project}/error/a%20b"),
        format!("/r/{project}/error/%3Cscript%3E"),
        format!("/r/{project}/error/x%0d%0aset-cookie:a=b"),
        format!("/r/{project}/error/{}", "x".repeat(65)),
        "/r/not-a-project/error/DE-20000".to_owned(),
        "/r/019ab5e0-0000-7000-8000-000000000000/error/DE-20000".to_owned(),
        format!("/r/{}", "x".repeat(60_000)),
    ] {
        let page = site.get(&path).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{path}");
        assert!(page.stays() && page.html.contains("<h1>"), "{path}: {page:?}");
        assert!(!page.html.contains("evil") && !page.html.contains("<script"), "{path}: {page:?}");
        assert!(page.headers.get("set-cookie").is_none(), "{path}");
    }
}

#[tokio::test]
async fn every_answer_has_the_headers_that_protect_people() {
    let (site, skipping) = (Site::with(PLAIN).await, Site::with(SKIPPING).await);
    let answers = [
        site.get(&site.link(APPROVED)).await,
        skipping.get(&skipping.link(APPROVED)).await,
        site.get(&site.link(BLOCKED)).await,
        site.get("/nothing").await,
        site.send(Request::post("/r/x").body(Body::empty()).unwrap()).await,
    ];
    for answer in answers {
        assert_eq!(answer.header(CACHE_CONTROL), "no-store");
        assert_eq!(answer.header(REFERRER_POLICY), "no-referrer");
        assert_eq!(answer.header(X_CONTENT_TYPE_OPTIONS), "nosniff");
        let policy = answer.header(CONTENT_SECURITY_POLICY);
        assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
        assert!(policy.ends_with("base-uri 'none'; form-action 'none'; frame-ancestors 'none'"), "{policy}");
        assert!(!policy.contains("unsafe") && !policy.contains("script"), "{policy}");
    }
}

#[tokio::test]
async fn head_is_get_without_the_page() {
    let site = Site::with(PLAIN).await;
    let request = |method| Request::builder().method(method).uri(site.link(APPROVED)).body(Body::empty()).unwrap();
    let (head, get) = (site.send(request(Method::HEAD)).await, site.send(request(Method::GET)).await);
    assert_eq!((head.status, head.html.as_str()), (StatusCode::OK, ""));
    assert_eq!(head.header(CONTENT_TYPE), get.header(CONTENT_TYPE));
}

#[tokio::test]
async fn other_methods_are_not_taken() {
    let site = Site::with(PLAIN).await;
    let answer = site.send(Request::post(site.link(APPROVED)).body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
    assert!(answer.stays() && answer.header(ALLOW).contains("GET"), "{answer:?}");
}

#[tokio::test]
async fn changed_settings_are_seen_within_half_a_minute() {
    let site = Site::with(SKIPPING).await;
    let link = site.link(APPROVED);
    assert!(site.get(&link).await.header(LOCATION).starts_with("https://yourapp.com/done?"));

    site.set(&SKIPPING.replace("yourapp.com", "newapp.example")).await;
    site.pass(Duration::from_secs(29));
    assert!(site.get(&link).await.header(LOCATION).starts_with("https://yourapp.com/done?"));
    site.pass(Duration::from_secs(1));
    assert!(site.get(&link).await.header(LOCATION).starts_with("https://newapp.example/done?"));
}

#[tokio::test]
async fn encrypted_and_signed_urls_are_made_with_the_projects_key() {
    let site = Site::without_return_url().await;
    let protected = SKIPPING.replace('}', r#","encryption":"aes-256-gcm","signed":true}"#);
    site.set(&protected).await;
    let without_key = site.get(&site.link(APPROVED)).await;
    assert_eq!(without_key.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(without_key.stays() && without_key.html.contains("Try again"), "{without_key:?}");

    let id = site.issue_key(0).await;
    site.pass(Duration::from_secs(30));
    let answer = site.get(&site.link(APPROVED)).await;
    let location = answer.header(LOCATION);
    assert!(location.starts_with("https://yourapp.com/done?encrypted="), "{location}");
    assert!(location.contains(&format!("&kid={id}&ts=1795336230&nonce=")), "{location}");
    assert!(location.contains("&sig=v1,"), "{location}");
}

#[tokio::test]
async fn the_next_key_takes_over_at_its_time_and_not_before() {
    let site = Site::with(&SKIPPING.replace('}', r#","encryption":"aes-256-gcm"}"#)).await;
    let (first, second) = (site.issue_key(0).await, site.issue_key(7).await);
    let link = |site: &Site| site.link(APPROVED);
    for (time, id) in [
        (Duration::ZERO, first),
        (Duration::from_hours(7 * 24) - Duration::from_secs(10), first),
        // Settings that were read ten seconds ago know that it is time.
        (Duration::from_secs(10), second),
    ] {
        site.pass(time);
        let answer = site.get(&link(&site)).await;
        assert!(answer.header(LOCATION).ends_with(&format!("&kid={id}")), "{answer:?}");
    }
}

#[tokio::test]
async fn a_link_that_works_once_shows_its_result_once() {
    let site = Site::with(PLAIN).await;
    for (language, title) in
        [("en", "This link has been used"), ("ko", "이미 사용된 링크입니다"), ("es", "Este enlace ya se ha utilizado")]
    {
        let link = site.link(ONCE);
        let first = site.get(&link).await;
        assert_eq!(first.status, StatusCode::OK);
        assert!(!first.stays(), "{first:?}");
        let second = site.get_in(language, &link).await;
        assert_eq!(second.status, StatusCode::GONE);
        assert!(second.stays() && !second.html.contains("yourapp.com"), "{second:?}");
        assert!(second.html.contains(&format!("<h1>{title}</h1>")), "{second:?}");
    }
}

#[tokio::test]
async fn a_link_that_works_once_redirects_once() {
    let site = Site::with(SKIPPING).await;
    let link = site.link(ONCE);
    assert_eq!(site.get(&link).await.status, StatusCode::SEE_OTHER);
    // There was no page that could have offered to stay.
    for path in [link.clone(), format!("{link}?stay=1")] {
        let answer = site.get(&path).await;
        assert_eq!(answer.status, StatusCode::GONE, "{path}");
        assert!(answer.stays() && !answer.html.contains("yourapp.com"), "{answer:?}");
    }
}

#[tokio::test]
async fn who_got_the_page_a_moment_ago_can_stay_on_it() {
    let site = Site::with(PLAIN).await;
    let link = site.link(ONCE);
    let stay = format!("{link}?stay=1");
    site.get(&link).await;
    for seconds in [4, 56] {
        site.pass(Duration::from_secs(seconds));
        let page = site.get(&stay).await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(page.stays() && page.html.contains(r#"<a class="button" href="https://yourapp.com/done?"#), "{page:?}");
        assert_eq!(site.get(&link).await.status, StatusCode::GONE);
    }
    site.pass(Duration::from_secs(1));
    assert_eq!(site.get(&stay).await.status, StatusCode::GONE);
}

#[tokio::test]
async fn staying_is_a_use_like_any_other() {
    let site = Site::with(PLAIN).await;
    let link = site.link(ONCE);
    assert!(site.get(&format!("{link}?stay=1")).await.stays());
    assert_eq!(site.get(&link).await.status, StatusCode::GONE);
}

#[tokio::test]
async fn of_clicks_at_the_same_moment_exactly_one_gets_through() {
    let site = Site::with(SKIPPING).await;
    let link = site.link(ONCE);
    let answers = tokio::join!(site.get(&link), site.get(&link), site.get(&link), site.get(&link));
    let mut statuses = [answers.0, answers.1, answers.2, answers.3].map(|answer| answer.status);
    statuses.sort();
    assert_eq!(statuses, [StatusCode::SEE_OTHER, StatusCode::GONE, StatusCode::GONE, StatusCode::GONE]);
}

#[tokio::test]
async fn who_only_looks_uses_no_link_up_and_learns_nothing() {
    for settings in [PLAIN, SKIPPING] {
        let site = Site::with(settings).await;
        let link = site.link(ONCE);
        for _ in 0..2 {
            let look = site.send(Request::head(&link).body(Body::empty()).unwrap()).await;
            assert_eq!((look.status, look.html.as_str()), (StatusCode::OK, ""));
            assert!(look.stays(), "{look:?}");
        }
        assert!(!site.get(&link).await.stays());
    }
}

#[tokio::test]
async fn links_that_are_not_single_use_cost_no_write_and_neither_do_bad_ones() {
    let site = Site::that_cannot_write().await;
    assert_eq!(site.get(&site.link(APPROVED)).await.status, StatusCode::SEE_OTHER);
    let once = site.link(ONCE);
    assert_eq!(site.get(&format!("{once}A")).await.status, StatusCode::NOT_FOUND);
    let new: NewReturnLink = Draft::parse(ONCE.as_bytes()).unwrap().try_into().unwrap();
    let nobody = ProjectId::new(site.hands.now(), &SystemRandom);
    let foreign = new.create(nobody, site.hands.now(), &SystemRandom).seal(&ring(), &SystemRandom);
    assert_eq!(site.get(&format!("/r/{foreign}")).await.status, StatusCode::NOT_FOUND);
    site.pass(Duration::from_hours(1));
    assert_eq!(site.get(&once).await.status, StatusCode::GONE);
}

#[tokio::test]
async fn a_link_that_cannot_be_used_up_leads_nowhere_for_now() {
    let site = Site::that_cannot_write().await;
    let answer = site.get(&site.link(ONCE)).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.stays() && !answer.html.contains("yourapp.com"), "{answer:?}");
}

#[tokio::test]
async fn a_fault_before_the_answer_uses_nothing_up() {
    let site = Site::with(&SKIPPING.replace('}', r#","signed":true}"#)).await;
    let link = site.link(ONCE);
    assert_eq!(site.get(&link).await.status, StatusCode::SERVICE_UNAVAILABLE);
    site.issue_key(0).await;
    site.pass(Duration::from_secs(30));
    assert_eq!(site.get(&link).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn the_sample_events_are_requests_for_pages() {
    let sample_project: ProjectId = "019aa9d7-7b00-7000-8000-00000000aa01".parse().unwrap();
    let site = Site::with(PLAIN).await;
    let new: NewProject = Draft::parse(br#"{"name":"Sample"}"#).unwrap().try_into().unwrap();
    site.database.settings.put_project(&new.create(sample_project)).await.unwrap();

    for (event, title) in [
        (include_str!("../../../events/redirect-result-page.json"), "<h1>You are verified</h1>"),
        (include_str!("../../../events/redirect-single-use-link.json"), "<h1>You are verified</h1>"),
        (include_str!("../../../events/redirect-error-page.json"), "<h1>문제가 발생했습니다</h1>"),
    ] {
        let request = lambda_http::request::from_str(event).unwrap();
        let page = site.send(request.map(|_| Body::empty())).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.html);
        assert!(page.html.contains(title), "{}", page.html);
    }
}

#[test]
fn the_sample_links_are_sealed_for_the_sample_project() {
    for (event, works_once) in [
        (include_str!("../../../events/redirect-result-page.json"), false),
        (include_str!("../../../events/redirect-single-use-link.json"), true),
    ] {
        let event: serde_json::Value = serde_json::from_str(event).unwrap();
        let token = event["rawPath"].as_str().unwrap().strip_prefix("/r/").unwrap();
        let link = ReturnLink::open(token, &ring(), "2026-11-22T08:30:00Z".parse().unwrap()).unwrap();
        assert_eq!(link.project_id.to_string(), "019aa9d7-7b00-7000-8000-00000000aa01");
        assert_eq!(link.single_use.is_some(), works_once);
    }
}
