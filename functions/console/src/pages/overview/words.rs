//! Texts of the overview.

use crate::layout::translations::words;

words! {
    /// Texts of the overview.
    pub(super) struct Words {
        title: "Overview", "개요", "Resumen";
        all_well: "All is well: no endpoint is in trouble.", "문제가 있는 엔드포인트가 없습니다.", "Todo va bien: ningún endpoint tiene problemas.";
        see_why: "See why", "원인 보기", "Ver por qué";
        endpoint_since: "{state} since {at} UTC.", "{state}. 시작: {at} UTC.", "{state} desde {at} UTC.";
        endpoint_held: "Held webhooks: {count}. They are sent when sending begins again.", "보류된 웹훅: {count}. 전송이 다시 시작되면 보냅니다.", "Webhooks retenidos: {count}. Se enviarán cuando se reanude el envío.";
        endpoint_disables: "It is turned off at {at} UTC if nothing changes.", "그대로면 {at} UTC에 꺼집니다.", "Se desactivará el {at} UTC si nada cambia.";
        key_title: "API key “{name}” ends soon", "API 키 “{name}” 만료 예정", "La clave de API «{name}» caduca pronto";
        key_ends: "It ends at {at} UTC. Rotate it now; both keys work during the overlap that you choose.", "{at} UTC에 만료됩니다. 지금 교체하면 정한 기간 동안 두 키를 함께 쓸 수 있습니다.", "Caduca el {at} UTC. Sustitúyala ya; ambas claves funcionan durante el solapamiento que elija.";
        rotate: "Rotate", "교체", "Sustituir";
        user_title: "{name} gets no mails", "{name} 님에게 메일을 보내지 않습니다", "{name} no recibe correos";
        user_stopped: "A mail came back or was marked as spam, so mails to this address stopped.", "메일이 반송되었거나 스팸으로 신고되어 이 주소로 더 이상 보내지 않습니다.", "Un correo fue devuelto o marcado como spam, así que ya no se envían correos a esta dirección.";

        steps_title: "Still to set up", "남은 설정", "Por configurar";
        no_endpoint: "No server gets webhooks yet.", "아직 웹훅을 받는 서버가 없습니다.", "Ningún servidor recibe webhooks todavía.";
        add_endpoint: "Add an endpoint", "엔드포인트 추가", "Añadir un endpoint";
        no_return_url: "People stay on the result page, because no return URL is set.", "리턴 URL이 없어 사용자가 결과 페이지에 머뭅니다.", "Las personas se quedan en la página de resultado, porque no hay URL de retorno.";
        set_return_url: "Set the return URL", "리턴 URL 설정", "Indicar la URL de retorno";
        no_user: "Nobody gets the daily report yet.", "아직 일일 리포트를 받는 사람이 없습니다.", "Nadie recibe el informe diario todavía.";
        add_user: "Add a notification user", "알림 수신자 추가", "Añadir un destinatario";

        latest_title: "Webhooks of {day}", "{day}의 웹훅", "Webhooks del {day}";
        delivered: "delivered", "전달됨", "entregados";
        trying: "still trying", "시도 중", "reintentando";
        held: "on hold", "보류", "retenidos";
        lost: "failed", "실패", "fallidos";
        first_attempt: "Delivered on the first attempt: {share}.", "첫 시도 성공률 {share}.", "Entregados en el primer intento: {share}.";
        latency: "Half arrived within {median}, 95 % within {slow}.", "절반은 {median}, 95 %는 {slow} 안에 도착했습니다.", "La mitad llegó en {median}; el 95 %, en {slow}.";
        see_report: "See the report", "리포트 보기", "Ver el informe";
        no_days: "The pictures of the last days appear on the morning after the first webhooks.", "첫 웹훅을 보낸 다음 날 아침부터 최근 현황이 나타납니다.", "Los gráficos aparecen la mañana siguiente a los primeros webhooks.";
        today: "Report of today so far", "오늘의 현재 리포트", "Informe de hoy hasta ahora";
        days_title: "Last 14 days", "최근 14일", "Últimos 14 días";
        chart_title: "Webhooks by day. The same numbers are in the table below.", "일별 웹훅. 같은 숫자가 아래 표에 있습니다.", "Webhooks por día. Los mismos números están en la tabla de abajo.";
        day: "Day", "날짜", "Día";

        from_title: "Webhooks come from", "웹훅 발신 주소", "Los webhooks salen de";
        from_note: "Allow these addresses in your firewall.", "방화벽에서 이 주소를 허용해 주세요.", "Permita estas direcciones en su cortafuegos.";
        from_changing: "Changing addresses. Check the signature of each webhook.", "고정되지 않은 주소. 웹훅의 서명을 확인해 주세요.", "Direcciones que cambian. Compruebe la firma de cada webhook.";
        more: "More about it", "자세히", "Más información";
    }
}
