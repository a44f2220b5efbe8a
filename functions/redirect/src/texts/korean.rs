//! Korean.

use super::{Message, Texts};
use crate::error_kind::ErrorKind;

pub(super) const TEXTS: Texts = Texts {
    approved: Message {
        title: "본인 확인이 완료되었습니다", text: "신원이 정상적으로 확인되었습니다."
    },
    pending: Message {
        title: "본인 확인을 검토하고 있습니다",
        text: "제출하신 내용을 모두 받았습니다. 검토가 끝나면 결과를 알려 드립니다.",
    },
    rejected: Message {
        title: "본인 확인을 완료하지 못했습니다",
        text: "제출하신 내용으로는 신원을 확인할 수 없었습니다.",
    },
    expired_link: Message {
        title: "링크가 만료되었습니다",
        text: "이 링크는 정해진 시간 동안만 사용할 수 있습니다. 처음 화면으로 돌아가 다시 시도해 주세요.",
    },
    used_link: Message {
        title: "이미 사용된 링크입니다",
        text: "이 링크는 다른 사람이 사용할 수 없도록 한 번만 열립니다. 계속하려면 처음 화면으로 돌아가 주세요.",
    },
    invalid_link: Message {
        title: "사용할 수 없는 링크입니다",
        text: "링크의 일부가 빠졌거나 변경되었을 수 있습니다. 받으신 링크를 그대로 다시 열어 주세요.",
    },
    page_not_found: Message {
        title: "페이지를 찾을 수 없습니다",
        text: "이 주소에는 페이지가 없습니다. 받으신 링크를 다시 확인해 주세요.",
    },
    unavailable: Message {
        title: "다시 시도해 주세요",
        text: "지금은 이 페이지를 표시할 수 없습니다. 잠시 후 다시 시도해 주세요.",
    },
    code_label: "오류 코드",
    code_hint: "문의하실 때 이 코드를 알려 주세요.",
    ok: "확인",
    go_back: "돌아가기",
    try_again: "다시 시도",
    countdown: ["", "초 후 자동으로 돌아갑니다."],
    stay: "이 페이지에 머무르기",
    close: "이제 이 페이지를 닫으셔도 됩니다.",
};

