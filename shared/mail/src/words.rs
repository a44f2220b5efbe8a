//! Every sentence of the mails, one file per language.
//!
//! A language is complete or does not build: each implements every method of [`Words`]. What is the same in all languages,
//! such as the format of numbers and times, is decided here.

use std::time::Duration;

use domain::foundation::language::Language;
use domain::foundation::time::Timestamp;
use domain::reports::report::{Outcome, ReportView, Totals};
use domain::webhooks::attempt::FailureReason;
use domain::webhooks::health::{HoldReason, Notice, NoticeKind};

mod english;
mod korean;
mod spanish;

use english::English;
use korean::Korean;
use spanish::Spanish;

/// Returns the words of a language.
pub(super) fn in_language(language: Language) -> &'static dyn Words {
    match language {
        Language::English => &English,
        Language::Korean => &Korean,
        Language::Spanish => &Spanish,
    }
}

/// The phrases of one language. Counts and times arrive as values, because plurals and word order differ.
pub(super) trait Words: Sync {
    fn language(&self) -> Language;

    /// The BCP 47 tag, for `lang` in HTML.
    fn tag(&self) -> &'static str {
        self.language().as_str()
    }

    // The headline of the report. Each method gets counts of webhooks.

    fn no_webhooks(&self) -> &'static str;
    fn all_delivered(&self, delivered: u64) -> String;
    fn delivered_and_cancelled(&self, delivered: u64, cancelled: u64) -> String;
    fn not_delivered_yet(&self, undelivered: u64, all: u64) -> String;
    fn some_failed(&self, failed: u64, all: u64) -> String;
    fn some_failed_others_not_delivered_yet(&self, failed: u64, undelivered: u64, all: u64) -> String;

    // The rest of the report.

    fn report_title(&self) -> &'static str;
    /// Follows the date of a day that is not over.
    fn day_in_progress(&self) -> &'static str;
    fn nothing_to_deliver(&self) -> &'static str;
    /// The title of the day's numbers.
    fn webhooks_of_the_day(&self) -> &'static str;
    fn data_as_of(&self, at: Timestamp) -> String;
    fn label(&self, state: CountedState) -> &'static str;
    /// A count within a sentence, such as "3 failed".
    fn counted(&self, state: CountedState, count: u64) -> String;
    /// Webhooks of events of earlier days; the counts follow.
    fn earlier_days_note(&self) -> &'static str;
    /// The number of events that the project published.
    fn events_accepted(&self) -> &'static str;
    /// The number of webhooks that wait for an earlier one of their submission.
    fn held_for_order(&self) -> &'static str;
    /// The number of attempts, with the share that was accepted in parentheses.
    fn attempts_accepted(&self) -> &'static str;
    fn first_attempt(&self) -> &'static str;
    fn median_delivery_time(&self) -> &'static str;
    fn p95_delivery_time(&self) -> &'static str;
    fn units(&self) -> Units;
    fn by_event_type(&self) -> &'static str;
    fn by_endpoint(&self) -> &'static str;
    fn failure_reasons(&self) -> &'static str;
    fn deleted_endpoint(&self) -> &'static str;
    fn problems(&self) -> &'static str;
    /// Failed webhooks need a replay.
    fn replay_hint(&self) -> &'static str;
    /// Webhooks that are still trying need nothing.
    fn retry_hint(&self) -> &'static str;
    /// Follows a list that leaves rows out.
    fn more(&self, rows: u64) -> String;
    /// Why an attempt failed, as a sentence without a full stop.
    fn failure_reason(&self, reason: FailureReason, status: Option<u16>) -> String;
    fn submissions(&self, ids: &str) -> String;
    fn endpoints_in_trouble(&self) -> &'static str;
    fn trouble(&self, state: HoldReason, since: Option<Timestamp>) -> String;
    fn will_be_disabled(&self, at: Timestamp) -> String;
    fn expiring_keys(&self) -> &'static str;
    fn expires(&self, at: Timestamp) -> String;
    /// One line about keys that were not used for 90 days.
    fn unused_keys(&self, count: usize, names: &str) -> String;
    /// Why the reader receives the report.
    fn report_footer(&self, project: &str) -> String;
    fn unsubscribe(&self) -> &'static str;

    // Notices about an endpoint.

    fn endpoint_is_failing(&self, host: &str) -> String;
    fn endpoint_was_disabled(&self, host: &str) -> String;
    fn every_attempt_failed(&self, since: Timestamp, failures: u64) -> String;
    fn last_failure(&self, reason: &str) -> String;
    fn receiver_is_gone(&self, at: Timestamp) -> String;
    fn held_until_disabled(&self, at: Timestamp) -> String;
    fn held_while_disabled(&self) -> &'static str;
    fn fix_the_receiver(&self) -> &'static str;
    fn fix_and_resume(&self) -> &'static str;
    /// Why the reader receives the notice.
    fn notice_footer(&self, project: &str) -> String;

    // The mail that asks for confirmation.

    fn confirmation_subject(&self) -> &'static str;
    fn confirmation_headline(&self) -> &'static str;
    fn confirmation_question(&self, project: &str) -> String;
    fn confirm(&self) -> &'static str;
    fn link_valid_until(&self, expires_at: Timestamp) -> String;
}

