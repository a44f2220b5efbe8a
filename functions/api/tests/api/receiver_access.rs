//! How Signpost authenticates to receivers, and how many webhooks they get: client credentials, client certificates and the pace.

use serde_json::{Value, json};

use crate::client::{Resource, Response};
use crate::fixture::TestApi;

/// Client credentials.
pub(crate) fn oauth2() -> Value {
    json!({
        "tokenUrl": "https://login.example.com/token", "clientId": "signpost", "clientSecret": "hunter2", "scope": "webhooks",
    })
}

/// A certificate in PEM with its key.
pub(crate) fn certificate() -> Value {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(rcgen::DnType::CommonName, "signpost");
    params.not_after = rcgen::date_time_ymd(2026, 12, 1);
    json!({"certificate": params.self_signed(&key).unwrap().pem(), "privateKey": key.serialize_pem()})
}

/// Reverts the last change of a project.
async fn revert_last(project: &Resource) -> Response {
    let last = project.list("/audit").await[0]["number"].clone();
    project.post(&format!("/audit/{last}/revert"), "").await
}

#[tokio::test]
async fn secrets_of_the_receiver_are_stored_and_never_returned() {
    let (_api, project) = TestApi::with_project().await;
    let (certificate, url) = (certificate(), "https://hooks.example.com/");
    let settings = json!({"url": url, "pace": 60, "oauth2": oauth2(), "clientCertificate": certificate});
    let endpoint = project.create("/endpoints", settings).await;
    let shown = endpoint.get("").await.expect(200);
    assert_eq!(
        shown["oauth2"],
        json!({
            "tokenUrl": "https://login.example.com/token", "clientId": "signpost", "scope": "webhooks", "audience": null,
            "clientAuthentication": "basic",
        })
    );
    let facts = &shown["clientCertificate"];
    assert_eq!(
        (&facts["expiresAt"], facts["sha256"].as_str().unwrap().len()),
        (&json!("2026-12-01T00:00:00.000Z"), 64)
    );
    assert_eq!(shown["warnings"][0]["code"], "client-certificate-expires");
    assert_eq!(shown["pace"], 60);
    endpoint.patch("", json!({"oauth2": {"clientSecret": "hunter3"}})).await.expect(200);
    let seen =
        [endpoint.created.clone(), shown, project.list("/endpoints").await.into(), project.list("/audit").await.into()];
    for seen in seen.map(|seen| seen.to_string()) {
        assert!(!seen.contains("hunter") && !seen.contains("PRIVATE"), "a secret is in a response");
    }
    let changes = &project.list("/audit").await[0]["changes"];
    assert_eq!(*changes, json!([{"field": "oauth2/clientSecret", "secret": true}]));
}

#[tokio::test]
async fn secrets_of_the_receiver_need_a_permission() {
    let (_api, project, endpoint) = TestApi::with_endpoint().await;
    let writer = project.with_scopes(&["settings:write", "settings:read"]).await;
    let path = format!("/endpoints/{}", endpoint.string("id"));
    for settings in [json!({"oauth2": oauth2()}), json!({"clientCertificate": certificate()})] {
        writer.patch(&path, settings.clone()).await.expect(403);
        let mut new = json!({"url": "https://hooks.example.com/"});
        new.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
        writer.post("/endpoints", new).await.expect(403);
    }
    endpoint.patch("", json!({"oauth2": oauth2(), "clientCertificate": certificate()})).await.expect(200);
    writer.patch(&path, json!({"oauth2": {"scope": "everything"}})).await.expect(403);
    let moved = writer.patch(&path, json!({"url": "https://evil.example/"})).await;
    assert_eq!(moved.bad_fields(), ["/oauth2", "/clientCertificate"]);
    for settings in [json!({"oauth2": null, "clientCertificate": null}), json!({"pace": 5, "ownership": "handshake"})] {
        writer.patch(&path, settings).await.expect(200);
    }
}

#[tokio::test]
async fn bad_settings_are_named_and_change_nothing() {
    let (_api, _project, endpoint) = TestApi::with_endpoint().await;
    let before = endpoint.get("").await.expect(200);
    let mut other = certificate();
    other["privateKey"] = certificate()["privateKey"].clone();
    for (change, pointers) in [
        (json!({"pace": 0, "ownership": "dns"}), vec!["/pace", "/ownership"]),
        (json!({"pace": 60_001}), vec!["/pace"]),
        (json!({"pace": "60"}), vec!["/pace"]),
        (json!({"oauth2": {"clientId": "x"}}), vec!["/oauth2/tokenUrl", "/oauth2/clientSecret"]),
        (json!({"oauth2": {"tokenUrl": "http://login.example.com/"}}), vec!["/oauth2/tokenUrl"]),
        (json!({"oauth2": {"tokenUrl": "https://api.signpost.example.com/"}}), vec!["/oauth2/tokenUrl"]),
        (json!({"clientCertificate": {}}), vec!["/clientCertificate/certificate", "/clientCertificate/privateKey"]),
        (json!({"clientCertificate": other}), vec!["/clientCertificate/privateKey"]),
    ] {
        assert_eq!(endpoint.patch("", change.clone()).await.bad_fields(), pointers, "{change}");
    }
    assert_eq!(endpoint.get("").await.expect(200), before);
}

#[tokio::test]
async fn a_change_of_the_receivers_settings_can_be_reverted_unless_it_removed_a_secret() {
    let (_api, project, endpoint) = TestApi::with_endpoint().await;
    endpoint.patch("", json!({"pace": 60})).await.expect(200);
    assert_eq!(revert_last(&project).await.expect(200)["pace"], Value::Null);
    endpoint.patch("", json!({"oauth2": oauth2(), "clientCertificate": certificate()})).await.expect(200);
    endpoint.patch("", json!({"oauth2": {"scope": "other", "audience": "x"}})).await.expect(200);
    let reverted = revert_last(&project).await.expect(200);
    assert_eq!((&reverted["oauth2"]["scope"], &reverted["oauth2"]["audience"]), (&json!("webhooks"), &Value::Null));
    for removed in [json!({"oauth2": null}), json!({"clientCertificate": null})] {
        endpoint.patch("", removed).await.expect(200);
        assert_eq!(revert_last(&project).await.problem(), (409, "not-revertible"));
    }
    endpoint.patch("", json!({"oauth2": oauth2()})).await.expect(200);
    assert_eq!(revert_last(&project).await.expect(200)["oauth2"], Value::Null);
}
