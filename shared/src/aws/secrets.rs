//! Secrets Manager: where the key ring is kept.

use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::sync::Mutex;

use super::{Aws, Cause};
use crate::clock::Clock;
use crate::key_ring::{BadKeyRing, KeyRing, Sealed};
use crate::time::Timestamp;

/// How old the ring may be when it is used: so long after a change must one wait before the older key is left out.
const FRESH: Duration = Duration::from_mins(5);

/// How soon the secret is read again if a key is missing, or if the last reading failed. Anybody can show text that
/// claims to be sealed with a key that never was, so there must be a limit.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why the key ring could not be had.
#[derive(Debug, Error)]
pub enum SecretError {
    /// Secrets Manager did not give it.
    #[error("secret of the key ring cannot be read")]
    Unavailable(#[source] Cause),
    /// It holds no text.
    #[error("secret of the key ring holds no text")]
    NoText,
    /// Its text is no key ring.
    #[error("secret of the key ring cannot be used")]
    Bad(#[source] BadKeyRing),
}

/// The secret that holds the key ring. It is read when it is first needed, and again from time to time, so that the ring
/// can change while functions run.
pub struct KeyRingSecret {
    source: Source,
    held: Mutex<Option<Held>>,
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

/// A ring that was read, and when it is to be read again.
struct Held {
    ring: Arc<KeyRing>,
    fresh_until: Timestamp,
    tried_at: Timestamp,
}

impl Held {
    fn is_to_be_read_again(&self, now: Timestamp, lacks_a_key: bool) -> bool {
        now >= self.fresh_until || (lacks_a_key && now >= self.tried_at.plus(PATIENCE))
    }
}

impl KeyRingSecret {
    /// The secret called `name` (name or ARN).
    pub fn new(aws: &Aws, name: impl Into<String>, clock: Arc<dyn Clock>) -> Self {
        let source = Source::Secret { aws: aws.clone(), name: name.into(), clock };
        Self { source, held: Mutex::new(None) }
    }

    /// A ring that never changes, for tests.
    #[cfg(any(test, feature = "testing"))]
    pub fn known(ring: KeyRing) -> Self {
        Self { source: Source::Known(Arc::new(ring)), held: Mutex::new(None) }
    }

    /// The key ring, as it was at most five minutes ago; older only while the secret cannot be read.
    pub async fn ring(&self) -> Result<Arc<KeyRing>, SecretError> {
        self.ring_to_open([]).await
    }

    /// The key ring to open `values` with. If it lacks the key of one of them, it is read again, though not more often
    /// than every ten seconds: the ring may have changed a moment ago.
    pub async fn ring_to_open<'a>(
        &self,
        values: impl IntoIterator<Item = &'a Sealed>,
    ) -> Result<Arc<KeyRing>, SecretError> {
        let (aws, name, now) = match &self.source {
            Source::Secret { aws, name, clock } => (aws, name, clock.now()),
            #[cfg(any(test, feature = "testing"))]
            Source::Known(ring) => return Ok(ring.clone()),
        };
        // Held while the secret is read, so that many who need it at once read it once.
        let mut held = self.held.lock().await;
        if let Some(held) = &*held {
            let lacks_a_key = values.into_iter().any(|value| !held.ring.knows_key_of(value));
            if !held.is_to_be_read_again(now, lacks_a_key) {
                return Ok(held.ring.clone());
            }
        }
        match (read(aws, name).await, &mut *held) {
            (Ok(ring), held) => {
                let ring = Arc::new(ring);
                *held = Some(Held { ring: ring.clone(), fresh_until: now.plus(FRESH), tried_at: now });
                Ok(ring)
            }
            // What could be opened a moment ago still can: a secret that is away stops nobody who has read it.
            (Err(_), Some(held)) => {
                (held.fresh_until, held.tried_at) = (now.plus(PATIENCE), now);
                Ok(held.ring.clone())
            }
            (Err(error), None) => Err(error),
        }
    }

    /// The key ring as it is now.
    pub async fn ring_now(&self) -> Result<Arc<KeyRing>, SecretError> {
        match &self.source {
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
    use crate::id::ProjectId;
    use crate::key_ring::SealedKind;
    use crate::random::SystemRandom;

    const FIRST: &str = r#"{"current":"k1","k1":"0123456789abcdef0123456789abcdef"}"#;
    const ROTATED: &str =
        r#"{"current":"k2","k1":"0123456789abcdef0123456789abcdef","k2":"fedcba9876543210fedcba9876543210"}"#;

    /// A clock that is moved by hand.
    struct Hands(SyncMutex<Timestamp>);

    impl Clock for Hands {
        fn now(&self) -> Timestamp {
            *self.0.lock().unwrap()
        }
    }

    /// Secrets Manager with one secret, on this machine.
    struct Manager {
        secret: KeyRingSecret,
        text: Arc<SyncMutex<&'static str>>,
        readings: Arc<AtomicU32>,
        hands: Arc<Hands>,
    }

    impl Manager {
        async fn with(ring: &'static str) -> Self {
            let text = Arc::new(SyncMutex::new(ring));
            let readings = Arc::new(AtomicU32::new(0));
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let aws = Aws::local(format!("http://{}", listener.local_addr().unwrap()));
            tokio::spawn(serve(listener, text.clone(), readings.clone()));
            let hands = Arc::new(Hands(SyncMutex::new("2026-11-22T08:30:00Z".parse().unwrap())));
            let secret = KeyRingSecret::new(&aws, "key-ring", hands.clone());
            Self { secret, text, readings, hands }
        }

        fn pass(&self, time: Duration) {
            let mut now = self.hands.0.lock().unwrap();
            *now = now.plus(time);
        }

        fn readings(&self) -> u32 {
            self.readings.load(Ordering::SeqCst)
        }
    }

    async fn serve(listener: TcpListener, text: Arc<SyncMutex<&'static str>>, readings: Arc<AtomicU32>) {
        while let Ok((mut connection, _)) = listener.accept().await {
            readings.fetch_add(1, Ordering::SeqCst);
            let mut request = Vec::new();
            // The body is a JSON object, and nothing follows it.
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
    async fn the_ring_is_read_once_in_five_minutes() {
        let manager = Manager::with(FIRST).await;
        for _ in 0..3 {
            manager.secret.ring().await.unwrap();
        }
        manager.pass(Duration::from_secs(299));
        manager.secret.ring().await.unwrap();
        assert_eq!(manager.readings(), 1);
        manager.pass(Duration::from_secs(1));
        manager.secret.ring().await.unwrap();
        assert_eq!(manager.readings(), 2);
    }

    #[tokio::test]
    async fn a_value_under_a_new_key_is_opened_at_once() {
        let manager = Manager::with(FIRST).await;
        manager.secret.ring().await.unwrap();
        *manager.text.lock().unwrap() = ROTATED;
        manager.pass(PATIENCE);
        let project = project();
        let sealed = sealed_with(ROTATED, project);
        let ring = manager.secret.ring_to_open([&sealed]).await.unwrap();
        assert_eq!(ring.open(SealedKind::SigningSecret, project, &sealed), Ok(b"secret".to_vec()));
        assert_eq!(manager.readings(), 2);
    }

    #[tokio::test]
    async fn made_up_key_names_cost_one_reading_in_ten_seconds() {
        let manager = Manager::with(FIRST).await;
        manager.secret.ring().await.unwrap();
        let made_up = Sealed::from_text("k99.AAAA");
        for _ in 0..25 {
            manager.pass(Duration::from_secs(1));
            manager.secret.ring_to_open([&made_up]).await.unwrap();
        }
        assert_eq!(manager.readings(), 3);
    }

    #[tokio::test]
    async fn a_secret_that_becomes_unusable_does_not_stop_who_has_read_it() {
        let manager = Manager::with(FIRST).await;
        assert!(manager.secret.ring().await.is_ok());
        *manager.text.lock().unwrap() = "{}";
        manager.pass(FRESH);
        assert!(manager.secret.ring().await.is_ok());
        assert!(manager.secret.ring_now().await.is_err());
        *manager.text.lock().unwrap() = ROTATED;
        manager.pass(PATIENCE);
        let sealed = sealed_with(ROTATED, project());
        assert!(manager.secret.ring().await.unwrap().knows_key_of(&sealed));
    }

    #[tokio::test]
    async fn who_has_no_ring_yet_learns_that_it_cannot_be_had() {
        let manager = Manager::with("{}").await;
        assert!(matches!(manager.secret.ring().await, Err(SecretError::Bad(BadKeyRing::Current))));
    }
}