/// A state of deliveries that reports count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CountedState {
    Delivered,
    StillTrying,
    Held,
    Failed,
    Cancelled,
    Expired,
}

/// What follows the number of a duration, with the space between them if the language has one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Units {
    pub(super) milliseconds: &'static str,
    pub(super) seconds: &'static str,
    pub(super) minutes: &'static str,
    pub(super) hours: &'static str,
}

impl dyn Words {
    pub(super) fn subject(&self, report: &ReportView, project: &str) -> String {
        let mark = match report.outcome() {
            Outcome::Quiet => "",
            Outcome::Delivered => "✓ ",
            Outcome::StillTrying => "⚠ ",
            Outcome::Failed => "✗ ",
        };
        format!("{mark}{} · {project} · {}", self.headline(report), report.day)
    }

    pub(super) fn headline(&self, report: &ReportView) -> String {
        let all = report.all();
        let Totals { deliveries, delivered, cancelled, .. } = all;
        let (failed, undelivered) = (all.lost(), all.open());
        match report.outcome() {
            Outcome::Quiet => self.no_webhooks().to_owned(),
            Outcome::Delivered if cancelled > 0 => self.delivered_and_cancelled(delivered, cancelled),
            Outcome::Delivered => self.all_delivered(delivered),
            Outcome::StillTrying => self.not_delivered_yet(undelivered, deliveries),
            Outcome::Failed if undelivered > 0 => {
                self.some_failed_others_not_delivered_yet(failed, undelivered, deliveries)
            }
            Outcome::Failed => self.some_failed(failed, deliveries),
        }
    }

    pub(super) fn period(&self, report: &ReportView) -> String {
        let day = report.day;
        if report.is_whole_day() { format!("{day} (UTC)") } else { format!("{day} (UTC), {}", self.day_in_progress()) }
    }

    /// Lists the deliveries that were not delivered, by state; `None` if there are none.
    pub(super) fn undelivered(&self, totals: Totals) -> Option<String> {
        let list = self.list_counts([
            (CountedState::StillTrying, totals.still_trying),
            (CountedState::Held, totals.held),
            (CountedState::Failed, totals.failed),
            (CountedState::Expired, totals.expired),
            (CountedState::Cancelled, totals.cancelled),
        ]);
        (!list.is_empty()).then_some(list)
    }

    /// Lists the deliveries of earlier days, by state; `None` if there are none.
    pub(super) fn earlier_days(&self, totals: Totals) -> Option<String> {
        let delivered = (totals.delivered > 0).then(|| self.counted(CountedState::Delivered, totals.delivered));
        let parts: Vec<String> = delivered.into_iter().chain(self.undelivered(totals)).collect();
        (!parts.is_empty()).then(|| format!("{}: {}", self.earlier_days_note(), parts.join(" · ")))
    }

    /// Lists counts by state, without those that are zero.
    pub(super) fn list_counts(&self, counts: impl IntoIterator<Item = (CountedState, u64)>) -> String {
        let counts = counts.into_iter().filter(|(_, count)| *count > 0);
        counts.map(|(state, count)| self.counted(state, count)).collect::<Vec<_>>().join(" · ")
    }

    /// The line after a list that shows only `shown` of `all` rows; `None` if it shows all.
    pub(super) fn more_than(&self, all: usize, shown: usize) -> Option<String> {
        let more = all.saturating_sub(shown);
        (more > 0).then(|| self.more(more as u64))
    }

    /// A duration, as precise as it matters: `87 ms`, `1.3 s`, `4 min`, `2 h 30 min`.
    pub(super) fn duration(&self, millis: u64) -> String {
        let Units { milliseconds, seconds, minutes, hours } = self.units();
        let duration = Duration::from_millis(millis);
        let (whole_seconds, whole_minutes) = (duration.as_secs(), duration.as_secs() / 60);
        match millis {
            0..1_000 => format!("{millis}{milliseconds}"),
            1_000..60_000 => format!("{whole_seconds}.{}{seconds}", millis % 1_000 / 100),
            60_000..3_600_000 => format!("{whole_minutes}{minutes}"),
            _ => format!("{}{hours} {}{minutes}", whole_minutes / 60, whole_minutes % 60),
        }
    }

    pub(super) fn notice_subject(&self, kind: NoticeKind, host: &str, project: &str) -> String {
        let mark = match kind {
            NoticeKind::Failing => "⚠",
            NoticeKind::DisabledFailing | NoticeKind::DisabledGone => "✗",
        };
        format!("{mark} {} · {project}", self.notice_headline(kind, host))
    }

