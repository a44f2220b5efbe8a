//! The list of deliveries.

use std::time::Duration;

use domain::webhooks::attempt::{Attempt, FailureReason};
use domain::webhooks::delivery::Delivery;
use domain::webhooks::health::HoldReason;
use serde_json::json;

use crate::console::TestConsole;
use crate::webhooks::{answered, attempt, deliveries_in, endpoint, failed, held, publish, queued, record};

#[tokio::test]
async fn the_list_shows_each_state_in_words_with_its_progress_and_last_answer() {
    let console = TestConsole::start().await;
    endpoint(&console, "https://crm.acme.example/hooks", "CRM <b>").await;
    let mut deliveries = Vec::new();
    for number in 0..6 {
        deliveries.push(queued(&console, "approved", &format!("sub_{number}")).await);
        console.clock.advance(Duration::from_millis(1));
    }
    let [_, waiting, on_hold, delivered, exhausted, slow] = <[Delivery; 6]>::try_from(deliveries).unwrap();
    let refused = attempt(&waiting, Some(FailureReason::Refused));
    record(&console, waiting, refused, Some(Duration::from_hours(1))).await;
    held(&console, on_hold, HoldReason::Paused).await;
    let accepted = answered(&delivered, 204, "");
    record(&console, delivered, accepted, None).await;
    failed(&console, exhausted, 10, 400).await;
    let timeout = Attempt { duration_ms: 15_000, ..attempt(&slow, Some(FailureReason::Timeout)) };
    record(&console, slow, timeout, None).await;
    let mut browser = console.sign_in("viewer").await;
    let page = browser.get("/deliveries").await;
    for text in [
        "waiting to be sent approved sub_0 Endpoint: ".replace("Endpoint: ", "CRM <b>").as_str(),
        "trying approved sub_1 CRM <b> attempt 1 of 10, next 2026-11-22 09:30 UTC connection refused · 1,079 ms",
        "held approved sub_2 CRM <b> endpoint paused –",
        "delivered approved sub_3 CRM <b> attempt 1 of 10 204 · 1,079 ms 2026-11-22 08:30 UTC",
        "failed approved sub_4 CRM <b> attempt 10 of 10 400 · 1,079 ms",
        "failed approved sub_5 CRM <b> attempt 1 of 10 no answer in time · 15,000 ms",
    ] {
        assert!(page.says(text), "{text} is not in {}", page.text());
    }
    assert!(!page.html.contains("CRM <b>"), "{}", page.html);
    assert_eq!((deliveries_in(&page).len(), page.html.matches("data-label=\"Last answer\"").count()), (6, 6));
    assert!(!page.html.contains("/replays/new"), "a viewer cannot send webhooks again");
}

