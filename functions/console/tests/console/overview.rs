//! The overview.

use domain::foundation::time::UtcDay;
use domain::reports::report::Report;
use domain::reports::report::testing::Day;
use domain::webhooks::health::HoldReason;
use serde_json::json;

use crate::console::TestConsole;

#[tokio::test]
async fn a_new_project_shows_the_steps_that_are_missing() {
    let console = TestConsole::start().await;
    for (language, step) in [
        ("en", "No server gets webhooks yet."),
        ("ko", "아직 웹훅을 받는 서버가 없습니다."),
        ("es", "Ningún servidor recibe webhooks"),
    ] {
        let (_, page) = console.sign_in_with("viewer", json!({"language": language})).await;
        assert!(page.status == 200 && page.url == "/" && page.says(step), "{}", page.text());
        for link in ["/endpoints/new", "/return-url", "/notification-users/new", "/addresses", "/reports/today"] {
            assert!(page.links().iter().any(|one| one == link), "{link}: {:?}", page.links());
        }
        assert!(page.says("198.51.100.1"), "{}", page.text());
    }
}

#[tokio::test]
async fn a_project_that_is_set_up_and_well_says_so() {
    let console = TestConsole::start().await;
    console.project.create_endpoint().await;
    console.project.put("/return-url", json!({"url": "https://acme.example/x", "fields": []})).await.expect(200);
    let user = json!({"name": "Ada", "email": "ada@acme.example", "language": "en"});
    console.project.post("/notification-users", user).await.expect(201);
    let key = json!({"name": "old", "expiresAt": "2027-12-06T08:30:00Z"});
    console.project.post("/api-keys", key).await.expect(201);
    let (_, page) = console.sign_in_with("viewer", json!({})).await;
    assert!(page.says("All is well") && !page.says("Still to set up"), "{}", page.text());
}

#[tokio::test]
async fn keys_that_end_soon_are_trouble() {
    let console = TestConsole::start().await;
    let key = json!({"name": "<b>old", "expiresAt": "2026-12-06T08:29:00Z"});
    console.project.post("/api-keys", key).await.expect(201);
    console.project.post("/api-keys", json!({"name": "fine", "expiresAt": "2026-12-07T08:30:00Z"})).await.expect(201);
    let (mut browser, page) = console.sign_in_with("admin", json!({})).await;
    assert!(page.says("API key “<b>old” ends soon") && !page.says("“fine”") && !page.html.contains("<b>old"));
    let page = browser.get(&page.link("/api-keys/0")).await;
    assert!(page.says("Rotate <b>old"), "{}", page.text());
}

/// Keeps the report of yesterday: 1,200 delivered on the first attempt, 3 still trying, 2 on hold, 4 failed, 1 expired.
async fn keep_report(console: &TestConsole) -> UtcDay {
    let day = Day { project_id: console.project.id(), date: "2026-11-21".parse().unwrap(), ..Day::default() };
    let mut report = Report::new(day.project_id, day.date);
    for number in 0..1210 {
        let delivery = day.delivery(number);
        report.add(&match number {
            0..3 => delivery.refused_after(10, 5).get(),
            3..5 => delivery.get().held(HoldReason::Paused),
            5..9 => delivery.failed().get(),
            9 => delivery.expired_after(1_000),
            _ => delivery.delivered_after(100, 30).get(),
        });
    }
    let view = report.view(day.next_morning(), &day.endpoints(), Vec::new());
    console.store.reports.keep(view, day.next_morning()).await.unwrap();
    day.date
}

#[tokio::test]
async fn reports_show_how_webhooks_stand_and_how_many_arrived_on_the_first_attempt() {
    let console = TestConsole::start().await;
    let day = keep_report(&console).await;
    for (language, states, share) in [
        ("en", ["delivered", "still trying", "on hold", "failed"], "Delivered on the first attempt: 99.4 %."),
        ("ko", ["전달됨", "시도 중", "보류", "실패"], "첫 시도 성공률 99.4 %."),
        ("es", ["entregados", "reintentando", "retenidos", "fallidos"], "Entregados en el primer intento: 99.4 %."),
    ] {
        let (mut browser, page) = console.sign_in_with("viewer", json!({"language": language})).await;
        assert!(page.says(share), "{}", page.text());
        for (state, number) in states.into_iter().zip(["1,200", "3", "2", "5"]) {
            let cell = format!(r#"<td class="n" data-label="{state}">{number}</td>"#);
            assert!(page.html.contains(&cell), "{cell} in {}", page.html);
        }
        for tone in ["ok", "warn", "held", "bad"] {
            assert!(page.html.contains(&format!(r#"<rect class="{tone}""#)), "{tone}");
        }
        let list = browser.get("/reports").await;
        assert!(list.says(&day.to_string()) && list.says("99.4 %"), "{}", list.text());
        let report = browser.get(&format!("/reports/{day}")).await;
        assert!(report.says(share), "{}", report.text());
    }
}
