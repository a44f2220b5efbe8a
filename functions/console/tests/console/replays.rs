//! The pages about replays.

use std::time::Duration;

use domain::foundation::id::ReplayId;
use domain::webhooks::delivery::ReplayOutcome;
use domain::webhooks::replay::{Progress, ReplayState};
use serde_json::{Value, json};

use crate::browser::{Browser, Page};
use crate::console::TestConsole;
use crate::webhooks::{answered, endpoint, failed, queued};

const UNKNOWN: &str = "019ab5e0-0000-7000-8000-000000000000";

/// A console with an endpoint and failed webhooks to it. Returns the id of the endpoint.
async fn with_failed(count: usize) -> (TestConsole, String) {
    let console = TestConsole::start().await;
    let id = endpoint(&console, "https://crm.acme.example/", "CRM <b>").await;
    for _ in 0..count {
        let delivery = queued(&console, "aml", "sub_1").await;
        failed(&console, delivery, 1, 500).await;
    }
    console.clock.advance(Duration::from_secs(90));
    (console, id)
}

async fn replays(console: &TestConsole) -> Vec<Value> {
    console.project.list("/replays").await
}

/// Fills in the form and counts. Returns the page with the number.
async fn count(browser: &mut Browser, changes: &[(&str, &str)]) -> Page {
    let form = browser.get("/replays/new").await;
    browser.submit(&form, "/replays/new", changes).await
}

/// Counts and starts. Returns the page of the replay.
async fn start(browser: &mut Browser) -> Page {
    let counted = count(browser, &[]).await;
    browser.submit(&counted, "/replays", &[]).await
}

#[tokio::test]
async fn webhooks_are_counted_before_they_are_sent_again() {
    let (console, id) = with_failed(3).await;
    let mut browser = console.sign_in("developer").await;
    let page = browser.get("/replays").await;
    assert!(page.says("Nothing was sent again yet."), "{}", page.text());
    let form = browser.get(&page.link("/replays/new")).await;
    let changes = [("endpointId", id.as_str()), ("type", "aml"), ("from", "2026-11-22T08:00"), ("ratePerMinute", "2")];
    let counted = browser.submit(&form, "/replays/new", &changes).await;
    for text in [
        "3 webhooks will be sent, at 2 a minute, in about 2 min.",
        "Webhooks that failed",
        "Endpoint CRM <b>",
        "From (UTC) 2026-11-22 08:00:00 UTC",
        "Until (UTC) 2026-11-22 08:31:30 UTC",
    ] {
        assert!(counted.says(text), "{text} is not in {}", counted.text());
    }
    assert!(counted.status == 200 && !counted.html.contains("CRM <b>"));
    assert_eq!(replays(&console).await.len(), 0);

    let page = browser.submit(&counted, "/replays", &[]).await;
    assert!(page.url.ends_with("?done=started") && page.says("The webhooks are being sent."), "{}", page.text());
    let again = browser.submit(&counted, "/replays", &[]).await;
    assert_eq!(again.url, page.url, "pressing the button twice starts one replay");
    let started = replays(&console).await;
    assert_eq!(started.len(), 1);
    let filter = json!({"from": "2026-11-22T08:00:00.000Z", "to": "2026-11-22T08:31:30.000Z", "endpointId": id, "type": "aml", "scope": "ended", "state": "failed"});
    assert_eq!((&started[0]["filter"], &started[0]["ratePerMinute"]), (&filter, &json!(2)));
}

#[tokio::test]
async fn a_selection_without_webhooks_cannot_be_started_and_can_be_changed() {
    let (console, _) = with_failed(1).await;
    let mut browser = console.sign_in("developer").await;
    let page = count(&mut browser, &[("state", "delivered"), ("ratePerMinute", "7")]).await;
    assert!(page.says("No webhook matches.") && !page.html.contains("action=\"/replays\""), "{}", page.html);
    let form = browser.get(&page.link("/replays/new?")).await;
    let counted = browser.submit(&form, "/replays/new", &[("state", "failed")]).await;
    assert!(counted.says("1 webhook will be sent, at 7 a minute"), "{}", counted.text());
}

