//! Return URLs: their settings, their keys, return links, and the verification of received URLs.

use std::time::Duration;

use domain::foundation::clock::Clock as _;
use domain::foundation::random::SystemRandom;
use domain::return_urls::return_link::ReturnLink;
use domain::return_urls::{KycStatus, Outcome, ReturnUrlSettings, Verification};
use serde_json::{Value, json};

use crate::client::{Client, Resource};
use crate::fixture::{KEY_RING, NOW, TestApi, UNKNOWN_ID, key_ring, now};

const DAY: Duration = Duration::from_hours(24);

/// Settings without encryption and signature.
fn plain() -> Value {
    json!({"url": "https://argosidentity.com", "fields": ["errorCode", "kycStatus"]})
}

/// The codes of a response's warnings.
fn warnings(settings: &Value) -> Vec<&str> {
    settings["warnings"].as_array().unwrap().iter().map(|warning| warning["code"].as_str().unwrap()).collect()
}

/// Settings that need a secretKey.
fn protected() -> Value {
    let mut settings = plain();
    (settings["encryption"], settings["signed"]) = (json!("aes-256-gcm"), json!(true));
    settings
}

async fn issue_key(project: &Client, body: Value) -> Resource {
    project.create("/return-url/keys", body).await
}

/// The URL that an approved person's browser would be sent to now.
async fn location(api: &TestApi, project: &Resource) -> String {
    let stored = api.store.return_urls.get_now(project.id()).await.unwrap().unwrap();
    let key = stored.keys.current_at(api.clock.now()).unwrap().open(&key_ring(KEY_RING)).unwrap();
    let approved = Verification::without_person(Outcome::Result(KycStatus::Approved));
    let location = stored.settings.unwrap().location(&approved, Some(&key), api.clock.now(), &SystemRandom);
    location.unwrap().as_str().to_owned()
}

/// Creates a return link. Returns the content of its token and the response.
async fn mint(project: &Client, outcome: Value) -> (ReturnLink, Value) {
    let link = project.post("/return-links", outcome).await.expect(201);
    let token = link["url"].as_str().unwrap().strip_prefix("https://return.example/r/").unwrap();
    (ReturnLink::open(token, &key_ring(KEY_RING), now()).unwrap(), link)
}

#[tokio::test]
async fn a_return_url_is_set_read_previewed_and_deleted() {
    let (_api, project) = TestApi::with_project().await;
    let mut settings = json!({
        "url": "https://argosidentity.com", "fields": ["kycStatus", "errorCode"], "skipResultPage": false,
        "encryption": "none", "signed": false, "allowAppScheme": false,
    });
    project.get("/return-url").await.expect(404);
    project.get("/return-url/preview").await.expect(404);
    let set = project.put("/return-url", plain()).await.expect(200);
    assert_eq!(warnings(&set), ["unsigned", "unbound"]);
    settings["warnings"] = set["warnings"].clone();
    assert_eq!(set, settings);
    assert_eq!(project.get("/return-url").await.expect(200), settings);
    let preview = json!({
        "url": "https://argosidentity.com?kycStatus={kycStatus}&errorCode={errorCode}",
        "resultUrl": "https://argosidentity.com?kycStatus={kycStatus}",
        "errorUrl": "https://argosidentity.com?kycStatus=rejected&errorCode={errorCode}",
        "warnings": set["warnings"],
    });
    assert_eq!(project.get("/return-url/preview").await.expect(200), preview);
    project.delete("/return-url").await.expect(204);
    project.get("/return-url").await.expect(404);
}

#[tokio::test]
async fn settings_are_previewed_without_being_stored() {
    let (_api, project) = TestApi::with_project().await;
    let signed = json!({"url": "https://acme.example/done", "fields": ["userid"], "signed": true});
    let preview = json!({
        "url": "https://acme.example/done?userid={userid}&ts={ts}&nonce={nonce}&sig={sig}",
        "resultUrl": "https://acme.example/done?userid={userid}&ts={ts}&nonce={nonce}&sig={sig}",
        "warnings": [],
    });
    assert_eq!(project.post("/return-url/preview", signed).await.expect(200), preview);
    let bad = project.post("/return-url/preview", json!({"url": "http://acme.example", "fields": ["age"]})).await;
    assert_eq!((bad.problem().0, bad.bad_fields()), (422, vec!["/url", "/fields/0"]));
    project.get("/return-url").await.expect(404);
}

