//! A request to a receiver or to its token server.

use std::time::Instant;

use bytes::Bytes;
use domain::foundation::time::Timestamp;
use http::header::{ACCEPT, HOST};
use http::{HeaderMap, HeaderValue, Method, Uri};
use http_body_util::Full;
use url::{Position, Url};

use crate::http::client_auth::ClientIdentity;
use crate::http::failure::RequestError;

/// A request to a receiver or to its token server. It is not `Debug`, because its body may contain a client secret.
pub(crate) struct Request<'a> {
    pub(crate) url: &'a Url,
    /// `POST` for a webhook or a token, `OPTIONS` for a handshake.
    pub(crate) method: Method,
    pub(crate) headers: HeaderMap,
    /// Empty for a handshake.
    pub(crate) body: Bytes,
    /// The client certificate for receivers that ask for one.
    pub(crate) identity: Option<&'a ClientIdentity>,
}

/// The start of an attempt.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AttemptStart {
    /// Number of the attempt.
    pub(crate) number: u8,
    /// When the attempt starts.
    pub(crate) at: Timestamp,
    /// The same time on the clock that measures its duration and its timeout.
    pub(crate) started_at: Instant,
}

impl Request<'_> {
    /// The request as it is sent. Fails if the URL cannot be written into a request.
    pub(crate) fn to_http(&self) -> Result<http::Request<Full<Bytes>>, RequestError> {
        let mut request = http::Request::new(Full::new(self.body.clone()));
        request.method_mut().clone_from(&self.method);
        let target = &self.url[Position::BeforePath..Position::AfterQuery];
        *request.uri_mut() = Uri::try_from(target).map_err(|_| RequestError::Url)?;
        let host = &self.url[Position::BeforeHost..Position::AfterPort];
        let headers = request.headers_mut();
        headers.clone_from(&self.headers);
        headers.entry(ACCEPT).or_insert(HeaderValue::from_static("*/*"));
        headers.insert(HOST, HeaderValue::from_str(host).map_err(|_| RequestError::Url)?);
        Ok(request)
    }
}
