use std::cell::Cell;

use domain::foundation::random::SystemRandom;
use domain::webhooks::attempt::FailureReason;
use futures::future::join_all;
use serde_json::json;

use super::*;
use crate::http::token_request::TokenFailure;

fn now() -> Timestamp {
    "2026-11-22T08:30:00Z".parse().unwrap()
}

fn after_seconds(seconds: u64) -> Timestamp {
    now().plus(Duration::from_secs(seconds))
}

fn credentials(sealed: &str) -> Oauth2 {
    let fields = json!({"tokenUrl": "https://login.example/token", "clientId": "signpost", "clientSecret": sealed});
    serde_json::from_value(fields).unwrap()
}

/// The tokens of one endpoint, with a token server that issues `Bearer 1`, `Bearer 2` …
struct Scene {
    tokens: AccessTokens,
    endpoint: EndpointId,
    lifetime: Duration,
    requests: Cell<u32>,
    is_down: Cell<bool>,
    /// Whether it issues `Bearer 1` again and again.
    repeats: Cell<bool>,
}

impl Scene {
    /// The token server issues tokens for ten minutes.
    fn new() -> Self {
        Self::with_lifetime(Duration::from_mins(10))
    }

    fn with_lifetime(lifetime: Duration) -> Self {
        let (tokens, endpoint) = (AccessTokens::new(), EndpointId::new(now(), &SystemRandom));
        Self { tokens, endpoint, lifetime, requests: Cell::new(0), is_down: Cell::default(), repeats: Cell::default() }
    }

    async fn get(&self, credentials: &Oauth2, rejected: Option<&str>, now: Timestamp) -> Result<AccessToken, NoToken> {
        let rejected = rejected.map(|token| HeaderValue::from_str(token).unwrap());
        let request = || async {
            // Lets the other callers run.
            tokio::task::yield_now().await;
            self.requests.set(self.requests.get() + 1);
            if self.is_down.get() {
                return Err(refused());
            }
            let number = if self.repeats.get() { 1 } else { self.requests.get() };
            let authorization = HeaderValue::from_str(&format!("Bearer {number}")).unwrap();
            Ok(IssuedToken { authorization, lifetime: self.lifetime })
        };
        let (rejected, deadline) = (rejected.as_ref(), Instant::now() + Duration::from_mins(1));
        let query = TokenQuery { endpoint: self.endpoint, credentials, rejected, now, deadline };
        self.tokens.get(query, request).await
    }

    /// The token, and whether the query waited until it was issued.
    async fn token(&self, credentials: &Oauth2, rejected: Option<&str>, now: Timestamp) -> (String, bool) {
        let AccessToken { authorization, was_awaited, .. } = self.get(credentials, rejected, now).await.unwrap();
        (authorization.to_str().unwrap().to_owned(), was_awaited)
    }
}

fn refused() -> NoToken {
    let reason = FailureReason::TokenRefused;
    NoToken::Failed(TokenFailure { reason, status: Some(401), response: None, retry_after: None })
}

fn cached(token: &str) -> (String, bool) {
    (token.to_owned(), false)
}

fn awaited(token: &str) -> (String, bool) {
    (token.to_owned(), true)
}

#[tokio::test]
async fn a_token_is_requested_once_and_used_until_the_end_of_its_lifetime() {
    let (scene, credentials) = (Scene::new(), credentials("a"));
    assert_eq!(scene.token(&credentials, None, after_seconds(0)).await, awaited("Bearer 1"));
    assert_eq!(scene.token(&credentials, None, after_seconds(599)).await, cached("Bearer 1"));
    assert_eq!(scene.token(&credentials, None, after_seconds(600)).await, awaited("Bearer 2"));
}

#[tokio::test]
async fn concurrent_callers_share_a_request() {
    let (scene, credentials) = (Scene::new(), credentials("a"));
    let all = join_all((0..10).map(|_| scene.token(&credentials, None, now()))).await;
    assert_eq!((all, scene.requests.get()), (vec![awaited("Bearer 1"); 10], 1));
}

#[tokio::test]
async fn concurrent_callers_share_a_failure_and_later_ones_try_again() {
    let (scene, credentials) = (Scene::new(), credentials("a"));
    scene.is_down.set(true);
    let all = join_all((0..10).map(|_| scene.get(&credentials, None, now()))).await;
    assert!(all.iter().all(Result::is_err));
    assert_eq!(scene.requests.get(), 1);
    scene.is_down.set(false);
    assert_eq!(scene.token(&credentials, None, now()).await, awaited("Bearer 2"));
}

#[tokio::test]
async fn other_credentials_never_use_the_token_or_the_failure_of_these() {
    let scene = Scene::new();
    assert_eq!(scene.token(&credentials("a"), None, now()).await, awaited("Bearer 1"));
    assert_eq!(scene.token(&credentials("b"), None, now()).await, awaited("Bearer 2"));
    let narrower = Oauth2 { scope: Some("read".to_owned().try_into().unwrap()), ..credentials("b") };
    assert_eq!(scene.token(&narrower, None, now()).await, awaited("Bearer 3"));
    scene.is_down.set(true);
    let (a, b) = (credentials("a"), credentials("b"));
    let both = join_all([scene.get(&a, None, now()), scene.get(&b, None, now())]).await;
    assert!(both.iter().all(Result::is_err));
    assert_eq!(scene.requests.get(), 5);
}

