//! Texts of the page about the handshake.

use crate::layout::translations::words;

words! {
    /// Texts of the page about the handshake.
    pub(super) struct Words {
        intro: "This endpoint gets webhooks only after its server has granted them (CloudEvents, web hook handshake). Prepare the server, then make the handshake.", "이 엔드포인트는 서버가 허용한 뒤에만 웹훅을 받습니다(CloudEvents 웹훅 핸드셰이크). 서버를 준비한 뒤 핸드셰이크를 해 주세요.", "Este endpoint solo recibe webhooks después de que su servidor los haya autorizado (handshake de CloudEvents). Prepare el servidor y haga después el handshake.";
        not_asked: "This endpoint needs no handshake. To ask for one, tick it in the settings.", "이 엔드포인트는 핸드셰이크가 필요하지 않습니다. 필요하면 설정에서 선택해 주세요.", "Este endpoint no necesita ningún handshake. Para pedirlo, márquelo en los ajustes.";
        make_again: "Make the handshake again in a minute.", "잠시 후 핸드셰이크를 다시 해 주세요.", "Vuelva a hacer el handshake dentro de un minuto.";

        refused: "not granted", "허용되지 않음", "no autorizado";
        pending: "no answer yet", "아직 응답 없음", "aún sin respuesta";
        /// `{pace}`: the limit, such as `no limit`.
        granted_note: "Your server grants webhooks: {pace}. Held webhooks follow little by little.", "서버가 웹훅을 허용합니다: {pace}. 보류된 웹훅은 조금씩 전송됩니다.", "Su servidor autoriza los webhooks: {pace}. Los retenidos siguen poco a poco.";
        pending_note: "Your server has not answered yet.", "서버가 아직 응답하지 않았습니다.", "Su servidor aún no ha respondido.";
        no_origin: "Your server answered, but without the header WebHook-Allowed-Origin.", "서버가 응답했지만 WebHook-Allowed-Origin 헤더가 없습니다.", "Su servidor respondió, pero sin la cabecera WebHook-Allowed-Origin.";
        /// `{value}`: value of the header.
        other_origin: "Your server answered with WebHook-Allowed-Origin: {value}, which does not name us.", "서버가 저희가 아닌 WebHook-Allowed-Origin: {value}(으)로 응답했습니다.", "Su servidor respondió con WebHook-Allowed-Origin: {value}, que no nos nombra.";
        /// `{origin}`: host of the API.
        invalid_rate: "The header WebHook-Allowed-Rate of its answer is not a number above zero, and not *.", "응답의 WebHook-Allowed-Rate 헤더가 0보다 큰 숫자도 *도 아닙니다.", "La cabecera WebHook-Allowed-Rate de su respuesta no es un número mayor que cero ni *.";
        advise_rate: "Let it answer with the number of webhooks per minute that it allows, or leave the header out.", "허용하는 분당 웹훅 수로 응답하거나 헤더를 빼 주세요.", "Haga que responda con el número de webhooks por minuto que permite, o que omita la cabecera.";
        advise_header: "Let it answer with WebHook-Allowed-Origin: {origin}", "WebHook-Allowed-Origin: {origin} 헤더로 응답하게 해 주세요.", "Haga que responda con WebHook-Allowed-Origin: {origin}";
        advise_options: "Let the server answer OPTIONS requests at this URL with a status from 200 to 299.", "서버가 이 URL의 OPTIONS 요청에 200에서 299 사이의 상태 코드로 응답하게 해 주세요.", "Haga que el servidor responda a las peticiones OPTIONS en esta URL con un estado de 200 a 299.";
        advise_credentials: "The server asks for credentials or rejects them. The request has the headers, the access token and the client certificate of the endpoint: check them, and that no login page or firewall stands in front of the URL.", "서버가 인증 정보를 요구하거나 거부합니다. 요청에는 엔드포인트의 헤더, 액세스 토큰, 클라이언트 인증서가 포함됩니다. 이를 확인하고, URL 앞에 로그인 페이지나 방화벽이 없는지 확인해 주세요.", "El servidor pide credenciales o las rechaza. La petición lleva las cabeceras, el token de acceso y el certificado de cliente del endpoint: compruébelos y que ninguna página de acceso ni cortafuegos esté delante de la URL.";
        what_to_do: "What to do", "해결 방법", "Qué hacer";
        sent_at: "Sent", "보낸 시각", "Enviado";
        duration: "Duration", "소요 시간", "Duración";
        answer: "Answer of your server", "서버의 응답", "Respuesta de su servidor";

        expected_note: "An OPTIONS request asks the URL whether it wants webhooks. Your server grants them with a status from 200 to 299 and this header:", "OPTIONS 요청으로 이 URL이 웹훅을 원하는지 묻습니다. 서버는 200에서 299 사이의 상태 코드와 다음 헤더로 허용합니다.", "Una petición OPTIONS pregunta a la URL si quiere webhooks. Su servidor los autoriza con un estado de 200 a 299 y esta cabecera:";
        expected_rate: "It can limit them with the header WebHook-Allowed-Rate, a number of webhooks per minute.", "WebHook-Allowed-Rate 헤더로 분당 웹훅 수를 제한할 수 있습니다.", "Puede limitarlos con la cabecera WebHook-Allowed-Rate, un número de webhooks por minuto.";
        try_it: "To see its answer, ask it from a terminal:", "터미널에서 응답을 확인하려면:", "Para ver su respuesta, pregúntele desde una terminal:";
    }
}
