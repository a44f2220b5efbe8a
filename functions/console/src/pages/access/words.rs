//! Texts of the pages about access.

use domain::public_names;

use crate::layout::translations::words;

public_names! {
    /// What was done before a page is shown.
    pub(super) enum Done {
        /// Sessions were ended.
        Ended = "ended",
    }
}

words! {
    /// Texts of the pages about access.
    pub(super) struct Words {
        title: "Access", "접속", "Accesos";
        intro: "These people have the settings open now. A session ends after an hour without use, and after eight hours at the latest.", "지금 설정 화면을 사용하는 사람입니다. 한 시간 동안 사용하지 않으면, 늦어도 여덟 시간 뒤에는 세션이 끝납니다.", "Estas personas tienen abierta la configuración ahora. Una sesión termina tras una hora sin uso y, como máximo, a las ocho horas.";
        none: "This page lists no sessions. Go back to the newest ones.", "이 페이지에는 세션이 없습니다. 최신 항목으로 돌아가 주세요.", "Esta página no tiene sesiones. Vuelva a las más recientes.";
        user: "User", "사용자", "Usuario";
        role: "Role", "역할", "Rol";
        since: "Since", "시작", "Desde";
        until: "Ends at the latest", "최종 종료 시각", "Termina como máximo";
        you: "your session", "내 세션", "su sesión";
        actions: "Action", "작업", "Acción";
        end: "End…", "끝내기…", "Terminar…";
        end_of: "End the session of {name}…", "{name} 님의 세션 끝내기…", "Terminar la sesión de {name}…";
        end_all: "End all sessions…", "모든 세션 끝내기…", "Terminar todas las sesiones…";

        end_title: "End this session?", "이 세션을 끝낼까요?", "¿Terminar esta sesión?";
        end_own: "This is your own session. You are signed out.", "현재 내 세션입니다. 로그아웃됩니다.", "Esta es su propia sesión. Se cerrará.";
        end_other: "The person is signed out within ten seconds. Unsaved entries are lost.", "10초 안에 로그아웃됩니다. 저장하지 않은 내용은 사라집니다.", "Se cerrará la sesión de esa persona en diez segundos. Lo que no haya guardado se pierde.";
        end_again: "A new session needs a new link from your provider.", "새 세션을 열려면 서비스 제공자의 새 링크가 필요합니다.", "Para una sesión nueva hace falta un enlace nuevo de su proveedor.";
        end_button: "End the session", "세션 끝내기", "Terminar la sesión";
        end_all_title: "End all sessions?", "모든 세션을 끝낼까요?", "¿Terminar todas las sesiones?";
        end_all_people: "Everyone is signed out within ten seconds, you included. Unsaved entries are lost.", "나를 포함한 모든 사람이 10초 안에 로그아웃됩니다. 저장하지 않은 내용은 사라집니다.", "Se cerrarán todas las sesiones en diez segundos, también la suya. Lo que no se haya guardado se pierde.";
        end_all_links: "Links that were not opened yet stop working. API keys keep working.", "아직 열지 않은 링크도 더 이상 쓸 수 없습니다. API 키는 계속 사용할 수 있습니다.", "Los enlaces que aún no se abrieron dejan de funcionar. Las claves de API siguen funcionando.";
        end_all_button: "End all sessions", "모든 세션 끝내기", "Terminar todas las sesiones";

        done_ended: "The session is over.", "세션을 끝냈습니다.", "La sesión ha terminado.";
    }
}

impl Words {
    /// What was done.
    pub(super) const fn done(&self, done: Done) -> &'static str {
        match done {
            Done::Ended => self.done_ended,
        }
    }
}
