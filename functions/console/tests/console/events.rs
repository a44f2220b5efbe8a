//! The page of an event.

use serde_json::json;

use crate::console::TestConsole;
use crate::webhooks::{endpoint, failed, publish};

const DATA: &str = r#"{"z":1.10,"a":12345678901234567890123,"name":"<img src=x>","list":[]}"#;

#[tokio::test]
async fn an_event_is_laid_out_for_reading_with_its_deliveries() {
    let console = TestConsole::start().await;
    endpoint(&console, "https://crm.acme.example/", "CRM").await;
    endpoint(&console, "https://shop.acme.example/", "Shop").await;
    let event = format!(r#"{{"type":"approved","submissionId":"sub_1","data":{DATA}}}"#);
    let published = console.project.post("/events", event).await.expect(202);
    let url = format!("/events/{}", published["id"].as_str().unwrap());
    let mut browser = console.sign_in("developer").await;
    let page = browser.get(&url).await;
    let laid_out = "{\n  &#34;z&#34;: 1.10,\n  &#34;a&#34;: 12345678901234567890123,\n  &#34;name&#34;: &#34;&#60;img src=x&#62;&#34;,\n  &#34;list&#34;: []\n}";
    assert!(page.html.contains(laid_out) && !page.html.contains("<img"), "{}", page.html);
    for text in [
        "approved",
        "The submission was approved",
        "sub_1",
        "Number within the submission 1",
        "CRM waiting to be sent",
        "Shop waiting to be sent",
    ] {
        assert!(page.says(text), "{text} is not in {}", page.text());
    }
    for delivery in published["deliveries"].as_array().unwrap() {
        page.link(&format!("/deliveries/{}", delivery["id"].as_str().unwrap()));
    }

    let mut viewer = console.sign_in("viewer").await;
    let page = viewer.get(&url).await;
    assert!(page.says("Data Only developers and admins can do this.") && !page.says("12345678901234567890123"));
    assert!(page.says("approved") && page.says("sub_1") && page.says("CRM"), "{}", page.text());
}

#[tokio::test]
async fn an_event_without_endpoints_or_data_says_so() {
    let console = TestConsole::start().await;
    let mut browser = console.sign_in("admin").await;
    let published = console.project.post("/events", json!({"type": "aml", "data": {}})).await.expect(202);
    let url = format!("/events/{}", published["id"].as_str().unwrap());
    assert!(browser.get(&url).await.says("No endpoint received this type of event"));
    assert_eq!(
        console.sign_in("viewer").await.open(&url).await.status,
        404,
        "a viewer knows events by their deliveries"
    );

    endpoint(&console, "https://crm.acme.example/", "CRM").await;
    let event = json!({"type": "aml", "submissionId": "sub_1", "data": {"name": "Hong Gildong"}});
    let delivery = publish(&console, event).await.remove(0);
    failed(&console, delivery.clone(), 1, 500).await;
    console.project.post("/erasures", json!({"submissionId": "sub_1"})).await.expect(200);
    let page = browser.get(&format!("/events/{}", delivery.id.event)).await;
    assert!(page.says("The data was erased on request. 2026-11-22 08:30 UTC") && !page.says("Gildong"));
}

#[tokio::test]
async fn the_page_of_a_large_event_stays_small() {
    let console = TestConsole::start().await;
    let data = json!({"list": vec![json!({"name": "Kim"}); 10_000]});
    let published = console.project.post("/events", json!({"type": "aml", "data": data})).await.expect(202);
    let mut browser = console.sign_in("developer").await;
    let page = browser.get(&format!("/events/{}", published["id"].as_str().unwrap())).await;
    assert!(page.says("only its beginning is shown"), "{}", page.text().len());
    assert!(page.html.len() < 400 * 1024, "{} bytes", page.html.len());
}

#[tokio::test]
async fn events_of_other_projects_and_unknown_ids_have_no_page() {
    let console = TestConsole::start().await;
    let theirs = console.create_project().await;
    theirs.create_endpoint().await;
    let published = theirs.post("/events", json!({"type": "aml", "data": {}})).await.expect(202);
    for role in ["viewer", "admin"] {
        let mut browser = console.sign_in(role).await;
        for id in [published["id"].as_str().unwrap(), "nonsense", "019ab5e0-0000-7000-8000-000000000000"] {
            assert_eq!(browser.open(&format!("/events/{id}")).await.status, 404, "{role} {id}");
        }
    }
}
