//! Reads that take seconds: one at a time per project, and each counts as several calls.

use std::time::Duration;

use aws::queue::testing::Verdict;
use serde_json::{Value, json};

use crate::client::{Client, Response};
use crate::fixture::{Options, TestApi};

/// The day on which the projects of the tests are created.
const REPORT: &str = "/reports/2026-11-22";

async fn dry_run(project: &Client) -> Response {
    let range = json!({"from": "2026-11-21T08:30:00Z", "to": "2026-11-22T08:30:00Z", "dryRun": true});
    project.post("/replays", range).await
}

#[tokio::test]
async fn a_project_has_one_slow_read_at_a_time() {
    let (api, project) = TestApi::with_project().await;
    let other = api.create_project().await;
    // Holds the query for the project's endpoints, which the report needs.
    let mut query = api.queue.catch("endpoint#");
    let (running, ()) = tokio::join!(project.get(REPORT), async {
        query.is_there().await;
        for refused in [project.get(REPORT).await, dry_run(&project).await] {
            assert_eq!(refused.problem(), (429, "slow-read-running"));
            assert_eq!(refused.header("retry-after"), "5");
        }
        other.get(REPORT).await.expect(200);
        project.get("/deliveries").await.expect(200);
        query.end(Verdict::Pass);
    });
    running.expect(200);
    dry_run(&project).await.expect(200);
    project.get(REPORT).await.expect(200);
}

#[tokio::test]
async fn an_aborted_slow_read_blocks_the_next_one_for_twelve_seconds() {
    let (api, project) = TestApi::with_project().await;
    let now = crate::fixture::now();
    let lease = api.store.quotas.begin_slow_read(project.id(), "died".to_owned(), now).await.unwrap();
    assert!(lease.is_some());
    assert_eq!(project.get(REPORT).await.problem(), (429, "slow-read-running"));
    api.clock.advance(Duration::from_secs(12));
    project.get(REPORT).await.expect(200);
}

#[tokio::test]
async fn a_rejected_or_failed_slow_read_does_not_block_the_next_one() {
    let api = TestApi::start_with(&Options { report_timeout: Duration::from_millis(1), ..Options::default() }).await;
    let project = api.create_project().await;
    project.get("/reports/2026-11-23").await.expect(422);
    let _query = api.queue.catch("endpoint#");
    assert_eq!(project.get(REPORT).await.problem(), (422, "report-too-large"));
    dry_run(&project).await.expect(200);
}

#[tokio::test]
async fn a_slow_read_counts_as_ten_calls() {
    let api = TestApi::start_with(&Options { rate_limit: 25, ..Options::default() }).await;
    let project = api.create_project().await;
    let customer = project.with_new_key(json!({"name": "server"})).await;
    let remaining = |response: &Response| response.header("ratelimit").to_owned();
    assert_eq!(remaining(&customer.get("").await), "\"key\";r=24;t=10");
    assert_eq!(remaining(&customer.get(REPORT).await), "\"key\";r=14;t=10");
    assert_eq!(remaining(&dry_run(&customer).await), "\"key\";r=4;t=10");
    // A key with few calls left or with a low limit can still start a slow read.
    assert_eq!(remaining(&customer.get(REPORT).await), "\"key\";r=0;t=10");
    assert_eq!(customer.get("").await.problem(), (429, "too-many-calls"));
}

#[tokio::test]
async fn a_check_of_a_webhook_counts_as_ten_calls() {
    let api = TestApi::start_with(&Options { rate_limit: 15, ..Options::default() }).await;
    let project = api.create_project().await;
    let endpoint = project.create_endpoint().await;
    let customer = project.with_new_key(json!({"name": "server"})).await;
    let path = format!("/endpoints/{}/verify", endpoint.string("id"));
    let check = || customer.post(&path, json!({"headers": "", "body": ""}));
    assert_eq!(check().await.header("ratelimit"), "\"key\";r=5;t=10");
    assert_eq!(check().await.header("ratelimit"), "\"key\";r=0;t=10");
    assert_eq!(check().await.problem(), (429, "too-many-calls"));
}

#[tokio::test]
async fn calls_for_other_projects_count_against_the_rate_limit() {
    let api = TestApi::start_with(&Options { rate_limit: 3, ..Options::default() }).await;
    let (project, foreign) = (api.create_project().await, api.create_project().await);
    let customer = project.with_new_key(json!({"name": "server"})).await;
    let intruder = foreign.with_key(customer.key());
    let mut problems: Vec<Value> = Vec::new();
    for _ in 0..4 {
        problems.push(intruder.get("").await.body["type"].clone());
    }
    assert_eq!(problems[..3], ["/problems/forbidden", "/problems/forbidden", "/problems/forbidden"]);
    assert_eq!(problems[3], "/problems/too-many-calls");
    assert_eq!(customer.get("").await.problem(), (429, "too-many-calls"));
}
