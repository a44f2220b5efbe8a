//! Passes calls from a function's connection to a connection to the emulator.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::{Control, Fault, Verdict};

/// Accepts the functions' connections. When this future is dropped, all connections close.
pub(super) async fn take(listener: TcpListener, emulator: SocketAddr, control: Arc<Control>) {
    let mut connections = JoinSet::new();
    loop {
        let Ok((caller, _)) = listener.accept().await else { continue };
        let control = Arc::clone(&control);
        // A connection breaks whenever a test kills a function, so errors here are expected.
        connections.spawn(async move { serve(caller, emulator, &control).await });
        while connections.try_join_next().is_some() {}
    }
}

/// Serves one connection until either side, or a fault, closes it.
async fn serve(mut caller: TcpStream, emulator: SocketAddr, control: &Control) -> io::Result<()> {
    let mut service = TcpStream::connect(emulator).await?;
    caller.set_nodelay(true)?;
    service.set_nodelay(true)?;
    let (mut from_caller, mut to_caller) = caller.split();
    let (mut from_service, mut to_service) = service.split();
    let mut unread = Vec::new();
    let mut response = vec![0; 64 * 1024];
    loop {
        // Pass on responses until the next call has arrived completely.
        let call = loop {
            if let Some(call) = Call::first_of(&unread)? {
                break call;
            }
            tokio::select! {
                read = from_caller.read_buf(&mut unread) => if read? == 0 { return Ok(()) },
                read = from_service.read(&mut response) => match read? {
                    0 => return Ok(()),
                    length => to_caller.write_all(&response[..length]).await?,
                },
            }
        };
        let bytes: Vec<u8> = unread.drain(..call.length).collect();
        match control.judge(&call.target) {
            Verdict::PassOn => to_service.write_all(&bytes).await?,
            Verdict::Inject(_, Fault::Refuse) => return Ok(()),
            Verdict::Inject(service, Fault::Throttle) => to_caller.write_all(&service.throttled()).await?,
            Verdict::Inject(_, Fault::LoseAnswer) => {
                to_service.write_all(&bytes).await?;
                // The first byte of the response proves that the service carried out the call.
                from_service.read_u8().await?;
                return Ok(());
            }
            Verdict::Hold(decision) => match decision.await {
                Ok(()) => to_service.write_all(&bytes).await?,
                Err(_) => return Ok(()),
            },
        }
    }
}

/// A complete call.
#[derive(Debug, PartialEq, Eq)]
struct Call {
    /// The header `x-amz-target`, or an empty string.
    target: String,
    /// The number of bytes in the head and the body.
    length: usize,
}

impl Call {
    /// The call at the beginning of `bytes`, or `None` if it has not arrived completely.
    fn first_of(bytes: &[u8]) -> io::Result<Option<Self>> {
        const END: &[u8] = b"\r\n\r\n";
        let Some(end) = bytes.windows(END.len()).position(|window| window == END) else { return Ok(None) };
        let head = String::from_utf8_lossy(&bytes[..end]);
        let headers = head.lines().skip(1).filter_map(|line| line.split_once(':'));
        let (mut target, mut body) = ("", 0);
        for (name, value) in headers {
            match name.to_ascii_lowercase().as_str() {
                "x-amz-target" => target = value.trim(),
                "content-length" => body = value.trim().parse().map_err(io::Error::other)?,
                // The functions always send a length. Without one, the proxy could only guess where the call ends.
                "transfer-encoding" => return Err(io::Error::other("a call of unknown length")),
                _ => {}
            }
        }
        let length = end + END.len() + body;
        Ok((bytes.len() >= length).then(|| Self { target: target.to_owned(), length }))
    }
}

#[cfg(test)]
mod tests {
    use super::super::Faults;
    use super::*;

    /// Reads until the bytes read so far end with `end`.
    async fn read_until(connection: &mut TcpStream, end: &[u8]) -> Vec<u8> {
        let mut read = Vec::new();
        while !read.ends_with(end) {
            read.push(connection.read_u8().await.unwrap());
        }
        read
    }

    #[tokio::test]
    async fn calls_and_responses_pass_unchanged_one_after_another() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let faults = Faults::start(listener.local_addr().unwrap()).await.unwrap();
        let mut caller = TcpStream::connect(faults.address).await.unwrap();
        let calls: [&[u8]; 2] = [
            b"POST /?a=%20b HTTP/1.1\r\nHost: x:1\r\nX-Amz-Target:  DynamoDB_20120810.GetItem \r\ncontent-length: 5\r\n\r\n\r\n\r\n\xff",
            b"GET / HTTP/1.1\r\nx: y\r\n\r\n",
        ];
        let answers: [&[u8]; 2] =
            [b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\n\xfe\r\n0\r\n\r\n", b"anything at all"];

        caller.write_all(calls[0]).await.unwrap();
        let (mut behind, _) = listener.accept().await.unwrap();
        let first = read_until(&mut behind, calls[0]).await;
        behind.write_all(answers[0]).await.unwrap();
        let first_answer = read_until(&mut caller, answers[0]).await;
        caller.write_all(calls[1]).await.unwrap();
        let second = read_until(&mut behind, calls[1]).await;
        behind.write_all(answers[1]).await.unwrap();
        let second_answer = read_until(&mut caller, answers[1]).await;

        assert_eq!([first.as_slice(), &second], calls);
        assert_eq!([first_answer.as_slice(), &second_answer], answers);
    }

    #[test]
    fn a_call_is_passed_on_only_when_it_is_complete() {
        let bytes = b"POST / HTTP/1.1\r\nContent-Length: 2\r\nx-amz-target: AmazonSQS.SendMessage\r\n\r\n{}rest";
        let whole = bytes.len() - "rest".len();
        for length in 0..whole {
            assert_eq!(Call::first_of(&bytes[..length]).unwrap(), None);
        }
        let call = Call { target: "AmazonSQS.SendMessage".to_owned(), length: whole };
        assert_eq!(Call::first_of(bytes).unwrap(), Some(call));
    }

    #[test]
    fn a_call_of_unknown_length_is_rejected() {
        assert!(Call::first_of(b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n").is_err());
    }
}
