//! Whatever a request contains, a person is sent only to the return URL of the project, and no header can be injected.

use axum::body::Body;
use axum::http::header::{
    CONTENT_LANGUAGE, COOKIE, FORWARDED, HOST, LOCATION, ORIGIN, REFERER, REFRESH, SET_COOKIE, VARY,
};
use axum::http::{HeaderName, HeaderValue, Request, StatusCode, Uri};
use domain::foundation::draft::Draft;
use domain::return_urls::return_link::NewReturnLink;

use super::site::{APPROVED, NO_RESULT_PAGE, RESULT_PAGE, Site};

const TARGET: &str = "https://yourapp.com/done?userid=user123&kycStatus=approved";

#[tokio::test]
async fn only_stay_1_stops_the_countdown_and_no_query_changes_its_target() {
    let site = Site::with(RESULT_PAGE).await;
    let link = site.link(APPROVED);
    for (query, stays) in [
        ("stay=1", true),
        ("x=y&stay=1", true),
        ("stay=0&stay=1", true),
        ("stay=1&url=//evil.example", true),
        ("STAY=1", false),
        ("Stay=1", false),
        ("stay=%31", false),
        ("stay=11", false),
        ("stay", false),
        ("xstay=1", false),
        ("url=https://evil.example&URL=https://evil.example", false),
        ("refresh=0;url=https://evil.example", false),
        ("userid=evil&USERID=evil&userid=evil", false),
        ("kycStatus=rejected&kycStatus=approved", false),
        ("%0d%0arefresh:0;url=//evil.example", false),
        ("stay=1%0d%0aset-cookie:a=b", false),
        ("\\\\evil.example", false),
        ("@evil.example", false),
    ] {
        let page = site.get(&format!("{link}?{query}")).await;
        assert_eq!(page.status, StatusCode::OK, "{query}");
        assert_eq!(page.has_no_redirect(), stays, "{query}");
        if !stays {
            assert_eq!(page.header(REFRESH), format!("5; url={TARGET}"), "{query}");
        }
        assert!(!page.html.contains("evil") && !page.headers.contains_key(SET_COOKIE), "{query}: {page:?}");
    }
}

#[tokio::test]
async fn a_token_with_anything_added_leads_nowhere() {
    let site = Site::with(NO_RESULT_PAGE).await;
    let link = site.link(APPROVED);
    let token = link.strip_prefix("/r/").unwrap();
    for path in [
        format!("{link}/"),
        format!("{link}//evil.example"),
        format!("{link}/../../evil.example"),
        format!("{link}%2f%2fevil.example"),
        format!("{link}%0d%0alocation:%20https:%2f%2fevil.example"),
        format!("{link}%0a%09refresh:%200"),
        format!("{link}%00"),
        format!("{link}%e2%80%a8"),
        format!("{link}%5cevil.example"),
        format!("{link};https://evil.example"),
        format!("{link}@evil.example"),
        format!("{link}=="),
        format!("{link}."),
        format!("/R/{token}"),
        format!("/r//{token}"),
        format!("/r/r/{token}"),
        format!("/r/.{token}"),
        format!("/r/{}", token.to_lowercase()),
        format!("/r/{}", token.to_uppercase()),
        format!("/r/{}", token.replace('.', "..")),
        format!("/r/{}", token.replace('.', "%252e")),
        format!("{link}{}", "A".repeat(60_000)),
        format!("/r/{}", "AZqp.".repeat(10_000)),
    ] {
        let page = site.get(&path).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{path}");
        assert!(page.has_no_redirect() && !page.html.contains("evil"), "{path}: {page:?}");
        assert!(!page.headers.contains_key(SET_COOKIE), "{path}");
    }
}

#[tokio::test]
async fn a_url_in_the_path_leads_nowhere() {
    let site = Site::with(NO_RESULT_PAGE).await;
    for target in [
        "/r/https://evil.example",
        "/r/https:%2f%2fevil.example",
        "/r//evil.example",
        "/r/%2f%2fevil.example",
        "/r/\\\\evil.example",
        "/r/%5c%5cevil.example",
        "/r/https:evil.example",
        "/r/javascript:alert(1)",
        "/r/JavaScript%3aalert(1)",
        "/r/%09javascript:alert(1)",
        "/r/data:text%2fhtml,evil",
        "/r/user:password@evil.example",
        "/\\evil.example",
        "/%5cevil.example",
        "///evil.example/%2e%2e",
        "/%2f%2fevil.example",
        "/.evil.example",
        "/@evil.example",
    ] {
        let page = site.send(Request::get(target.parse::<Uri>().unwrap()).body(Body::empty()).unwrap()).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{target}");
        assert!(page.has_no_redirect() && !page.html.contains("evil"), "{target}: {page:?}");
    }
}

#[tokio::test]
async fn a_header_changes_neither_the_target_nor_the_page() {
    let (plain, skipping) = (Site::with(RESULT_PAGE).await, Site::with(NO_RESULT_PAGE).await);
    let names = [
        HOST,
        FORWARDED,
        ORIGIN,
        REFERER,
        COOKIE,
        HeaderName::from_static("x-forwarded-host"),
        HeaderName::from_static("x-forwarded-proto"),
        HeaderName::from_static("x-forwarded-prefix"),
        HeaderName::from_static("x-original-url"),
        HeaderName::from_static("x-rewrite-url"),
        HeaderName::from_static("x-http-method-override"),
    ];
    for name in names {
        for value in ["evil.example", "https://evil.example/", "user@evil.example:1", "javascript:evil", "POST"] {
            let with = |path: &str| {
                let request = Request::get(path).header(&name, value).header(&name, "two.evil.example");
                request.body(Body::empty()).unwrap()
            };
            assert_eq!(skipping.send(with(&skipping.link(APPROVED))).await.header(LOCATION), TARGET, "{name}: {value}");
            let page = plain.send(with(&plain.link(APPROVED))).await;
            assert_eq!(page.header(REFRESH), format!("5; url={TARGET}"), "{name}: {value}");
            assert!(!format!("{page:?}").contains("evil"), "{name}: {value}: {page:?}");
        }
    }
}