#[tokio::test]
async fn a_new_endpoint_gets_the_events_that_it_missed() {
    let (console, _) = with_failed(2).await;
    let new = endpoint(&console, "https://new.acme.example/", "New").await;
    let (mut browser, _) = console.sign_in_with("developer", json!({"language": "es"})).await;
    let page = count(&mut browser, &[("state", "missing")]).await;
    assert_eq!((page.status, page.error("endpointId").as_str()), (422, "Elija un endpoint."));
    let mut browser = console.sign_in("developer").await;
    let form = browser.get(&format!("/replays/new?state=missing&endpointId={new}")).await;
    let counted = browser.submit(&form, "/replays/new", &[]).await;
    for text in
        ["2 webhooks will be sent, at 300 a minute", "an endpoint never got", "as a new webhook, the oldest first"]
    {
        assert!(counted.says(text), "{text} is not in {}", counted.text());
    }
    assert!(!counted.says("webhook-replay"), "{}", counted.text());
    let page = browser.submit(&counted, "/replays", &[]).await;
    assert!(page.says("an endpoint never got") && page.says("The numbers count first attempts."), "{}", page.text());
    assert!(browser.get("/replays").await.says("missing · New"));
    let question = browser.get(&page.link("/replays/0")).await;
    let question = browser.get(&question.link(&format!("{}/cancel", question.url))).await;
    assert!(question.says("Those that exist are still sent."), "{}", question.text());
    let started = replays(&console).await;
    assert_eq!((&started[0]["filter"]["scope"], started[0]["filter"].get("state")), (&json!("missing"), None));
}

#[tokio::test]
async fn paused_endpoints_are_named_before_the_start() {
    let (console, id) = with_failed(1).await;
    let mut browser = console.sign_in("developer").await;
    assert!(!count(&mut browser, &[]).await.says("are skipped"));
    console.project.post(&format!("/endpoints/{id}/pause"), "").await.expect(200);
    let page = count(&mut browser, &[]).await;
    assert!(page.says("so their webhooks are skipped: CRM <b>") && !page.html.contains("CRM <b>"), "{}", page.text());
}

#[tokio::test]
async fn a_link_from_a_list_of_deliveries_fills_in_the_form() {
    let (console, id) = with_failed(1).await;
    let mut browser = console.sign_in("developer").await;
    let list = browser.get(&format!("/deliveries?endpoint={id}&type=aml&from=2026-11-21&to=2026-11-22")).await;
    let form = browser.get(&list.link("/replays/new")).await.form("/replays/new");
    for (name, value) in
        [("endpointId", id.as_str()), ("type", "aml"), ("from", "2026-11-21T00:00"), ("to", ""), ("state", "failed")]
    {
        assert!(
            form.values.contains(&(name.to_owned(), value.to_owned())),
            "{name} {value} is not in {:?}",
            form.values
        );
    }
    let list = browser.get("/deliveries?to=2026-11-22&from=2026-11-22&state=failed").await;
    console.clock.advance(Duration::from_hours(24));
    let mut browser = console.sign_in("developer").await;
    let form = browser.get(&list.link("/replays/new")).await.form("/replays/new");
    assert!(form.values.contains(&("to".to_owned(), "2026-11-22T23:59:59.999".to_owned())), "{:?}", form.values);
    for (filter, state) in [("state=delivered", "delivered"), ("state=expired", "expired")] {
        let form = browser.get(&format!("/replays/new?{filter}")).await.form("/replays/new");
        assert!(form.values.contains(&("state".to_owned(), state.to_owned())), "{:?}", form.values);
    }
    for filter in ["state=held", "state=delivered&submissionId=sub_1", "submissionId=sub_1"] {
        let list = browser.get(&format!("/deliveries?{filter}")).await;
        assert!(!list.html.contains("/replays/new"), "{filter}");
    }
}