#[tokio::test]
async fn every_filter_is_in_the_address_and_in_the_form() {
    let console = TestConsole::start().await;
    let (crm, shop) = (
        endpoint(&console, "https://crm.acme.example/", "CRM").await,
        endpoint(&console, "https://shop.acme.example/", "Shop").await,
    );
    let mut events = Vec::new();
    for (event_type, submission) in [("approved", "sub_1"), ("aml", "sub_1"), ("aml", "sub_2")] {
        events.push(publish(&console, json!({"type": event_type, "submissionId": submission, "data": {}})).await);
        console.clock.advance(Duration::from_hours(24));
    }
    failed(&console, events[0][0].clone(), 1, 500).await;
    let mut browser = console.sign_in("developer").await;
    let event = events[2][0].id.event;
    for (query, expected) in [
        (String::new(), 6),
        ("state=failed".to_owned(), 1),
        (format!("endpoint={crm}"), 3),
        ("type=aml".to_owned(), 4),
        ("submissionId=+sub_1".to_owned(), 4),
        (format!("event={event}"), 2),
        ("from=2026-11-23".to_owned(), 4),
        ("from=2026-11-22&to=2026-11-22".to_owned(), 2),
        (format!("state=queued&endpoint={shop}&type=aml&submissionId=sub_2&from=2026-11-24&to=2026-11-24"), 1),
    ] {
        let page = browser.get(&format!("/deliveries?{query}")).await;
        assert_eq!(deliveries_in(&page).len(), expected, "{query}: {}", page.text());
    }
    let page =
        browser.get(&format!("/deliveries?state=failed&endpoint={crm}&submissionId=%3Cb%3E&from=2026-11-22")).await;
    for kept in [
        r#"value="failed" selected"#,
        r#"value="&#60;b&#62;""#,
        r#"value="2026-11-22""#,
        &format!(r#"{crm}" selected"#),
    ] {
        assert!(page.html.contains(kept), "{kept} is not in {}", page.html);
    }
    assert!(page.says("No webhook matches these filters."), "{}", page.text());
    assert_eq!(deliveries_in(&browser.get(&page.link("/deliveries")).await).len(), 6, "the filters can be cleared");
}

#[tokio::test]
async fn a_filter_that_cannot_match_is_marked() {
    let console = TestConsole::start().await;
    for (language, day, submission) in [
        ("en", "Must be a day such as 2026-11-22.", "Must have 1 to 128 visible ASCII characters."),
        ("ko", "2026-11-22와 같은 날짜여야 합니다.", "눈에 보이는 ASCII 문자 1~128자여야 합니다."),
        ("es", "Debe ser un día, como 2026-11-22.", "Debe tener de 1 a 128 caracteres ASCII visibles."),
    ] {
        let (mut browser, _) = console.sign_in_with("viewer", json!({"language": language})).await;
        let page = browser.open("/deliveries?from=yesterday&submissionId=a+b&state=lost").await;
        assert_eq!((page.status, page.error("from").as_str()), (400, day));
        assert_eq!(page.error("submissionId"), submission);
        assert!(!page.error("state").is_empty() && page.html.contains(r#"value="a b""#), "{}", page.html);
    }
    let mut browser = console.sign_in("viewer").await;
    let page = browser.open("/deliveries?from=2026-11-22&to=2026-11-21").await;
    assert_eq!((page.status, page.error("to").as_str()), (400, "Must not be before the first day."));
    assert!(page.says("Please correct the marked ones.") && page.html.contains("role=\"alert\""), "{}", page.text());
    let page = browser.open("/deliveries?cursor=nonsense").await;
    assert!(page.status == 400 && page.says("Start from the first page of the list."), "{}", page.text());
}

#[tokio::test]
async fn a_long_list_has_pages_that_keep_the_filters() {
    let console = TestConsole::start().await;
    endpoint(&console, "https://crm.acme.example/", "CRM").await;
    for number in 0..30 {
        publish(&console, json!({"type": "aml", "submissionId": format!("sub_{}", number % 2), "data": {}})).await;
        publish(&console, json!({"type": "submit", "data": {}})).await;
    }
    let mut browser = console.sign_in("viewer").await;
    let page = browser.get("/deliveries?type=aml").await;
    assert_eq!(deliveries_in(&page).len(), 25);
    let older = browser.get(&page.link("/deliveries?type=aml&cursor=")).await;
    assert_eq!(deliveries_in(&older).len(), 5);
    assert!(deliveries_in(&page).iter().all(|link| !deliveries_in(&older).contains(link)));
    assert_eq!(older.link("/deliveries?type=aml"), "/deliveries?type=aml");
}

#[tokio::test]
async fn an_empty_list_says_what_to_do_next() {
    let console = TestConsole::start().await;
    let (mut developer, mut viewer) = (console.sign_in("developer").await, console.sign_in("viewer").await);
    let page = developer.get("/deliveries").await;
    assert!(page.says("there is no endpoint to send them to") && !page.says("Filter"), "{}", page.text());
    assert_eq!(page.link("/endpoints/new"), "/endpoints/new");
    assert!(!viewer.get("/deliveries").await.links().contains(&"/endpoints/new".to_owned()));
    let id = endpoint(&console, "https://crm.acme.example/", "CRM").await;
    let page = developer.get("/deliveries").await;
    assert!(page.says("To see one now, send a test."), "{}", page.text());
    page.link(&format!("/endpoints/{id}/test"));
}
