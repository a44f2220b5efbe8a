//! Texts of the page that explains why a webhook does not verify.

use domain::foundation::id::EndpointId;
use domain::webhooks::verification::{ComputedFrom, Finding, JsonDifference, KeyMistake, SignedContent};

use crate::layout::time::grouped;
use crate::layout::translations::{Fill, words};
use crate::pages::endpoints::path_of;

words! {
    /// Texts of the page that explains why a webhook does not verify.
    pub(super) struct Words {
        title: "Why does my verification fail?", "서명 검증이 실패하는 이유", "¿Por qué falla mi verificación?";
        intro: "Paste a webhook as your server got it. You then see what differs from what was sent, and how to mend it. Nothing of it is stored.", "서버가 받은 그대로 웹훅을 붙여 넣어 주세요. 보낸 내용과 무엇이 다른지, 어떻게 고치는지 알려 드립니다. 붙여 넣은 내용은 저장하지 않습니다.", "Pegue un webhook tal como lo recibió su servidor. Verá qué difiere de lo enviado y cómo corregirlo. No se guarda nada de ello.";
        headers: "Headers", "헤더", "Cabeceras";
        headers_help: "One a line, at least webhook-id, webhook-timestamp and webhook-signature. Lines of a log or a JSON object are fine.", "한 줄에 하나씩, webhook-id, webhook-timestamp, webhook-signature를 포함해 주세요. 로그의 줄이나 JSON 객체도 됩니다.", "Una por línea, al menos webhook-id, webhook-timestamp y webhook-signature. Sirven líneas de un registro o un objeto JSON.";
        body: "Body", "본문", "Cuerpo";
        body_help: "The text that your code checks, complete and unchanged.", "코드가 확인하는 텍스트를 빠짐없이 그대로 입력해 주세요.", "El texto que comprueba su código, completo y sin cambios.";
        computed: "The signature that your code computed", "코드가 계산한 서명", "La firma que calculó su código";
        computed_help: "Optional, but it finds most mistakes in code. Let your code print it.", "선택 사항이지만 코드의 실수를 대부분 찾아냅니다. 코드에서 출력해 주세요.", "Opcional, pero descubre la mayoría de los errores del código. Haga que su código la muestre.";
        check: "Check", "확인", "Comprobar";

        result: "Result", "결과", "Resultado";
        right: "the signature is right", "서명이 맞습니다", "la firma es correcta";
        wrong: "the signature does not match", "서명이 맞지 않습니다", "la firma no coincide";
        compared: "Compared with the webhook that was sent.", "보낸 웹훅과 비교했습니다.", "Comparado con el webhook que se envió.";
        not_compared: "The webhook that was sent is not known here any more, so the usual changes were tried one by one.", "보낸 웹훅을 더 이상 알 수 없어 흔한 변경을 하나씩 시도했습니다.", "El webhook que se envió ya no se conoce aquí, así que se probaron uno a uno los cambios habituales.";
        all_right: "Headers and body are as they were sent, so the mistake is in the code that checks them. Paste the signature that your code computed to find it. These are the usual mistakes:", "헤더와 본문이 보낸 그대로이므로 확인하는 코드에 실수가 있습니다. 코드가 계산한 서명을 붙여 넣으면 찾을 수 있습니다. 흔한 실수는 다음과 같습니다.", "Las cabeceras y el cuerpo son como se enviaron, así que el error está en el código que los comprueba. Pegue la firma que calculó su código para encontrarlo. Estos son los errores habituales:";
        usual_key: "The secret is not decoded: remove whsec_, then decode the rest from base64.", "시크릿을 디코딩하지 않음: whsec_를 떼고 나머지를 base64로 디코딩해 주세요.", "El secreto no se decodifica: quite whsec_ y decodifique el resto de base64.";
        usual_content: "Not the whole content is signed: it is webhook-id, webhook-timestamp and body, joined by full stops.", "서명 대상이 일부만 사용됨: webhook-id, webhook-timestamp, 본문을 마침표로 이어야 합니다.", "No se firma todo el contenido: son webhook-id, webhook-timestamp y cuerpo, unidos por puntos.";
        usual_body: "The body is parsed before it is checked: check the bytes as they arrive.", "확인하기 전에 본문을 파싱함: 도착한 바이트 그대로 확인해 주세요.", "El cuerpo se interpreta antes de comprobarlo: compruebe los bytes tal como llegan.";
        usual_comparison: "The header is compared as a whole: it has the form “v1,signature”, and may hold several.", "헤더 전체를 비교함: “v1,서명” 형식이며 여러 개일 수 있습니다.", "La cabecera se compara entera: tiene la forma «v1,firma» y puede contener varias.";

        header_missing: "The header {header} is missing. Check that no proxy removes it, and that your code reads header names without regard to upper and lower case.", "{header} 헤더가 없습니다. 프록시가 제거하지 않는지, 코드가 헤더 이름의 대소문자를 구분하지 않는지 확인해 주세요.", "Falta la cabecera {header}. Compruebe que ningún proxy la elimine y que su código lea los nombres sin distinguir mayúsculas.";
        header_renamed: "The header {header} arrives as {found}. Read it by this name, or keep your proxy or framework from renaming it.", "{header} 헤더가 {found}(으)로 들어옵니다. 이 이름으로 읽거나 프록시나 프레임워크가 이름을 바꾸지 않게 해 주세요.", "La cabecera {header} llega como {found}. Léala con ese nombre o evite que su proxy o framework la renombre.";
        header_repeated: "The header {header} occurs several times. Only one of them comes from here.", "{header} 헤더가 여러 번 있습니다. 그중 하나만 여기서 보낸 것입니다.", "La cabecera {header} aparece varias veces. Solo una procede de aquí.";
        timestamp_malformed: "webhook-timestamp is not a time. It is sent as a whole number of seconds since 1970.", "webhook-timestamp가 시각이 아닙니다. 1970년 이후의 초를 정수로 보냅니다.", "webhook-timestamp no es una hora. Se envía como número entero de segundos desde 1970.";
        timestamp_converted: "webhook-timestamp is in another format. It was sent as {seconds}: sign the header as it is, not a converted time.", "webhook-timestamp의 형식이 다릅니다. {seconds}(으)로 보냈습니다. 변환한 시각이 아니라 헤더 값을 그대로 서명에 사용해 주세요.", "webhook-timestamp está en otro formato. Se envió como {seconds}: firme la cabecera tal cual, no una hora convertida.";
        timestamp_old: "The webhook was sent {seconds} seconds ago. Libraries reject it after 300. If yours rejected it when it arrived, set your server's clock. If you process webhooks later, check them when they arrive.", "웹훅을 보낸 지 {seconds}초가 지났습니다. 라이브러리는 300초가 지나면 거부합니다. 도착했을 때 거부했다면 서버 시계를 맞춰 주세요. 나중에 처리한다면 도착했을 때 확인해 주세요.", "El webhook se envió hace {seconds} segundos. Las bibliotecas lo rechazan a partir de 300. Si la suya lo rechazó al llegar, ajuste el reloj del servidor. Si procesa los webhooks más tarde, compruébelos al llegar.";
        timestamp_ahead: "webhook-timestamp is {seconds} seconds in the future, so it is not the one that was sent.", "webhook-timestamp가 {seconds}초 뒤의 시각이므로 보낸 값이 아닙니다.", "webhook-timestamp está {seconds} segundos en el futuro, así que no es el que se envió.";
        signature_malformed: "webhook-signature is cut off or changed. It holds signatures such as v1,K5oZ…pI4=, separated by spaces.", "webhook-signature가 잘렸거나 바뀌었습니다. v1,K5oZ…pI4= 같은 서명이 공백으로 구분되어 있어야 합니다.", "webhook-signature está cortada o cambiada. Contiene firmas como v1,K5oZ…pI4=, separadas por espacios.";
        several_signatures: "webhook-signature holds {count} signatures, for example while a secret is changed. One match is enough.", "webhook-signature에 서명이 {count}개 있습니다. 시크릿을 바꾸는 동안 그렇습니다. 하나만 맞으면 됩니다.", "webhook-signature contiene {count} firmas, por ejemplo mientras se cambia un secreto. Basta con que coincida una.";
        only_asymmetric: "The webhook is signed with the key pair only (v1a). Check it with the public key, or let the endpoint sign with v1 too.", "키 쌍으로만 서명되었습니다(v1a). 공개 키로 확인하거나 엔드포인트가 v1로도 서명하게 해 주세요.", "El webhook solo va firmado con el par de claves (v1a). Compruébelo con la clave pública o haga que el endpoint firme también con v1.";
        previous_secret: "The previous signing secret made this signature. Accept it beside the new one as long as webhooks of that time can arrive.", "이전 서명 시크릿으로 서명되었습니다. 그 시기의 웹훅이 도착할 수 있는 동안 새 시크릿과 함께 허용해 주세요.", "El secreto de firma anterior hizo esta firma. Acéptelo junto al nuevo mientras puedan llegar webhooks de entonces.";
        other_endpoint: "The webhook was sent to another endpoint. Check it with that endpoint's secret.", "다른 엔드포인트로 보낸 웹훅입니다. 그 엔드포인트의 시크릿으로 확인해 주세요.", "El webhook se envió a otro endpoint. Compruébelo con el secreto de ese endpoint.";
        unknown_secret: "None of the secrets known here made this signature for this webhook. The secret was replaced since, or a header was changed or belongs to another webhook.", "여기서 아는 어떤 시크릿으로도 이 웹훅의 이 서명을 만들 수 없습니다. 그 뒤에 시크릿이 바뀌었거나, 헤더가 변경되었거나 다른 웹훅의 것입니다.", "Ninguno de los secretos conocidos aquí hizo esta firma para este webhook. El secreto se sustituyó, o una cabecera se cambió o es de otro webhook.";
        body_empty: "The body is empty. Another part of your server may have read it before.", "본문이 비어 있습니다. 서버의 다른 부분이 먼저 읽었을 수 있습니다.", "El cuerpo está vacío. Puede que otra parte de su servidor lo haya leído antes.";
        body_mark: "The body begins with a byte order mark, which was not sent. Check the bytes as they arrive.", "본문 앞에 보내지 않은 바이트 순서 표시(BOM)가 있습니다. 도착한 바이트 그대로 확인해 주세요.", "El cuerpo empieza con una marca de orden de bytes que no se envió. Compruebe los bytes tal como llegan.";
        body_padded: "The body has white space around it that was not sent, such as a line break at the end. Copying can add it too.", "본문 앞뒤에 보내지 않은 공백이나 줄바꿈이 있습니다. 복사할 때 생길 수도 있습니다.", "El cuerpo tiene alrededor espacios que no se enviaron, como un salto de línea al final. También puede añadirlos la copia.";
        body_lines: "The line breaks in the body differ from those that were sent. Copying can change them too.", "본문의 줄바꿈이 보낸 것과 다릅니다. 복사할 때 바뀔 수도 있습니다.", "Los saltos de línea del cuerpo difieren de los enviados. También puede cambiarlos la copia.";
        body_encoding: "The body was not read as UTF-8: letters beyond a–z are damaged. Check the bytes before they are decoded.", "본문을 UTF-8로 읽지 않아 글자가 깨졌습니다. 디코딩하기 전의 바이트를 확인해 주세요.", "El cuerpo no se leyó como UTF-8: las letras especiales están dañadas. Compruebe los bytes antes de decodificarlos.";
        body_truncated: "The body is cut off after {bytes} bytes. Check the size limits of your server, of proxies before it, and of the log from which you copied it.", "본문이 {bytes}바이트에서 잘렸습니다. 서버와 프록시의 크기 제한, 복사한 로그의 제한을 확인해 주세요.", "El cuerpo está cortado a los {bytes} bytes. Compruebe los límites de tamaño de su servidor, de los proxies y del registro del que lo copió.";
        body_truncated_of: "The body is cut off after {bytes} of {sent} bytes. Check the size limits of your server, of proxies before it, and of the log from which you copied it.", "본문이 {sent}바이트 중 {bytes}바이트에서 잘렸습니다. 서버와 프록시의 크기 제한, 복사한 로그의 제한을 확인해 주세요.", "El cuerpo está cortado a los {bytes} de {sent} bytes. Compruebe los límites de tamaño de su servidor, de los proxies y del registro del que lo copió.";
        body_spaces: "The body is the same JSON with other white space: it was parsed and written again. Check the bytes as they arrive.", "같은 JSON이지만 공백이 다릅니다. 파싱한 뒤 다시 작성했습니다. 도착한 바이트 그대로 확인해 주세요.", "El cuerpo es el mismo JSON con otros espacios: se interpretó y se volvió a escribir. Compruebe los bytes tal como llegan.";
        body_escapes: "The body is the same JSON with other escapes, such as \\u00e9 for é: it was parsed and written again. Check the bytes as they arrive.", "같은 JSON이지만 é 대신 \\u00e9처럼 이스케이프가 다릅니다. 파싱한 뒤 다시 작성했습니다. 도착한 바이트 그대로 확인해 주세요.", "El cuerpo es el mismo JSON con otros escapes, como \\u00e9 por é: se interpretó y se volvió a escribir. Compruebe los bytes tal como llegan.";
        body_numbers: "The body is the same JSON with numbers in another form, such as 1.5 for 1.50: it was parsed and written again. Check the bytes as they arrive.", "같은 JSON이지만 1.50 대신 1.5처럼 숫자 표기가 다릅니다. 파싱한 뒤 다시 작성했습니다. 도착한 바이트 그대로 확인해 주세요.", "El cuerpo es el mismo JSON con números en otra forma, como 1.5 por 1.50: se interpretó y se volvió a escribir. Compruebe los bytes tal como llegan.";
        body_order: "The body is the same JSON in another order: it was parsed and written again. Check the bytes as they arrive.", "같은 JSON이지만 순서가 다릅니다. 파싱한 뒤 다시 작성했습니다. 도착한 바이트 그대로 확인해 주세요.", "El cuerpo es el mismo JSON en otro orden: se interpretó y se volvió a escribir. Compruebe los bytes tal como llegan.";
        body_decrypted: "The body is decrypted. The signature covers the encrypted body: check first, then decrypt.", "복호화한 본문입니다. 서명은 암호화된 본문에 대한 것이므로 먼저 확인한 뒤 복호화해 주세요.", "El cuerpo está descifrado. La firma cubre el cuerpo cifrado: compruebe primero y descifre después.";
        body_changed: "The body has other content than the one that was sent. Check it before anything changes it.", "본문의 내용이 보낸 것과 다릅니다. 무언가가 바꾸기 전에 확인해 주세요.", "El cuerpo tiene otro contenido que el enviado. Compruébelo antes de que algo lo cambie.";
        body_changed_at: "The body has other content than the one that was sent, first at {pointer}. Check it before anything changes it.", "본문의 내용이 보낸 것과 다릅니다. 첫 차이는 {pointer}에 있습니다. 무언가가 바꾸기 전에 확인해 주세요.", "El cuerpo tiene otro contenido que el enviado, primero en {pointer}. Compruébelo antes de que algo lo cambie.";

        computed_malformed: "The signature that your code computed has the wrong form: it must be 32 bytes in base64.", "코드가 계산한 서명의 형식이 맞지 않습니다. base64로 쓴 32바이트여야 합니다.", "La firma que calculó su código tiene una forma incorrecta: deben ser 32 bytes en base64.";
        computed_matches: "Your code computes the right signature. Only its comparison fails: compare it with each signature of the header, without “v1,”.", "코드가 계산한 서명은 맞습니다. 비교만 실패합니다. 헤더의 각 서명과 “v1,”을 뺀 값을 비교해 주세요.", "Su código calcula la firma correcta. Solo falla la comparación: compárela con cada firma de la cabecera, sin «v1,».";
        computed_hex: "Your code writes the signature in hexadecimal digits. The header has base64.", "코드가 서명을 16진수로 씁니다. 헤더는 base64입니다.", "Su código escribe la firma en dígitos hexadecimales. La cabecera usa base64.";
        computed_other: "Your code uses the secret of another endpoint. Use the one of this endpoint.", "코드가 다른 엔드포인트의 시크릿을 사용합니다. 이 엔드포인트의 시크릿을 사용해 주세요.", "Su código usa el secreto de otro endpoint. Use el de este endpoint.";
        computed_current: "Your code uses the current secret, but the previous one signed this webhook. Accept both while the secret is changed.", "코드는 현재 시크릿을 사용하지만 이 웹훅은 이전 시크릿으로 서명되었습니다. 시크릿을 바꾸는 동안 둘 다 허용해 주세요.", "Su código usa el secreto actual, pero el anterior firmó este webhook. Acepte ambos mientras se cambia el secreto.";
        computed_previous: "Your code uses the previous secret, which did not sign this webhook. Use the current one.", "코드가 이전 시크릿을 사용하지만 이 웹훅은 그 시크릿으로 서명되지 않았습니다. 현재 시크릿을 사용해 주세요.", "Su código usa el secreto anterior, que no firmó este webhook. Use el actual.";
        computed_text: "Your code uses the text of the secret as the key. Remove whsec_, then decode the rest from base64.", "코드가 시크릿 텍스트를 그대로 키로 사용합니다. whsec_를 떼고 나머지를 base64로 디코딩해 주세요.", "Su código usa el texto del secreto como clave. Quite whsec_ y decodifique el resto de base64.";
        computed_rest: "Your code uses the text after whsec_ as the key. Decode it from base64.", "코드가 whsec_ 뒤의 텍스트를 키로 사용합니다. base64로 디코딩해 주세요.", "Su código usa el texto tras whsec_ como clave. Decodifíquelo de base64.";
        computed_prefix: "Your code decodes the secret together with whsec_. Remove whsec_ first.", "코드가 whsec_까지 함께 디코딩합니다. 먼저 whsec_를 떼어 주세요.", "Su código decodifica el secreto junto con whsec_. Quite antes whsec_.";
        computed_body_only: "Your code signs only the body. Sign webhook-id.webhook-timestamp.body, joined by full stops.", "코드가 본문만 서명합니다. webhook-id.webhook-timestamp.본문을 마침표로 이어 서명해 주세요.", "Su código firma solo el cuerpo. Firme webhook-id.webhook-timestamp.cuerpo, unidos por puntos.";
        computed_no_id: "Your code signs timestamp and body. Put webhook-id in front: webhook-id.webhook-timestamp.body.", "코드가 시각과 본문만 서명합니다. 앞에 webhook-id를 붙여 webhook-id.webhook-timestamp.본문으로 서명해 주세요.", "Su código firma hora y cuerpo. Anteponga webhook-id: webhook-id.webhook-timestamp.cuerpo.";
        computed_order: "Your code signs the time before the id. The right order is webhook-id.webhook-timestamp.body.", "코드가 ID보다 시각을 먼저 서명합니다. 올바른 순서는 webhook-id.webhook-timestamp.본문입니다.", "Su código firma la hora antes que el id. El orden correcto es webhook-id.webhook-timestamp.cuerpo.";
        computed_empty: "Your code signs an empty body: another part of your server had read it before. Keep its bytes.", "코드가 빈 본문을 서명합니다. 서버의 다른 부분이 먼저 읽었습니다. 바이트를 보관해 주세요.", "Su código firma un cuerpo vacío: otra parte de su servidor lo había leído antes. Conserve sus bytes.";
        computed_pasted: "Your code signs the body as it is pasted here, so its change is the cause.", "코드가 여기 붙여 넣은 본문을 서명하므로 본문의 변경이 원인입니다.", "Su código firma el cuerpo tal como está pegado aquí, así que su cambio es la causa.";
        computed_padded: "Your code signs the body with an additional line break or byte order mark. Sign the bytes as they arrive.", "코드가 줄바꿈이나 BOM이 추가된 본문을 서명합니다. 도착한 바이트 그대로 서명해 주세요.", "Su código firma el cuerpo con un salto de línea o una marca de orden de bytes de más. Firme los bytes tal como llegan.";
        computed_rewritten: "Your code parses the body and writes it again before it signs it. Sign the bytes as they arrive.", "코드가 본문을 파싱해 다시 작성한 뒤 서명합니다. 도착한 바이트 그대로 서명해 주세요.", "Su código interpreta el cuerpo y lo vuelve a escribir antes de firmarlo. Firme los bytes tal como llegan.";
        computed_encoding: "Your code decodes the body with another encoding than UTF-8. Sign the bytes as they arrive.", "코드가 UTF-8이 아닌 인코딩으로 본문을 디코딩합니다. 도착한 바이트 그대로 서명해 주세요.", "Su código decodifica el cuerpo con otra codificación que UTF-8. Firme los bytes tal como llegan.";
        computed_unknown: "None of the usual mistakes leads to the signature that your code computed. Most likely it uses another secret: create a new one and copy it.", "흔한 실수로는 코드가 계산한 서명이 나오지 않습니다. 다른 시크릿을 사용할 가능성이 큽니다. 새로 만들어 복사해 주세요.", "Ninguno de los errores habituales lleva a la firma que calculó su código. Lo más probable es que use otro secreto: cree uno nuevo y cópielo.";
        unexplained: "None of the usual changes explains why the signature does not match. Send a test and paste its webhook here.", "흔한 변경으로는 서명이 맞지 않는 이유를 설명할 수 없습니다. 테스트를 보내고 그 웹훅을 여기에 붙여 넣어 주세요.", "Ninguno de los cambios habituales explica por qué no coincide la firma. Envíe una prueba y pegue aquí su webhook.";

        to_other_endpoint: "To the other endpoint", "다른 엔드포인트로 이동", "Ir al otro endpoint";
        to_secrets: "To the secrets", "시크릿으로 이동", "Ir a los secretos";
        send_test: "Send a test", "테스트 보내기", "Enviar una prueba";
    }
}

