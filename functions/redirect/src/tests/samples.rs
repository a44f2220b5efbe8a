//! The sample events in `events/`.

use axum::body::Body;
use axum::http::StatusCode;
use domain::foundation::draft::Draft;
use domain::foundation::id::ProjectId;
use domain::projects::project::NewProject;
use domain::return_urls::return_link::ReturnLink;

use super::site::{RESULT_PAGE, Site, ring};

#[tokio::test]
async fn each_sample_event_is_answered_with_a_page() {
    let sample_project: ProjectId = "019aa9d7-7b00-7000-8000-00000000aa01".parse().unwrap();
    let site = Site::with(RESULT_PAGE).await;
    let new: NewProject = Draft::parse(br#"{"name":"Sample"}"#).unwrap().try_into().unwrap();
    site.database.store.projects.put(&new.create(sample_project)).await.unwrap();

    for (event, title) in [
        (include_str!("../../../../events/redirect-result-page.json"), "<h1>You are verified</h1>"),
        (include_str!("../../../../events/redirect-single-use-link.json"), "<h1>You are verified</h1>"),
        (include_str!("../../../../events/redirect-error-page.json"), "<h1>이 기기에서는 계속할 수 없습니다</h1>"),
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
        (include_str!("../../../../events/redirect-result-page.json"), false),
        (include_str!("../../../../events/redirect-single-use-link.json"), true),
    ] {
        let event: serde_json::Value = serde_json::from_str(event).unwrap();
        let token = event["rawPath"].as_str().unwrap().strip_prefix("/r/").unwrap();
        let link = ReturnLink::open(token, &ring(), "2026-11-22T08:30:00Z".parse().unwrap()).unwrap();
        assert_eq!(link.project_id.to_string(), "019aa9d7-7b00-7000-8000-00000000aa01");
        assert_eq!(link.single_use.is_some(), works_once);
    }
}