#[tokio::test]
async fn only_the_path_of_an_absolute_request_target_counts() {
    let site = Site::with(NO_RESULT_PAGE).await;
    let target = format!("https://user:password@evil.example:8443{}", site.link(APPROVED));
    let response = site.send(Request::get(target).body(Body::empty()).unwrap()).await;
    assert_eq!(response.header(LOCATION), TARGET);
}

#[tokio::test]
async fn a_malformed_accept_language_still_gets_a_page() {
    let site = Site::with(RESULT_PAGE).await;
    let link = site.link(APPROVED);
    let many = "ko;q=0.1,".repeat(5_000);
    for (header, expected) in [
        (b"ko\xff\xfe".as_slice(), "en"),
        ("한국어".as_bytes(), "en"),
        (b"ko<script>", "en"),
        (b"ko%0d%0aset-cookie:a=b", "en"),
        (b"../ko", "en"),
        (b"ko;q=1e9,es", "es"),
        (b"ko;q=-1,es;q=0.001", "es"),
        (b"ko\t;\tq=1", "ko"),
        (many.as_bytes(), "ko"),
    ] {
        let value = HeaderValue::from_bytes(header).unwrap();
        let page = site.send(Request::get(&link).header("accept-language", value).body(Body::empty()).unwrap()).await;
        assert_eq!((page.status, page.header(CONTENT_LANGUAGE)), (StatusCode::OK, expected), "{header:?}");
        assert_eq!(page.header(VARY), "accept-language");
        assert!(!page.html.contains("<script") && !page.headers.contains_key(SET_COOKIE), "{page:?}");
    }
    assert!(HeaderValue::from_bytes(b"ko\r\nx-injected: 1").is_err(), "a header value cannot contain a line break");
}

#[tokio::test]
async fn a_value_of_the_person_cannot_break_out_of_its_parameter() {
    let (plain, skipping) = (Site::with(RESULT_PAGE).await, Site::with(NO_RESULT_PAGE).await);
    for userid in [
        "https://evil.example",
        "//evil.example",
        "javascript:alert(1)",
        "%0d%0aset-cookie:a=b",
        "a&kycStatus=rejected&url=//evil.example",
        "a#//evil.example",
        "a; url=//evil.example",
        "a, 0; url='//evil.example'",
        "\\\"><script>alert(1)</script>",
        "\\\\evil.example\\\\",
        "\u{2028}\u{202e}한글 🎉",
    ] {
        let body = format!(r#"{{"kycStatus":"approved","userid":"{userid}"}}"#);
        let location = skipping.send(Request::get(skipping.link(&body)).body(Body::empty()).unwrap()).await;
        let location = location.header(LOCATION).to_owned();
        let value = location.strip_prefix("https://yourapp.com/done?userid=").unwrap();
        let value = value.strip_suffix("&kycStatus=approved").unwrap();
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~%".contains(&byte);
        assert!(value.bytes().all(is_plain), "{userid}: {value}");

        let page = plain.get(&plain.link(&body)).await;
        assert_eq!(page.header(REFRESH), format!("5; url={location}"), "{userid}");
        assert!(!page.html.contains("<script") && !page.headers.contains_key(SET_COOKIE), "{userid}: {page:?}");
    }
}

#[tokio::test]
async fn a_value_with_a_control_character_is_never_sealed() {
    for value in [r"a\r\nset-cookie: b=c", r"a\nb", r"a\u0000", r"a\u0085b"] {
        let body = format!(r#"{{"kycStatus":"approved","cf1":"{value}"}}"#);
        assert!(NewReturnLink::try_from(Draft::parse(body.as_bytes()).unwrap()).is_err(), "{value}");
    }
}

#[tokio::test]
async fn a_request_cannot_choose_the_target_of_the_redirect() {
    let site = Site::with(NO_RESULT_PAGE).await;
    let link = site.link(APPROVED);
    let expected = "https://yourapp.com/done?userid=user123&kycStatus=approved";
    for query in [
        "?url=https://evil.example",
        "?stay=//evil.example",
        "?kycStatus=approved&kycStatus=rejected",
        "?%0d%0alocation:%20https://evil.example",
        "?return=javascript:alert(1)",
    ] {
        let response = site.get(&format!("{link}{query}")).await;
        assert_eq!(response.header(LOCATION), expected, "{query}");
    }
    let request = Request::get(&link).header("host", "evil.example").header("x-forwarded-host", "evil.example");
    assert_eq!(site.send(request.body(Body::empty()).unwrap()).await.header(LOCATION), expected);
}

#[tokio::test]
async fn an_unknown_or_malformed_path_gets_the_not_found_page() {
    let site = Site::with(NO_RESULT_PAGE).await;
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
        assert!(page.has_no_redirect() && page.html.contains("<h1>"), "{path}: {page:?}");
        assert!(!page.html.contains("evil") && !page.html.contains("<script"), "{path}: {page:?}");
        assert!(page.headers.get("set-cookie").is_none(), "{path}");
    }
}
