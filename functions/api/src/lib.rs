//! The settings API, `/v1`: one file per resource; what they share is in [`caller`], [`body`] and [`problem`].

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::middleware;
use axum::routing::{delete, get, post};
use shared::aws::Aws;
use shared::aws::mail::Mailer;
use shared::aws::queue::Queue;
use shared::aws::secrets::KeyRingSecret;
use shared::aws::store::{Activity, Settings};
use shared::clock::Clock;
use shared::random::Random;

mod answer;
mod api_keys;
mod audit;
mod body;
mod caller;
mod changes;
mod config;
mod deliveries;
mod documentation;
mod egress_ips;
mod endpoint_states;
mod endpoint_view;
mod endpoints;
mod events;
mod host_names;
mod jwks;
mod key_ring;
mod known_keys;
mod mail_link_page;
mod mail_links;
mod notification_users;
mod once;
#[cfg(test)]
mod openapi;
mod paging;
mod problem;
mod problem_kind;
mod projects;
mod rate;
mod replays;
mod reports;
mod request_log;
mod return_links;
mod return_url_keys;
mod return_urls;
mod signing_secrets;
mod submissions;
mod tag;
mod test_sends;

pub use config::Config;
use host_names::SystemHostNames;
pub use host_names::{Addresses, HostNames};
use known_keys::KnownKeys;
use rate::RateLimiter;

/// What every handler works with. Cloning it is cheap.
#[derive(Clone)]
pub struct App(Arc<Services>);

/// The services behind the API.
pub struct Services {
    config: Config,
    settings: Settings,
    api_keys: KnownKeys,
    rate_limiter: RateLimiter,
    activity: Activity,
    send_queue: Queue,
    mailer: Mailer,
    key_ring: KeyRingSecret,
    host_names: Arc<dyn HostNames>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    test_patience: Duration,
    report_patience: Duration,
}

impl App {
    /// Makes the clients; no call is made before a request needs one.
    pub fn new(
        config: Config,
        aws: &Aws,
        key_ring: KeyRingSecret,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Self {
        let settings = Settings::new(aws, &config.settings_table);
        let activity = Activity::new(aws, &config.activity_table, config.retention);
        Self(Arc::new(Services {
            api_keys: KnownKeys::new(settings.clone()),
            rate_limiter: RateLimiter::new(config.rate_limit, activity.clone()),
            settings,
            activity,
            send_queue: Queue::new(aws, &config.send_queue_url),
            mailer: Mailer::new(aws, &config.mail_from, config.mail_configuration_set.clone()),
            key_ring,
            host_names: Arc::new(SystemHostNames),
            config,
            clock,
            random,
            test_patience: test_sends::PATIENCE,
            report_patience: reports::PATIENCE,
        }))
    }

    /// The same, but where hosts lead is asked of `host_names`, and not of the machine's resolver.
    #[must_use]
    pub fn with_host_names(mut self, host_names: Arc<dyn HostNames>) -> Self {
        Arc::get_mut(&mut self.0).expect("the app is not in use yet").host_names = host_names;
        self
    }

    /// The same, but who sends a test waits for its result no longer than `patience`.
    #[must_use]
    pub fn with_test_patience(mut self, patience: Duration) -> Self {
        Arc::get_mut(&mut self.0).expect("the app is not in use yet").test_patience = patience;
        self
    }

    /// The same, but who asks for a report waits no longer than `patience` for it to be built.
    #[must_use]
    pub fn with_report_patience(mut self, patience: Duration) -> Self {
        Arc::get_mut(&mut self.0).expect("the app is not in use yet").report_patience = patience;
        self
    }
}

impl std::ops::Deref for App {
    type Target = Services;

