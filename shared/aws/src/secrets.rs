//! The key ring in Secrets Manager.

use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::sync::Mutex;

use crate::client::{Aws, Cause};
use domain::foundation::clock::Clock;
use domain::foundation::key_ring::{BadKeyRing, KeyRing, Sealed};
use domain::foundation::time::Timestamp;

/// Maximum age of a cached key ring. Wait this long after a rotation before removing the old key.
const MAX_AGE: Duration = Duration::from_mins(5);

/// Minimum time between two reads when a key is missing or the last read failed. Callers can invent values with unknown key
/// names, so these reads need a limit.
const RETRY_INTERVAL: Duration = Duration::from_secs(10);

/// Why the key ring could not be loaded.
#[derive(Debug, Error)]
pub enum SecretError {
    /// Secrets Manager did not return the secret.
    #[error("key ring secret cannot be read")]
    Unavailable(#[source] Cause),
    /// The secret has binary content.
    #[error("key ring secret is not a string")]
    NoText,
    /// The secret is not a valid key ring.
    #[error("key ring secret is not a valid key ring")]
    Bad(#[source] BadKeyRing),
}

/// Loads the key ring on first use and again every five minutes, so that it can be rotated while functions run. Clones share the
/// loaded key ring.
#[derive(Clone)]
pub struct KeyRingSecret {
    source: Arc<Source>,
    held: Arc<Mutex<Option<Held>>>,
}

enum Source {
    Secret {
        aws: Aws,
        name: String,
        clock: Arc<dyn Clock>,
    },
    #[cfg(any(test, feature = "testing"))]
    Known(Arc<KeyRing>),
}

/// A cached key ring, and when to read it again.
struct Held {
    ring: Arc<KeyRing>,
    fresh_until: Timestamp,
    tried_at: Timestamp,
}

impl Held {
    fn needs_read(&self, now: Timestamp, lacks_a_key: bool) -> bool {
        now >= self.fresh_until || (lacks_a_key && now >= self.tried_at.plus(RETRY_INTERVAL))
    }
}

impl KeyRingSecret {
    /// Uses the secret with this name or ARN.
    pub fn new(aws: &Aws, name: impl Into<String>, clock: Arc<dyn Clock>) -> Self {
        let source = Source::Secret { aws: aws.clone(), name: name.into(), clock };
        Self { source: Arc::new(source), held: Arc::default() }
    }

    /// Uses a fixed key ring, for tests.
    #[cfg(any(test, feature = "testing"))]
    pub fn known(ring: KeyRing) -> Self {
        Self { source: Arc::new(Source::Known(Arc::new(ring))), held: Arc::default() }
    }

    /// Returns the key ring, at most five minutes old. While the secret cannot be read, an older one is returned.
    pub async fn ring(&self) -> Result<Arc<KeyRing>, SecretError> {
        self.ring_to_open([]).await
    }

    /// Returns the key ring to open `values` with. If it lacks the key of one of them, it is read again, at most every ten
    /// seconds: the ring may just have been rotated.
    pub async fn ring_to_open<'a>(
        &self,
        values: impl IntoIterator<Item = &'a Sealed>,
    ) -> Result<Arc<KeyRing>, SecretError> {
        let (aws, name, now) = match &*self.source {
            Source::Secret { aws, name, clock } => (aws, name, clock.now()),
            #[cfg(any(test, feature = "testing"))]
            Source::Known(ring) => return Ok(ring.clone()),
        };
        // The lock is held during the read, so that concurrent callers cause one read.
        let mut held = self.held.lock().await;
        if let Some(held) = &*held {
            let lacks_a_key = values.into_iter().any(|value| !held.ring.knows_key_of(value));
            if !held.needs_read(now, lacks_a_key) {
                return Ok(held.ring.clone());
            }
        }
        match (read(aws, name).await, &mut *held) {
            (Ok(ring), held) => {
                let ring = Arc::new(ring);
                *held = Some(Held { ring: ring.clone(), fresh_until: now.plus(MAX_AGE), tried_at: now });
                Ok(ring)
            }
            // A function that has a key ring keeps working while Secrets Manager is unavailable.
            (Err(_), Some(held)) => {
                (held.fresh_until, held.tried_at) = (now.plus(RETRY_INTERVAL), now);
                Ok(held.ring.clone())
            }
            (Err(error), None) => Err(error),
        }
    }

    /// Reads the key ring, bypassing the cache.
    pub async fn ring_now(&self) -> Result<Arc<KeyRing>, SecretError> {
        match &*self.source {
            Source::Secret { aws, name, .. } => read(aws, name).await.map(Arc::new),
            #[cfg(any(test, feature = "testing"))]
            Source::Known(ring) => Ok(ring.clone()),
        }
    }
}

async fn read(aws: &Aws, name: &str) -> Result<KeyRing, SecretError> {
    let answer = aws.secrets_manager().get_secret_value().secret_id(name).send().await;
    let secret = answer.map_err(|error| SecretError::Unavailable(error.into()))?;
    KeyRing::from_json(secret.secret_string().ok_or(SecretError::NoText)?).map_err(SecretError::Bad)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex as SyncMutex;
    use std::sync::atomic::{AtomicU32, Ordering};

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;
    use domain::foundation::clock::ManualClock;
    use domain::foundation::id::ProjectId;
    use domain::foundation::key_ring::SealedKind;
    use domain::foundation::random::SystemRandom;

    const FIRST: &str = r#"{"current":"k1","k1":"0123456789abcdef0123456789abcdef"}"#;
    const ROTATED: &str =
        r#"{"current":"k2","k1":"0123456789abcdef0123456789abcdef","k2":"fedcba9876543210fedcba9876543210"}"#;

    /// A fake Secrets Manager with one secret.
    struct Manager {
        secret: KeyRingSecret,
        text: Arc<SyncMutex<&'static str>>,
        reads: Arc<AtomicU32>,
        clock: Arc<ManualClock>,
    }

    impl Manager {
        async fn with(ring: &'static str) -> Self {
            let text = Arc::new(SyncMutex::new(ring));
            let reads = Arc::new(AtomicU32::new(0));
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let aws = Aws::local(format!("http://{}", listener.local_addr().unwrap()));
            tokio::spawn(serve(listener, text.clone(), reads.clone()));
            let clock = Arc::new(ManualClock::new("2026-11-22T08:30:00Z".parse().unwrap()));
            let secret = KeyRingSecret::new(&aws, "key-ring", clock.clone());
            Self { secret, text, reads, clock }
        }

        fn reads(&self) -> u32 {
            self.reads.load(Ordering::SeqCst)
        }
    }

    async fn serve(listener: TcpListener, text: Arc<SyncMutex<&'static str>>, reads: Arc<AtomicU32>) {
        while let Ok((mut connection, _)) = listener.accept().await {
            reads.fetch_add(1, Ordering::SeqCst);
            let mut request = Vec::new();
            // The body is a JSON object, so it ends with a brace.
            while !request.ends_with(b"}") && connection.read_buf(&mut request).await.is_ok_and(|read| read > 0) {}
            let body = serde_json::json!({ "Name": "key-ring", "SecretString": *text.lock().unwrap() }).to_string();
            let head = "HTTP/1.1 200 OK\r\ncontent-type: application/x-amz-json-1.1\r\nconnection: close";
            let answer = format!("{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
            let _ = connection.write_all(answer.as_bytes()).await;
            let _ = connection.shutdown().await;
        }
    }

    fn sealed_with(ring: &str, project: ProjectId) -> Sealed {
        KeyRing::from_json(ring).unwrap().seal(SealedKind::SigningSecret, project, b"secret", &SystemRandom)
    }

    fn project() -> ProjectId {
        ProjectId::new("2026-11-22T08:30:00Z".parse().unwrap(), &SystemRandom)
    }

    #[tokio::test]
    async fn the_key_ring_is_read_once_in_five_minutes() {
        let manager = Manager::with(FIRST).await;
        for _ in 0..3 {
            manager.secret.ring().await.unwrap();
        }
        manager.clock.advance(Duration::from_secs(299));
        manager.secret.ring().await.unwrap();
        assert_eq!(manager.reads(), 1);
        manager.clock.advance(Duration::from_secs(1));
        manager.secret.ring().await.unwrap();
        assert_eq!(manager.reads(), 2);
    }

    #[tokio::test]
    async fn a_value_sealed_with_a_new_key_is_opened_at_once() {
        let manager = Manager::with(FIRST).await;
        manager.secret.ring().await.unwrap();
        *manager.text.lock().unwrap() = ROTATED;
        manager.clock.advance(RETRY_INTERVAL);
        let project = project();
        let sealed = sealed_with(ROTATED, project);
        let ring = manager.secret.ring_to_open([&sealed]).await.unwrap();
        assert_eq!(ring.open(SealedKind::SigningSecret, project, &sealed), Ok(b"secret".to_vec()));
        assert_eq!(manager.reads(), 2);
    }

    #[tokio::test]
    async fn unknown_key_names_cause_one_read_in_ten_seconds() {
        let manager = Manager::with(FIRST).await;
        manager.secret.ring().await.unwrap();
        let invented = Sealed::from_text("k99.AAAA");
        for _ in 0..25 {
            manager.clock.advance(Duration::from_secs(1));
            manager.secret.ring_to_open([&invented]).await.unwrap();
        }
        assert_eq!(manager.reads(), 3);
    }

    #[tokio::test]
    async fn a_broken_secret_does_not_stop_a_function_that_has_a_key_ring() {
        let manager = Manager::with(FIRST).await;
        assert!(manager.secret.ring().await.is_ok());
        *manager.text.lock().unwrap() = "{}";
        manager.clock.advance(MAX_AGE);
        assert!(manager.secret.ring().await.is_ok());
        assert!(manager.secret.ring_now().await.is_err());
        *manager.text.lock().unwrap() = ROTATED;
        manager.clock.advance(RETRY_INTERVAL);
        let sealed = sealed_with(ROTATED, project());
        assert!(manager.secret.ring().await.unwrap().knows_key_of(&sealed));
    }

    #[tokio::test]
    async fn a_function_without_a_key_ring_gets_the_error() {
        let manager = Manager::with("{}").await;
        assert!(matches!(manager.secret.ring().await, Err(SecretError::Bad(BadKeyRing::Current))));
    }
}
