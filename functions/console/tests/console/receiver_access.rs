//! The settings of an endpoint for receivers that recognise the sender or limit webhooks: client credentials, a client certificate, the
//! pace and the handshake. The pages never contain a secret.

use domain::foundation::id::ProjectId;
use domain::foundation::key_ring::KeyRing;
use serde_json::{Value, json};

use crate::browser::Page;
use crate::console::TestConsole;
use crate::endpoints::Site;
use crate::fixture::{KEY_RING, key_ring};

const SECRET: &str = "hunter2";

const TOKEN_URL: &str = "https://login.example.com/token";

const CREDENTIALS: [(&str, &str); 6] = [
    ("oauth2.tokenUrl", TOKEN_URL),
    ("oauth2.clientId", "signpost"),
    ("oauth2.clientSecret", SECRET),
    ("oauth2.scope", "webhooks"),
    ("oauth2.audience", ""),
    ("oauth2.clientAuthentication", "post"),
];

/// A client certificate that expires on this day of December 2026, and its private key.
fn certificate(day: u8) -> (String, String) {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(rcgen::DnType::CommonName, "signpost <b>");
    params.not_after = rcgen::date_time_ymd(2026, 12, day);
    (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
}

/// An endpoint with every setting.
fn settings() -> Value {
    let (certificate, private_key) = certificate(31);
    json!({
        "pace": 600, "ownership": "handshake",
        "oauth2": {
            "tokenUrl": TOKEN_URL, "clientId": "signpost", "clientSecret": SECRET, "scope": "webhooks",
            "clientAuthentication": "post",
        },
        "clientCertificate": {"certificate": certificate, "privateKey": private_key},
    })
}

#[track_caller]
fn assert_has_no_secret(page: &Page) {
    assert!(!page.html.contains("hunter") && !page.html.contains("PRIVATE KEY"), "{}", page.text());
}

impl Site {
    /// The client secret and the private key as webhook-sender reads them.
    async fn stored_secrets(&self) -> (Option<String>, Option<String>) {
        let (project, ring): (ProjectId, KeyRing) = (self.console.project.id(), key_ring(KEY_RING));
        let stored = self.console.store.endpoints.list_now(project).await.unwrap().remove(0);
        let oauth2 = stored.oauth2.map(|oauth2| oauth2.open(project, &ring).unwrap().client_secret.expose().to_owned());
        (oauth2, stored.client_certificate.map(|certificate| certificate.open(project, &ring).unwrap().sha256))
    }
}

#[tokio::test]
async fn an_admin_adds_an_endpoint_with_all_settings_and_no_page_shows_a_secret() {
    let console = TestConsole::start().await;
    let mut browser = console.sign_in("admin").await;
    let form = browser.get("/endpoints/new").await;
    let (certificate, key) = certificate(31);
    let mut fields = CREDENTIALS.to_vec();
    fields.extend([
        ("url", "https://hooks.example.com/"),
        ("pace", " 600 "),
        ("ownership", "true"),
        ("clientCertificate.certificate", &certificate),
        ("clientCertificate.privateKey", &key),
    ]);
    let page = browser.submit(&form, "", &fields).await;
    assert!(page.says("prepare your server for the handshake, then make it"), "{}", page.text());
    assert_has_no_secret(&page);
    let [endpoint] = &*console.project.list("/endpoints").await else { panic!("not one endpoint") };
    let path = format!("/endpoints/{}", endpoint["id"].as_str().unwrap());
    assert_eq!(page.link(&format!("{path}/handshake")), format!("{path}/handshake"));
    let expected = json!({
        "tokenUrl": TOKEN_URL, "clientId": "signpost", "scope": "webhooks", "audience": null,
        "clientAuthentication": "post",
    });
    assert_eq!(
        (&endpoint["oauth2"], &endpoint["pace"], &endpoint["ownership"]),
        (&expected, &json!(600), &json!("handshake"))
    );
    let page = browser.get(&path).await;
    for said in [
        "handshake needed",
        "Pace at most 600 webhooks a minute",
        "Handshake not granted yet",
        "https://login.example.com/token Client ID: signpost Scope: webhooks",
        r"CN=signpost \<b\> Expires: 2026-12-31 00:00 UTC SHA-256: ",
        endpoint["clientCertificate"]["sha256"].as_str().unwrap(),
    ] {
        assert!(page.says(said), "{said}: {}", page.text());
    }
    assert!(!page.html.contains("<b\\>"), "{}", page.html);
    assert_has_no_secret(&page);
    for url in ["/endpoints", "/history", &format!("{path}/secrets")] {
        assert_has_no_secret(&browser.get(url).await);
    }
    let change = browser.get("/history/2").await;
    assert!(change.says("clientAuthentication: post, clientId: signpost, scope: webhooks, tokenUrl: https"));
    assert_has_no_secret(&change);
}

#[tokio::test]
async fn a_change_of_another_setting_keeps_what_was_set_with_the_api() {
    let mut site = Site::with(TestConsole::start().await, "admin", settings()).await;
    for role in ["admin", "developer"] {
        site.browser = site.console.sign_in(role).await;
        let (before, secrets) = (site.endpoint_now().await, site.stored_secrets().await);
        assert_eq!(secrets.0.as_deref(), Some(SECRET));
        let form = site.browser.get(&site.path).await;
        assert_has_no_secret(&form);
        let page = site.browser.submit(&form, &site.path, &[("description", role)]).await;
        assert!(page.says("Saved."), "{}", page.text());
        let mut expected = before;
        expected["description"] = role.into();
        assert_eq!((site.endpoint_now().await, site.stored_secrets().await), (expected, secrets));
        let last = &site.console.project.list("/audit").await[0]["changes"];
        assert_eq!(last.as_array().unwrap().len(), 1, "only the description changed: {last}");
    }
}

#[tokio::test]
async fn each_setting_is_changed_on_its_own() {
    let mut site = Site::with(TestConsole::start().await, "admin", settings()).await;
    let (certificate, key) = certificate(30);
    let before = site.stored_secrets().await;
    for (fields, member, expected) in [
        (&[("pace", "")][..], "pace", Value::Null),
        (&[("pace", "60000")], "pace", json!(60_000)),
        (&[("oauth2.scope", "")], "oauth2/scope", Value::Null),
        (&[("oauth2.audience", "api")], "oauth2/audience", json!("api")),
        (&[("oauth2.clientAuthentication", "basic")], "oauth2/clientAuthentication", json!("basic")),
        (&[("oauth2.clientSecret", "hunter3")], "oauth2/clientId", json!("signpost")),
        (
            &[("clientCertificate.certificate", &*certificate), ("clientCertificate.privateKey", &key)],
            "clientCertificate/expiresAt",
            json!("2026-12-30T00:00:00.000Z"),
        ),
    ] {
        let form = site.browser.get(&site.path).await;
        let page = site.browser.submit(&form, &site.path, fields).await;
        assert!(page.says("Saved."), "{fields:?}: {}", page.text());
        assert_has_no_secret(&page);
        assert_eq!(site.endpoint_now().await.pointer(&format!("/{member}")), Some(&expected), "{fields:?}");
    }
    let after = site.stored_secrets().await;
    assert_eq!(after.0.as_deref(), Some("hunter3"));
    assert!(after.1.is_some() && after.1 != before.1);
}

#[tokio::test]
async fn a_developer_removes_credentials_and_cannot_change_them() {
    let mut site = Site::with(TestConsole::start().await, "developer", settings()).await;
    let form = site.browser.get(&site.path).await;
    let (certificate, key) = certificate(30);
    for forged in [
        &[("oauth2.clientSecret", SECRET)][..],
        &[("oauth2.scope", "read")],
        &[("clientCertificate.certificate", &*certificate), ("clientCertificate.privateKey", &key)],
    ] {
        assert!(forged.iter().all(|(field, _)| !form.html.contains(&format!("name=\"{field}\""))), "{}", form.html);
        let page = site.browser.submit(&form, &site.path, forged).await;
        assert!(page.status == 403 && page.says("Your role does not allow this"), "{}", page.text());
    }
    let page = site.browser.submit(&form, &site.path, &[("url", "https://other.example.com/")]).await;
    assert!(page.error("oauth2").contains("or remove the credentials"), "{}", page.text());
    assert!(page.error("clientCertificate").contains("or remove the certificate"), "{}", page.text());
    let removed = [("oauth2.remove", "true"), ("clientCertificate.remove", "true")];
    let page = site.browser.submit(&page, &site.path, &removed).await;
    assert!(page.says("Saved."), "{}", page.text());
    assert_eq!(site.stored_secrets().await, (None, None));
    let page = site.browser.get(&site.path).await;
    assert!(!page.html.contains("name=\"oauth2.") && !page.html.contains("name=\"clientCertificate."), "{}", page.html);
    let new = site.browser.get("/endpoints/new").await;
    assert!(!new.html.contains("name=\"oauth2.") && new.says("Only admins set headers, an access token"));
}

#[tokio::test]
async fn a_secret_moves_to_another_host_only_if_it_is_entered_again() {
    let mut site = Site::with(TestConsole::start().await, "admin", settings()).await;
    let url = site.endpoint_now().await["url"].clone();
    for moved in [("url", "https://other.example.com/"), ("oauth2.tokenUrl", "https://other.example.com/token")] {
        let form = site.browser.get(&site.path).await;
        let page = site.browser.submit(&form, &site.path, &[moved]).await;
        let errors = [page.error("oauth2"), page.error("oauth2.clientSecret")].join("");
        assert!(page.status == 422 && errors.contains("enter the"), "{moved:?}: {}", page.text());
        let (certificate, key) = certificate(30);
        let again = [
            moved,
            ("oauth2.clientSecret", "hunter3"),
            ("clientCertificate.certificate", &certificate),
            ("clientCertificate.privateKey", &key),
        ];
        let page = site.browser.submit(&page, &site.path, &again).await;
        assert!(page.says("Saved."), "{moved:?}: {}", page.text());
        assert_eq!(site.stored_secrets().await.0.as_deref(), Some("hunter3"));
        let back = json!({
            "url": url, "oauth2": settings()["oauth2"], "clientCertificate": settings()["clientCertificate"],
        });
        site.endpoint.patch("", back).await.expect(200);
    }
}

#[tokio::test]
async fn incomplete_settings_are_named_at_their_fields_and_a_typed_secret_must_be_entered_again() {
    let console = TestConsole::start().await;
    let mut browser = console.sign_in("admin").await;
    let form = browser.get("/endpoints/new").await;
    let (own, other) = (certificate(31), certificate(31));
    for (fields, errors) in [
        (&[("oauth2.scope", "x")][..], &["oauth2.tokenUrl", "oauth2.clientId", "oauth2.clientSecret"][..]),
        (&[("oauth2.clientAuthentication", "post")], &["oauth2.tokenUrl", "oauth2.clientId", "oauth2.clientSecret"]),
        (&[("clientCertificate.certificate", &*own.0)], &["clientCertificate.privateKey"]),
        (
            &[("clientCertificate.certificate", &own.0), ("clientCertificate.privateKey", &other.1)],
            &["clientCertificate.privateKey"],
        ),
        (
            &[("clientCertificate.certificate", &own.1), ("clientCertificate.privateKey", &own.1)],
            &["clientCertificate.certificate", "clientCertificate.privateKey"],
        ),
        (&[("pace", "")], &[]),
        (&[("pace", "many"), ("oauth2.clientSecret", SECRET)], &["pace", "oauth2.tokenUrl", "oauth2.clientSecret"]),
    ] {
        // The URL is wrong, so that every form is refused.
        let page = browser.submit(&form, "", &[&[("url", "")], fields].concat()).await;
        assert_eq!(page.status, 422, "{fields:?}");
        for field in errors {
            assert!(!page.error(field).is_empty(), "{field} of {fields:?}: {}", page.text());
        }
        assert!(errors.iter().any(|field| field.contains('.')) == page.html.contains("<details open><summary id="));
        assert_has_no_secret(&page);
    }
    let private = [("url", "https://hooks.example.com/"), ("oauth2.tokenUrl", "https://private.example.com/")];
    let page = browser.submit(&form, "", &[&private, &CREDENTIALS[1..]].concat()).await;
    assert!(page.error("oauth2.tokenUrl").contains("not on the public internet"), "{}", page.text());
    let fields = [&CREDENTIALS[..], &[("url", "https://hooks.example.com/"), ("headers", "authorization: x")]].concat();
    let page = browser.submit(&form, "", &fields).await;
    assert_eq!(page.error("oauth2"), "Cannot be combined with the header authorization.");
    assert_eq!(page.error("oauth2.clientSecret"), "Must be entered again, because secrets are never shown.");
    let page = browser.submit(&page, "", &[("headers", ""), ("oauth2.clientSecret", SECRET)]).await;
    assert!(page.says("The endpoint was added"), "{}", page.text());
}

#[tokio::test]
async fn what_is_wrong_with_a_certificate_or_its_key_is_said_in_every_language() {
    let console = TestConsole::start().await;
    let (own, other) = (certificate(31), certificate(31));
    let damaged = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----";
    for language in ["ko", "es"] {
        let (mut browser, _) = console.sign_in_with("admin", json!({"language": language})).await;
        let form = browser.get("/endpoints/new").await;
        for (certificate, key, field) in [
            (damaged, &*own.1, "clientCertificate.certificate"),
            (&own.0.repeat(6), &own.1, "clientCertificate.certificate"),
            (&[&*own.0, &own.1].concat(), &own.1, "clientCertificate.certificate"),
            (&own.0, &other.1, "clientCertificate.privateKey"),
        ] {
            let pasted = [("clientCertificate.certificate", certificate), ("clientCertificate.privateKey", key)];
            let page = browser.submit(&form, "", &[&[("url", "https://a.example/")], &pasted[..]].concat()).await;
            assert!(page.status == 422 && !page.error(field).is_empty(), "{field}: {}", page.text());
            assert!(!page.html.contains(r#"-error" lang="en""#), "{language} {}", page.error(field));
            assert_has_no_secret(&page);
        }
    }
}

#[tokio::test]
async fn a_certificate_that_expires_soon_has_a_warning_in_every_language() {
    let (certificate, key) = certificate(1);
    let settings = json!({"clientCertificate": {"certificate": certificate, "privateKey": key}});
    let site = Site::with(TestConsole::start().await, "viewer", settings).await;
    for (language, warning) in [
        ("en", "The client certificate has expired or expires within 30 days."),
        ("ko", "클라이언트 인증서가 만료되었거나 30일 안에 만료됩니다."),
        ("es", "El certificado de cliente ha caducado o caduca en menos de 30 días."),
    ] {
        let (mut browser, _) = site.console.sign_in_with("viewer", json!({"language": language})).await;
        let page = browser.get(&site.path).await;
        assert!(page.says(warning), "{}", page.text());
    }
}
