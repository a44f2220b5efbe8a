//! A fake SQS, SES and Lambda in front of a test database. It keeps what is sent to them and forwards all other calls.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::io::{self, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::Aws;
use crate::store::testing::Database;
use domain::webhooks::delivery::SendMessage;

/// Fake queues whose messages the test reads.
#[derive(Debug)]
pub struct FakeQueue {
    aws: Aws,
    sent: Sent,
    snare: Snare,
    calls: Arc<AtomicUsize>,
    server: JoinHandle<()>,
}

type Sent = Arc<Mutex<Vec<Kept>>>;

/// Selects the next request to hold.
type Snare = Arc<Mutex<Option<Hold>>>;

#[derive(Debug)]
struct Hold {
    text: String,
    caught: oneshot::Sender<()>,
    verdict: oneshot::Receiver<Verdict>,
}

/// A request to the database that is held back.
#[derive(Debug)]
pub struct Caught {
    caught: oneshot::Receiver<()>,
    verdict: oneshot::Sender<Verdict>,
}

/// How a held request continues.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is forwarded to the database.
    Pass,
    /// It fails, and the client does not retry it.
    Refuse,
}

impl Caught {
    /// Waits until a request is held.
    pub async fn is_there(&mut self) {
        (&mut self.caught).await.expect("such a request is made");
    }

    /// Decides how the request continues. It may not have arrived yet.
    pub fn end(self, verdict: Verdict) {
        self.verdict.send(verdict).expect("the queue runs on");
    }
}

/// A sent message: queue URL, body and delay.
#[derive(Debug)]
struct Kept {
    queue_url: String,
    body: String,
    delay: Duration,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SendMessageBatch {
    queue_url: String,
    entries: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ReceiveMessage {
    queue_url: String,
    max_number_of_messages: usize,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DeleteMessageBatch {
    entries: Vec<Deletion>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Deletion {
    id: String,
    receipt_handle: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    id: String,
    message_body: String,
    delay_seconds: u64,
}

/// A request, split at the start of its body.
struct Request {
    head: String,
    body: Vec<u8>,
}

/// The name under which [`FakeQueue::take_from`] returns mails.
pub const MAILS: &str = "mails";

/// The name under which [`FakeQueue::take_from`] returns received messages that were deleted.
pub const DELETED: &str = "deleted";

/// What the names of queues begin with whose messages were [offered](FakeQueue::offer).
const OFFERED: &str = "offered/";

/// The name under which [`FakeQueue::take_from`] returns the events of started invocations.
pub const INVOCATIONS: &str = "invocations";

impl FakeQueue {
    /// Starts on a free port of this machine.
    pub async fn in_front_of(database: &Database) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let (sent, snare, behind) = (Sent::default(), Snare::default(), database.address().to_owned());
        let calls = Arc::new(AtomicUsize::new(0));
        let (kept, held, counted) = (Arc::clone(&sent), Arc::clone(&snare), Arc::clone(&calls));
        let server = tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                let (kept, held, counted) = (Arc::clone(&kept), Arc::clone(&held), Arc::clone(&counted));
                tokio::spawn(serve(connection, behind.clone(), kept, held, counted));
            }
        });
        Self { aws: Aws::local(format!("http://{address}")), sent, snare, calls, server }
    }

    /// Number of requests that were forwarded to the database since the start.
    pub fn database_calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }

    /// Puts messages into the queue whose URL ends with `name`, for callers that receive from it. A message is received once.
    pub fn offer(&self, name: &str, bodies: impl IntoIterator<Item = String>) {
        let queue_url = format!("{OFFERED}{name}");
        let offered = bodies.into_iter().map(|body| Kept { queue_url: queue_url.clone(), body, delay: Duration::ZERO });
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).extend(offered);
    }

    /// The clients' connection to the fake services and the database.
    pub fn aws(&self) -> &Aws {
        &self.aws
    }

    /// Holds the next request to the database whose body contains `text`.
    pub fn catch(&self, text: &str) -> Caught {
        let ((caught, is_caught), (verdict, is_judged)) = (oneshot::channel(), oneshot::channel());
        let hold = Hold { text: text.to_owned(), caught, verdict: is_judged };
        *self.snare.lock().unwrap_or_else(PoisonError::into_inner) = Some(hold);
        Caught { caught: is_caught, verdict }
    }

    /// Returns and removes the messages of the send queue, whose URL ends with `send`: in order, each with its delay.
    pub fn take(&self) -> Vec<(SendMessage, Duration)> {
        self.take_from("send")
    }

    /// Returns and removes the messages of the queue whose URL ends with `name`: in order, each with its delay.
    pub fn take_from<T: DeserializeOwned>(&self, name: &str) -> Vec<(T, Duration)> {
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        let (taken, left) = std::mem::take(&mut *sent).into_iter().partition(|kept| kept.queue_url.ends_with(name));
        *sent = left;
        let read = |kept: Kept| (serde_json::from_str(&kept.body).expect("the queue takes such messages"), kept.delay);
        Vec::into_iter(taken).map(read).collect()
    }
}

