//! Reverting changes of endpoints, field by field.

use domain::webhooks::endpoint::EndpointField;
use serde_json::{Value, json};

use crate::fixture::TestApi;
use crate::receiver_access::{certificate, oauth2};

/// A value that differs from the default. A new field does not compile until it has one.
fn new_value(field: EndpointField) -> Value {
    match field {
        EndpointField::Url => json!("https://two.example.com/"),
        EndpointField::Description => json!("CRM"),
        EndpointField::EventTypes => json!(["approved"]),
        EndpointField::Headers => json!({"x-new": "1"}),
        EndpointField::Format => json!("argos"),
        EndpointField::Payload => json!("thin"),
        EndpointField::Encryption => json!("aes-256-gcm"),
        EndpointField::Signatures => json!(["v1", "v1a"]),
        EndpointField::Ordered => json!(true),
        EndpointField::Pace => json!(60),
        EndpointField::Ownership => json!("handshake"),
        EndpointField::Oauth2 => oauth2(),
        EndpointField::ClientCertificate => certificate(),
    }
}

#[tokio::test]
async fn a_change_of_every_endpoint_field_can_be_reverted() {
    let (_api, project) = TestApi::with_project().await;
    // Encryption needs a key.
    project.post("/return-url/keys", "{}").await.expect(201);
    let endpoint = project.create_endpoint().await;
    let original = endpoint.get("").await.expect(200);
    for field in EndpointField::ALL {
        let changed = endpoint.patch("", json!({field.as_str(): new_value(field)})).await.expect(200);
        assert_ne!(changed[field.audit_name()], original[field.audit_name()], "{field} was not changed");
        let entry = &project.list("/audit?limit=1").await[0];
        assert_eq!(entry["changes"][0]["field"], field.audit_name());

        let reverted = project.post(&format!("/audit/{}/revert", entry["number"]), "").await.expect(200);
        assert_eq!(reverted, original, "{field} was not reverted");
    }
}

#[tokio::test]
async fn a_change_of_several_endpoint_fields_is_reverted_in_one_call() {
    let (_api, project) = TestApi::with_project().await;
    project.post("/return-url/keys", "{}").await.expect(201);
    let endpoint = project.create_endpoint().await;
    let original = endpoint.get("").await.expect(200);
    // The format and the payload of `new_value` exclude each other.
    let fields = EndpointField::ALL.into_iter().filter(|field| *field != EndpointField::Payload);
    let change = Value::Object(fields.map(|field| (field.to_string(), new_value(field))).collect());
    endpoint.patch("", change).await.expect(200);
    let number = &project.list("/audit?limit=1").await[0]["number"];
    assert_eq!(project.post(&format!("/audit/{number}/revert"), "").await.expect(200), original);
}

#[tokio::test]
async fn a_revert_does_not_send_header_values_to_another_origin() {
    let (_api, project) = TestApi::with_project().await;
    let endpoint = project.create_endpoint().await;
    endpoint.patch("", json!({"url": "https://two.example.com/"})).await.expect(200);
    let number = project.list("/audit?limit=1").await[0]["number"].clone();
    endpoint.patch("", json!({"headers": {"authorization": "Bearer hunter2"}})).await.expect(200);
    let refused = project.post(&format!("/audit/{number}/revert"), "").await;
    assert_eq!(refused.bad_fields(), ["/headers/authorization"]);
    assert_eq!(endpoint.get("").await.body["url"], "https://two.example.com/");

    endpoint.patch("", json!({"headers": null})).await.expect(200);
    project.post(&format!("/audit/{number}/revert"), "").await.expect(200);
}
