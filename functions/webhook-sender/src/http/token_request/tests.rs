use domain::webhooks::endpoint::ClientSecret;
use proptest::prelude::*;
use serde_json::json;

use super::*;

fn oauth2(fields: &Value, secret: &str) -> OpenedOauth2 {
    let mut stored =
        json!({"tokenUrl": "https://login.example/token", "clientId": "signpost", "clientSecret": "sealed"});
    stored.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    let client_secret = ClientSecret::try_from(secret.to_owned()).unwrap();
    OpenedOauth2 { stored: serde_json::from_value(stored).unwrap(), client_secret }
}

#[test]
fn with_basic_authentication_id_and_secret_are_form_encoded_and_only_in_the_header() {
    let oauth2 = oauth2(&json!({"clientId": "a b:c", "scope": "kyc.read kyc.write"}), "p+q %&=");
    let authorization = &headers(&oauth2)[AUTHORIZATION];
    assert!(authorization.is_sensitive());
    let expected = STANDARD.encode("a+b%3Ac:p%2Bq+%25%26%3D");
    assert_eq!(authorization.to_str().unwrap(), format!("Basic {expected}"));
    assert_eq!(body(&oauth2), "grant_type=client_credentials&scope=kyc.read+kyc.write");
}

#[test]
fn with_post_authentication_id_and_secret_are_only_in_the_body() {
    let oauth2 = oauth2(&json!({"clientAuthentication": "post", "audience": "https://api.example/"}), "p+q %&=");
    assert!(!headers(&oauth2).contains_key(AUTHORIZATION));
    let expected = "grant_type=client_credentials&audience=https%3A%2F%2Fapi.example%2F&client_id=signpost\
                    &client_secret=p%2Bq+%25%26%3D";
    assert_eq!(body(&oauth2), expected);
}

#[test]
fn a_token_becomes_a_sensitive_header() {
    let body = br#"{"access_token":"abc.DEF-_~+/=","token_type":"bEARER","expires_in":3600,"scope":"x"}"#;
    let IssuedToken { authorization, lifetime } = issued_token(200, body).unwrap();
    assert!(authorization.is_sensitive());
    assert_eq!((authorization.to_str().unwrap(), lifetime), ("Bearer abc.DEF-_~+/=", Duration::from_secs(3570)));
}

#[test]
fn an_answer_without_a_usable_token_is_invalid() {
    let token = |length: usize| json!({"access_token": "t".repeat(length), "token_type": "Bearer"}).to_string();
    assert!(issued_token(200, token(MAX_TOKEN).as_bytes()).is_ok());
    for body in [
        "",
        "<html>signed in</html>",
        "[]",
        r#"{"access_token":"t"}"#,
        r#"{"token_type":"Bearer"}"#,
        r#"{"access_token":"t","token_type":"mac"}"#,
        r#"{"access_token":"","token_type":"Bearer"}"#,
        r#"{"access_token":7,"token_type":"Bearer"}"#,
        r#"{"access_token":"a b","token_type":"Bearer"}"#,
        r#"{"access_token":"a\r\nx-evil: 1","token_type":"Bearer"}"#,
        r#"{"access_token":"tökén","token_type":"Bearer"}"#,
        r#"{"access_token":"t","token_type":"Bearer""#,
        &token(MAX_TOKEN + 1),
    ] {
        assert_eq!(issued_token(200, body.as_bytes()), Err((FailureReason::TokenInvalid, None)), "{body}");
    }
}

#[test]
fn of_a_refusal_only_the_error_code_is_kept() {
    let long = format!(r#"{{"error":"{}"}}"#, "e".repeat(MAX_ERROR + 1));
    for (status, body, expected) in [
        (401, r#"{"error":"invalid_client","error_description":"secret abc is wrong"}"#, Some("invalid_client")),
        (400, r#"{"error":"invalid_scope"}"#, Some("invalid_scope")),
        (400, r#"{"error":"not a code"}"#, None),
        (400, r#"{"error":"\u001b[31m"}"#, None),
        (400, r#"{"error":""}"#, None),
        (400, r#"{"error":{"code":"x"}}"#, None),
        (500, "<html>", None),
        (302, "", None),
        (201, r#"{"access_token":"t","token_type":"Bearer"}"#, None),
        (400, long.as_str(), None),
    ] {
        let expected = (FailureReason::TokenRefused, expected.map(str::to_owned));
        assert_eq!(issued_token(status, body.as_bytes()), Err(expected), "{body}");
    }
}

#[test]
fn a_token_is_used_until_shortly_before_it_expires_and_never_for_more_than_an_hour() {
    for (expires_in, expected_ms) in [
        (json!(3600), 3_570_000),
        (json!(60), 54_000),
        (json!("60"), 54_000),
        (json!(1), 900),
        (json!(86_400), 3_600_000),
        (json!(1e300), 3_600_000),
        (json!(0.9), 0),
        (json!(0), 0),
        (json!("0"), 0),
        (json!(-5), 0),
        (json!("soon"), 300_000),
        (json!("inf"), 300_000),
        (json!("NaN"), 300_000),
        (json!(null), 300_000),
        (json!([60]), 300_000),
    ] {
        assert_eq!(lifetime(&expires_in), Duration::from_millis(expected_ms), "{expires_in}");
    }
}

proptest! {
    #[test]
    fn reading_an_untrusted_answer_never_panics_and_keeps_only_short_visible_text(
        status in 100_u16..600,
        token in any::<String>(),
        kind in "[bB]earer|mac",
        expires_in in any::<f64>(),
        error in "\\PC{0,80}",
        cut in 0_usize..400,
    ) {
        let fields = json!({"access_token": token, "token_type": kind, "expires_in": expires_in, "error": error});
        let body = fields.to_string().into_bytes();
        for body in [&body[..], &body[..cut.min(body.len())], token.as_bytes()] {
            match issued_token(status, body) {
                Ok(IssuedToken { authorization, lifetime }) => {
                    prop_assert!(authorization.to_str().unwrap().strip_prefix("Bearer ").is_some_and(is_visible));
                    prop_assert!(lifetime <= MAX_LIFETIME && status == 200);
                }
                Err((FailureReason::TokenRefused, code)) => {
                    prop_assert!(code.is_none_or(|code| code.len() <= MAX_ERROR && is_visible(&code)));
                }
                Err((reason, code)) => prop_assert_eq!((reason, code), (FailureReason::TokenInvalid, None)),
            }
        }
    }
}

fn is_visible(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}
