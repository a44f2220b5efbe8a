//! A fake lookup for the tests of this module.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use futures::future::BoxFuture;

use crate::http::resolver::{HostLookup, ResolveError};

/// A lookup that returns these results, one for each call, and then [`ResolveError::NoAddress`].
#[derive(Default)]
pub(crate) struct FakeLookup(Mutex<VecDeque<Result<Vec<IpAddr>, ResolveError>>>);

impl FakeLookup {
    pub(crate) fn returning(results: impl IntoIterator<Item = Result<&'static str, ResolveError>>) -> Arc<Self> {
        let results = results.into_iter().map(|result| result.map(|address| vec![address.parse().unwrap()]));
        Arc::new(Self(Mutex::new(results.collect())))
    }

    /// Number of results that were not returned yet.
    pub(crate) fn left(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}

impl HostLookup for FakeLookup {
    fn addresses<'a>(&'a self, _host: &'a str) -> BoxFuture<'a, Result<Vec<IpAddr>, ResolveError>> {
        let result = self.0.lock().unwrap().pop_front().unwrap_or(Err(ResolveError::NoAddress));
        Box::pin(std::future::ready(result))
    }
}
