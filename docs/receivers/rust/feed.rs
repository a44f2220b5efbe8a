//! Reads the feed of a project: every event once, oldest first, none left out. Copy this file; README.md lists the crates
//! that it needs.

use std::time::Duration;

use reqwest::header::RETRY_AFTER;
use reqwest::{Client, Response, StatusCode, Url};
use serde_json::Value;

/// Longest pause between two attempts while the API cannot be reached.
const MAX_PAUSE: Duration = Duration::from_mins(1);

/// Any error: of the API, of the storage, or of your own code.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// Where to read.
#[derive(Clone, Copy)]
pub struct Feed<'a> {
    /// URL of the API, without a slash at its end.
    pub api: &'a str,
    /// Id of the project.
    pub project: &'a str,
    /// API key with the scope `events:read`.
    pub key: &'a str,
    /// Seconds, up to 20, that the API waits for the first event.
    pub wait: u64,
    /// Events per page, up to 100.
    pub limit: u64,
}

/// What your program does with the feed.
pub trait Reader {
    /// Returns the stored cursor. `None` reads from the oldest event, `latest` from now.
    fn load(&mut self) -> Result<Option<String>, Error>;
    /// Stores the cursor durably.
    fn store(&mut self, cursor: &str) -> Result<(), Error>;
    /// Handles an event: `{id, type, submissionId?, sequence?, timestamp, data …}`.
    fn handle(&mut self, event: &Value) -> Result<(), Error>;
}

impl Feed<'_> {
    /// Handles all events after the stored cursor, and returns when there are no more. Call it again when a webhook arrives,
    /// and every minute; or in a loop with a `wait` of 20, which needs no webhooks.
    ///
    /// The cursor is stored after the events of a page were handled. After a crash, the last page comes again: drop known ids.
    pub async fn catch_up(self, client: &Client, reader: &mut impl Reader) -> Result<(), Error> {
        let mut after = reader.load()?;
        loop {
            let page = self.page(client, after.as_deref()).await?;
            let items = page["items"].as_array().ok_or("the page has no items")?;
            let cursor = page["cursor"].as_str().ok_or("the page has no cursor")?;
            for event in items {
                reader.handle(event)?;
            }
            if after.as_deref() != Some(cursor) {
                reader.store(cursor)?;
            }
            if page["hasMore"] != true {
                return Ok(());
            }
            after = Some(cursor.to_owned());
        }
    }

    /// Repeats a call that the API limits (429) or that fails for the moment. Fails if repeating cannot help.
    async fn page(self, client: &Client, after: Option<&str>) -> Result<Value, Error> {
        let mut url = Url::parse(&format!("{}/v1/projects/{}/feed", self.api, self.project))?;
        url.query_pairs_mut()
            .append_pair("limit", &self.limit.to_string())
            .append_pair("wait", &self.wait.to_string())
            .extend_pairs(after.map(|after| ("after", after)));
        let mut pause = Duration::from_secs(1);
        loop {
            let timeout = Duration::from_secs(self.wait + 30);
            let answer = client.get(url.clone()).header("x-api-key", self.key).timeout(timeout).send().await;
            let asked = match answer {
                Ok(response) if is_passing(response.status()) => retry_after(&response),
                Ok(response) if response.status().is_success() => match response.bytes().await {
                    Ok(body) => return Ok(serde_json::from_slice(&body)?),
                    Err(_) => None,
                },
                Ok(response) => return Err(format!("{}: {}", response.status(), response.text().await?).into()),
                // The network failed, which passes.
                Err(_) => None,
            };
            tokio::time::sleep(asked.unwrap_or(pause)).await;
            pause = (pause * 2).min(MAX_PAUSE);
        }
    }
}

fn is_passing(status: StatusCode) -> bool {
    status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error()
}

fn retry_after(response: &Response) -> Option<Duration> {
    let seconds = response.headers().get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}
