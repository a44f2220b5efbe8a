//! Texts of the reports' pages.

use crate::layout::translations::words;

words! {
    /// Texts of the reports' pages.
    pub(super) struct Words {
        title: "Reports", "리포트", "Informes";
        intro: "One report for each day (UTC) on which webhooks were sent. Notification users get it by mail the next morning.", "웹훅을 보낸 날(UTC)마다 리포트가 있습니다. 알림 수신자는 다음 날 아침 메일로 받습니다.", "Un informe por cada día (UTC) en que se enviaron webhooks. Los destinatarios de avisos lo reciben por correo a la mañana siguiente.";
        none: "There is no report yet. The first one appears on the morning after the first webhooks.", "아직 리포트가 없습니다. 첫 웹훅을 보낸 다음 날 아침에 나타납니다.", "Todavía no hay informes. El primero aparece la mañana siguiente a los primeros webhooks.";
        today: "Report of today so far", "오늘의 현재 리포트", "Informe de hoy hasta ahora";
        users: "Who gets the mails", "메일 수신자", "Quién recibe los correos";
        day: "Day", "날짜", "Día";
        delivered: "Delivered", "전달됨", "Entregados";
        open: "Trying or held", "시도 중·보류", "Reintentando o retenidos";
        lost: "Failed", "실패", "Fallidos";
        on_first_attempt: "On first attempt", "첫 시도 성공률", "En el primer intento";

        report_title: "Report of {day}", "{day} 리포트", "Informe del {day}";
        counted: "Counted at {at} UTC. Later webhooks are not in it.", "{at} UTC 기준입니다. 이후의 웹훅은 포함되지 않습니다.", "Contado a las {at} UTC. Los webhooks posteriores no están.";
        quiet: "No webhooks on this day.", "이날은 웹훅이 없습니다.", "No hubo webhooks este día.";
        all_delivered: "All webhooks were delivered: {count}.", "모든 웹훅이 전달되었습니다: {count}건", "Se entregaron todos los webhooks: {count}.";
        some_open: "Not delivered yet: {count}. Sending continues by itself.", "아직 전달되지 않은 웹훅: {count}건. 전송은 자동으로 계속됩니다.", "Aún sin entregar: {count}. El envío continúa por sí solo.";
        some_lost: "Failed for good: {count}. Correct the cause, then send them again.", "최종 실패: {count}건. 원인을 고친 뒤 다시 보내 주세요.", "Fallaron definitivamente: {count}. Corrija la causa y reenvíelos.";
        to_do: "What needs doing", "조치가 필요한 항목", "Qué hay que hacer";
        failed: "{count} failed", "실패 {count}건", "{count} fallidos";
        expired: "{count} expired", "만료 {count}건", "{count} caducados";
        still_trying: "{count} trying", "시도 중 {count}건", "{count} reintentando";
        more: "Further problems: {count}", "그 밖의 문제: {count}건", "Otros problemas: {count}";
        see: "See the webhooks", "웹훅 보기", "Ver los webhooks";
        in_trouble: "Endpoints in trouble", "문제가 있는 엔드포인트", "Endpoints con problemas";
        since: "since {at} UTC", "시작: {at} UTC", "desde {at} UTC";
        turned_off: "turned off at {at} UTC if nothing changes", "그대로면 {at} UTC에 꺼짐", "se desactiva el {at} UTC si nada cambia";
        unused_keys: "API keys not used for 90 days", "90일 동안 사용하지 않은 API 키", "Claves de API sin usar durante 90 días";
        keys: "API keys that end soon", "곧 만료되는 API 키", "Claves de API que caducan pronto";

        numbers: "Webhooks of this day", "이날의 웹훅", "Webhooks de este día";
        earlier: "Webhooks of earlier days", "이전 날의 웹훅", "Webhooks de días anteriores";
        earlier_note: "They were tried on this day, ended on it, or still wait.", "이날 시도했거나, 이날 끝났거나, 아직 기다리는 웹훅입니다.", "Se intentaron este día, terminaron en él o aún esperan.";
        events: "Events accepted: {count}.", "접수된 이벤트: {count}개.", "Eventos aceptados: {count}.";
        attempts: "Attempts made: {count}. {share} succeeded.", "시도 {count}회, 성공률 {share}.", "Intentos: {count}. Tuvo éxito el {share}.";
        first_attempt: "Delivered on the first attempt: {share}.", "첫 시도 성공률 {share}.", "Entregados en el primer intento: {share}.";
        latency: "Half arrived within {median}, 95 % within {slow}.", "절반은 {median}, 95 %는 {slow} 안에 도착했습니다.", "La mitad llegó en {median}; el 95 %, en {slow}.";
        by_type: "By event type", "이벤트 유형별", "Por tipo de evento";
        by_endpoint: "By endpoint", "엔드포인트별", "Por endpoint";
        event_type: "Event type", "이벤트 유형", "Tipo de evento";
        endpoint: "Endpoint", "엔드포인트", "Endpoint";
        deleted_endpoint: "deleted endpoint", "삭제된 엔드포인트", "endpoint eliminado";
        previous: "Day before", "전날", "Día anterior";
        next: "Day after", "다음 날", "Día siguiente";
        days: "Other days", "다른 날", "Otros días";
    }
}
