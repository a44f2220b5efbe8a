//! Which requests lead to a page, and which settings a page uses.

use std::time::Duration;

use aws::store::ProjectReturnUrl;
use axum::body::Body;
use axum::http::header::{ALLOW, CONTENT_TYPE, LOCATION};
use axum::http::{Method, Request, StatusCode};
use domain::foundation::clock::Clock;
use domain::foundation::draft::Draft;
use domain::foundation::key_ring::KeyRing;
use domain::foundation::random::SystemRandom;
use domain::return_urls::return_link::NewReturnLink;

use super::site::{APPROVED, NO_RESULT_PAGE, RESULT_PAGE, Site, ring};

#[tokio::test]
async fn an_altered_or_forged_link_leads_nowhere() {
    let site = Site::with(NO_RESULT_PAGE).await;
    let good = site.link(APPROVED);
    let other_ring = KeyRing::from_json(&format!(r#"{{"current":"k1","k1":"{}"}}"#, "x".repeat(32))).unwrap();
    let new: NewReturnLink = Draft::parse(APPROVED.as_bytes()).unwrap().try_into().unwrap();
    let forged = new.create(site.project, 0, site.clock.now(), &SystemRandom).seal(&other_ring, &SystemRandom);
    for path in [format!("{good}A"), good[..good.len() - 1].to_owned(), format!("/r/{forged}"), "/r/x".to_owned()] {
        let page = site.get(&path).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{path}");
        assert!(page.has_no_redirect() && page.html.contains("This link does not work"), "{path}: {page:?}");
    }
}

#[tokio::test]
async fn an_expired_link_leads_nowhere() {
    let site = Site::with(NO_RESULT_PAGE).await;
    let link = site.link(APPROVED);
    site.clock.advance(Duration::from_hours(1));
    let page = site.get(&link).await;
    assert_eq!(page.status, StatusCode::GONE);
    assert!(page.has_no_redirect() && page.html.contains("This link has expired"), "{page:?}");
}

#[tokio::test]
async fn a_link_of_a_missing_project_leads_nowhere() {
    let (site, other) = (Site::with(NO_RESULT_PAGE).await, Site::with(NO_RESULT_PAGE).await);
    let page = site.get(&other.link(APPROVED)).await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
    assert!(page.has_no_redirect(), "{page:?}");
}

#[tokio::test]
async fn head_responds_like_get_without_a_body() {
    let site = Site::with(RESULT_PAGE).await;
    let request = |method| Request::builder().method(method).uri(site.link(APPROVED)).body(Body::empty()).unwrap();
    let (head, get) = (site.send(request(Method::HEAD)).await, site.send(request(Method::GET)).await);
    assert_eq!((head.status, head.html.as_str()), (StatusCode::OK, ""));
    assert_eq!(head.header(CONTENT_TYPE), get.header(CONTENT_TYPE));
}

#[tokio::test]
async fn other_methods_are_rejected() {
    let site = Site::with(RESULT_PAGE).await;
    let response = site.send(Request::post(site.link(APPROVED)).body(Body::empty()).unwrap()).await;
    assert_eq!(response.status, StatusCode::METHOD_NOT_ALLOWED);
    assert!(response.has_no_redirect() && response.header(ALLOW).contains("GET"), "{response:?}");
}

#[tokio::test]
async fn changed_settings_affect_older_links_within_30_seconds() {
    let site = Site::with(NO_RESULT_PAGE).await;
    let link = site.link(APPROVED);
    assert!(site.get(&link).await.header(LOCATION).starts_with("https://yourapp.com/done?"));

    site.set(&NO_RESULT_PAGE.replace("yourapp.com", "newapp.example")).await;
    site.clock.advance(Duration::from_secs(29));
    assert!(site.get(&link).await.header(LOCATION).starts_with("https://yourapp.com/done?"));
    site.clock.advance(Duration::from_secs(1));
    assert!(site.get(&link).await.header(LOCATION).starts_with("https://newapp.example/done?"));
}

#[tokio::test]
async fn a_link_uses_all_changes_made_before_it() {
    let site = Site::with(NO_RESULT_PAGE).await;
    let older = site.link(APPROVED);
    assert!(site.get(&older).await.header(LOCATION).starts_with("https://yourapp.com/done?userid="));

    // The settings are cached now. A link that was minted after encryption was enabled must not send plain fields.
    site.issue_key(0).await;
    site.set(&NO_RESULT_PAGE.replace('}', r#","encryption":"aes-256-gcm"}"#)).await;
    let newer = site.link(APPROVED);
    let location = site.get(&newer).await.header(LOCATION).to_owned();
    assert!(location.starts_with("https://yourapp.com/done?encrypted="), "{location}");
    // The settings that were read for the newer link also apply to the older one.
    assert!(site.get(&older).await.header(LOCATION).contains("?encrypted="));
}

#[tokio::test]
async fn a_url_verifies_even_if_the_cache_holds_an_older_key() {
    let site = Site::with(&NO_RESULT_PAGE.replace('}', r#","signed":true}"#)).await;
    site.issue_key(0).await;
    let older = site.link(APPROVED);
    site.get(&older).await;
    let replaced = site.issue_key(0).await;
    // Up to 30 seconds later, the cache still uses the first key for the older link.
    site.clock.advance(Duration::from_secs(29));
    for (link, must_use) in [(older, None), (site.link(APPROVED), Some(replaced))] {
        let location = site.get(&link).await.header(LOCATION).to_owned();
        let ProjectReturnUrl { settings, keys, .. } = site.stored().await;
        let now = site.clock.now();
        let verified = settings.unwrap().verify(&location, &keys.open_valid_at(now, &ring()).unwrap(), now, None);
        let key_id = verified.unwrap().key_id;
        assert!(must_use.is_none_or(|id| id == key_id));
    }
}

#[tokio::test]
async fn a_link_without_a_revision_uses_the_cache() {
    let site = Site::with(NO_RESULT_PAGE).await;
    let old = site.link_of(0, APPROVED);
    assert!(site.get(&old).await.header(LOCATION).starts_with("https://yourapp.com/done?"));
    site.set(&NO_RESULT_PAGE.replace("yourapp.com", "newapp.example")).await;
    assert!(site.get(&old).await.header(LOCATION).starts_with("https://yourapp.com/done?"));
}

#[tokio::test]
async fn a_link_works_after_the_table_was_restored_to_an_earlier_revision() {
    let site = Site::with(NO_RESULT_PAGE).await;
    let link = site.link_of(1000, APPROVED);
    for _ in 0..2 {
        assert!(site.get(&link).await.header(LOCATION).starts_with("https://yourapp.com/done?"));
    }
}

#[tokio::test]
async fn encrypted_and_signed_urls_use_the_key_of_the_project() {
    let site = Site::without_return_url().await;
    let protected = NO_RESULT_PAGE.replace('}', r#","encryption":"aes-256-gcm","signed":true}"#);
    site.set(&protected).await;
    let without_key = site.get(&site.link(APPROVED)).await;
    assert_eq!(without_key.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(without_key.has_no_redirect() && without_key.html.contains("Try again"), "{without_key:?}");

    let id = site.issue_key(0).await;
    site.clock.advance(Duration::from_secs(30));
    let response = site.get(&site.link(APPROVED)).await;
    let location = response.header(LOCATION);
    assert!(location.starts_with("https://yourapp.com/done?encrypted="), "{location}");
    assert!(location.contains(&format!("&kid={id}&ts=1795336230&nonce=")), "{location}");
    assert!(location.contains("&sig=v1,"), "{location}");
}

#[tokio::test]
async fn the_next_key_takes_over_at_its_scheduled_time() {
    let site = Site::with(&NO_RESULT_PAGE.replace('}', r#","encryption":"aes-256-gcm"}"#)).await;
    let (first, second) = (site.issue_key(0).await, site.issue_key(7).await);
    let link = |site: &Site| site.link(APPROVED);
    for (time, id) in [
        (Duration::ZERO, first),
        (Duration::from_hours(7 * 24) - Duration::from_secs(10), first),
        // The settings were cached ten seconds earlier. They contain the next key and its time.
        (Duration::from_secs(10), second),
    ] {
        site.clock.advance(time);
        let response = site.get(&link(&site)).await;
        assert!(response.header(LOCATION).ends_with(&format!("&kid={id}")), "{response:?}");
    }
}
