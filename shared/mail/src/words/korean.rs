//! Korean.

use domain::foundation::language::Language;
use domain::foundation::time::Timestamp;
use domain::webhooks::attempt::FailureReason;
use domain::webhooks::health::HoldReason;

use super::{CountedState, Units, Words, count, minute};

pub(super) struct Korean;

impl Words for Korean {
    fn language(&self) -> Language {
        Language::Korean
    }

    fn no_webhooks(&self) -> &'static str {
        "웹훅 없음"
    }

    fn all_delivered(&self, delivered: u64) -> String {
        let all = if delivered == 1 { "" } else { " 모두" };
        format!("웹훅 {}건{all} 전달됨", count(delivered))
    }

    fn delivered_and_cancelled(&self, delivered: u64, cancelled: u64) -> String {
        format!("웹훅 {}건 전달, {}건 취소", count(delivered), count(cancelled))
    }

    fn not_delivered_yet(&self, undelivered: u64, all: u64) -> String {
        format!("웹훅 {}건 중 {}건 아직 전달되지 않음", count(all), count(undelivered))
    }

    fn some_failed(&self, failed: u64, all: u64) -> String {
        format!("웹훅 {}건 중 {}건 실패", count(all), count(failed))
    }

    fn some_failed_others_not_delivered_yet(&self, failed: u64, undelivered: u64, all: u64) -> String {
        format!("웹훅 {}건 중 {}건 실패, {}건 아직 전달되지 않음", count(all), count(failed), count(undelivered))
    }

    fn report_title(&self) -> &'static str {
        "웹훅 리포트"
    }

    fn day_in_progress(&self) -> &'static str {
        "진행 중"
    }

    fn nothing_to_deliver(&self) -> &'static str {
        "이 날은 전달할 웹훅이 없었습니다."
    }

    fn webhooks_of_the_day(&self) -> &'static str {
        "이 날의 웹훅"
    }

    fn data_as_of(&self, at: Timestamp) -> String {
        format!("{} 기준입니다.", minute(at))
    }

    fn label(&self, state: CountedState) -> &'static str {
        match state {
            CountedState::Delivered => "전달",
            CountedState::StillTrying => "시도 중",
            CountedState::Held => "보류",
            CountedState::Failed => "실패",
            CountedState::Cancelled => "취소",
            CountedState::Expired => "만료",
        }
    }

    fn counted(&self, state: CountedState, number: u64) -> String {
        format!("{} {}", self.label(state), count(number))
    }

    fn earlier_days_note(&self) -> &'static str {
        "이전 날짜의 웹훅"
    }

    fn events_accepted(&self) -> &'static str {
        "접수된 이벤트"
    }

    fn held_for_order(&self) -> &'static str {
        "앞선 웹훅을 기다리며 보류됨"
    }

    fn attempts_accepted(&self) -> &'static str {
        "시도 횟수 (성공률)"
    }

    fn first_attempt(&self) -> &'static str {
        "첫 시도 성공률"
    }

    fn median_delivery_time(&self) -> &'static str {
        "전달 시간 (중앙값)"
    }

    fn p95_delivery_time(&self) -> &'static str {
        "전달 시간 (p95)"
    }

    fn units(&self) -> Units {
        Units { milliseconds: "ms", seconds: "초", minutes: "분", hours: "시간" }
    }

    fn by_event_type(&self) -> &'static str {
        "이벤트 유형별"
    }

    fn by_endpoint(&self) -> &'static str {
        "엔드포인트별"
    }

    fn failure_reasons(&self) -> &'static str {
        "실패 사유"
    }

    fn deleted_endpoint(&self) -> &'static str {
        "삭제된 엔드포인트"
    }

    fn problems(&self) -> &'static str {
        "실패하는 웹훅"
    }

    fn replay_hint(&self) -> &'static str {
        "실패하거나 만료된 웹훅은 다시 전송되지 않습니다. 수신 서버를 복구한 뒤 재전송해 주세요."
    }

    fn retry_hint(&self) -> &'static str {
        "시도 중인 웹훅은 자동으로 다시 전송됩니다."
    }

    fn more(&self, rows: u64) -> String {
        format!("… 외 {}건", count(rows))
    }

    fn failure_reason(&self, reason: FailureReason, status: Option<u16>) -> String {
        let sentence = match reason {
            FailureReason::Status => match status {
                Some(status) => return format!("수신 서버 응답 코드 {status}"),
                None => "수신 서버가 오류로 응답",
            },
            FailureReason::Redirect => "수신 서버가 리디렉션으로 응답",
            FailureReason::Dns => "호스트 이름의 주소를 찾을 수 없음",
            FailureReason::BlockedAddress => "공개 인터넷 주소가 아님",
            FailureReason::Refused => "연결이 거부됨",
            FailureReason::ConnectTimeout => "5초 안에 연결되지 않음",
            FailureReason::Tls => "TLS 오류: 인증서 확인 필요",
            FailureReason::CertificateExpired => "인증서가 만료됨",
            FailureReason::CertificateNotYetValid => "인증서의 유효 기간이 시작되지 않음",
            FailureReason::CertificateWrongHost => "다른 호스트의 인증서",
            FailureReason::CertificateSelfSigned => "자체 서명된 인증서",
            FailureReason::CertificateUnknownIssuer => "알 수 없는 인증 기관: 중간 인증서 확인 필요",
            FailureReason::Timeout => "15초 안에 응답하지 않음",
            FailureReason::ConnectionLost => "응답을 받기 전에 연결이 끊김",
            FailureReason::ClientCertificateRequired => "수신 서버가 클라이언트 인증서를 요구하지만 엔드포인트에 없음",
            FailureReason::ClientCertificateRejected => "수신 서버가 클라이언트 인증서를 거부함",
            FailureReason::TokenUnreachable => "토큰 서버에 연결할 수 없음",
            FailureReason::TokenRefused => "토큰 서버가 액세스 토큰 발급을 거부함",
            FailureReason::TokenInvalid => "토큰 서버가 사용할 수 있는 액세스 토큰을 보내지 않음",
            FailureReason::InvalidResponse => "수신 서버가 올바른 HTTP 응답을 보내지 않음",
            FailureReason::TooLarge => "응답 헤더가 너무 큼",
        };
        sentence.to_owned()
    }

    fn submissions(&self, ids: &str) -> String {
        format!("제출 ID: {ids}")
    }

    fn endpoints_in_trouble(&self) -> &'static str {
        "문제가 있는 엔드포인트"
    }

    fn trouble(&self, state: HoldReason, since: Option<Timestamp>) -> String {
        let (name, effect) = match state {
            HoldReason::Paused => ("일시 중지됨", "다시 시작할 때까지 웹훅을 보류합니다"),
            HoldReason::Disabled => ("비활성화됨", "다시 시작할 때까지 웹훅을 보류합니다"),
            HoldReason::Unverified => ("확인되지 않음", "수신 서버가 핸드셰이크로 허용할 때까지 웹훅을 보류합니다"),
            HoldReason::Failing => ("계속 실패 중", "웹훅을 보류하고 주기적으로 다시 시도합니다"),
            HoldReason::Busy => {
                ("대기 중", "수신 서버가 대기를 요청하여 웹훅을 보류하고, 대기 시간이 지나면 다시 시도합니다")
            }
        };
        let since = since.map(|since| format!("{}부터 ", minute(since))).unwrap_or_default();
        format!("{since}{name}: {effect}")
    }

    fn will_be_disabled(&self, at: Timestamp) -> String {
        format!("계속 실패하면 {}에 비활성화됩니다", minute(at))
    }

    fn unused_keys(&self, count: usize, names: &str) -> String {
        format!("90일 동안 사용하지 않은 API 키가 {count}개 있습니다: {names}. 필요 없는 키는 폐기해 주세요.")
    }

    fn expiring_keys(&self) -> &'static str {
        "곧 만료되는 API 키"
    }

    fn expires(&self, at: Timestamp) -> String {
        format!("{} 만료", minute(at))
    }

    fn report_footer(&self, project: &str) -> String {
        format!("이 주소가 {project}의 일일 웹훅 리포트 수신 주소로 확인되어 발송된 메일입니다.")
    }

    fn unsubscribe(&self) -> &'static str {
        "수신 거부"
    }

    fn endpoint_is_failing(&self, host: &str) -> String {
        format!("{host} 웹훅 전달 실패 중")
    }

    fn endpoint_was_disabled(&self, host: &str) -> String {
        format!("{host} 웹훅 전달 중단됨")
    }

    fn every_attempt_failed(&self, since: Timestamp, failures: u64) -> String {
        format!("{}부터 모든 시도({}회)가 실패했습니다.", minute(since), count(failures))
    }

    fn last_failure(&self, reason: &str) -> String {
        format!("마지막 원인: {reason}.")
    }

    fn receiver_is_gone(&self, at: Timestamp) -> String {
        format!("{}에 수신 서버가 410(Gone)으로 응답하여 더 이상 웹훅을 받지 않겠다고 알렸습니다.", minute(at))
    }

    fn held_until_disabled(&self, at: Timestamp) -> String {
        format!(
            "웹훅을 보류하고 주기적으로 다시 시도합니다. 계속 실패하면 {}에 엔드포인트가 비활성화됩니다.",
            minute(at)
        )
    }

    fn held_while_disabled(&self) -> &'static str {
        "엔드포인트가 비활성화되어 웹훅을 전송하지 않습니다. 대기 중인 웹훅과 앞으로 발생하는 웹훅을 모두 보류합니다."
    }

    fn fix_the_receiver(&self) -> &'static str {
        "수신 서버를 복구해 주세요. 웹훅을 한 건이라도 받으면 보류된 웹훅이 자동으로 전달됩니다."
    }

    fn fix_and_resume(&self) -> &'static str {
        "수신 서버를 복구한 뒤 엔드포인트를 다시 시작하면 보류된 웹훅이 전달됩니다. 엔드포인트가 더 이상 필요하지 않다면 삭제해 주세요."
    }

    fn notice_footer(&self, project: &str) -> String {
        format!("이 주소가 {project}의 웹훅 알림 수신 주소로 확인되어 발송된 메일입니다.")
    }

    fn confirmation_subject(&self) -> &'static str {
        "일일 웹훅 리포트 수신 주소 확인"
    }

    fn confirmation_headline(&self) -> &'static str {
        "일일 리포트를 받으시겠습니까?"
    }

    fn confirmation_question(&self, project: &str) -> String {
        format!(
            "{project}의 일일 웹훅 리포트 수신 주소로 이 주소가 등록되었습니다. 전날 웹훅의 전달 결과를 매일 아침 한 통의 \
             메일로 알려 드리고, 수신 서버가 오래 실패하면 따로 알려 드립니다. 확인하시기 전에는 리포트가 발송되지 않습니다."
        )
    }

    fn confirm(&self) -> &'static str {
        "주소 확인하기"
    }

    fn link_valid_until(&self, expires_at: Timestamp) -> String {
        let until = minute(expires_at);
        format!(
            "이 링크는 {until}까지 유효합니다. 요청하신 적이 없다면 이 메일을 무시하세요. 리포트는 발송되지 않습니다."
        )
    }
}
