//! Notification users, who receive the daily report by mail.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::foundation::draft::{BadFields, Change, Draft};
use crate::foundation::id::{NotificationUserId, ProjectId};
use crate::foundation::language::Language;
use crate::foundation::time::Timestamp;
use crate::projects::audit::{Fields, PERSONAL_FIELDS};
use crate::projects::name::{Name, NewPublicName};
use crate::public_names;
use crate::reports::confirmation::{ASK_AGAIN_AFTER, CannotAsk};
use crate::reports::email_address::EmailAddress;
use crate::reports::suppression::{Listing, Suppression, SuppressionReason};

/// Maximum number of notification users of a project.
pub const MAX_NOTIFICATION_USERS: usize = 50;

/// A notification user as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NotificationUser {
    /// Id of the notification user.
    pub id: NotificationUserId,
    /// The project whose reports the user receives.
    pub project_id: ProjectId,
    /// Name of the user.
    pub name: Name,
    /// Address that mails are sent to.
    pub email: EmailAddress,
    /// Language of mails.
    pub language: Language,
    /// Whether the user receives mails.
    pub state: NotificationUserState,
    /// Why and when mails stopped; only in the state `suppressed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suppression: Option<Suppression>,
    /// When the latest mail that asks for confirmation was requested.
    pub asked_at: Timestamp,
    /// When the person last confirmed the address. Missing in rows of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmed_at: Option<Timestamp>,
    /// When the user was added.
    pub created_at: Timestamp,
    /// Number of the audit log entry that changed the user last. Part of the `ETag`. 0 in rows of older versions.
    #[serde(default)]
    pub changed_in: u64,
}

public_names! {
    /// Whether a notification user receives mails.
    pub enum NotificationUserState {
        /// The person has not used the link in the first mail yet. No reports are sent.
        Unconfirmed = "unconfirmed",
        /// The person confirmed the address. Reports are sent.
        Confirmed = "confirmed",
        /// The person unsubscribed. No reports are sent.
        Unsubscribed = "unsubscribed",
        /// A mail bounced, the reader marked one as spam, or the user was added again after unsubscribing. No mails are sent.
        Suppressed = "suppressed",
    }
}

/// Whether to ask a notification user for confirmation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AskDecision {
    /// Send the mail.
    Mail {
        /// The user's state at the time of the decision.
        state: NotificationUserState,
        /// The time of the decision.
        at: Timestamp,
    },
    /// Send nothing, because the address is suppressed. Without a reason, the user's state does not change.
    Stop(Option<Suppression>),
}

impl NotificationUser {
    /// Fails if the user cannot be asked for confirmation at `now`.
    pub fn check_ask(&self, now: Timestamp) -> Result<(), CannotAsk> {
        if self.state == NotificationUserState::Confirmed {
            return Err(CannotAsk::Confirmed);
        }
        let elapsed = now.since(self.asked_at);
        if elapsed < ASK_AGAIN_AFTER {
            return Err(CannotAsk::TooSoon { seconds_left: ASK_AGAIN_AFTER.saturating_sub(elapsed).as_secs() + 1 });
        }
        Ok(())
    }

    /// Decides at `now` whether to ask the user for confirmation.
    pub fn decide_ask(&self, listing: &Listing, now: Timestamp) -> AskDecision {
        if self.may_be_asked(listing) {
            AskDecision::Mail { state: self.state, at: now }
        } else {
            // The original time may come from another project, so this project must not see it.
            AskDecision::Stop(listing.suppression.map(|suppression| Suppression { at: now, ..suppression }))
        }
    }

    /// Applies the decision. The user may have changed since it was made.
    pub fn apply_ask(&mut self, decision: AskDecision) {
        match decision {
            AskDecision::Mail { state, at } => {
                if self.state == state && state != NotificationUserState::Confirmed {
                    self.state = NotificationUserState::Unconfirmed;
                    self.suppression = None;
                }
                self.asked_at = self.asked_at.max(at);
            }
            AskDecision::Stop(Some(suppression)) if self.state == NotificationUserState::Unconfirmed => {
                self.suppress(suppression);
            }
            AskDecision::Stop(_) => {}
        }
    }

