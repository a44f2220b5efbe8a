//! Texts of the page of an event.

use crate::layout::translations::words;

words! {
    /// Texts of the page of an event.
    pub(super) struct Words {
        deliveries: "Deliveries", "전달", "Entregas";
        accepted: "Accepted", "접수", "Aceptado";
        occurred: "Happened", "발생", "Ocurrió";
        id: "Event ID", "이벤트 ID", "Id. del evento";
        id_note: "Webhooks carry it as webhook-id.", "웹훅의 webhook-id와 같습니다.", "Los webhooks lo llevan como webhook-id.";
        sent_to: "Sent to", "받는 곳", "Enviado a";
        none: "No endpoint received this type of event when it was accepted.", "접수 당시 이 유형의 이벤트를 받는 엔드포인트가 없었습니다.", "Ningún endpoint recibía este tipo de evento cuando se aceptó.";
        data: "Data", "데이터", "Datos";
        data_note: "The lines are for reading. Webhooks carry compact JSON, and signatures cover exactly those bytes.", "읽기 쉽게 줄을 나누었습니다. 웹훅에는 줄바꿈 없는 JSON이 들어가며, 서명은 그 바이트 그대로에 대한 것입니다.", "Las líneas son para facilitar la lectura. Los webhooks llevan JSON compacto y las firmas cubren exactamente esos bytes.";
        data_cut: "The data is long, so only its beginning is shown. The API returns all of it.", "데이터가 길어 앞부분만 표시합니다. 전체는 API로 받을 수 있습니다.", "Los datos son largos, así que solo se muestra el principio. La API los devuelve completos.";
        data_erased: "The data was erased on request.", "요청에 따라 데이터를 지웠습니다.", "Los datos se borraron a petición.";
    }
}