#[tokio::test]
async fn errors_are_beside_their_fields_and_what_was_typed_stays() {
    let (console, _) = with_failed(1).await;
    for (language, rate, to, from) in [
        ("en", "Must be from 1 to 1200.", "Must not be in the future.", "Is required."),
        ("ko", "1~1,200이어야 합니다.", "미래일 수 없습니다.", "필수 항목입니다."),
        ("es", "Debe ser de 1 a 1200.", "No puede estar en el futuro.", "Es obligatorio."),
    ] {
        let (mut browser, _) = console.sign_in_with("developer", json!({"language": language})).await;
        let changes = [("from", ""), ("to", "2026-12-24T08:00"), ("ratePerMinute", "0")];
        let page = count(&mut browser, &changes).await;
        assert_eq!((page.status, page.error("ratePerMinute").as_str()), (422, rate));
        assert_eq!((page.error("to").as_str(), page.error("from").as_str()), (to, from));
        for (name, value) in changes {
            let kept = (name.to_owned(), value.to_owned());
            assert!(page.form("/replays/new").values.contains(&kept), "{name} {value}");
        }
        let page = count(&mut browser, &[("from", "<b>"), ("ratePerMinute", "many")]).await;
        assert!(page.status == 422 && !page.error("from").is_empty() && !page.error("ratePerMinute").is_empty());
        assert!(!page.html.contains("<b>\"") && page.html.contains("&#60;b&#62;"), "{}", page.html);
    }
    let mut browser = console.sign_in("developer").await;
    let page = count(&mut browser, &[("from", "2026-11-22T08:00"), ("to", "2026-11-22T07:00")]).await;
    assert_eq!((page.status, page.error("to").as_str()), (422, "Must be after from."));
    assert_eq!(count(&mut browser, &[("from", "2026-01-01T08:00")]).await.status, 422);
    assert_eq!(count(&mut browser, &[("endpointId", UNKNOWN)]).await.status, 422);
}

#[tokio::test]
async fn one_replay_runs_at_a_time() {
    let (console, _) = with_failed(1).await;
    let mut browser = console.sign_in("developer").await;
    start(&mut browser).await;
    let page = start(&mut browser).await;
    assert!(page.status == 409 && page.says("Another replay of this project is running."), "{}", page.text());
    assert!(page.form("/replays/new").values.contains(&("state".to_owned(), "failed".to_owned())));
    assert_eq!(replays(&console).await.len(), 1);
}

#[tokio::test]
async fn a_replay_shows_its_progress_and_can_be_stopped_and_continued() {
    let (console, _) = with_failed(3).await;
    let mut browser = console.sign_in("developer").await;
    let page = start(&mut browser).await;
    let path = page.url.split('?').next().unwrap().to_owned();
    assert!(page.says("running") && page.says("Sending begins within a minute"), "{}", page.text());
    assert!(!page.headers.contains_key("refresh") && !page.html.contains("http-equiv"), "the page does not reload");
    assert!(page.links().contains(&path), "a link reloads it");

    let question = browser.get(&page.link(&format!("{path}/cancel"))).await;
    assert!(question.says("Stop sending?") && question.says("Replay of 2026-11-22 08:31 UTC"), "{}", question.text());
    assert_eq!(replays(&console).await[0]["state"], "running");
    let page = browser.submit(&question, "", &[]).await;
    assert!(page.says("Sending is stopped.") && page.says("stopped"), "{}", page.text());
    let page = browser.submit(&page, &format!("{path}/resume"), &[]).await;
    assert!(page.says("Sending continues.") && page.says("running"), "{}", page.text());

    let id: ReplayId = path.rsplit('/').next().unwrap().parse().unwrap();
    let store = &console.store.replays;
    let replay = store.get(console.project.id(), id).await.unwrap().unwrap();
    let lost = ReplayOutcome::Sent(answered(&queued(&console, "aml", "sub_1").await, 500, ""));
    assert_eq!(Progress::of(&lost).failed, 1);
    for _ in 0..2 {
        store.count_lost(console.project.id(), id).await.unwrap();
    }
    store.end(&replay, ReplayState::Done).await.unwrap();
    let page = browser.get(&path).await;
    assert!(page.says("Every webhook was sent or skipped.") && page.says("2 skipped"), "{}", page.text());
    page.link("/deliveries?state=failed&from=2026-11-21&to=2026-11-22");
    let all = browser.get("/replays").await;
    assert!(all.says("done failed · all endpoints 2 skipped"), "{}", all.text());
    assert_eq!(all.link("/replays/0"), path);

    for act in ["cancel", "resume"] {
        let page = browser.post(&format!("{path}/{act}"), "").await;
        assert!(page.status == 409 && page.says("The replay has already ended."), "{}", page.text());
    }
}

