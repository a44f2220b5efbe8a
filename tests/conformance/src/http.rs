//! Reads requests of HTTP/1.1. Answers are written byte by byte, because cases need answers that no server sends.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Maximum size of the request line with the headers.
const MAX_HEAD_BYTES: usize = 64 * 1024;
/// Maximum size of a body.
const MAX_BODY_BYTES: usize = 8 * 1024 * 1024;

/// A request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// Reads one request, or `None` if the connection is closed before its first byte.
pub(crate) async fn read(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> io::Result<Option<Request>> {
    let mut read = Vec::new();
    let end = loop {
        if let Some(at) = find(&read, b"\r\n\r\n") {
            break at;
        }
        if read.len() > MAX_HEAD_BYTES {
            return Err(malformed("the headers are too long"));
        }
        if !more(stream, &mut read).await? {
            return if read.is_empty() { Ok(None) } else { Err(malformed("the headers are cut short")) };
        }
    };
    let head = String::from_utf8_lossy(&read[..end]).into_owned();
    let rest = read.split_off(end + 4);
    let mut lines = head.split("\r\n");
    let mut words = lines.next().unwrap_or_default().split(' ');
    let (Some(method), Some(path)) = (words.next(), words.next()) else {
        return Err(malformed("the request line is damaged"));
    };
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let header = |name: &str| headers.iter().find(|(header, _)| header == name).map(|(_, value)| value.as_str());
    if header("expect").is_some_and(|value| value.eq_ignore_ascii_case("100-continue")) {
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
    }
    let body = if header("transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked")) {
        chunked(stream, rest).await?
    } else {
        let length = header("content-length").map_or(Ok(0), str::parse);
        sized(stream, rest, length.map_err(|_| malformed("the length is no number"))?).await?
    };
    Ok(Some(Request { method: method.to_owned(), path: path.to_owned(), headers, body }))
}

async fn sized(stream: &mut (impl AsyncRead + Unpin), mut read: Vec<u8>, length: usize) -> io::Result<Vec<u8>> {
    if length > MAX_BODY_BYTES {
        return Err(malformed("the body is too long"));
    }
    while read.len() < length {
        if !more(stream, &mut read).await? {
            return Err(malformed("the body is cut short"));
        }
    }
    read.truncate(length);
    Ok(read)
}

async fn chunked(stream: &mut (impl AsyncRead + Unpin), mut read: Vec<u8>) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line = loop {
            match find(&read, b"\r\n") {
                Some(at) => break at,
                None if more(stream, &mut read).await? => {}
                None => return Err(malformed("a chunk is cut short")),
            }
        };
        let size = String::from_utf8_lossy(&read[..line]).split(';').next().unwrap_or_default().trim().to_owned();
        let size = usize::from_str_radix(&size, 16).map_err(|_| malformed("the size of a chunk is no number"))?;
        let end = line + 2 + size + 2;
        if body.len() + size > MAX_BODY_BYTES {
            return Err(malformed("the body is too long"));
        }
        while read.len() < end {
            if !more(stream, &mut read).await? {
                return Err(malformed("a chunk is cut short"));
            }
        }
        body.extend_from_slice(&read[line + 2..line + 2 + size]);
        read.drain(..end);
        if size == 0 {
            return Ok(body);
        }
    }
}

/// Reads more bytes. Returns false at the end.
async fn more(stream: &mut (impl AsyncRead + Unpin), read: &mut Vec<u8>) -> io::Result<bool> {
    Ok(stream.read_buf(read).await? > 0)
}

fn find(read: &[u8], mark: &[u8]) -> Option<usize> {
    read.windows(mark.len()).position(|window| window == mark)
}

fn malformed(reason: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read_bytes(sent: &str) -> io::Result<Option<Request>> {
        let (mut sender, mut receiver) = tokio::io::duplex(sent.len().max(1));
        sender.write_all(sent.as_bytes()).await.unwrap();
        sender.shutdown().await.unwrap();
        read(&mut receiver).await
    }

    #[tokio::test]
    async fn a_body_is_read_by_its_length_and_in_chunks() {
        let sized = "POST /a HTTP/1.1\r\nWebhook-Id: 1\r\nContent-Length: 5\r\n\r\nhello";
        let chunked = "POST /a HTTP/1.1\r\nWebhook-Id: 1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\n\r\n";
        for sent in [sized, chunked] {
            let request = read_bytes(sent).await.unwrap().unwrap();
            assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/a"));
            assert_eq!(request.headers[0], ("webhook-id".to_owned(), "1".to_owned()));
            assert_eq!(request.body, b"hello");
        }
    }

    #[tokio::test]
    async fn a_request_that_is_cut_short_is_an_error() {
        assert_eq!(read_bytes("").await.unwrap(), None);
        for sent in ["POST /a", "POST /a HTTP/1.1\r\nContent-Length: 5\r\n\r\nhell"] {
            assert!(read_bytes(sent).await.is_err(), "{sent:?}");
        }
    }
}
