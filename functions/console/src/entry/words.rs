//! Texts of the pages on which a session begins and ends.

use crate::layout::translations::words;

words! {
    /// Texts of the pages on which a session begins and ends.
    pub(crate) struct Words {
        open_title: "Open the settings", "설정 열기", "Abrir la configuración";
        open: "This link opens the settings once, for {name}. Continue if that is you.", "이 링크는 {name} 님을 위해 설정을 한 번만 엽니다. 본인이라면 계속해 주세요.", "Este enlace abre la configuración una sola vez, para {name}. Continúe si es usted.";
        open_replaces: "In this browser, other settings are open for {name}. They close if you continue.", "이 브라우저에는 {name} 님의 다른 설정이 열려 있습니다. 계속하면 닫힙니다.", "En este navegador hay otra configuración abierta para {name}. Se cerrará si continúa.";
        open_button: "Continue", "계속", "Continuar";
        used_title: "This link was already used", "이미 사용된 링크입니다", "Este enlace ya se ha usado";
        used: "A link opens the settings only once. Open the settings again from where you came.", "링크는 한 번만 설정을 엽니다. 들어오신 곳에서 설정을 다시 열어 주세요.", "Un enlace abre la configuración una sola vez. Vuelva a abrirla desde donde llegó.";
        expired_title: "This link has expired", "만료된 링크입니다", "Este enlace ha caducado";
        expired: "A link works only for a few minutes. Open the settings again from where you came.", "링크는 몇 분 동안만 사용할 수 있습니다. 들어오신 곳에서 설정을 다시 열어 주세요.", "Un enlace solo funciona durante unos minutos. Vuelva a abrir la configuración desde donde llegó.";
        invalid_title: "This link does not work", "사용할 수 없는 링크입니다", "Este enlace no funciona";
        invalid: "A part of the link may be missing. Open the settings again from where you came.", "링크의 일부가 빠졌을 수 있습니다. 들어오신 곳에서 설정을 다시 열어 주세요.", "Es posible que falte una parte del enlace. Vuelva a abrir la configuración desde donde llegó.";
        signed_out_title: "You are signed out", "로그아웃되었습니다", "Ha cerrado la sesión";
        signed_out: "The session is over. You can close this page.", "세션이 종료되었습니다. 이 페이지를 닫으셔도 됩니다.", "La sesión ha terminado. Puede cerrar esta página.";
        leave: "Back to where you came from", "들어온 곳으로 돌아가기", "Volver a donde llegó";
    }
}