impl Words {
    /// What was found and how to mend it. Names and pointers may contain what somebody pasted.
    pub(super) fn finding(&self, finding: &Finding) -> String {
        match finding {
            Finding::HeaderMissing { header } => self.header_missing.fill("header", header),
            Finding::HeaderRenamed { header, found } => self.header_renamed.fill("header", header).fill("found", found),
            Finding::HeaderRepeated { header } => self.header_repeated.fill("header", header),
            Finding::TimestampConverted { seconds } => self.timestamp_converted.fill("seconds", seconds),
            Finding::TimestampOld { seconds } => self.timestamp_old.fill("seconds", grouped(*seconds)),
            Finding::TimestampAhead { seconds } => self.timestamp_ahead.fill("seconds", grouped(*seconds)),
            Finding::SeveralSignatures { count } => self.several_signatures.fill("count", count),
            Finding::BodyTruncated { bytes, sent_bytes: Some(sent) } => {
                self.body_truncated_of.fill("bytes", size(*bytes)).fill("sent", size(*sent))
            }
            Finding::BodyTruncated { bytes, sent_bytes: None } => self.body_truncated.fill("bytes", size(*bytes)),
            Finding::BodyChanged { pointer: Some(pointer) } if !pointer.is_empty() => {
                self.body_changed_at.fill("pointer", pointer)
            }
            Finding::BodyReserialized { difference } => self.reserialized(*difference).to_owned(),
            Finding::ComputedKey { mistake } => self.key(*mistake).to_owned(),
            Finding::ComputedContent { content } => self.content(*content).to_owned(),
            Finding::ComputedBody { from } => self.signed_body(*from).to_owned(),
            Finding::TimestampMalformed => self.timestamp_malformed.to_owned(),
            Finding::SignatureMalformed => self.signature_malformed.to_owned(),
            Finding::OnlyAsymmetric => self.only_asymmetric.to_owned(),
            Finding::PreviousSecret { .. } => self.previous_secret.to_owned(),
            Finding::OtherEndpoint { .. } => self.other_endpoint.to_owned(),
            Finding::UnknownSecret => self.unknown_secret.to_owned(),
            Finding::BodyEmpty => self.body_empty.to_owned(),
            Finding::BodyByteOrderMark => self.body_mark.to_owned(),
            Finding::BodyPadded => self.body_padded.to_owned(),
            Finding::BodyLineBreaks => self.body_lines.to_owned(),
            Finding::BodyEncoding => self.body_encoding.to_owned(),
            Finding::BodyDecrypted => self.body_decrypted.to_owned(),
            Finding::BodyChanged { .. } => self.body_changed.to_owned(),
            Finding::ComputedMalformed => self.computed_malformed.to_owned(),
            Finding::ComputedMatches => self.computed_matches.to_owned(),
            Finding::ComputedHex => self.computed_hex.to_owned(),
            Finding::ComputedOtherSecret { .. } => self.computed_other.to_owned(),
            Finding::ComputedCurrentSecret => self.computed_current.to_owned(),
            Finding::ComputedPreviousSecret => self.computed_previous.to_owned(),
            Finding::ComputedUnknown => self.computed_unknown.to_owned(),
            Finding::Unexplained => self.unexplained.to_owned(),
        }
    }

