//! Everything that mails say, in each language: a phrase's translations stand side by side.

use std::time::Duration;

use crate::delivery::{FailureReason, HoldReason};
use crate::health::{Notice, NoticeKind};
use crate::notification_user::Language;
use crate::report::{Outcome, ReportView, Totals};
use crate::time::Timestamp;

/// Says things in one language.
#[derive(Debug, Clone, Copy)]
pub(super) struct Words(pub(super) Language);

impl Words {
    fn say<T>(self, en: T, ko: T) -> T {
        self.0.say(en, ko)
    }

    pub(super) fn code(self) -> &'static str {
        self.0.code()
    }

    // How the day went

    pub(super) fn subject(self, report: &ReportView, project: &str) -> String {
        let mark = match report.outcome() {
            Outcome::Quiet => "",
            Outcome::Delivered => "✓ ",
            Outcome::StillTrying => "⚠ ",
            Outcome::Failed => "✗ ",
        };
        format!("{mark}{} · {project} · {}", self.headline(report), report.day)
    }

    pub(super) fn headline(self, report: &ReportView) -> String {
        let Totals { deliveries, delivered, failed, still_trying, held, cancelled } = report.totals;
        let still_trying = still_trying + held;
        let [all, taken, lost, trying, dropped] = [deliveries, delivered, failed, still_trying, cancelled].map(count);
        let of_all = self.say(format!("{all} {}", webhooks(deliveries)), format!("웹훅 {all}건"));
        match report.outcome() {
            Outcome::Quiet => self.say("No webhooks".to_owned(), "웹훅 없음".to_owned()),
            Outcome::Delivered if cancelled > 0 => self.say(
                format!("{taken} {} delivered, {dropped} cancelled", webhooks(delivered)),
                format!("웹훅 {taken}건 전달, {dropped}건 취소"),
            ),
            Outcome::Delivered if deliveries == 1 => {
                self.say(format!("{of_all} delivered"), format!("{of_all} 전달됨"))
            }
            Outcome::Delivered => self.say(format!("All {of_all} delivered"), format!("{of_all} 모두 전달됨")),
            Outcome::StillTrying => self.say(
                format!("{trying} of {of_all} not delivered yet"),
                format!("{of_all} 중 {trying}건 아직 전달되지 않음"),
            ),
            Outcome::Failed if still_trying > 0 => self.say(
                format!("{lost} of {of_all} failed, {trying} still trying"),
                format!("{of_all} 중 {lost}건 실패, {trying}건 시도 중"),
            ),
            Outcome::Failed => self.say(format!("{lost} of {of_all} failed"), format!("{of_all} 중 {lost}건 실패")),
        }
    }

    pub(super) fn title(self) -> &'static str {
        self.say("Webhook report", "웹훅 리포트")
    }

    pub(super) fn period(self, report: &ReportView) -> String {
        let day = report.day;
        if report.is_whole_day() {
            return format!("{day} (UTC)");
        }
        self.say(format!("{day} (UTC), not over yet"), format!("{day} (UTC), 진행 중"))
    }

    pub(super) fn as_of(self, report: &ReportView) -> String {
        let as_of = minute(report.as_of);
        self.say(format!("State as of {as_of}."), format!("{as_of} 기준입니다."))
    }

    pub(super) fn nothing_happened(self) -> &'static str {
        self.say("There was nothing to deliver on this day.", "이 날은 전달할 웹훅이 없었습니다.")
    }

    // Numbers

    pub(super) fn delivered(self) -> &'static str {
        self.say("Delivered", "전달")
    }

    pub(super) fn still_trying(self) -> &'static str {
        self.say("Still trying", "시도 중")
    }

    pub(super) fn held(self) -> &'static str {
        self.say("Held", "보류")
    }

    pub(super) fn failed(self) -> &'static str {
        self.say("Failed", "실패")
    }

    pub(super) fn cancelled(self) -> &'static str {
        self.say("Cancelled", "취소")
    }

    pub(super) fn first_attempt(self) -> &'static str {
        self.say("Taken at the first attempt", "첫 시도 성공률")
    }

    pub(super) fn half_within(self) -> &'static str {
        self.say("Half arrived within", "전달 시간 (중앙값)")
    }

    pub(super) fn most_within(self) -> &'static str {
        self.say("95% arrived within", "전달 시간 (p95)")
    }

    pub(super) fn duration(self, millis: u64) -> String {
        let duration = Duration::from_millis(millis);
        let (seconds, minutes) = (duration.as_secs(), duration.as_secs() / 60);
        let (hours, minutes_left) = (minutes / 60, minutes % 60);
        match millis {
            0..1_000 => self.say(format!("{millis} ms"), format!("{millis}ms")),
            1_000..60_000 => {
                let tenths = millis % 1000 / 100;
                self.say(format!("{seconds}.{tenths} s"), format!("{seconds}.{tenths}초"))
            }
            60_000..3_600_000 => self.say(format!("{minutes} min"), format!("{minutes}분")),
            _ => self.say(format!("{hours} h {minutes_left} min"), format!("{hours}시간 {minutes_left}분")),
        }
    }

    // Groups

    pub(super) fn by_type(self) -> &'static str {
        self.say("By event type", "이벤트 유형별")
    }

    pub(super) fn by_endpoint(self) -> &'static str {
        self.say("By endpoint", "엔드포인트별")
    }

    /// What became of those that were not delivered; nothing if all were.
    pub(super) fn undelivered(self, totals: Totals) -> Option<String> {
        let parts = [
            (totals.still_trying, self.say("still trying", "시도 중")),
            (totals.held, self.say("held", "보류")),
            (totals.failed, self.say("failed", "실패")),
            (totals.cancelled, self.say("cancelled", "취소")),
        ];
        let told = parts.into_iter().filter(|(number, _)| *number > 0).map(|(number, what)| {
            let number = count(number);
            self.say(format!("{number} {what}"), format!("{what} {number}"))
        });
        let told: Vec<String> = told.collect();
        (!told.is_empty()).then(|| told.join(" · "))
    }

    pub(super) fn reasons(self) -> &'static str {
        self.say("What went wrong", "실패 사유")
    }

    pub(super) fn deleted_endpoint(self) -> &'static str {
        self.say("deleted endpoint", "삭제된 엔드포인트")
    }

    // Failures

    pub(super) fn failures(self) -> &'static str {
        self.say("Failed and waiting deliveries", "실패 및 재시도 내역")
    }

    pub(super) fn more_failures(self, more: u64) -> String {
        let more = count(more);
        self.say(
            format!("… and {more} more. The delivery log has them all."),
            format!("… 외 {more}건이 더 있습니다. 전체 내역은 전달 로그에서 확인할 수 있습니다."),
        )
    }

    pub(super) fn reason(self, reason: FailureReason, status: Option<u16>) -> String {
        let text = match (reason, status) {
            (FailureReason::Status, Some(status)) => {
                return self.say(format!("The receiver answered {status}"), format!("수신 서버 응답 코드 {status}"));
            }
            (FailureReason::Status, None) => self.say("The receiver answered with an error", "수신 서버가 오류로 응답"),
            (FailureReason::Redirect, _) => {
                self.say("The receiver answered with a redirect", "수신 서버가 리디렉션으로 응답")
            }
            (FailureReason::Dns, _) => self.say("The host name has no address", "호스트 이름의 주소를 찾을 수 없음"),
            (FailureReason::BlockedAddress, _) => {
                self.say("The address is not on the public internet", "공개 인터넷 주소가 아님")
            }
            (FailureReason::Refused, _) => self.say("The connection was refused", "연결이 거부됨"),
            (FailureReason::ConnectTimeout, _) => self.say("No connection within 5 seconds", "5초 안에 연결되지 않음"),
            (FailureReason::Tls, _) => self.say("TLS failed: check the certificate", "TLS 오류: 인증서 확인 필요"),
            (FailureReason::Timeout, _) => self.say("No answer within 15 seconds", "15초 안에 응답하지 않음"),
            (FailureReason::ConnectionLost, _) => {
                self.say("The connection broke before an answer came", "응답을 받기 전에 연결이 끊김")
            }
            (FailureReason::TooLarge, _) => self.say("The answer's headers are too large", "응답 헤더가 너무 큼"),
        };
        text.to_owned()
    }

    pub(super) fn attempts(self, attempts: u8, next_attempt_at: Option<Timestamp>) -> String {
        let plural = if attempts == 1 { "attempt" } else { "attempts" };
        match next_attempt_at.map(minute) {
            Some(next) => {
                self.say(format!("{attempts} {plural}, next at {next}"), format!("{attempts}회 시도, 다음 시도 {next}"))
            }
            None => self.say(format!("gave up after {attempts} {plural}"), format!("{attempts}회 시도 후 중단")),
        }
    }

    pub(super) fn submission(self) -> &'static str {
        self.say("submission", "제출 ID")
    }

    // Endpoints in trouble

    pub(super) fn endpoints_in_trouble(self) -> &'static str {
        self.say("Endpoints in trouble", "문제가 있는 엔드포인트")
    }

    pub(super) fn trouble(self, state: HoldReason, since: Option<Timestamp>) -> String {
        let (what, then) = match state {
            HoldReason::Paused => self.say(
                ("Paused", "its webhooks are held until it is resumed"),
                ("일시 중지됨", "다시 시작할 때까지 웹훅을 보류합니다"),
            ),
            HoldReason::Disabled => self.say(
                ("Disabled", "its webhooks are held until it is resumed"),
                ("비활성화됨", "다시 시작할 때까지 웹훅을 보류합니다"),
            ),
            HoldReason::Failing => self.say(
                ("Failing", "its webhooks are held, and one is tried now and then"),
                ("계속 실패 중", "웹훅을 보류하고 주기적으로 다시 시도합니다"),
            ),
            HoldReason::Busy => self.say(
                ("Asks for time", "its webhooks are held, and one is tried when that is over"),
                ("대기를 요청함", "웹훅을 보류하고 시간이 지나면 다시 시도합니다"),
            ),
        };
        match since.map(minute) {
            Some(since) => self.say(format!("{what} since {since}: {then}"), format!("{since}부터 {what}: {then}")),
            None => format!("{what}: {then}"),
        }
    }

    pub(super) fn will_be_disabled(self, at: Timestamp) -> String {
        let at = minute(at);
        self.say(format!("Will be disabled at {at} if that goes on"), format!("계속되면 {at}에 비활성화됩니다"))
    }

    // Notices

    pub(super) fn notice_subject(self, kind: NoticeKind, host: &str, project: &str) -> String {
        let mark = match kind {
            NoticeKind::Failing => "⚠",
            NoticeKind::DisabledFailing | NoticeKind::DisabledGone => "✗",
        };
        format!("{mark} {} · {project}", self.notice_headline(kind, host))
    }

    pub(super) fn notice_headline(self, kind: NoticeKind, host: &str) -> String {
        match kind {
            NoticeKind::Failing => self.say(format!("Webhooks to {host} fail"), format!("{host} 웹훅 전달 실패 중")),
            NoticeKind::DisabledFailing | NoticeKind::DisabledGone => {
                self.say(format!("Webhooks to {host} are stopped"), format!("{host} 웹훅 전달 중단됨"))
            }
        }
    }

    /// What happened, and what the last attempt came to.
    pub(super) fn notice_story(self, notice: &Notice) -> String {
        let (at, since, failures) = (minute(notice.at), minute(notice.failing_since), count(notice.failures.into()));
        let story = match notice.kind {
            NoticeKind::DisabledGone => self.say(
                format!("At {at} the receiver answered 410: it is gone and wants no more webhooks."),
                format!("{at}에 수신 서버가 410으로 응답하여 더 이상 웹훅을 받지 않겠다고 알렸습니다."),
            ),
            NoticeKind::Failing | NoticeKind::DisabledFailing => self.say(
                format!("Every attempt since {since} has failed, {failures} in all."),
                format!("{since}부터 모든 시도({failures}회)가 실패했습니다."),
            ),
        };
        match notice.last_failure {
            Some(last) if notice.kind != NoticeKind::DisabledGone => {
                let reason = self.reason(last.reason, last.status);
                self.say(format!("{story} The last time: {reason}."), format!("{story} 마지막 원인: {reason}."))
            }
            _ => story,
        }
    }

    /// What that means for the webhooks.
    pub(super) fn notice_outlook(self, notice: &Notice) -> String {
        match notice.disables_at.map(minute) {
            Some(at) => self.say(
                format!(
                    "Its webhooks are held, and one is tried now and then. If none is taken, the endpoint will be disabled at {at}."
                ),
                format!("웹훅을 보류하고 주기적으로 다시 시도합니다. 계속 실패하면 {at}에 엔드포인트가 비활성화됩니다."),
            ),
            None => self.say(
                "The endpoint is disabled: nothing is sent to it. Its webhooks are held, also those that are still to come."
                    .to_owned(),
                "엔드포인트가 비활성화되어 더 이상 전송하지 않습니다. 앞으로 발생하는 웹훅도 모두 보류합니다.".to_owned(),
            ),
        }
    }

    /// What its reader can do.
    pub(super) fn notice_remedy(self, kind: NoticeKind) -> &'static str {
        match kind {
            NoticeKind::Failing => self.say(
                "Mend the receiver. As soon as it takes a webhook, those that are held follow by themselves.",
                "수신 서버를 복구해 주세요. 웹훅을 한 건이라도 받으면 보류된 웹훅이 자동으로 전달됩니다.",
            ),
            NoticeKind::DisabledFailing | NoticeKind::DisabledGone => self.say(
                "Mend the receiver, then resume the endpoint: what is held is delivered then. If it is not needed any \
                 more, delete it.",
                "수신 서버를 복구한 뒤 엔드포인트를 다시 시작하면 보류된 웹훅이 전달됩니다. 더 이상 필요하지 않다면 삭제해 주세요.",
            ),
        }
    }

    pub(super) fn notice_why(self, project: &str) -> String {
        self.say(
            format!(
                "You get this mail because this address was confirmed for notices about the webhooks of {project}."
            ),
            format!("이 주소가 {project}의 웹훅 알림 수신 주소로 확인되어 발송된 메일입니다."),
        )
    }

    // Why this mail came

    pub(super) fn why(self, project: &str) -> String {
        self.say(
            format!("You get this mail because this address was confirmed for the daily webhook report of {project}."),
            format!("이 주소가 {project}의 일일 웹훅 리포트 수신 주소로 확인되어 발송된 메일입니다."),
        )
    }

    // Keys

    pub(super) fn expiring_keys(self) -> &'static str {
        self.say("API keys that expire soon", "곧 만료되는 API 키")
    }

    pub(super) fn expires(self, at: Timestamp) -> String {
        let at = minute(at);
        self.say(format!("expires {at}"), format!("{at} 만료"))
    }

    pub(super) fn unsubscribe(self) -> &'static str {
        self.say("Unsubscribe", "수신 거부")
    }

    // Confirmation

    pub(super) fn confirmation_subject(self, project: &str) -> String {
        self.say(format!("Confirm: daily webhook report of {project}"), format!("{project} 일일 웹훅 리포트 수신 확인"))
    }

    pub(super) fn confirmation_headline(self) -> &'static str {
        self.say("Do you want the daily report?", "일일 리포트를 받으시겠습니까?")
    }

    pub(super) fn confirmation_question(self, project: &str) -> String {
        self.say(
            format!(
                "This address was entered to get the daily webhook report of {project}: one mail every morning that \
                 tells what became of yesterday's webhooks, and one when a receiver fails for long. Nothing is sent \
                 until you confirm."
            ),
            format!(
                "{project}의 일일 웹훅 리포트 수신 주소로 이 주소가 등록되었습니다. 전날 웹훅의 전달 결과를 매일 아침 한 통의 \
                 메일로 알려 드리고, 수신 서버가 오래 실패하면 따로 알려 드립니다. 확인하시기 전에는 메일이 발송되지 않습니다."
            ),
        )
    }

    pub(super) fn confirm(self) -> &'static str {
        self.say("Confirm my address", "주소 확인하기")
    }

    pub(super) fn link_works_until(self, moment: Timestamp) -> String {
        let until = minute(moment);
        self.say(
            format!("The link works until {until}. If you did not expect this mail, ignore it: you will get no reports."),
            format!("이 링크는 {until}까지 유효합니다. 요청하신 적이 없다면 이 메일을 무시하세요. 리포트는 발송되지 않습니다."),
        )
    }
}