    pub(super) fn notice_headline(&self, kind: NoticeKind, host: &str) -> String {
        match kind {
            NoticeKind::Failing => self.endpoint_is_failing(host),
            NoticeKind::DisabledFailing | NoticeKind::DisabledGone => self.endpoint_was_disabled(host),
        }
    }

    /// What happened, with the reason of the last failure if it adds anything.
    pub(super) fn notice_story(&self, notice: &Notice) -> String {
        if notice.kind == NoticeKind::DisabledGone {
            return self.receiver_is_gone(notice.at);
        }
        let story = self.every_attempt_failed(notice.failing_since, notice.failures.into());
        let Some(last) = notice.last_failure else { return story };
        let reason = within_sentence(&self.failure_reason(last.reason, last.status));
        format!("{story} {}", self.last_failure(&reason))
    }

    /// What happens to the endpoint's webhooks next.
    pub(super) fn notice_outlook(&self, notice: &Notice) -> String {
        match notice.disables_at {
            Some(at) => self.held_until_disabled(at),
            None => self.held_while_disabled().to_owned(),
        }
    }

    pub(super) fn notice_remedy(&self, kind: NoticeKind) -> &'static str {
        match kind {
            NoticeKind::Failing => self.fix_the_receiver(),
            NoticeKind::DisabledFailing | NoticeKind::DisabledGone => self.fix_and_resume(),
        }
    }
}

/// Formats a number with a comma between thousands, in every language.
pub(super) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut formatted = String::with_capacity(digits.len() * 4 / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            formatted.push(',');
        }
        formatted.push(digit);
    }
    formatted
}

/// Formats a share as a percentage with one decimal: `99.9%`.
pub(super) fn percent(per_mille: u64) -> String {
    match (per_mille / 10, per_mille % 10) {
        (whole, 0) => format!("{whole}%"),
        (whole, tenth) => format!("{whole}.{tenth}%"),
    }
}

/// Formats a time to the minute: `2026-11-22 08:30 UTC`.
fn minute(time: Timestamp) -> String {
    let rfc3339 = time.to_string();
    match rfc3339.get(..16) {
        Some(minute) => format!("{} UTC", minute.replace('T', " ")),
        None => rfc3339,
    }
}

/// Starts a sentence in lower case, so that it can follow a colon. An abbreviation such as `TLS` stays as it is.
fn within_sentence(sentence: &str) -> String {
    let mut characters = sentence.chars();
    match (characters.next(), characters.next()) {
        (Some(first), Some(second)) if !second.is_uppercase() => {
            first.to_lowercase().chain([second]).chain(characters).collect()
        }
        _ => sentence.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_have_commas() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn only_a_perfect_share_is_shown_as_100_percent() {
        assert_eq!([0, 5, 999, 1000].map(percent), ["0%", "0.5%", "99.9%", "100%"]);
    }

    #[test]
    fn durations_are_as_precise_as_they_matter() {
        let durations =
            |language| [87, 1_340, 59_999, 240_000, 9_000_000].map(|millis| in_language(language).duration(millis));
        assert_eq!(durations(Language::English), ["87 ms", "1.3 s", "59.9 s", "4 min", "2 h 30 min"]);
        assert_eq!(durations(Language::Spanish), durations(Language::English));
        assert_eq!(durations(Language::Korean), ["87ms", "1.3초", "59.9초", "4분", "2시간 30분"]);
    }

    #[test]
    fn a_reason_within_a_sentence_starts_in_lower_case() {
        assert_eq!(within_sentence("The receiver responded with 502"), "the receiver responded with 502");
        assert_eq!(within_sentence("TLS failed"), "TLS failed");
        assert_eq!(within_sentence("수신 서버 응답 코드 502"), "수신 서버 응답 코드 502");
    }

    #[test]
    fn each_language_has_words_of_its_own() {
        for language in Language::ALL {
            assert_eq!(in_language(language).language(), language);
        }
    }

    #[test]
    fn one_of_something_is_singular() {
        let english = in_language(Language::English);
        assert_eq!(
            [english.all_delivered(1), english.all_delivered(2)],
            ["1 webhook delivered", "All 2 webhooks delivered"]
        );

        let spanish = in_language(Language::Spanish);
        assert_eq!(
            [spanish.all_delivered(1), spanish.all_delivered(2)],
            ["Se entregó 1 webhook", "Se entregaron los 2 webhooks"]
        );
        assert_eq!(
            [spanish.some_failed(1, 2), spanish.some_failed(2, 3)],
            ["Falló 1 de 2 webhooks", "Fallaron 2 de 3 webhooks"]
        );
        assert_eq!(spanish.delivered_and_cancelled(2, 1), "Se entregaron 2 webhooks y se canceló 1");
        assert_eq!([1, 2].map(|count| spanish.counted(CountedState::Held, count)), ["1 retenido", "2 retenidos"]);
    }
}