#[tokio::test]
async fn settings_with_bad_fields_are_not_stored() {
    let (_api, project) = TestApi::with_project().await;
    let bad = json!({"url": "javascript:alert(1)", "fields": ["userId"], "allowAppScheme": true, "colour": "red"});
    assert_eq!(project.put("/return-url", bad).await.bad_fields(), ["/url", "/fields/0", "/colour"]);
    project.get("/return-url").await.expect(404);
}

#[tokio::test]
async fn settings_of_unprotected_urls_have_warnings_and_of_protected_urls_have_none() {
    let (_api, project) = TestApi::with_project().await;
    issue_key(&project, json!({})).await;
    for (encryption, signed, expected) in [
        ("none", false, vec!["unsigned"]),
        ("aes-256-ecb", false, vec!["unsigned"]),
        ("aes-256-gcm", false, vec![]),
        ("none", true, vec![]),
        ("aes-256-ecb", true, vec![]),
    ] {
        let settings = json!({"url": "https://a.example", "fields": ["userid", "kycStatus"], "encryption": encryption, "signed": signed});
        let set = project.put("/return-url", settings).await.expect(200);
        assert_eq!(warnings(&set), expected, "{encryption} {signed}");
        assert_eq!(project.get("/return-url").await.expect(200), set);
    }
    let entries = project.list("/audit").await;
    assert!(!json!(entries).to_string().contains("warnings"), "warnings are not settings");
}

#[tokio::test]
async fn only_reverse_dns_and_allowed_app_schemes_are_accepted() {
    let (_api, project) = TestApi::with_project().await;
    let with = |url: &str| json!({"url": url, "fields": ["userid"], "allowAppScheme": true});
    // The deployment of the tests allows `yourapp`.
    for url in ["com.example.app:/done", "yourapp://done"] {
        project.put("/return-url", with(url)).await.expect(200);
    }
    let before = project.get("/return-url").await.expect(200);
    for url in ["ms-msdt:/id", "search-ms:query", "smb://host/x", "shell:startup", "itms-services://x", "otherapp:x"] {
        assert_eq!(project.put("/return-url", with(url)).await.bad_fields(), ["/url"], "{url}");
    }
    assert_eq!(project.get("/return-url").await.expect(200), before);
}

#[tokio::test]
async fn a_stored_app_scheme_that_is_no_longer_accepted_loads_with_a_warning() {
    let (api, project) = TestApi::with_project().await;
    let stored: ReturnUrlSettings = serde_json::from_value(json!({
        "url": "otherapp://done", "fields": ["userid"], "skipResultPage": false, "encryption": "none", "signed": false,
        "allowAppScheme": true,
    }))
    .unwrap();
    api.store.return_urls.put(project.id(), &stored).await.unwrap();
    let shown = project.get("/return-url").await.expect(200);
    assert_eq!((&shown["url"], warnings(&shown)), (&json!("otherapp://done"), vec!["unsigned", "app-scheme"]));
    mint(&project, json!({"kycStatus": "approved"})).await;
}

#[tokio::test]
async fn encryption_and_signature_need_a_key_that_is_shown_once() {
    let (_api, project) = TestApi::with_project().await;
    assert_eq!(project.put("/return-url", protected()).await.bad_fields(), ["/encryption", "/signed"]);

    let key = issue_key(&project, json!({})).await;
    assert_eq!(key.string("secretKey").len(), 32);
    let shown = project.put("/return-url", protected()).await.expect(200);
    assert_eq!(shown["encryption"], "aes-256-gcm");
    assert!(!shown.to_string().contains(key.string("secretKey")));
}

#[tokio::test]
async fn a_new_key_without_an_overlap_replaces_the_old_one() {
    let (api, project) = TestApi::with_project().await;
    issue_key(&project, json!({})).await;
    api.clock.advance(Duration::from_millis(1));
    let second = issue_key(&project, json!({})).await;
    let stored = api.store.return_urls.get_now(project.id()).await.unwrap().unwrap();
    let after_a_minute = api.clock.now().plus(Duration::from_mins(1));
    assert_eq!((stored.keys.valid_at(api.clock.now()).count(), stored.keys.valid_at(after_a_minute).count()), (2, 1));
    let current = stored.keys.current_at(api.clock.now()).unwrap().open(&key_ring(KEY_RING)).unwrap();
    assert_eq!(current.id.to_string(), second.string("id"));
    assert_eq!(current.key.expose(), second.string("secretKey"));
}

