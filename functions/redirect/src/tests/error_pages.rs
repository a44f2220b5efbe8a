//! Error pages.

use axum::http::StatusCode;

use super::site::{DEVICE_REFUSED, NO_ERROR_CODE, NO_RESULT_PAGE, RESULT_PAGE, Site};

#[tokio::test]
async fn an_error_page_leads_back_by_button_only() {
    for settings in [RESULT_PAGE, NO_RESULT_PAGE] {
        let site = Site::with(settings).await;
        let page = site.get(&site.link(DEVICE_REFUSED)).await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(page.has_no_redirect() && page.html.contains("<code>DE-20000</code>"), "{page:?}");
        let location = "https://yourapp.com/done?userid=user123&#38;kycStatus=rejected&#38;errorCode=DE-20000";
        assert!(page.html.contains(&format!(r#"<a class="button" href="{location}">Go back</a>"#)), "{}", page.html);
    }
}

#[tokio::test]
async fn an_error_page_has_no_way_back_if_the_return_url_omits_the_error_code() {
    let site = Site::with(NO_ERROR_CODE).await;
    for path in [site.link(DEVICE_REFUSED), format!("/r/{}/error/DE-20000", site.project)] {
        let page = site.get(&path).await;
        assert!(page.has_no_redirect() && !page.html.contains("yourapp.com"), "{page:?}");
        assert!(page.html.contains("You can close this page now."), "{}", page.html);
    }
}

#[tokio::test]
async fn an_error_page_says_what_the_person_can_do() {
    let site = Site::with(RESULT_PAGE).await;
    for (code, language, title) in [
        ("service-blocked", "en", "Verification is paused at the moment"),
        ("LO-30005", "ko", "사진이 선명하지 않습니다"),
        ("TK-10001", "es", "Se ha agotado el tiempo"),
        ("QE-29999", "en", "Many people are verifying right now"),
        ("unheard-of", "ko", "문제가 발생했습니다"),
    ] {
        let page = site.get_in(language, &site.link(&format!(r#"{{"errorCode":"{code}"}}"#))).await;
        assert!(page.html.contains(&format!("<h1>{title}</h1>")), "{code}: {}", page.html);
        assert!(page.html.contains(&format!("<code>{code}</code>")), "{code}: {}", page.html);
    }
}

#[tokio::test]
async fn only_documented_codes_of_anonymous_callers_appear_in_urls_and_pages() {
    let protections = ["", r#","encryption":"aes-256-ecb""#, r#","encryption":"aes-256-gcm""#, r#","signed":true"#];
    for protection in protections {
        let site = Site::with(&RESULT_PAGE.replace('}', &format!("{protection}}}"))).await;
        site.issue_key(0).await;
        for code in ["DE-20000", "ER-001", "bad-path", "hash_problem"] {
            let page = site.get(&format!("/r/{}/error/{code}", site.project)).await;
            assert!(page.html.contains(r#"href="https://yourapp.com/done?"#), "{protection} {code}: {}", page.html);
            assert!(page.has_no_redirect() && page.html.contains(&format!("<code>{code}</code>")), "{page:?}");
        }
        // In AES-256-ECB, part of the last text would be a separate block.
        for text in ["call-0800-123456", "DE-200000", "DE-20", "de-20000", "Period", "xxxxxxxxuserid-admin00000000000"]
        {
            let page = site.get(&format!("/r/{}/error/{text}", site.project)).await;
            assert_eq!(page.status, StatusCode::OK, "{protection} {text}");
            assert!(page.has_no_redirect() && !page.html.contains("href=\"http"), "{protection} {text}: {page:?}");
            assert!(!page.html.contains(text) && !format!("{:?}", page.headers).contains(text), "{text}: {page:?}");
            assert!(page.html.contains("You can close this page now."), "{text}: {}", page.html);
        }
    }
}

#[tokio::test]
async fn an_error_page_without_a_link_reveals_nothing_about_the_person() {
    let site = Site::with(NO_RESULT_PAGE).await;
    let page = site.get(&format!("/r/{}/error/bad-path?userid=evil&kycStatus=approved", site.project)).await;
    assert!(page.has_no_redirect(), "{page:?}");
    let location = "https://yourapp.com/done?kycStatus=rejected&#38;errorCode=bad-path";
    assert!(page.html.contains(&format!(r#"href="{location}""#)) && !page.html.contains("evil"), "{}", page.html);
}
