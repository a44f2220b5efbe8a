//! The sentences of [`field_errors`](super::field_errors) in all languages.

const HEADER_OF_HOST: &str =
    "belongs to the current host; to change the host, send the value again, or null to remove the header";
const CREDENTIALS_OF_HOST: &str =
    "belongs to the current host; to change the host, send clientSecret again, or null to remove oauth2";
const CERTIFICATE_OF_HOST: &str =
    "belongs to the current host; to change the host, send it again, or null to remove it";
const SECRET_OF_TOKEN_SERVER: &str = "belongs to the current token server; to change its host, send the secret again";

/// What the pages say in English where the api names JSON.
pub(super) const REWORDED: &[(&str, &str)] = &[
    (
        CERTIFICATE_OF_HOST,
        "Belongs to the current host. To change the host, enter the certificate and its key again, or remove the certificate.",
    ),
    (
        HEADER_OF_HOST,
        "Belongs to the current host. To change the host, enter the value again, or remove the header with “name:”.",
    ),
    (
        CREDENTIALS_OF_HOST,
        "These credentials belong to the current host. To change the host, enter the client secret again, or remove the credentials.",
    ),
    (SECRET_OF_TOKEN_SERVER, "Belongs to the current token server. To change its host, enter the secret again."),
];

/// What the api says about a field, in Korean and in Spanish. What follows a colon in English is left out.
pub(super) const TRANSLATIONS: &[(&str, [&str; 2])] = &[
    ("is required", ["필수 항목입니다.", "Es obligatorio."]),
    // Names.
    (
        "must have 1 to 100 characters, no control characters, and no leading or trailing white space",
        [
            "1~100자여야 하며 제어 문자를 포함할 수 없습니다.",
            "Debe tener de 1 a 100 caracteres, sin caracteres de control.",
        ],
    ),
    (
        "must not contain characters that change the direction of text, such as U+202E",
        [
            "글자 방향을 바꾸는 문자를 포함할 수 없습니다.",
            "No puede contener caracteres que cambien la dirección del texto.",
        ],
    ),
    ("must contain a visible character", ["보이는 문자가 있어야 합니다.", "Debe contener un carácter visible."]),
    ("must not contain a web address", ["웹 주소를 포함할 수 없습니다.", "No puede contener una dirección web."]),
    // API keys.
    ("must be in the future", ["미래여야 합니다.", "Debe estar en el futuro."]),
    (
        "must be a number of days from 0 to 30",
        ["0~30 사이의 일수여야 합니다.", "Debe ser un número entero de días, de 0 a 30."],
    ),
    // The return URL.
    (
        "must be https; http is allowed for localhost only",
        [
            "https여야 합니다. http는 localhost에만 사용할 수 있습니다.",
            "Debe ser https; http solo se admite para localhost.",
        ],
    ),
    (
        "must be https; to use the scheme of an app, also set allowAppScheme to true",
        [
            "https여야 합니다. 앱을 여는 URL이면 해당 항목도 선택해 주세요.",
            "Debe ser https. Si la URL abre una aplicación, marque también esa opción.",
        ],
    ),
    (
        "must be an absolute URL, such as https://app.example/done",
        [
            "https://app.example/done과 같은 전체 URL이어야 합니다.",
            "Debe ser una URL completa, como https://app.example/done.",
        ],
    ),
    ("must not have a fragment", ["# 뒤의 부분을 포함할 수 없습니다.", "No puede contener un fragmento (#)."]),
    (
        "must not have credentials",
        ["사용자 이름이나 비밀번호를 포함할 수 없습니다.", "No puede contener usuario ni contraseña."],
    ),
    (
        "requires a secretKey, and the project has none",
        ["secretKey가 필요합니다. 먼저 만들어 주세요.", "Necesita una secretKey. Créela antes."],
    ),
    (
        "must be a string of 32 ASCII letters and digits",
        ["영문자와 숫자 32자여야 합니다.", "Debe tener 32 letras y cifras ASCII."],
    ),
    // Endpoints.
    ("must be an absolute URL", ["https://로 시작하는 전체 URL이어야 합니다.", "Debe ser una URL completa."]),
    ("must begin with https://", ["https://로 시작해야 합니다.", "Debe empezar por https://."]),
    ("must have at most 2048 characters", ["2,048자 이하여야 합니다.", "Debe tener como máximo 2048 caracteres."]),
    (
        "must have a host of at most 253 characters",
        ["호스트 이름은 253자 이하여야 합니다.", "El nombre del servidor debe tener como máximo 253 caracteres."],
    ),
    ("must not have a backslash", ["역슬래시를 포함할 수 없습니다.", "No puede contener una barra invertida."]),
    (
        "must have two hexadecimal digits after each percent sign; write %25 for a percent sign",
        [
            "퍼센트 기호 뒤에는 16진수 두 자리가 있어야 합니다. 퍼센트 기호는 %25로 써 주세요.",
            "Tras cada signo de porcentaje debe haber dos dígitos hexadecimales; escriba %25 para un signo de porcentaje.",
        ],
    ),
    (
        "must not contain a user name or password",
        ["사용자 이름이나 비밀번호를 포함할 수 없습니다.", "No puede contener usuario ni contraseña."],
    ),
    (
        "must name a host, not an IP address",
        ["IP 주소가 아니라 호스트 이름이어야 합니다.", "Debe indicar un nombre de servidor, no una dirección IP."],
    ),
    ("must name a public host", ["공개된 호스트 이름이어야 합니다.", "Debe indicar un servidor público."]),
    (
        "must not name a host of this service",
        ["이 서비스의 호스트는 사용할 수 없습니다.", "No puede indicar un servidor de este servicio."],
    ),
    ("must use port 443 or 8443", ["포트는 443 또는 8443이어야 합니다.", "Debe usar el puerto 443 u 8443."]),
    (
        "host has an address that is not on the public internet",
        [
            "호스트에 공개 인터넷에 없는 주소가 있습니다.",
            "El servidor tiene una dirección que no está en la internet pública.",
        ],
    ),
    (
        "must have 1 to 200 characters, no control characters, and no leading or trailing space",
        [
            "1~200자여야 하며 제어 문자를 포함할 수 없습니다.",
            "Debe tener de 1 a 200 caracteres, sin caracteres de control.",
        ],
    ),
    (
        "the format argos and the payload thin cannot be combined",
        [
            "ARGOS 형식에서는 데이터를 뺄 수 없습니다.",
            "El formato ARGOS y los webhooks sin datos no se pueden combinar.",
        ],
    ),
    (
        "the format cloudevents and encryption cannot be combined",
        [
            "CloudEvents 형식은 암호화와 함께 사용할 수 없습니다.",
            "El formato CloudEvents y el cifrado no se pueden combinar.",
        ],
    ),
    ("must name at least one of v1, v1a", ["하나 이상 선택해 주세요.", "Elija al menos una."]),
    ("is not a header name", ["헤더 이름이 아닙니다.", "No es un nombre de cabecera."]),
    ("is a reserved header", ["예약된 헤더입니다.", "Es una cabecera reservada."]),
    (
        "must have 1 to 4096 visible ASCII characters, with spaces only inside",
        [
            "1~4,096자의 ASCII 문자여야 하며 앞뒤에 공백이 없어야 합니다.",
            "Debe tener de 1 a 4096 caracteres ASCII visibles, con espacios solo en el interior.",
        ],
    ),
    ("repeats another member", ["같은 이름이 두 번 있습니다.", "Se repite el mismo nombre."]),
    ("must have at most 20 members", ["20개까지 설정할 수 있습니다.", "Puede haber 20 como máximo."]),
    (
        "must have at most 7168 bytes in names and values together",
        [
            "이름과 값을 모두 합해 7 KiB 이하여야 합니다.",
            "Los nombres y los valores deben tener como máximo 7 KiB en total.",
        ],
    ),
    (
        HEADER_OF_HOST,
        [
            "현재 호스트의 헤더입니다. 호스트를 바꾸려면 값을 다시 입력하거나 “이름:”으로 삭제해 주세요.",
            "Pertenece al servidor actual. Para cambiar de servidor, introduzca de nuevo el valor o elimínela con «nombre:».",
        ],
    ),
    (
        "must be whsec_ and the base64 of 24 to 64 bytes, with padding",
        ["whsec_와 24~64바이트의 base64여야 합니다.", "Debe ser whsec_ y el base64 de 24 a 64 bytes, con relleno."],
    ),
    (
        "must be random: all of its bytes are the same",
        ["무작위여야 합니다. 모든 바이트가 같습니다.", "Debe ser aleatorio: todos sus bytes son iguales."],
    ),
    (
        "must be random: this key has too few different characters, repeats itself or is a sequence such as abcdef",
        [
            "무작위여야 합니다. 문자 종류가 너무 적거나 반복되거나 abcdef처럼 이어집니다.",
            "Debe ser aleatoria: tiene pocos caracteres distintos, se repite o es una secuencia como abcdef.",
        ],
    ),
    ("already signs for this endpoint", ["이미 이 엔드포인트에서 사용 중입니다.", "Ya firma para este endpoint."]),
    ("must be from 1 to 60000", ["1~60,000이어야 합니다.", "Debe ser de 1 a 60000."]),
    // Client credentials and client certificates.
    (
        "must have 1 to 1024 visible ASCII characters, with spaces only inside",
        [
            "1~1,024자의 ASCII 문자여야 하며 앞뒤에 공백이 없어야 합니다.",
            "Debe tener de 1 a 1024 caracteres ASCII visibles, con espacios solo en el interior.",
        ],
    ),
    (
        "cannot be combined with the header authorization",
        ["authorization 헤더와 함께 사용할 수 없습니다.", "No se puede combinar con la cabecera authorization."],
    ),
    (
        "cannot be combined with oauth2",
        [
            "OAuth 2.0 액세스 토큰과 함께 사용할 수 없습니다.",
            "No se puede combinar con el token de acceso de OAuth 2.0.",
        ],
    ),
    (
        "must be an X.509 version 3 certificate",
        ["X.509 버전 3 인증서여야 합니다.", "Debe ser un certificado X.509 de la versión 3."],
    ),
    (
        CERTIFICATE_OF_HOST,
        [
            "현재 호스트의 인증서입니다. 호스트를 바꾸려면 인증서와 키를 다시 입력하거나 인증서를 삭제해 주세요.",
            "Pertenece al servidor actual. Para cambiar de servidor, introduzca de nuevo el certificado y su clave, o elimine el certificado.",
        ],
    ),
    (
        CREDENTIALS_OF_HOST,
        [
            "현재 호스트의 자격 증명입니다. 호스트를 바꾸려면 클라이언트 시크릿을 다시 입력하거나 자격 증명을 삭제해 주세요.",
            "Pertenecen al servidor actual. Para cambiar de servidor, introduzca de nuevo el secreto de cliente o elimine las credenciales.",
        ],
    ),
    (
        SECRET_OF_TOKEN_SERVER,
        [
            "현재 토큰 서버의 시크릿입니다. 토큰 서버의 호스트를 바꾸려면 다시 입력해 주세요.",
            "Pertenece al servidor de tokens actual. Para cambiar su servidor, introdúzcalo de nuevo.",
        ],
    ),
    ("must have at most 16384 bytes", ["16 KiB 이하여야 합니다.", "Debe tener como máximo 16 KiB."]),
    ("must not contain a private key", ["개인 키를 포함할 수 없습니다.", "No puede contener una clave privada."]),
    ("must be certificates in PEM", ["PEM 형식의 인증서여야 합니다.", "Deben ser certificados en PEM."]),
    (
        "must be certificates in PEM, with the line -----BEGIN CERTIFICATE-----",
        [
            "-----BEGIN CERTIFICATE----- 줄이 있는 PEM 형식의 인증서여야 합니다.",
            "Deben ser certificados en PEM, con la línea -----BEGIN CERTIFICATE-----.",
        ],
    ),
    (
        "must have at most 5 certificates",
        ["인증서는 5개까지 넣을 수 있습니다.", "Puede haber 5 certificados como máximo."],
    ),
    (
        "has a first certificate that cannot be read",
        ["첫 번째 인증서를 읽을 수 없습니다.", "El primer certificado no se puede leer."],
    ),
    (
        "must be a private key in PEM (PKCS #8, PKCS #1 or SEC 1)",
        [
            "PEM 형식의 개인 키여야 합니다(PKCS #8, PKCS #1 또는 SEC 1).",
            "Debe ser una clave privada en PEM (PKCS #8, PKCS #1 o SEC 1).",
        ],
    ),
    (
        "must not be encrypted with a password",
        ["비밀번호로 암호화되어 있지 않아야 합니다.", "No puede estar cifrada con una contraseña."],
    ),
    (
        "must be a key for RSA with 2048 to 4096 bits, ECDSA with P-256 or P-384, or Ed25519",
        [
            "2048~4096비트의 RSA, P-256 또는 P-384의 ECDSA, 또는 Ed25519 키여야 합니다.",
            "Debe ser una clave RSA de 2048 a 4096 bits, ECDSA con P-256 o P-384, o Ed25519.",
        ],
    ),
    (
        "does not belong to the first certificate",
        ["첫 번째 인증서의 키가 아닙니다.", "No corresponde al primer certificado."],
    ),
    (
        "cannot be compared with the first certificate",
        ["첫 번째 인증서와 비교할 수 없습니다.", "No se puede comparar con el primer certificado."],
    ),
    (
        "must be entered again, because secrets are never shown",
        [
            "비밀 값은 다시 표시되지 않으므로 다시 입력해 주세요.",
            "Introdúzcalo de nuevo: los secretos nunca se muestran.",
        ],
    ),
    ("must have at most 524288 bytes", ["512 KiB 이하여야 합니다.", "Debe tener como máximo 512 KiB."]),
    ("must have at most 32768 bytes", ["32 KiB 이하여야 합니다.", "Debe tener como máximo 32 KiB."]),
    ("must have at most 1024 bytes", ["1 KiB 이하여야 합니다.", "Debe tener como máximo 1 KiB."]),
    // Deliveries and replays.
    ("must be a day such as 2026-11-22", ["2026-11-22와 같은 날짜여야 합니다.", "Debe ser un día, como 2026-11-22."]),
    ("must not be before the first day", ["시작일보다 빠를 수 없습니다.", "No puede ser anterior al primer día."]),
    (
        "must have 1 to 128 visible ASCII characters",
        ["눈에 보이는 ASCII 문자 1~128자여야 합니다.", "Debe tener de 1 a 128 caracteres ASCII visibles."],
    ),
    (
        "must be a UUIDv7 in lower case with hyphens",
        ["목록에 표시되는 ID여야 합니다.", "Debe ser un id. como los que muestran las listas."],
    ),
    ("must not be in the future", ["미래일 수 없습니다.", "No puede estar en el futuro."]),
    ("must be after from", ["시작 시각보다 뒤여야 합니다.", "Debe ser posterior al comienzo."]),
    ("must be from 1 to 1200", ["1~1,200이어야 합니다.", "Debe ser de 1 a 1200."]),
    ("is required with the scope missing", ["엔드포인트를 선택해 주세요.", "Elija un endpoint."]),
    (
        "is not a type that the endpoint receives",
        ["엔드포인트가 받지 않는 유형입니다.", "El endpoint no recibe este tipo."],
    ),
    (
        "is not an endpoint of this project",
        ["이 프로젝트의 엔드포인트가 아닙니다.", "No es un endpoint de este proyecto."],
    ),
    // Notification users.
    (
        "must be an e-mail address such as ada@example.com",
        ["ada@example.com과 같은 이메일 주소여야 합니다.", "Debe ser una dirección de correo, como ada@example.com."],
    ),
    (
        "is already a notification user of this project",
        ["이미 이 프로젝트의 알림 수신자입니다.", "Ya es un destinatario de avisos de este proyecto."],
    ),
];