#[tokio::test]
async fn a_new_key_with_an_overlap_is_listed_and_becomes_current_later() {
    let (api, project) = TestApi::with_project().await;
    let first = project.post("/return-url/keys", "").await.expect(201);
    assert_eq!((&first["activeFrom"], &first["createdAt"]), (&json!(NOW), &json!(NOW)));
    let second = issue_key(&project, json!({"overlapDays": 7})).await.created;
    assert_eq!(second["activeFrom"], "2026-11-29T08:30:00.000Z");
    let view = |key: &Value, state: &str| json!({"id": key["id"], "state": state, "createdAt": key["createdAt"], "activeFrom": key["activeFrom"], "broughtAlong": false});
    let ending = |key: &Value, state: &str| {
        let mut view = view(key, state);
        view["validUntil"] = json!("2026-11-30T08:30:00.000Z");
        view
    };
    assert_eq!(project.list("/return-url/keys").await, [view(&second, "next"), ending(&first, "current")]);
    api.clock.advance(7 * DAY);
    assert_eq!(project.list("/return-url/keys").await, [view(&second, "current"), ending(&first, "previous")]);
    api.clock.advance(DAY);
    assert_eq!(project.list("/return-url/keys").await, [view(&second, "current")]);
}

#[tokio::test]
async fn a_project_has_at_most_one_next_key_which_can_be_activated_or_deleted() {
    let (_api, project) = TestApi::with_project().await;
    let first = issue_key(&project, json!({})).await;
    let deleted = issue_key(&project, json!({"overlapDays": 30})).await;
    let third = project.post("/return-url/keys", json!({"overlapDays": 1})).await;
    assert_eq!(third.problem(), (409, "next-key-exists"));
    assert_eq!(first.delete("").await.problem(), (409, "key-in-use"));
    deleted.delete("").await.expect(204);
    deleted.delete("").await.expect(404);

    let second = issue_key(&project, json!({"overlapDays": 30})).await;
    for _ in 0..2 {
        let activated = second.post("/activate", "{}").await.expect(200);
        assert_eq!((&activated["state"], &activated["activeFrom"]), (&json!("current"), &json!(NOW)));
    }
    assert_eq!(first.post("/activate", "").await.problem(), (409, "key-replaced"));
    let emergency = issue_key(&project, json!({"overlapDays": 0})).await;
    let listed = project.list("/return-url/keys").await;
    assert_eq!(listed[0]["id"], emergency.created["id"]);
    assert!(listed[1..].iter().all(|key| key["validUntil"] == "2026-11-22T08:31:00.000Z"), "{listed:?}");
}

#[tokio::test]
async fn a_request_for_a_key_with_bad_fields_is_rejected() {
    let (_api, project) = TestApi::with_project().await;
    let refused = project.post("/return-url/keys", json!({"overlapDays": 31, "days": 1})).await;
    assert_eq!(refused.bad_fields(), ["/overlapDays", "/days"]);
    project.delete("/return-url/keys/nonsense").await.expect(404);
}

#[tokio::test]
async fn concurrent_requests_for_keys_leave_one_current_key_that_was_shown() {
    let (_api, project) = TestApi::with_project().await;
    for _ in 0..5 {
        let issue = || project.post("/return-url/keys", "{}");
        let responses: [_; 3] = tokio::join!(issue(), issue(), issue()).into();
        for refused in responses.iter().filter(|response| response.status != 201) {
            assert_eq!(refused.body["type"], "/problems/changed-meanwhile");
        }
        let mut shown = responses.iter().filter(|response| response.status == 201).map(|key| &key.body["id"]);
        let listed = project.list("/return-url/keys").await;
        assert_eq!(listed.iter().filter(|key| key["state"] == "current").count(), 1);
        assert!(shown.any(|id| *id == listed[0]["id"]), "{listed:?}");
    }
}