impl Drop for FakeQueue {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Serves a connection until the client closes it or the database closes a forwarded one.
async fn serve(
    mut connection: TcpStream,
    behind: String,
    sent: Sent,
    snare: Snare,
    calls: Arc<AtomicUsize>,
) -> io::Result<()> {
    while let Some(request) = read(&mut connection).await? {
        if request.head.starts_with(SEND_MAIL) {
            keep_body(MAILS, &request.body, &sent);
            connection.write_all(MAIL_TAKEN.as_bytes()).await?;
            continue;
        }
        if request.head.starts_with(START_INVOCATION) {
            keep_body(INVOCATIONS, &request.body, &sent);
            connection.write_all(INVOCATION_STARTED.as_bytes()).await?;
            continue;
        }
        let target = request.head.to_ascii_lowercase();
        if target.contains("x-amz-target: amazonsqs.getqueueattributes") {
            connection.write_all(json_response(&waiting(&sent)).as_bytes()).await?;
            continue;
        }
        if target.contains("x-amz-target: amazonsqs.receivemessage") {
            connection.write_all(json_response(&receive(&request.body, &sent)).as_bytes()).await?;
            continue;
        }
        if target.contains("x-amz-target: amazonsqs.deletemessagebatch") {
            connection.write_all(json_response(&delete(&request.body, &sent)).as_bytes()).await?;
            continue;
        }
        if !target.contains("x-amz-target: amazonsqs.sendmessagebatch") {
            calls.fetch_add(1, Ordering::Relaxed);
            return match judge(&request, &snare).await {
                Verdict::Pass => pass_on(&request, &behind, &mut connection).await,
                Verdict::Refuse => connection.write_all(REFUSAL.as_bytes()).await,
            };
        }
        connection.write_all(json_response(&keep(&request.body, &sent)).as_bytes()).await?;
    }
    Ok(())
}

async fn read(connection: &mut TcpStream) -> io::Result<Option<Request>> {
    let mut bytes = Vec::new();
    loop {
        let end_of_head = bytes.windows(4).position(|bytes| bytes == b"\r\n\r\n").map(|at| at + 4);
        if let Some(end) = end_of_head {
            let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
            let mut headers = head.lines().filter_map(|line| line.split_once(": "));
            let length = headers.find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
            let length: usize = length.and_then(|(_, value)| value.parse().ok()).unwrap_or(0);
            if bytes.len() >= end + length {
                return Ok(Some(Request { head, body: bytes.split_off(end) }));
            }
        }
        if connection.read_buf(&mut bytes).await? == 0 {
            return Ok(None);
        }
    }
}

/// The start of an SES call, and the response to it.
const SEND_MAIL: &str = "POST /v2/email/outbound-emails";
const MAIL_TAKEN: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 17\r\n\r\n{\"MessageId\":\"1\"}";

/// The start of a call that starts an invocation, and the response to it.
const START_INVOCATION: &str = "POST /2015-03-31/functions/";
const INVOCATION_STARTED: &str = "HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n";

/// The database's response to an invalid request. Clients do not retry it.
const REFUSAL: &str = "HTTP/1.1 400 Bad Request\r\ncontent-type: application/x-amz-json-1.0\r\nconnection: close\r\n\
    content-length: 33\r\n\r\n{\"__type\":\"ValidationException\"}\n";

async fn judge(request: &Request, snare: &Snare) -> Verdict {
    let body = String::from_utf8_lossy(&request.body);
    let hold = snare.lock().unwrap_or_else(PoisonError::into_inner).take_if(|hold| body.contains(&hold.text));
    let Some(Hold { caught, verdict, .. }) = hold else { return Verdict::Pass };
    // The test may have stopped waiting.
    let _ = caught.send(());
    verdict.await.unwrap_or(Verdict::Pass)
}

async fn pass_on(request: &Request, behind: &str, client: &mut TcpStream) -> io::Result<()> {
    let mut database = TcpStream::connect(behind).await?;
    let (first_line, rest) = request.head.split_once("\r\n").unwrap_or_default();
    database.write_all(format!("{first_line}\r\nconnection: close\r\n{rest}").as_bytes()).await?;
    database.write_all(&request.body).await?;
    io::copy(&mut database, client).await.map(drop)
}

fn keep_body(name: &str, body: &[u8], sent: &Sent) {
    let body = String::from_utf8_lossy(body).into_owned();
    let kept = Kept { queue_url: name.to_owned(), body, delay: Duration::ZERO };
    sent.lock().unwrap_or_else(PoisonError::into_inner).push(kept);
}

/// Answers how many messages of the send queue the test has not taken yet.
fn waiting(sent: &Sent) -> String {
    let sent = sent.lock().unwrap_or_else(PoisonError::into_inner);
    let number = sent.iter().filter(|kept| kept.queue_url.ends_with("send")).count();
    serde_json::json!({ "Attributes": { "ApproximateNumberOfMessages": number.to_string() } }).to_string()
}

fn json_response(body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 200 OK\r\ncontent-type: application/x-amz-json-1.0\r\ncontent-length: {length}\r\n\r\n{body}")
}

/// Takes offered messages and answers like SQS. The body of a message is its receipt.
fn receive(body: &[u8], sent: &Sent) -> String {
    let request: ReceiveMessage = serde_json::from_slice(body).expect("the client sends what SQS takes");
    let queue = format!("{OFFERED}{}", request.queue_url.rsplit('/').next().unwrap_or_default());
    let mut sent = sent.lock().unwrap_or_else(PoisonError::into_inner);
    let (offered, mut left): (Vec<Kept>, Vec<Kept>) = sent.drain(..).partition(|kept| kept.queue_url == queue);
    let mut offered = offered.into_iter();
    let received: Vec<serde_json::Value> = offered
        .by_ref()
        .take(request.max_number_of_messages)
        .enumerate()
        .map(|(index, kept)| {
            let (id, body) = (index.to_string(), kept.body);
            serde_json::json!({ "MessageId": id, "ReceiptHandle": body, "Body": body, "MD5OfBody": "unchecked" })
        })
        .collect();
    left.extend(offered);
    *sent = left;
    serde_json::json!({ "Messages": received }).to_string()
}

/// Keeps the receipts of deleted messages and answers like SQS.
fn delete(body: &[u8], sent: &Sent) -> String {
    let batch: DeleteMessageBatch = serde_json::from_slice(body).expect("the client sends what SQS takes");
    let ids: Vec<serde_json::Value> = batch.entries.iter().map(|entry| serde_json::json!({ "Id": entry.id })).collect();
    let deleted = batch.entries.into_iter().map(|entry| Kept {
        queue_url: DELETED.to_owned(),
        body: entry.receipt_handle,
        delay: Duration::ZERO,
    });
    sent.lock().unwrap_or_else(PoisonError::into_inner).extend(deleted);
    serde_json::json!({ "Successful": ids, "Failed": [] }).to_string()
}

/// Keeps the messages and answers like SQS.
fn keep(body: &[u8], sent: &Sent) -> String {
    let batch: SendMessageBatch = serde_json::from_slice(body).expect("the client sends what SQS takes");
    let mut sent = sent.lock().unwrap_or_else(PoisonError::into_inner);
    let mut taken = Vec::new();
    for entry in batch.entries {
        let delay = Duration::from_secs(entry.delay_seconds);
        sent.push(Kept { queue_url: batch.queue_url.clone(), body: entry.message_body, delay });
        taken.push(serde_json::json!({ "Id": entry.id, "MessageId": entry.id, "MD5OfMessageBody": "unchecked" }));
    }
    serde_json::json!({ "Successful": taken, "Failed": [] }).to_string()
}