    /// Whether a mail may ask the user for confirmation. An entry of the suppression list forbids it. Earlier versions stopped
    /// users without an entry, so a stopped state forbids it too, unless the operator has lifted the suppression.
    fn may_be_asked(&self, listing: &Listing) -> bool {
        let is_stopped = matches!(self.state, NotificationUserState::Unsubscribed | NotificationUserState::Suppressed);
        listing.suppression.is_none() && (listing.was_lifted || !is_stopped)
    }

    /// Confirms the address at `now`.
    pub fn confirm(&mut self, now: Timestamp) {
        self.state = NotificationUserState::Confirmed;
        self.suppression = None;
        self.confirmed_at = Some(now);
    }

    /// Unsubscribes the user. A suppressed user stays suppressed.
    pub fn unsubscribe(&mut self) {
        if self.state != NotificationUserState::Suppressed {
            self.state = NotificationUserState::Unsubscribed;
        }
    }

    /// Whether the person confirmed the address after `at`, so that a report about a mail of that time is out of date.
    pub fn has_confirmed_since(&self, at: Timestamp) -> bool {
        self.confirmed_at.is_some_and(|confirmed_at| confirmed_at > at)
    }

    /// Stops mails to the user. The first reason stays.
    pub fn suppress(&mut self, suppression: Suppression) {
        if self.state != NotificationUserState::Suppressed {
            self.state = NotificationUserState::Suppressed;
            self.suppression = Some(suppression);
        }
    }

    /// Why mails to the user stopped, for the suppression list. `None` if the user may get mails.
    pub fn stop_reason(&self) -> Option<SuppressionReason> {
        match self.state {
            NotificationUserState::Unconfirmed | NotificationUserState::Confirmed => None,
            NotificationUserState::Unsubscribed => Some(SuppressionReason::Unsubscribed),
            NotificationUserState::Suppressed => self.suppression.map(|suppression| suppression.reason),
        }
    }

    /// Applies a change.
    pub fn apply(&mut self, change: NotificationUserChange) {
        if let Some(name) = change.name {
            self.name = name;
        }
        change.language.apply(&mut self.language);
    }
}

/// A notification user, who receives the project's daily report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = NotificationUser))]
#[serde(rename_all = "camelCase")]
pub struct NotificationUserView {
    /// Id of the notification user.
    pub id: NotificationUserId,
    /// Name of the user.
    pub name: Name,
    /// Address that mails are sent to.
    pub email: EmailAddress,
    /// Language of mails.
    pub language: Language,
    /// Whether the user receives mails.
    pub state: NotificationUserState,
    /// Why mails stopped. Present in the state `suppressed`.
    #[serde(rename = "suppressedBecause", skip_serializing_if = "Option::is_none")]
    pub suppression_reason: Option<SuppressionReason>,
    /// When mails stopped. Present in the state `suppressed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suppressed_at: Option<Timestamp>,
    /// When the latest mail that asks for confirmation was requested.
    pub confirmation_asked_at: Timestamp,
    /// When the user was added.
    pub created_at: Timestamp,
}

impl NotificationUserView {
    /// Returns the fields for the audit log. They identify the person only by id, because the log outlives the notification user.
    pub fn audited(&self) -> Fields {
        let mut fields = self.fields();
        for personal in PERSONAL_FIELDS {
            fields.remove(personal);
        }
        fields
    }

    /// Returns all fields.
    pub fn fields(&self) -> Fields {
        match serde_json::to_value(self).expect("strings and times can be serialized") {
            Value::Object(fields) => fields,
            _ => Fields::new(),
        }
    }
}

impl NotificationUser {
    /// Returns the user as the API shows it.
    pub fn shown(&self) -> NotificationUserView {
        NotificationUserView {
            id: self.id,
            name: self.name.clone(),
            email: self.email.clone(),
            language: self.language,
            state: self.state,
            suppression_reason: self.suppression.map(|suppression| suppression.reason),
            suppressed_at: self.suppression.map(|suppression| suppression.at),
            confirmation_asked_at: self.asked_at,
            created_at: self.created_at,
        }
    }
}

