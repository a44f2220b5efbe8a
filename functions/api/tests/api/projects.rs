//! Deleting a project.

use aws::store::testing::SETTINGS;
use domain::foundation::draft::Draft;
use domain::foundation::id::{ApiKeyId, NotificationUserId};
use domain::foundation::random::SystemRandom;
use domain::projects::api_key::ProjectKey;
use domain::reports::notification_user::NewNotificationUser;
use serde_json::json;

use crate::fixture::{TestApi, now};

#[tokio::test]
async fn a_project_at_all_its_limits_can_be_deleted() {
    let (api, project) = TestApi::with_project().await;
    let store = &api.store;
    project.post("/return-url/keys", "{}").await.expect(201);
    project.put("/return-url", json!({"url": "https://app.example/done", "fields": []})).await.expect(200);
    let endpoint = json!({"url": "https://hooks.example.com/", "signatures": ["v1a"]});
    for _ in 0..10 {
        project.post("/endpoints", &endpoint).await.expect(201);
    }
    let new_user: NewNotificationUser =
        Draft::parse(br#"{"name":"Ada","email":"ada@acme.example"}"#).unwrap().try_into().unwrap();
    for _ in 0..50 {
        let id = NotificationUserId::new(now(), &SystemRandom);
        store.users.put(&new_user.clone().create(id, project.id())).await.unwrap();
    }
    // More keys than the limit allows, so that the rows of the project do not fit into one transaction.
    project.create("/api-keys", json!({"name": "server"})).await;
    let key = store.api_keys.list(project.id()).await.unwrap().pop().unwrap();
    for _ in 0..120 {
        let id = ApiKeyId::new(now(), &SystemRandom);
        store.api_keys.put(&ProjectKey { id, ..key.clone() }).await.unwrap();
    }
    project.delete("").await.expect(204);
    project.get("").await.expect(404);
    let left = api.store.dump(SETTINGS).await;
    assert!(!left.contains("\"project#") && !left.contains("\"api-keys#"), "rows are left");
}