    fn deref(&self) -> &Services {
        &self.0
    }
}

/// All routes.
pub fn router(app: App) -> Router {
    // What creates something can be repeated safely with an `Idempotency-Key`.
    let once = middleware::from_fn_with_state(app.clone(), once::by_same_key);
    let published_once = middleware::from_fn_with_state(app.clone(), once::by_any_publisher);
    Router::new()
        .route("/openapi.json", get(documentation::openapi))
        .route("/docs", get(documentation::page))
        .route("/problems/{name}", get(documentation::problem))
        .route("/v1/egress-ips", get(egress_ips::list))
        .route("/v1/projects", post(projects::create).layer(once.clone()).get(projects::list))
        .route("/v1/projects/{pid}", get(projects::read).patch(projects::change).delete(projects::delete))
        .route("/v1/projects/{pid}/audit", get(audit::list))
        .route("/v1/projects/{pid}/audit/{number}", get(audit::read))
        .route("/v1/projects/{pid}/audit/{number}/revert", post(audit::revert).layer(once.clone()))
        .route("/v1/projects/{pid}/api-keys", post(api_keys::create).layer(once.clone()).get(api_keys::list))
        .route("/v1/projects/{pid}/api-keys/{id}", get(api_keys::read).delete(api_keys::revoke))
        .route("/v1/projects/{pid}/api-keys/{id}/rotate", post(api_keys::rotate).layer(once.clone()))
        .route("/v1/projects/{pid}/endpoints", post(endpoints::create).layer(once.clone()).get(endpoints::list))
        .route(
            "/v1/projects/{pid}/endpoints/{id}",
            get(endpoints::read).patch(endpoints::change).delete(endpoints::delete),
        )
        .route("/v1/projects/{pid}/endpoints/{id}/pause", post(endpoint_states::pause))
        .route("/v1/projects/{pid}/endpoints/{id}/resume", post(endpoint_states::resume))
        .route("/v1/projects/{pid}/endpoints/{id}/test", post(test_sends::send).layer(once.clone()))
        .route("/v1/projects/{pid}/endpoints/{id}/tests/{test}", get(test_sends::read))
        .route(
            "/v1/projects/{pid}/endpoints/{id}/signing-secret/rotate",
            post(signing_secrets::rotate).layer(once.clone()),
        )
        .route("/v1/projects/{pid}/endpoints/{id}/signing-secret/previous", delete(signing_secrets::end_previous))
        .route("/v1/projects/{pid}/jwks.json", get(jwks::show))
        .route("/v1/projects/{pid}/jwks/rotate", post(jwks::rotate).layer(once.clone()))
        .route("/v1/projects/{pid}/events", post(events::publish).layer(published_once.clone()).get(events::list))
        .route("/v1/projects/{pid}/events/batch", post(events::publish_batch).layer(published_once))
        .route("/v1/projects/{pid}/events/{id}", get(events::read))
        .route("/v1/projects/{pid}/submissions/{id}/erase", post(submissions::erase))
        .route("/v1/projects/{pid}/deliveries", get(deliveries::list))
        .route("/v1/projects/{pid}/deliveries/{id}", get(deliveries::read))
        .route("/v1/projects/{pid}/deliveries/{id}/replay", post(replays::replay_one).layer(once.clone()))
        .route("/v1/projects/{pid}/replays", post(replays::create).layer(once.clone()).get(replays::list))
        .route("/v1/projects/{pid}/replays/{id}", get(replays::read))
        .route("/v1/projects/{pid}/replays/{id}/cancel", post(replays::cancel))
        .route("/v1/projects/{pid}/replays/{id}/resume", post(replays::resume))
        .route(
            "/v1/projects/{pid}/return-url",
            get(return_urls::read).put(return_urls::set).delete(return_urls::delete),
        )
        .route("/v1/projects/{pid}/return-url/preview", get(return_urls::preview))
        .route("/v1/projects/{pid}/return-url/verify", post(return_urls::verify))
        .route(
            "/v1/projects/{pid}/return-url/keys",
            post(return_url_keys::issue).layer(once.clone()).get(return_url_keys::list),
        )
        .route("/v1/projects/{pid}/return-url/keys/{id}", delete(return_url_keys::remove))
        .route("/v1/projects/{pid}/return-url/keys/{id}/activate", post(return_url_keys::activate))
        .route("/v1/projects/{pid}/return-links", post(return_links::create).layer(once.clone()))
        .route(
            "/v1/projects/{pid}/notification-users",
            post(notification_users::create).layer(once.clone()).get(notification_users::list),
        )
        .route(
            "/v1/projects/{pid}/notification-users/{id}",
            get(notification_users::read).patch(notification_users::change).delete(notification_users::remove),
        )
        .route(
            "/v1/projects/{pid}/notification-users/{id}/resend-confirmation",
            post(notification_users::resend_confirmation).layer(once),
        )
        .route("/confirm/{token}", get(mail_links::ask_to_confirm).post(mail_links::confirm))
        .route("/unsubscribe/{token}", get(mail_links::ask_to_unsubscribe).post(mail_links::unsubscribe))
        .route("/v1/projects/{pid}/reports/{day}", get(reports::read))
        .route("/v1/key-ring/reseal", post(key_ring::reseal))
        .fallback(problem::no_such_route)
        .method_not_allowed_fallback(problem::no_such_method)
        .layer(middleware::from_fn(problem::check_url))
        .layer(middleware::from_fn(rate::write_headers))
        .layer(middleware::from_fn_with_state(app.clone(), request_log::log_request))
        .with_state(app)
}