/// A request to change a notification user (JSON merge patch, RFC 7396). The address cannot be changed, because a new address
/// must be confirmed: add it as another user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotificationUserChange {
    name: Option<Name>,
    language: Change<Language>,
}

impl TryFrom<Draft> for NotificationUserChange {
    type Error = BadFields;

    fn try_from(mut draft: Draft) -> Result<Self, BadFields> {
        let name =
            draft.change_of_required("name", "a notification user", |draft| draft.optional::<NewPublicName>("name"));
        let name = name.map(Name::from);
        let language = draft.change("language", |draft| draft.optional("language"));
        draft.check(|| Some(Self { name, language }))
    }
}

/// A request to add a notification user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewNotificationUser {
    /// Name of the user.
    pub name: Name,
    /// Address that mails are sent to.
    pub email: EmailAddress,
    /// Language of mails. The default is English.
    pub language: Language,
}

impl TryFrom<Draft> for NewNotificationUser {
    type Error = BadFields;

    fn try_from(mut draft: Draft) -> Result<Self, BadFields> {
        let name = draft.required::<NewPublicName>("name");
        let email = draft.required("email");
        let language = draft.optional("language").unwrap_or_default();
        draft.check(|| Some(Self { name: name?.into(), email: email?, language }))
    }
}

impl NewNotificationUser {
    /// Returns whether one of `users` has the same address. Case is ignored.
    pub fn is_among(&self, users: &[NotificationUser]) -> bool {
        users.iter().any(|user| user.email.as_str().eq_ignore_ascii_case(self.email.as_str()))
    }