#[tokio::test]
async fn a_viewer_sees_replays_and_who_may_start_and_stop_them() {
    let (console, _) = with_failed(1).await;
    let path = start(&mut console.sign_in("developer").await).await.url.split('?').next().unwrap().to_owned();
    let mut viewer = console.sign_in("viewer").await;
    for url in ["/replays", "/replays/new", &path, &format!("{path}/cancel")] {
        let page = viewer.get(url).await;
        assert!(page.says("Only developers and admins can do this."), "{url}: {}", page.text());
        assert!(!page.html.contains("<form method=\"post\" action=\"/replays"), "{url}");
    }
    for url in ["/replays", "/replays/new", &format!("{path}/cancel"), &format!("{path}/resume")] {
        assert_eq!(viewer.post(url, "from=2026-11-22T08:00&state=failed").await.status, 403, "{url}");
    }
    assert_eq!(replays(&console).await[0]["state"], "running");
}

#[tokio::test]
async fn replays_of_other_projects_and_unknown_ids_have_no_page() {
    let console = TestConsole::start().await;
    let theirs = console.create_project().await;
    let range = json!({"from": "2026-11-21T08:30:00Z", "to": "2026-11-22T08:30:00Z"});
    let foreign = theirs.post("/replays", range).await.expect(202)["id"].as_str().unwrap().to_owned();
    let mut browser = console.sign_in("admin").await;
    for id in [foreign.as_str(), UNKNOWN, "nonsense"] {
        for page in ["", "/cancel"] {
            assert_eq!(browser.open(&format!("/replays/{id}{page}")).await.status, 404, "{id}{page}");
        }
        for act in ["cancel", "resume"] {
            assert_eq!(browser.post(&format!("/replays/{id}/{act}"), "").await.status, 404, "{id} {act}");
        }
    }
    assert_eq!(theirs.list("/replays").await[0]["state"], "running");
}

#[tokio::test]
async fn a_long_list_has_pages() {
    let console = TestConsole::start().await;
    let filter = json!({"from": "2026-11-22T00:00:00Z", "to": "2026-11-22T08:30:00Z"});
    for _ in 0..26 {
        let replay = console.project.post("/replays", &filter).await.expect(202);
        let cancel = format!("/replays/{}/cancel", replay["id"].as_str().unwrap());
        console.project.post(&cancel, "").await.expect(200);
    }
    let mut browser = console.sign_in("viewer").await;
    let page = browser.get("/replays").await;
    let count = |page: &Page| page.links().iter().filter(|link| link.starts_with("/replays/")).count();
    assert_eq!(count(&page), 25);
    let older = browser.get(&page.link("/replays?cursor=")).await;
    assert_eq!(count(&older), 1);
    assert!(older.says("Newest") && !older.says("Older"), "{}", older.text());
}
