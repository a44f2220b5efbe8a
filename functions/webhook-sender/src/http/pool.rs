//! The open connections of the process, with a limit on their number.
//!
//! A Lambda function may have 1,024 open files. Without a limit, idle connections to thousands of receivers would use them up,
//! and nothing could be sent until some are closed.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::http::connection::{Connection, ConnectionKey};

/// How long an idle connection is kept. Shorter than the idle timeout of common load balancers (60 s), so that the receiver
/// has rarely closed it.
const IDLE_TIMEOUT: Duration = Duration::from_secs(50);

/// Maximum number of idle connections to one host with one client certificate: as many as a batch has messages.
const MAX_IDLE_PER_HOST: usize = 10;

/// Maximum time that a request waits for another one to give up its socket.
const SOCKET_TIMEOUT: Duration = Duration::from_secs(1);

/// The idle connections, and the sockets that may still be opened.
pub(crate) struct ConnectionPool {
    /// A permit for each socket that may be opened. Connections hold theirs from before they connect until they are closed.
    sockets: Arc<Semaphore>,
    /// In the order in which they became idle.
    idle: Mutex<VecDeque<IdleConnection>>,
}

struct IdleConnection {
    since: Instant,
    connection: Connection,
}

impl ConnectionPool {
    /// Creates a pool that never has more than `max_sockets` open sockets.
    pub(crate) fn new(max_sockets: usize) -> Self {
        Self { sockets: Arc::new(Semaphore::new(max_sockets)), idle: Mutex::default() }
    }

    /// Takes the idle connection for `key` that was used last, if there is one.
    pub(crate) async fn take(&self, key: &ConnectionKey) -> Option<Connection> {
        loop {
            let mut connection = self.take_idle(key)?;
            if connection.is_reusable().await {
                return Some(connection);
            }
        }
    }

    /// Permits one more socket. If all are open, closes the connection that has been idle longest. If none is idle, waits for up
    /// to a second, and then returns `None`.
    pub(crate) async fn socket(&self) -> Option<OwnedSemaphorePermit> {
        if self.sockets.available_permits() == 0 {
            self.idle().pop_front();
        }
        timeout(SOCKET_TIMEOUT, Arc::clone(&self.sockets).acquire_owned()).await.ok()?.ok()
    }

    /// Keeps a connection for later requests, if it can be used again.
    pub(crate) async fn put(&self, mut connection: Connection) {
        if !connection.is_reusable().await {
            return;
        }
        let (mut idle, now) = (self.idle(), Instant::now());
        while idle.pop_front_if(|idle| now - idle.since >= IDLE_TIMEOUT).is_some() {}
        if idle.iter().filter(|idle| idle.connection.key() == connection.key()).count() == MAX_IDLE_PER_HOST {
            return;
        }
        idle.push_back(IdleConnection { since: now, connection });
        // Requests that wait for a socket come before idle connections.
        while self.sockets.available_permits() == 0 && idle.pop_front().is_some() {}
    }

    fn take_idle(&self, key: &ConnectionKey) -> Option<Connection> {
        let mut idle = self.idle();
        let index = idle.iter().rposition(|idle| idle.connection.key() == key)?;
        let IdleConnection { since, connection } = idle.remove(index)?;
        (since.elapsed() < IDLE_TIMEOUT).then_some(connection)
    }

    fn idle(&self) -> MutexGuard<'_, VecDeque<IdleConnection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
