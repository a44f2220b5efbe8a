//! Texts of the addresses' page.

use crate::layout::translations::words;

words! {
    /// Texts of the addresses' page.
    pub(super) struct Words {
        title: "Addresses", "발신 주소", "Direcciones";
        intro: "All webhooks come from these addresses. If a firewall protects your server, allow them there.", "모든 웹훅은 이 주소에서 보냅니다. 서버가 방화벽 뒤에 있으면 이 주소를 허용해 주세요.", "Todos los webhooks salen de estas direcciones. Si un cortafuegos protege su servidor, permítalas en él.";
        signature: "An address does not prove who sent a request. Your server must also check the signature of each webhook.", "주소만으로는 누가 보냈는지 확인할 수 없습니다. 서버에서 웹훅의 서명도 반드시 확인해 주세요.", "Una dirección no demuestra quién envió una petición. Su servidor debe comprobar además la firma de cada webhook.";
        coming: "Webhooks also come from {address} from {day} (UTC) on.", "{day}(UTC)부터 {address}에서도 웹훅을 보냅니다.", "A partir del {day} (UTC) también saldrán webhooks de {address}.";
        file: "Download as a file", "파일로 내려받기", "Descargar como archivo";
        none: "This service sends webhooks from changing addresses. Do not filter by address; check the signature of each webhook.", "이 서비스의 발신 주소는 고정되어 있지 않습니다. 주소로 제한하지 말고 웹훅의 서명을 확인해 주세요.", "Este servicio envía los webhooks desde direcciones que cambian. No filtre por dirección; compruebe la firma de cada webhook.";
    }
}
