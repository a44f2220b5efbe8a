//! What needs somebody's attention, worst first.

use domain::foundation::time::Timestamp;
use domain::reports::notification_user::NotificationUserState;
use domain::reports::report::EXPIRY_NOTICE_PERIOD;

use crate::http::visitor::Visitor;
use crate::layout::time::minute;
use crate::layout::translations::Fill;
use crate::pages::api_keys::view::Key;
use crate::pages::endpoints::condition::Condition;
use crate::pages::endpoints::view::Endpoint;
use crate::pages::endpoints::words::Words as EndpointWords;
use crate::pages::notification_users::view::User;
use crate::pages::overview::words::Words;

/// Something that needs attention.
pub(super) struct Trouble {
    /// Whether it is urgent. Otherwise it can wait for a day.
    pub(super) is_urgent: bool,
    pub(super) title: String,
    pub(super) text: String,
    /// The page that helps.
    pub(super) href: String,
    /// The label of the link to the page.
    pub(super) action: &'static str,
}

/// Finds all trouble: endpoints in the order of their condition, then keys, then notification users.
pub(super) fn find(endpoints: &[Endpoint], keys: &[Key], users: &[User], visitor: &Visitor) -> Vec<Trouble> {
    let words = Words::of(visitor.language());
    let mut failing: Vec<&Endpoint> = endpoints.iter().filter(|endpoint| is_trouble(endpoint.condition())).collect();
    failing.sort_by_key(|endpoint| endpoint.condition());
    let failing =
        failing.into_iter().map(|endpoint| of_endpoint(endpoint, words, EndpointWords::of(visitor.language())));
    let now = visitor.now();
    let ending =
        keys.iter().filter_map(|key| Some((key, key.expires_at.filter(|at| at.since(now) <= EXPIRY_NOTICE_PERIOD)?)));
    let ending = ending.map(|(key, at)| of_key(key, at, words));
    let stopped = users.iter().filter(|user| user.state == NotificationUserState::Suppressed);
    failing.chain(ending).chain(stopped.map(|user| of_user(user, words))).collect()
}

/// Whether a person should do something. A paused endpoint is not trouble, because somebody paused it.
const fn is_trouble(condition: Condition) -> bool {
    match condition {
        Condition::Gone
        | Condition::GivenUp
        | Condition::Failing
        | Condition::Unverified
        | Condition::Busy
        | Condition::Unsteady => true,
        Condition::Paused | Condition::CatchingUp | Condition::Active => false,
    }
}

fn of_endpoint(endpoint: &Endpoint, words: &'static Words, states: &'static EndpointWords) -> Trouble {
    let mut text = vec![match endpoint.since() {
        Some(at) => words.endpoint_since.fill("state", states.state(endpoint)).fill("at", minute(&at)),
        None => states.state(endpoint).to_owned(),
    }];
    if endpoint.held_deliveries > 0 {
        text.push(words.endpoint_held.fill("count", endpoint.held()));
    }
    if let Some(at) = endpoint.health.disables_at {
        text.push(words.endpoint_disables.fill("at", minute(&at)));
    }
    Trouble {
        is_urgent: endpoint.tone() == "bad",
        title: endpoint.name().to_owned(),
        text: text.join(" "),
        href: endpoint.path(),
        action: words.see_why,
    }
}

fn of_key(key: &Key, at: Timestamp, words: &'static Words) -> Trouble {
    Trouble {
        is_urgent: false,
        title: words.key_title.fill("name", &key.name),
        text: words.key_ends.fill("at", minute(&at)),
        href: format!("{}/rotate", key.path()),
        action: words.rotate,
    }
}

fn of_user(user: &User, words: &'static Words) -> Trouble {
    Trouble {
        is_urgent: false,
        title: words.user_title.fill("name", &user.name),
        text: words.user_stopped.to_owned(),
        href: user.path(),
        action: words.see_why,
    }
}