#[tokio::test]
async fn callers_whose_token_was_rejected_share_its_replacement() {
    let (scene, credentials, later) = (Scene::new(), credentials("a"), after_seconds(60));
    scene.token(&credentials, None, now()).await;
    let both = join_all((0..2).map(|_| scene.token(&credentials, Some("Bearer 1"), later))).await;
    assert_eq!(both, [awaited("Bearer 2"), awaited("Bearer 2")]);
    // A late one finds the replacement.
    assert_eq!(scene.token(&credentials, Some("Bearer 1"), later).await, cached("Bearer 2"));
}

#[tokio::test]
async fn a_rejected_token_is_not_used_again_if_it_could_not_be_replaced() {
    let (scene, credentials, later) = (Scene::new(), credentials("a"), after_seconds(60));
    scene.token(&credentials, None, now()).await;
    scene.is_down.set(true);
    assert!(scene.get(&credentials, Some("Bearer 1"), later).await.is_err());
    scene.is_down.set(false);
    assert_eq!(scene.token(&credentials, None, later).await, awaited("Bearer 3"));
}

#[tokio::test]
async fn callers_that_wait_share_a_token_that_expires_before_they_get_it() {
    for lifetime in [Duration::ZERO, Duration::from_millis(900)] {
        let (scene, credentials) = (Scene::with_lifetime(lifetime), credentials("a"));
        let all = join_all((0..10).map(|second| scene.token(&credentials, None, after_seconds(second)))).await;
        assert_eq!((all, scene.requests.get()), (vec![awaited("Bearer 1"); 10], 1));
    }
}

#[tokio::test]
async fn callers_that_wait_share_a_token_that_is_issued_again_after_it_was_rejected() {
    let (scene, credentials) = (Scene::new(), credentials("a"));
    scene.repeats.set(true);
    scene.token(&credentials, None, now()).await;
    let all = join_all((0..5).map(|_| scene.token(&credentials, Some("Bearer 1"), after_seconds(60)))).await;
    assert_eq!((all, scene.requests.get()), (vec![awaited("Bearer 1"); 5], 2));
}

#[tokio::test]
async fn a_token_without_a_lifetime_is_not_used_by_later_callers() {
    let (scene, credentials) = (Scene::with_lifetime(Duration::ZERO), credentials("a"));
    for expected in ["Bearer 1", "Bearer 2"] {
        assert_eq!(scene.token(&credentials, None, now()).await, awaited(expected));
    }
}

#[tokio::test]
async fn a_caller_waits_no_longer_than_until_its_deadline() {
    let (scene, credentials) = (Scene::new(), credentials("a"));
    let deadline = Instant::now() + Duration::from_millis(50);
    let query =
        TokenQuery { endpoint: scene.endpoint, credentials: &credentials, rejected: None, now: now(), deadline };
    // The first one makes the request, the second one waits for it.
    let both = join_all((0..2).map(|_| scene.tokens.get(query, std::future::pending))).await;
    for token in both {
        assert!(matches!(token, Err(NoToken::Failed(failure)) if failure == timed_out()));
    }
    assert_eq!(scene.token(&credentials, None, now()).await, awaited("Bearer 1"));
}

fn timed_out() -> TokenFailure {
    let (reason, response) = (FailureReason::TokenUnreachable, Some("timeout".to_owned()));
    TokenFailure { reason, status: None, response, retry_after: None }
}

#[tokio::test]
async fn a_token_that_was_issued_less_than_a_minute_ago_is_neither_replaced_nor_forgotten() {
    let (scene, credentials) = (Scene::new(), credentials("a"));
    scene.token(&credentials, None, now()).await;
    let rejected = HeaderValue::from_static("Bearer 1");
    for second in [0, 59] {
        let at = after_seconds(second);
        scene.tokens.forget(scene.endpoint, &rejected, at);
        assert_eq!(scene.token(&credentials, Some("Bearer 1"), at).await, cached("Bearer 1"));
        assert!(scene.get(&credentials, None, at).await.unwrap().is_new);
    }
    assert!(!scene.get(&credentials, None, after_seconds(60)).await.unwrap().is_new);
    assert_eq!(scene.token(&credentials, Some("Bearer 1"), after_seconds(60)).await, awaited("Bearer 2"));
}

#[tokio::test]
async fn only_the_token_that_was_rejected_is_forgotten() {
    let (scene, credentials, later) = (Scene::new(), credentials("a"), after_seconds(60));
    scene.token(&credentials, None, now()).await;
    scene.tokens.forget(scene.endpoint, &HeaderValue::from_static("Bearer 0"), later);
    assert_eq!(scene.token(&credentials, None, later).await, cached("Bearer 1"));
    scene.tokens.forget(scene.endpoint, &HeaderValue::from_static("Bearer 1"), later);
    assert_eq!(scene.token(&credentials, None, later).await, awaited("Bearer 2"));
}
