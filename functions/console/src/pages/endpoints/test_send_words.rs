//! Texts of the pages about test sends.

use domain::webhooks::test_send::NotSentReason;

use crate::layout::translations::words;

words! {
    /// Texts of the pages about test sends.
    pub(super) struct Words {
        title: "Send a test", "테스트 보내기", "Enviar una prueba";
        intro: "A webhook with made-up data is sent to {url} now, from the same address as real ones. It is marked with webhook-test: true and is not retried.", "만든 데이터로 된 웹훅을 지금 {url}(으)로 보냅니다. 실제 웹훅과 같은 주소에서 보내며 webhook-test: true로 표시하고 다시 시도하지 않습니다.", "Se envía ahora un webhook con datos inventados a {url}, desde la misma dirección que los reales. Lleva webhook-test: true y no se reintenta.";
        event_type: "Which event", "이벤트", "Qué evento";
        send: "Send the test", "테스트 보내기", "Enviar la prueba";
        again: "Send another test", "다른 테스트 보내기", "Enviar otra prueba";

        result_title: "Test of {type}", "{type} 테스트", "Prueba de {type}";
        succeeded: "accepted", "수락됨", "aceptado";
        failed: "failed", "실패", "fallido";
        pending: "still running", "진행 중", "en curso";
        not_sent: "not sent", "전송 안 됨", "no enviado";
        succeeded_note: "Your server accepted the webhook with status {status}.", "서버가 상태 코드 {status}(으)로 웹훅을 수락했습니다.", "Su servidor aceptó el webhook con el estado {status}.";
        pending_note: "Your server has not answered yet.", "서버가 아직 응답하지 않았습니다.", "Su servidor aún no ha respondido.";
        show_result: "Show the result", "결과 보기", "Mostrar el resultado";
        our_fault: "The test could not be sent, and the fault is ours. It says nothing about your server. Please send another one.", "테스트를 보내지 못했습니다. 저희 쪽 문제이며 서버와는 관계가 없습니다. 다시 보내 주세요.", "La prueba no se pudo enviar y el fallo es nuestro. No dice nada de su servidor. Envíe otra.";
        endpoint_unverified: "The server has not granted webhooks yet. Make the handshake first.", "서버가 아직 웹훅을 허용하지 않았습니다. 먼저 핸드셰이크를 해 주세요.", "El servidor aún no ha autorizado webhooks. Haga primero el handshake.";
        to_handshake: "Go to the handshake", "핸드셰이크로 이동", "Ir al handshake";
        endpoint_deleted: "The endpoint was deleted before the test was sent.", "테스트를 보내기 전에 엔드포인트가 삭제되었습니다.", "El endpoint se eliminó antes de enviar la prueba.";

        what_to_do: "What to do", "해결 방법", "Qué hacer";
        sent_at: "Sent", "보낸 시각", "Enviado";
        duration: "Duration", "소요 시간", "Duración";
        answer: "Answer of your server", "서버의 응답", "Respuesta de su servidor";
        answer_note: "The first kilobyte.", "처음 1KB입니다.", "El primer kilobyte.";
        no_answer: "The answer has no body.", "응답 본문이 없습니다.", "La respuesta no tiene cuerpo.";
        request: "What was sent", "보낸 내용", "Lo que se envió";
        headers: "Headers", "헤더", "Cabeceras";
        own_headers: "Your own headers ({names}) were sent too. Their values are not shown.", "직접 설정한 헤더({names})도 함께 보냈습니다. 값은 표시되지 않습니다.", "También se enviaron sus propias cabeceras ({names}). Sus valores no se muestran.";
        own_token: "An access token is sent too. It is not shown.", "액세스 토큰도 함께 보냅니다. 값은 표시되지 않습니다.", "También se envía un token de acceso. No se muestra.";
        own_certificate: "The connection uses the client certificate. For curl, add --cert and --key.", "연결에 클라이언트 인증서를 사용합니다. curl에는 --cert와 --key를 추가해 주세요.", "La conexión usa el certificado de cliente. Para curl, añada --cert y --key.";
        body: "Body", "본문", "Cuerpo";
        repeat: "Repeat it from a terminal", "터미널에서 다시 보내기", "Repetirlo desde una terminal";
        repeat_note: "A server that checks the time rejects it five minutes after the test.", "시간을 확인하는 서버는 테스트 5분 뒤부터 거부합니다.", "Un servidor que compruebe la hora lo rechazará cinco minutos después de la prueba.";
    }
}

impl Words {
    /// Why a test was not sent.
    pub(super) const fn not_sent_because(&self, reason: NotSentReason) -> &'static str {
        match reason {
            NotSentReason::OurFault => self.our_fault,
            NotSentReason::EndpointUnverified => self.endpoint_unverified,
            NotSentReason::EndpointDeleted => self.endpoint_deleted,
        }
    }
}