    /// Creates the requested user in the state `unconfirmed`.
    pub fn create(self, id: NotificationUserId, project_id: ProjectId) -> NotificationUser {
        NotificationUser {
            id,
            project_id,
            name: self.name,
            email: self.email,
            language: self.language,
            state: NotificationUserState::Unconfirmed,
            suppression: None,
            asked_at: id.created_at(),
            confirmed_at: None,
            created_at: id.created_at(),
            changed_in: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::foundation::random::SystemRandom;

    fn now() -> Timestamp {
        "2026-11-22T08:30:00Z".parse().unwrap()
    }

    fn user() -> NotificationUser {
        let draft = Draft::parse(br#"{"name":"Ada","email":"ada@acme.example"}"#).unwrap();
        let (id, project) = (NotificationUserId::new(now(), &SystemRandom), ProjectId::new(now(), &SystemRandom));
        NewNotificationUser::try_from(draft).unwrap().create(id, project)
    }

    #[test]
    fn a_change_affects_only_the_fields_it_contains() {
        let change = |body: &str| NotificationUserChange::try_from(Draft::parse(body.as_bytes()).unwrap());
        let mut changed = user();
        changed.apply(change(r#"{"language":"ko"}"#).unwrap());
        assert_eq!(
            changed,
            NotificationUser {
                language: Language::Korean,
                ..NotificationUser { id: changed.id, project_id: changed.project_id, ..user() }
            }
        );
        let BadFields(bad) = change(r#"{"name":null,"email":"eve@acme.example"}"#).unwrap_err();
        assert_eq!(bad.iter().map(|field| field.pointer.as_str()).collect::<Vec<_>>(), ["/name", "/email"]);
    }

    fn stopped(state: NotificationUserState) -> NotificationUser {
        NotificationUser { state, ..user() }
    }

    fn listed(reason: Option<SuppressionReason>, was_lifted: bool) -> Listing {
        Listing { suppression: reason.map(|reason| Suppression { at: now(), reason }), was_lifted }
    }

    #[test]
    fn a_user_is_asked_at_most_once_a_minute_until_they_confirm() {
        let mut user = user();
        let later = |seconds| now().plus(Duration::from_secs(seconds));
        assert_eq!(user.check_ask(later(18)), Err(CannotAsk::TooSoon { seconds_left: 43 }));
        assert_eq!(user.check_ask(later(60)), Ok(()));
        user.apply_ask(user.decide_ask(&Listing::default(), later(60)));
        assert_eq!(user.check_ask(later(119)), Err(CannotAsk::TooSoon { seconds_left: 2 }));
        user.confirm(later(120));
        assert_eq!(user.check_ask(later(1000)), Err(CannotAsk::Confirmed));
    }

    #[test]
    fn a_user_on_the_suppression_list_is_not_asked() {
        for reason in SuppressionReason::ALL {
            for state in NotificationUserState::ALL {
                for was_lifted in [false, true] {
                    assert!(!stopped(state).may_be_asked(&listed(Some(reason), was_lifted)), "{state} {reason}");
                }
            }
        }
    }

    #[test]
    fn a_stopped_user_without_an_entry_is_asked_only_after_the_operator_lifts_the_suppression() {
        for state in [NotificationUserState::Unsubscribed, NotificationUserState::Suppressed] {
            assert!(!stopped(state).may_be_asked(&listed(None, false)), "{state}");
            assert!(stopped(state).may_be_asked(&listed(None, true)), "{state}");
        }
        assert!(user().may_be_asked(&listed(None, false)));
    }

    #[test]
    fn a_decision_to_ask_does_not_undo_later_changes() {
        let decision = user().decide_ask(&Listing::default(), now());
        for state in NotificationUserState::ALL {
            let mut changed = stopped(state);
            changed.apply_ask(decision);
            assert_eq!(changed.state, state);
        }
        let mut lifted = stopped(NotificationUserState::Unsubscribed);
        lifted.apply_ask(lifted.decide_ask(&listed(None, true), now()));
        assert_eq!(lifted.state, NotificationUserState::Unconfirmed);
    }

    #[test]
    fn a_new_user_with_a_suppressed_address_shows_the_reason_but_not_when_it_happened() {
        let later = now().plus(Duration::from_hours(1));
        let mut user = user();
        user.apply_ask(user.decide_ask(&listed(Some(SuppressionReason::Complained), false), later));
        let expected = Some(Suppression { at: later, reason: SuppressionReason::Complained });
        assert_eq!((user.state, user.suppression), (NotificationUserState::Suppressed, expected));
    }

    #[test]
    fn an_unsubscribed_or_suppressed_user_can_confirm_again() {
        let mut user = user();
        let suppression = Suppression { at: now(), reason: SuppressionReason::Bounced };
        user.confirm(now());
        user.unsubscribe();
        assert_eq!(
            (user.state, user.stop_reason()),
            (NotificationUserState::Unsubscribed, Some(SuppressionReason::Unsubscribed))
        );
        user.confirm(now());
        user.suppress(suppression);
        user.suppress(Suppression { reason: SuppressionReason::Complained, ..suppression });
        user.unsubscribe();
        assert_eq!((user.state, user.suppression), (NotificationUserState::Suppressed, Some(suppression)));
        assert_eq!(user.stop_reason(), Some(SuppressionReason::Bounced));
        user.confirm(now());
        assert_eq!((user.state, user.suppression, user.stop_reason()), (NotificationUserState::Confirmed, None, None));
    }

    #[test]
    fn a_report_from_before_the_person_confirmed_is_out_of_date() {
        let mut user = user();
        let before = now().minus(Duration::from_secs(1));
        assert!(!user.has_confirmed_since(before));
        user.confirm(now());
        assert!(user.has_confirmed_since(before) && !user.has_confirmed_since(now()));
    }

    #[test]
    fn the_audit_log_does_not_name_the_person() {
        let audited = user().shown().audited();
        assert!(!serde_json::to_string(&audited).unwrap().contains("Ada"), "{audited:?}");
        assert!(audited.contains_key("state") && audited.contains_key("language"));
    }

    #[test]
    fn a_row_of_an_earlier_version_is_read() {
        let mut row = serde_json::to_value(user()).unwrap();
        row.as_object_mut().unwrap().remove("confirmedAt");
        assert_eq!(serde_json::from_value::<NotificationUser>(row).unwrap().confirmed_at, None);
    }
}