    const fn reserialized(&self, difference: JsonDifference) -> &'static str {
        match difference {
            JsonDifference::WhiteSpace => self.body_spaces,
            JsonDifference::Escapes => self.body_escapes,
            JsonDifference::Numbers => self.body_numbers,
            JsonDifference::Order => self.body_order,
        }
    }

    const fn key(&self, mistake: KeyMistake) -> &'static str {
        match mistake {
            KeyMistake::TextWithPrefix => self.computed_text,
            KeyMistake::TextWithoutPrefix => self.computed_rest,
            KeyMistake::DecodedWithPrefix => self.computed_prefix,
        }
    }

    const fn content(&self, content: SignedContent) -> &'static str {
        match content {
            SignedContent::Body => self.computed_body_only,
            SignedContent::TimestampAndBody => self.computed_no_id,
            SignedContent::TimestampFirst => self.computed_order,
        }
    }

    const fn signed_body(&self, from: ComputedFrom) -> &'static str {
        match from {
            ComputedFrom::Empty => self.computed_empty,
            ComputedFrom::Pasted => self.computed_pasted,
            ComputedFrom::Padded => self.computed_padded,
            ComputedFrom::Reserialized => self.computed_rewritten,
            ComputedFrom::Encoding => self.computed_encoding,
        }
    }

    /// Where to mend it in the console: the label and the path.
    pub(super) fn way(&self, finding: &Finding, endpoint: EndpointId) -> Option<(&'static str, String)> {
        match finding {
            Finding::OtherEndpoint { endpoint_id } | Finding::ComputedOtherSecret { endpoint_id } => {
                Some((self.to_other_endpoint, path_of(*endpoint_id)))
            }
            Finding::UnknownSecret | Finding::OnlyAsymmetric | Finding::ComputedUnknown => {
                Some((self.to_secrets, format!("{}/secrets", path_of(endpoint))))
            }
            Finding::Unexplained => Some((self.send_test, format!("{}/test", path_of(endpoint)))),
            _ => None,
        }
    }
}

fn size(bytes: usize) -> String {
    grouped(u64::try_from(bytes).unwrap_or(u64::MAX))
}
