//! Result pages.

use axum::http::StatusCode;
use axum::http::header::{CONTENT_LANGUAGE, CONTENT_TYPE, LOCATION, REFRESH};

use super::site::{APPROVED, DEVICE_REFUSED, NO_RESULT_PAGE, RESULT_PAGE, Site};

#[tokio::test]
async fn a_result_page_leads_back_by_button_or_after_5_seconds() {
    let site = Site::with(RESULT_PAGE).await;
    let page = site.get(&site.link(APPROVED)).await;
    assert_eq!((page.status, page.header(CONTENT_TYPE)), (StatusCode::OK, "text/html; charset=utf-8"));
    assert!(page.html.contains("<h1>You are verified</h1>"), "{}", page.html);
    assert!(page.html.contains("아고스 &#38; Sons"), "{}", page.html);
    let location = "https://yourapp.com/done?userid=user123&#38;kycStatus=approved";
    assert_eq!(page.header(REFRESH), "5; url=https://yourapp.com/done?userid=user123&kycStatus=approved");
    assert!(page.html.contains(&format!(r#"<a class="button timed" href="{location}">OK</a>"#)), "{}", page.html);
    assert!(!page.html.contains("<script") && !page.html.contains(" style="), "{}", page.html);
}

#[tokio::test]
async fn each_result_is_shown_in_the_language_of_the_browser() {
    let site = Site::with(RESULT_PAGE).await;
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
async fn a_person_who_chooses_to_stay_is_not_redirected() {
    let site = Site::with(RESULT_PAGE).await;
    let page = site.get(&format!("{}?stay=1", site.link(APPROVED))).await;
    assert!(page.has_no_redirect(), "{page:?}");
    assert!(page.html.contains(r#"<a class="button" href="https://yourapp.com/done?"#), "{}", page.html);
}

#[tokio::test]
async fn without_a_result_page_the_browser_is_redirected_immediately() {
    let site = Site::with(NO_RESULT_PAGE).await;
    for path in [site.link(APPROVED), format!("{}?stay=1", site.link(APPROVED))] {
        let response = site.get(&path).await;
        assert_eq!(response.status, StatusCode::SEE_OTHER);
        assert_eq!(response.header(LOCATION), "https://yourapp.com/done?userid=user123&kycStatus=approved");
        assert_eq!(response.html, "");
    }
}

#[tokio::test]
async fn a_project_without_a_return_url_still_shows_the_outcome() {
    let site = Site::without_return_url().await;
    for body in [APPROVED, DEVICE_REFUSED] {
        let page = site.get(&site.link(body)).await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(page.has_no_redirect() && page.html.contains("You can close this page now."), "{page:?}");
        assert!(!page.html.contains("<a "), "{}", page.html);
    }
}

#[tokio::test]
async fn a_page_has_the_colour_of_the_project_logo() {
    let site = Site::new(r##"{"name":"Acme","logoColor":"#FFE600"}"##).await;
    let page = site.get(&site.link(APPROVED)).await;
    assert!(page.html.contains("--brand: #ffe600; --button: #ffe600; --button-ink: #000000;"), "{}", page.html);
    assert!(!Site::with(RESULT_PAGE).await.get("/nothing").await.html.contains("--brand: #"));
}
