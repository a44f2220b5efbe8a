//! What each event type means, for checkboxes, lists and test sends.

use domain::webhooks::event::EventType;

use crate::layout::choice::Choice;
use crate::layout::translations::words;

words! {
    /// The meaning of each event type, one sentence each.
    pub(crate) struct Words {
        approved: "The submission was approved, automatically or after review.", "제출이 자동 또는 검토 후 승인되었습니다.", "La solicitud se aprobó, automáticamente o tras revisión.";
        rejected: "The submission was rejected, automatically or after review.", "제출이 자동 또는 검토 후 거절되었습니다.", "La solicitud se rechazó, automáticamente o tras revisión.";
        pending: "The submission waits for manual review.", "제출이 수동 검토를 기다리고 있습니다.", "La solicitud espera una revisión manual.";
        retry: "The person starts the verification again.", "본인이 인증을 다시 시작합니다.", "La persona vuelve a empezar la verificación.";
        updated: "The data of the submission changed.", "제출 데이터가 변경되었습니다.", "Cambiaron los datos de la solicitud.";
        delete: "The submission was deleted.", "제출이 삭제되었습니다.", "La solicitud se eliminó.";
        submit: "The person completed the submission.", "본인이 제출을 완료했습니다.", "La persona completó la solicitud.";
        token: "A token expired.", "토큰이 만료되었습니다.", "Caducó un token.";
        injection: "Data injection succeeded or failed.", "데이터 주입이 성공했거나 실패했습니다.", "La inyección de datos terminó bien o mal.";
        aml: "The result of the AML screening is available.", "AML 스크리닝 결과가 나왔습니다.", "El resultado del control AML está disponible.";
        aml_ongoing: "The ongoing AML monitoring found a match.", "지속적 AML 모니터링에서 일치 항목이 발견되었습니다.", "La vigilancia AML continua encontró una coincidencia.";
    }
}

impl Words {
    /// The meaning of an event type.
    pub(crate) const fn meaning(&self, event_type: EventType) -> &'static str {
        match event_type {
            EventType::Approved => self.approved,
            EventType::Rejected => self.rejected,
            EventType::Pending => self.pending,
            EventType::Retry => self.retry,
            EventType::Updated => self.updated,
            EventType::Delete => self.delete,
            EventType::Submit => self.submit,
            EventType::Token => self.token,
            EventType::Injection => self.injection,
            EventType::Aml => self.aml,
            EventType::AmlOngoing => self.aml_ongoing,
        }
    }

    /// All event types, for checkboxes and radio buttons.
    pub(crate) fn choices(&self) -> [Choice; EventType::ALL.len()] {
        EventType::ALL.map(|event_type| (event_type.as_str(), self.meaning(event_type), event_type.as_str()))
    }
}