fn webhooks(number: u64) -> &'static str {
    if number == 1 { "webhook" } else { "webhooks" }
}

/// A number with a comma between its thousands, as both languages write it.
pub(super) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A share as a percentage with one decimal: `99.9%`.
pub(super) fn percent(per_mille: u64) -> String {
    match (per_mille / 10, per_mille % 10) {
        (whole, 0) => format!("{whole}%"),
        (whole, tenth) => format!("{whole}.{tenth}%"),
    }
}

/// A moment to the minute: `2026-11-22 08:30 UTC`.
fn minute(moment: Timestamp) -> String {
    let text = moment.to_string();
    match text.get(..16) {
        Some(minute) => format!("{} UTC", minute.replace('T', " ")),
        None => text,
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
    fn only_a_perfect_share_is_all_of_it() {
        assert_eq!([0, 5, 999, 1000].map(percent), ["0%", "0.5%", "99.9%", "100%"]);
    }

    #[test]
    fn durations_are_as_fine_as_they_matter() {
        let english = Words(Language::En);
        let texts = [87, 1_340, 59_999, 240_000, 9_000_000].map(|millis| english.duration(millis));
        assert_eq!(texts, ["87 ms", "1.3 s", "59.9 s", "4 min", "2 h 30 min"]);
        assert_eq!(Words(Language::Ko).duration(9_000_000), "2시간 30분");
    }
}
