//! A fake SQS and SES in front of a test database. It keeps what is sent to them and forwards all other calls.

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

impl FakeQueue {
    /// Starts on a free port of this machine.
    pub async fn in_front_of(database: &Database) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let (sent, snare, behind) = (Sent::default(), Snare::default(), database.address().to_owned());
        let (kept, held) = (Arc::clone(&sent), Arc::clone(&snare));
        let server = tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                tokio::spawn(serve(connection, behind.clone(), Arc::clone(&kept), Arc::clone(&held)));
            }
        });
        Self { aws: Aws::local(format!("http://{address}")), sent, snare, server }
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
async fn serve(mut connection: TcpStream, behind: String, sent: Sent, snare: Snare) -> io::Result<()> {
    while let Some(request) = read(&mut connection).await? {
        if request.head.starts_with(SEND_MAIL) {
            keep_mail(&request.body, &sent);
            connection.write_all(MAIL_TAKEN.as_bytes()).await?;
            continue;
        }
        if !request.head.to_ascii_lowercase().contains("x-amz-target: amazonsqs.sendmessagebatch") {
            return match judge(&request, &snare).await {
                Verdict::Pass => pass_on(&request, &behind, &mut connection).await,
                Verdict::Refuse => connection.write_all(REFUSAL.as_bytes()).await,
            };
        }
        let answer = keep(&request.body, &sent);
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/x-amz-json-1.0\r\ncontent-length: {}\r\n\r\n",
            answer.len()
        );
        connection.write_all((head + &answer).as_bytes()).await?;
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

fn keep_mail(body: &[u8], sent: &Sent) {
    let body = String::from_utf8_lossy(body).into_owned();
    let mail = Kept { queue_url: MAILS.to_owned(), body, delay: Duration::ZERO };
    sent.lock().unwrap_or_else(PoisonError::into_inner).push(mail);
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
