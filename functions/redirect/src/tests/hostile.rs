//! Whatever a request says, people are sent to the project's own return URL or nowhere, and no header is anybody else's.

use axum::http::header::{CONTENT_LANGUAGE, COOKIE, FORWARDED, HOST, ORIGIN, REFERER, SET_COOKIE, VARY};
use axum::http::{HeaderName, HeaderValue, Uri};

use super::*;

const HOME: &str = "https://yourapp.com/done?userid=user123&kycStatus=approved";

#[tokio::test]
async fn only_a_whole_stay_1_ends_the_countdown_and_no_query_moves_it() {
    let site = Site::with(PLAIN).await;
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
        assert_eq!(page.stays(), stays, "{query}");
        if !stays {
            assert_eq!(page.header(REFRESH), format!("5; url={HOME}"), "{query}");
        }
        assert!(!page.html.contains("evil") && !page.headers.contains_key(SET_COOKIE), "{query}: {page:?}");
    }
}

#[tokio::test]
async fn a_token_with_anything_more_leads_nowhere() {
    let site = Site::with(SKIPPING).await;
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
        assert!(page.stays() && !page.html.contains("evil"), "{path}: {page:?}");
        assert!(!page.headers.contains_key(SET_COOKIE), "{path}");
    }
}

#[tokio::test]
async fn addresses_in_the_path_lead_nowhere() {
    let site = Site::with(SKIPPING).await;
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
        assert!(page.stays() && !page.html.contains("evil"), "{target}: {page:?}");
    }
}

#[tokio::test]
async fn no_header_changes_where_people_go_or_what_they_see() {
    let (plain, skipping) = (Site::with(PLAIN).await, Site::with(SKIPPING).await);
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
            assert_eq!(skipping.send(with(&skipping.link(APPROVED))).await.header(LOCATION), HOME, "{name}: {value}");
            let page = plain.send(with(&plain.link(APPROVED))).await;
            assert_eq!(page.header(REFRESH), format!("5; url={HOME}"), "{name}: {value}");
            assert!(!format!("{page:?}").contains("evil"), "{name}: {value}: {page:?}");
        }
    }
}

#[tokio::test]
async fn an_address_with_a_host_of_its_own_is_read_for_its_path_alone() {
    let site = Site::with(SKIPPING).await;
    let target = format!("https://user:password@evil.example:8443{}", site.link(APPROVED));
    let answer = site.send(Request::get(target).body(Body::empty()).unwrap()).await;
    assert_eq!(answer.header(LOCATION), HOME);
}

#[tokio::test]
async fn strange_languages_are_answered_in_one_of_ours() {
    let site = Site::with(PLAIN).await;
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
    assert!(HeaderValue::from_bytes(b"ko\r\nx-injected: 1").is_err(), "no header can hold the end of a line");
}

#[tokio::test]
async fn what_is_known_of_a_person_stays_a_value() {
    let (plain, skipping) = (Site::with(PLAIN).await, Site::with(SKIPPING).await);
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
async fn person_values_with_the_end_of_a_line_are_never_sealed() {
    for value in [r"a\r\nset-cookie: b=c", r"a\nb", r"a\u0000", r"a\u0085b"] {
        let body = format!(r#"{{"kycStatus":"approved","cf1":"{value}"}}"#);
        assert!(NewReturnLink::try_from(Draft::parse(body.as_bytes()).unwrap()).is_err(), "{value}");
    }
}