#[expect(clippy::too_many_lines, reason = "one arm for each kind of error")]
pub(super) const fn error(kind: ErrorKind) -> Message {
    let (title, text) = match kind {
        ErrorKind::PageNotFound => (
            "페이지를 찾을 수 없습니다",
            "오래되었거나 일부가 빠진 링크일 수 있습니다. 받으신 링크를 다시 열거나 새 링크를 요청해 주세요.",
        ),
        ErrorKind::ServicePaused => (
            "본인 확인이 일시 중단되었습니다",
            "지금은 본인 확인을 접수하지 않고 있습니다. 고객님의 문제가 아니니 나중에 다시 시도해 주세요.",
        ),
        ErrorKind::LinkAltered => (
            "링크가 올바르지 않습니다",
            "링크의 일부가 빠졌거나 바뀌었을 수 있습니다. 받으신 링크를 그대로 다시 열어 주세요.",
        ),
        ErrorKind::Reloaded => (
            "페이지가 새로고침되었습니다",
            "새로고침하거나 뒤로 가면 본인 확인이 중단됩니다. 링크를 다시 열어 처음부터 끝까지 이어서 진행해 주세요.",
        ),
        ErrorKind::OldBrowser => (
            "지원하지 않는 브라우저입니다",
            "브라우저를 업데이트하거나 최신 버전의 Chrome, Safari, Edge, Firefox에서 링크를 열어 주세요.",
        ),
        ErrorKind::StepsOutOfOrder => (
            "진행 순서가 어긋났습니다",
            "본인 확인이 열린 다른 탭을 모두 닫은 뒤 링크를 다시 열어 순서대로 진행해 주세요.",
        ),
        ErrorKind::ProjectClosed => {
            ("종료된 본인 확인입니다", "더 이상 접수하지 않습니다. 본인 확인이 필요하시면 요청한 회사에 문의해 주세요.")
        }
        ErrorKind::PeriodEnded => (
            "제출 기간이 끝났습니다",
            "제출할 수 있는 기간이 지났습니다. 아직 참여할 수 있는지 안내받은 회사에 문의해 주세요.",
        ),
        ErrorKind::LinkExpired => (
            "링크가 만료되었습니다",
            "링크를 사용할 수 있는 시간이 지났습니다. 처음 화면으로 돌아가 새 링크를 받아 주세요.",
        ),
        ErrorKind::TimedOut => (
            "진행 시간이 지났습니다",
            "안전을 위해 본인 확인은 몇 분 안에 마쳐야 합니다. 처음 화면으로 돌아가 다시 시작해 주세요.",
        ),
        ErrorKind::DocumentCheckUnavailable => (
            "지금은 신분증을 확인할 수 없습니다",
            "신분증 사진 확인 기능을 잠시 사용할 수 없습니다. 몇 분 후 다시 시도해 주세요.",
        ),
        ErrorKind::SelfieCheckUnavailable => (
            "지금은 얼굴 사진을 확인할 수 없습니다",
            "얼굴 사진 확인 기능을 잠시 사용할 수 없습니다. 몇 분 후 다시 시도해 주세요.",
        ),
        ErrorKind::FaceComparisonUnavailable => (
            "지금은 사진을 비교할 수 없습니다",
            "얼굴 사진과 신분증을 비교하는 기능을 잠시 사용할 수 없습니다. 몇 분 후 다시 시도해 주세요.",
        ),
        ErrorKind::ResidentCardRegisterUnavailable => (
            "지금은 주민등록증을 확인할 수 없습니다",
            "주민등록증 확인 기관이 응답하지 않습니다. 나중에 다시 시도하거나 가능하면 다른 신분증을 사용해 주세요.",
        ),
        ErrorKind::LicenceRegisterUnavailable => (
            "지금은 운전면허증을 확인할 수 없습니다",
            "운전면허증 확인 기관이 응답하지 않습니다. 나중에 다시 시도하거나 가능하면 다른 신분증을 사용해 주세요.",
        ),
        ErrorKind::PassportRegisterUnavailable => (
            "지금은 여권을 확인할 수 없습니다",
            "여권 확인 기관이 응답하지 않습니다. 나중에 다시 시도하거나 가능하면 다른 신분증을 사용해 주세요.",
        ),
        ErrorKind::ForeignerRegisterUnavailable => (
            "지금은 외국인등록증을 확인할 수 없습니다",
            "외국인등록증 확인 기관이 응답하지 않습니다. 나중에 다시 시도하거나 가능하면 다른 신분증을 사용해 주세요.",
        ),
        ErrorKind::Unreadable => (
            "신분증을 읽지 못했습니다",
            "밝은 곳에서 어둡고 평평한 바닥에 놓고, 네 모서리가 모두 보이고 빛이 반사되지 않게 다시 촬영해 주세요.",
        ),
        ErrorKind::NotProcessed => (
            "사진을 처리하지 못했습니다",
            "링크를 다시 열어 사진을 새로 촬영해 주세요. 계속 안 되면 다른 기기에서 시도해 주세요.",
        ),
        ErrorKind::Incomplete => (
            "일부 정보가 빠졌습니다",
            "링크를 다시 열어 모든 단계를 입력해 주세요. 인터넷 연결이 안정적인지도 확인해 주세요.",
        ),
        ErrorKind::SessionLost => (
            "단계 사이의 연결이 끊어졌습니다",
            "안정적인 인터넷 환경에서 링크를 다시 열고 탭 하나에서 처음부터 진행해 주세요.",
        ),
        ErrorKind::PoorPhoto => {
            ("사진이 선명하지 않습니다", "렌즈를 닦고 밝은 곳에서 휴대폰이 흔들리지 않게 들고 다시 촬영해 주세요.")
        }
        ErrorKind::StartRefused => {
            ("본인 확인을 시작하지 못했습니다", "평소에 사용하시는 인터넷 연결로 나중에 다시 시도해 주세요.")
        }
        ErrorKind::Busy => {
            ("지금 이용자가 많습니다", "지금은 본인 확인을 진행할 수 없습니다. 몇 분 후 다시 시도해 주세요.")
        }
        ErrorKind::TooManyTries => {
            ("잠시 쉬었다가 다시 해 주세요", "본인 확인이 잠시 보류되었습니다. 시간을 두고 다시 시도해 주세요.")
        }
        ErrorKind::LinkIncomplete => (
            "링크에 빠진 정보가 있습니다",
            "이 링크는 그대로 사용할 수 없습니다. 처음 화면으로 돌아가 본인 확인을 다시 열어 주세요.",
        ),
        ErrorKind::OurFault => {
            ("서비스에 문제가 발생했습니다", "고객님의 잘못이 아닙니다. 몇 분 후 다시 시도해 주세요.")
        }
        ErrorKind::PageCrashed => (
            "페이지가 작동을 멈췄습니다",
            "페이지를 닫고 링크를 다시 열어 주세요. 계속 안 되면 다른 브라우저를 쓰거나 기기를 다시 시작해 주세요.",
        ),
        ErrorKind::LinkUnusable => (
            "더 이상 사용할 수 없는 링크입니다",
            "이미 사용했거나 시간이 지난 링크일 수 있습니다. 처음 화면으로 돌아가 진행 방법을 확인해 주세요.",
        ),
        ErrorKind::DeviceRefused => (
            "이 기기에서는 계속할 수 없습니다",
            "다른 휴대폰이나 컴퓨터를 사용하거나 본인 확인을 요청한 회사에 문의해 주세요.",
        ),
        ErrorKind::KeepsFailing => (
            "이번에는 완료하지 못했습니다",
            "같은 문제가 여러 번 발생했습니다. 잠시 기다린 뒤 다른 기기나 브라우저에서 다시 시도해 주세요.",
        ),
        ErrorKind::Other => {
            ("문제가 발생했습니다", "본인 확인을 계속할 수 없습니다. 처음 화면으로 돌아가 다시 시도해 주세요.")
        }
    };
    Message { title, text }
}
