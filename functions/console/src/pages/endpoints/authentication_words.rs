//! Texts about OAuth 2.0 client credentials and client certificates.

use domain::webhooks::endpoint::ClientAuthentication;

use crate::layout::translations::words;

words! {
    /// Texts about OAuth 2.0 client credentials and client certificates.
    pub(super) struct Words {
        none: "not set", "설정 안 됨", "sin definir";
        set: "set", "설정됨", "definido";
        never_shown: "It is stored encrypted and never shown again.", "암호화되어 저장되며 다시 표시되지 않습니다.", "Se guarda cifrado y no se vuelve a mostrar.";

        oauth2: "OAuth 2.0 access token", "OAuth 2.0 액세스 토큰", "Token de acceso OAuth 2.0";
        oauth2_note: "For a server that requires an access token. The token server gives the token for these client credentials, and each webhook carries it in the header authorization.", "액세스 토큰이 필요한 서버에 사용합니다. 이 클라이언트 자격 증명으로 토큰 서버에서 토큰을 받아 모든 웹훅의 authorization 헤더에 넣습니다.", "Para un servidor que exige un token de acceso. El servidor de tokens entrega el token con estas credenciales de cliente y cada webhook lo lleva en la cabecera authorization.";
        token_url: "Token URL", "토큰 URL", "URL de tokens";
        token_url_help: "The URL of your token server, such as https://login.example.com/oauth2/token.", "https://login.example.com/oauth2/token과 같은 토큰 서버의 URL입니다.", "La URL de su servidor de tokens, como https://login.example.com/oauth2/token.";
        client_id: "Client ID", "클라이언트 ID", "Id. de cliente";
        client_secret: "Client secret", "클라이언트 시크릿", "Secreto de cliente";
        client_secret_kept: "One is set and never shown. Leave this empty to keep it. If the URL or the token URL moves to another host, enter it again.", "이미 설정되어 있으며 표시되지 않습니다. 그대로 두려면 비워 주세요. URL이나 토큰 URL의 호스트가 바뀌면 다시 입력해 주세요.", "Ya hay uno y no se muestra. Déjelo vacío para conservarlo. Si la URL o la URL de tokens cambia de servidor, introdúzcalo de nuevo.";
        scope: "Scope", "범위(scope)", "Ámbito (scope)";
        scope_help: "What the token permits, separated by spaces. Optional.", "토큰으로 할 수 있는 일을 공백으로 구분해 입력합니다. 선택 사항입니다.", "Lo que permite el token, separado por espacios. Opcional.";
        audience: "Audience", "대상(audience)", "Audiencia (audience)";
        audience_help: "The API that the token is for. Only some token servers require it.", "토큰을 사용할 API입니다. 일부 토큰 서버에서만 필요합니다.", "La API a la que se destina el token. Solo algunos servidores de tokens la exigen.";
        authentication: "Client authentication", "클라이언트 인증", "Autenticación del cliente";
        authentication_help: "How client ID and secret are sent to the token server.", "클라이언트 ID와 시크릿을 토큰 서버로 보내는 방법입니다.", "Cómo se envían el id. y el secreto de cliente al servidor de tokens.";
        in_header: "in the header authorization (HTTP Basic)", "authorization 헤더(HTTP Basic)", "en la cabecera authorization (HTTP Basic)";
        in_body: "in the body", "본문", "en el cuerpo";
        oauth2_remove: "Remove the client credentials", "클라이언트 자격 증명 삭제", "Eliminar las credenciales de cliente";
        oauth2_remove_help: "Webhooks are then sent without an access token.", "삭제하면 액세스 토큰 없이 웹훅을 보냅니다.", "Los webhooks se envían entonces sin token de acceso.";

        certificate: "Client certificate", "클라이언트 인증서", "Certificado de cliente";
        certificate_note: "For a server that requires mutual TLS. It recognises our connections by this certificate.", "상호 TLS가 필요한 서버에 사용합니다. 서버가 이 인증서로 저희 연결을 확인합니다.", "Para un servidor que exige TLS mutuo. Reconoce nuestras conexiones por este certificado.";
        certificate_replace: "To replace it, paste the new certificate and its private key. If the URL moves to another host, paste both again.", "바꾸려면 새 인증서와 개인 키를 붙여 넣어 주세요. URL이 다른 호스트로 바뀌면 둘 다 다시 붙여 넣어 주세요.", "Para sustituirlo, pegue el certificado nuevo y su clave privada. Si la URL pasa a otro servidor, péguelos de nuevo.";
        certificate_pem: "Certificate (PEM)", "인증서(PEM)", "Certificado (PEM)";
        certificate_pem_help: "It begins with -----BEGIN CERTIFICATE-----. Intermediate certificates follow below it, up to 5 in all.", "-----BEGIN CERTIFICATE-----로 시작합니다. 중간 인증서는 그 아래에 넣으며 모두 5개까지 가능합니다.", "Empieza por -----BEGIN CERTIFICATE-----. Los certificados intermedios van debajo, hasta 5 en total.";
        private_key: "Private key (PEM)", "개인 키(PEM)", "Clave privada (PEM)";
        private_key_help: "The key of the certificate, without a password. It is stored encrypted and never shown again.", "인증서의 개인 키로, 비밀번호가 없어야 합니다. 암호화되어 저장되며 다시 표시되지 않습니다.", "La clave del certificado, sin contraseña. Se guarda cifrada y no se vuelve a mostrar.";
        certificate_remove: "Remove the client certificate", "클라이언트 인증서 삭제", "Eliminar el certificado de cliente";
        certificate_remove_help: "We then connect without a certificate.", "삭제하면 인증서 없이 연결합니다.", "Nos conectamos entonces sin certificado.";
        expires: "Expires", "만료", "Caduca";
    }
}

impl Words {
    /// How the client id and secret are sent.
    pub(super) const fn client_authentication(&self, way: ClientAuthentication) -> &'static str {
        match way {
            ClientAuthentication::Basic => self.in_header,
            ClientAuthentication::Post => self.in_body,
        }
    }
}