#[tokio::test]
async fn a_supplied_key_is_shown_once_and_marked_in_the_audit_log() {
    const KEY: &str = "4fGk9QzX2mBt7LwRs8VcYp3HnJd6TaEe";
    let (api, project) = TestApi::with_project().await;
    let key = issue_key(&project, json!({"secretKey": KEY})).await;
    assert_eq!((key.string("secretKey"), &key.created["broughtAlong"]), (KEY, &json!(true)));
    let stored = api.store.return_urls.get_now(project.id()).await.unwrap().unwrap();
    let current = stored.keys.current_at(api.clock.now()).unwrap().open(&key_ring(KEY_RING)).unwrap();
    assert_eq!(current.key.expose(), KEY);

    assert_eq!(project.list("/return-url/keys").await[0]["broughtAlong"], json!(true));
    let entries = json!(project.list("/audit").await);
    assert!(entries[0]["changes"].to_string().contains("broughtAlong"), "{entries}");
    assert!(!entries.to_string().contains(KEY));
    assert_eq!(issue_key(&project, json!({"overlapDays": 1})).await.created["broughtAlong"], json!(false));
}

#[tokio::test]
async fn a_supplied_key_that_is_malformed_easy_to_guess_or_in_use_is_rejected() {
    let (_api, project) = TestApi::with_project().await;
    let refused = async |key: Value| {
        let response = project.post("/return-url/keys", json!({"secretKey": key})).await;
        assert_eq!(response.bad_fields(), ["/secretKey"]);
        response.text
    };
    for key in ["A".repeat(32), "password".repeat(4), "4fGk9QzX2mBt7LwRs8VcYp3HnJd6Ta".to_owned()] {
        assert!(!refused(json!(key)).await.contains(&key), "errors do not repeat a key");
    }
    assert!(!refused(json!(3_141_592_653_u64)).await.contains("314159"));
    assert!(project.list("/return-url/keys").await.is_empty());

    let used = issue_key(&project, json!({})).await;
    assert!(!refused(json!(used.string("secretKey"))).await.contains(used.string("secretKey")));
    assert_eq!(project.list("/return-url/keys").await.len(), 1);
}

#[tokio::test]
async fn deleting_a_key_does_not_revive_one_that_has_ended() {
    let (api, project) = TestApi::with_project().await;
    let first = issue_key(&project, json!({})).await;
    let second = issue_key(&project, json!({"overlapDays": 1})).await;
    api.clock.advance(DAY);
    issue_key(&project, json!({"overlapDays": 30})).await;
    api.clock.advance(30 * DAY);
    second.delete("").await.expect(204);
    let listed = project.list("/return-url/keys").await;
    assert!(listed.len() == 1 && listed[0]["id"] != first.created["id"], "{listed:?}");
}

#[tokio::test]
async fn a_link_carries_the_revision_of_the_change_before_it() {
    let (_api, project) = TestApi::with_project().await;
    let revision = async || mint(&project, json!({"kycStatus": "approved"})).await.0.revision;
    let before = revision().await;
    project.put("/return-url", plain()).await.expect(200);
    let with_url = revision().await;
    issue_key(&project, json!({})).await;
    assert_eq!((with_url, revision().await), (before + 1, before + 2));
    project.delete("/return-url").await.expect(204);
    assert_eq!(revision().await, before + 3);
}

#[tokio::test]
async fn a_link_with_a_return_url_above_4096_bytes_is_rejected() {
    let (_api, project) = TestApi::with_project().await;
    let wide = "한".repeat(450);
    let outcome = json!({"kycStatus": "approved", "userid": "user123", "cf1": wide});
    mint(&project, outcome.clone()).await;
    let all = json!({"url": "https://a.example", "fields": ["userid", "kycStatus", "cf1"]});
    project.put("/return-url", all.clone()).await.expect(200);
    let refused = project.post("/return-links", outcome.clone()).await;
    assert_eq!(refused.bad_fields(), ["/cf1"]);
    assert!(!refused.text.contains(&wide) && refused.text.contains("4096"), "{}", refused.text);

    // The same fields fit if they are encrypted, or if the URL does not carry them.
    issue_key(&project, json!({})).await;
    for (field, value) in [("encryption", json!("aes-256-gcm")), ("fields", json!(["userid"]))] {
        let mut settings = all.clone();
        settings[field] = value;
        project.put("/return-url", settings).await.expect(200);
        mint(&project, outcome.clone()).await;
    }
}

