//! Single-use links.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use domain::foundation::clock::Clock;
use domain::foundation::draft::Draft;
use domain::foundation::id::ProjectId;
use domain::foundation::random::SystemRandom;
use domain::return_urls::return_link::NewReturnLink;

use super::site::{APPROVED, NO_RESULT_PAGE, PageResponse, RESULT_PAGE, SINGLE_USE, Site, ring};

#[tokio::test]
async fn a_single_use_link_shows_its_result_once() {
    let site = Site::with(RESULT_PAGE).await;
    for (language, title) in
        [("en", "This link has been used"), ("ko", "이미 사용된 링크입니다"), ("es", "Este enlace ya se ha utilizado")]
    {
        let link = site.link(SINGLE_USE);
        let first = site.get(&link).await;
        assert_eq!(first.status, StatusCode::OK);
        assert!(!first.has_no_redirect(), "{first:?}");
        let second = site.get_in(language, &link).await;
        assert_eq!(second.status, StatusCode::GONE);
        assert!(second.has_no_redirect() && !second.html.contains("yourapp.com"), "{second:?}");
        assert!(second.html.contains(&format!("<h1>{title}</h1>")), "{second:?}");
    }
}

#[tokio::test]
async fn a_single_use_link_redirects_once() {
    let site = Site::with(NO_RESULT_PAGE).await;
    let link = site.link(SINGLE_USE);
    assert_eq!(site.get(&link).await.status, StatusCode::SEE_OTHER);
    // The first response was no page, so it could not offer to stay.
    for path in [link.clone(), format!("{link}?stay=1")] {
        let response = site.get(&path).await;
        assert_eq!(response.status, StatusCode::GONE, "{path}");
        assert!(response.has_no_redirect() && !response.html.contains("yourapp.com"), "{response:?}");
    }
}

/// The link on this page that lets the person stay on it.
fn stay_link(link: &str, page: &PageResponse) -> String {
    let (_, rest) = page.html.split_once(r#"<a class="stay" href=""#).unwrap();
    format!("{link}{}", rest.split_once('"').unwrap().0)
}

#[tokio::test]
async fn a_person_who_saw_the_page_can_stay_on_it_for_a_minute() {
    let site = Site::with(RESULT_PAGE).await;
    let link = site.link(SINGLE_USE);
    let stay = stay_link(&link, &site.get(&link).await);
    for seconds in [4, 56] {
        site.clock.advance(Duration::from_secs(seconds));
        let page = site.get(&stay).await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(
            page.has_no_redirect() && page.html.contains(r#"<a class="button" href="https://yourapp.com/done?"#),
            "{page:?}"
        );
        assert_eq!(site.get(&link).await.status, StatusCode::GONE);
    }
    site.clock.advance(Duration::from_secs(1));
    assert_eq!(site.get(&stay).await.status, StatusCode::GONE);
}

#[tokio::test]
async fn only_the_visit_that_used_a_link_can_stay_on_its_page() {
    let site = Site::with(RESULT_PAGE).await;
    let (link, other) = (site.link(SINGLE_USE), site.link(SINGLE_USE));
    site.get(&link).await;
    let stay_on_other = stay_link(&other, &site.get(&other).await);
    let (_, proof_of_other) = stay_on_other.split_once("?stay=").unwrap();
    for guess in ["1", "", "AAAAAAAAAAAAAAAAAAAAAA", proof_of_other, &format!("1&stay={proof_of_other}")] {
        let page = site.get(&format!("{link}?stay={guess}")).await;
        assert_eq!(page.status, StatusCode::GONE, "{guess}");
        assert!(page.has_no_redirect() && !page.html.contains("yourapp.com"), "{guess}: {page:?}");
    }
    assert_eq!(site.get(&stay_on_other).await.status, StatusCode::OK);
}

#[tokio::test]
async fn opening_a_link_with_stay_spends_it() {
    let site = Site::with(RESULT_PAGE).await;
    for stay in ["1", "AAAAAAAAAAAAAAAAAAAAAA"] {
        let link = site.link(SINGLE_USE);
        assert!(site.get(&format!("{link}?stay={stay}")).await.has_no_redirect());
        for path in [link.clone(), format!("{link}?stay={stay}")] {
            assert_eq!(site.get(&path).await.status, StatusCode::GONE, "{path}");
        }
    }
}

#[tokio::test]
async fn exactly_one_of_several_simultaneous_clicks_succeeds() {
    let site = Site::with(NO_RESULT_PAGE).await;
    let link = site.link(SINGLE_USE);
    let responses = tokio::join!(site.get(&link), site.get(&link), site.get(&link), site.get(&link));
    let mut statuses = [responses.0, responses.1, responses.2, responses.3].map(|response| response.status);
    statuses.sort();
    assert_eq!(statuses, [StatusCode::SEE_OTHER, StatusCode::GONE, StatusCode::GONE, StatusCode::GONE]);
}

#[tokio::test]
async fn head_neither_spends_a_single_use_link_nor_reveals_its_target() {
    for settings in [RESULT_PAGE, NO_RESULT_PAGE] {
        let site = Site::with(settings).await;
        let link = site.link(SINGLE_USE);
        for _ in 0..2 {
            let response = site.send(Request::head(&link).body(Body::empty()).unwrap()).await;
            assert_eq!((response.status, response.html.as_str()), (StatusCode::OK, ""));
            assert!(response.has_no_redirect(), "{response:?}");
        }
        assert!(!site.get(&link).await.has_no_redirect());
    }
}

#[tokio::test]
async fn only_a_valid_single_use_link_costs_a_write() {
    let site = Site::without_activity_table().await;
    assert_eq!(site.get(&site.link(APPROVED)).await.status, StatusCode::SEE_OTHER);
    let link = site.link(SINGLE_USE);
    assert_eq!(site.get(&format!("{link}A")).await.status, StatusCode::NOT_FOUND);
    let new: NewReturnLink = Draft::parse(SINGLE_USE.as_bytes()).unwrap().try_into().unwrap();
    let missing_project = ProjectId::new(site.clock.now(), &SystemRandom);
    let token = new.create(missing_project, 0, site.clock.now(), &SystemRandom).seal(&ring(), &SystemRandom);
    assert_eq!(site.get(&format!("/r/{token}")).await.status, StatusCode::NOT_FOUND);
    site.clock.advance(Duration::from_hours(1));
    assert_eq!(site.get(&link).await.status, StatusCode::GONE);
}

#[tokio::test]
async fn a_single_use_link_that_cannot_be_claimed_leads_nowhere() {
    let site = Site::without_activity_table().await;
    let response = site.get(&site.link(SINGLE_USE)).await;
    assert_eq!(response.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(response.has_no_redirect() && !response.html.contains("yourapp.com"), "{response:?}");
}

#[tokio::test]
async fn a_fault_before_the_claim_does_not_spend_the_link() {
    let site = Site::with(&NO_RESULT_PAGE.replace('}', r#","signed":true}"#)).await;
    let link = site.link(SINGLE_USE);
    assert_eq!(site.get(&link).await.status, StatusCode::SERVICE_UNAVAILABLE);
    site.issue_key(0).await;
    site.clock.advance(Duration::from_secs(30));
    assert_eq!(site.get(&link).await.status, StatusCode::SEE_OTHER);
}