#[tokio::test]
async fn a_received_url_is_verified_with_every_key_that_is_not_deleted() {
    let (api, project) = TestApi::with_project().await;
    let first = issue_key(&project, json!({})).await;
    project.put("/return-url", protected()).await.expect(200);
    let verify = async |body: Value| project.post("/return-url/verify", body).await.expect(200);
    let url = location(&api, &project).await;
    let valid = json!({
        "valid": true, "fields": {"kycStatus": "approved"}, "signedAt": NOW, "keyId": first.created["id"],
        "nonce": url.split_once("&nonce=").unwrap().1.split_once('&').unwrap().0,
    });
    assert_eq!(verify(json!({"url": url})).await, valid);

    let second = issue_key(&project, json!({"overlapDays": 1})).await;
    assert_eq!(verify(json!({"url": url})).await, valid);
    second.post("/activate", "").await.expect(200);
    assert_eq!(verify(json!({"url": url})).await, valid);
    api.clock.advance(Duration::from_secs(1));
    assert_eq!(verify(json!({"url": url, "maxAgeSeconds": 1})).await, valid);
    api.clock.advance(Duration::from_millis(1));
    for (body, reason) in [
        (json!({"url": url, "maxAgeSeconds": 1}), "expired"),
        (json!({"url": url.replace("sig=v1,", "sig=v1,A")}), "signature"),
        (json!({"url": url.replace("&ts=", "&userid=x&ts=")}), "malformed"),
        (json!({"url": url.replace("argosidentity", "evil")}), "other-url"),
        (json!({"url": url.split_once("&ts=").unwrap().0}), "not-signed"),
    ] {
        assert_eq!(verify(body.clone()).await, json!({"valid": false, "reason": reason}), "{body}");
    }
    first.delete("").await.expect(204);
    assert_eq!(verify(json!({"url": url})).await, json!({"valid": false, "reason": "signature"}));
}

#[tokio::test]
async fn verifying_a_url_has_its_own_scope() {
    let (_api, project) = TestApi::with_project().await;
    project.post("/return-url/verify", json!({"url": "https://argosidentity.com"})).await.expect(404);
    project.put("/return-url", plain()).await.expect(200);
    for (scope, expected) in
        [("return:verify", 200), ("deliveries:read", 403), ("links:write", 403), ("settings:read", 403)]
    {
        let url = json!({"url": "https://argosidentity.com?kycStatus=approved"});
        let response = project.with_scopes(&[scope]).await.post("/return-url/verify", url).await;
        assert_eq!(response.status, expected, "{scope} {}", response.text);
    }
    let refused = project.post("/return-url/verify", json!({"maxAgeSeconds": 86401})).await;
    assert_eq!(refused.bad_fields(), ["/url", "/maxAgeSeconds"]);
}

#[tokio::test]
async fn a_link_is_single_use_if_requested() {
    let (_api, project) = TestApi::with_project().await;
    for single_use in [true, false] {
        let (link, _) = mint(&project, json!({"kycStatus": "approved", "singleUse": single_use})).await;
        assert_eq!(link.single_use.is_some(), single_use);
    }
}

#[tokio::test]
async fn a_link_belongs_to_its_project_and_expires_when_requested() {
    let (_api, project) = TestApi::with_project().await;
    let outcome = json!({"kycStatus": "approved", "userid": "user123", "expiresInSeconds": 600});
    let (link, response) = mint(&project, outcome).await;
    assert_eq!(response["expiresAt"], "2026-11-22T08:40:00.000Z");
    assert_eq!(link.project_id, project.id());
}

#[tokio::test]
async fn a_link_needs_exactly_one_outcome_and_an_existing_project() {
    let (api, project) = TestApi::with_project().await;
    assert_eq!(project.post("/return-links", json!({"userid": "user123"})).await.bad_fields(), ["/kycStatus"]);
    let unknown = api.at(&format!("/v1/projects/{UNKNOWN_ID}"));
    unknown.post("/return-links", json!({"kycStatus": "approved"})).await.expect(404);
    unknown.put("/return-url", plain()).await.expect(404);
    unknown.post("/return-url/keys", "{}").await.expect(404);
    unknown.get("/return-url").await.expect(404);
}
