//! Texts that several pages use.

use domain::projects::console::Role;

use crate::layout::translations::words;

words! {
    /// Texts of the shell, of forms and of lists.
    pub(crate) struct Words {
        overview: "Overview", "개요", "Resumen";
        endpoints: "Endpoints", "엔드포인트", "Endpoints";
        deliveries: "Deliveries", "전달", "Entregas";
        replays: "Replays", "다시 보내기", "Reenvíos";
        return_url: "Return URL", "리턴 URL", "URL de retorno";
        notification_users: "Notification users", "알림 수신자", "Destinatarios de avisos";
        reports: "Reports", "리포트", "Informes";
        api_keys: "API keys", "API 키", "Claves de API";
        history: "History", "변경 내역", "Historial";
        addresses: "Addresses", "발신 주소", "Direcciones";
        access: "Access", "접속", "Accesos";

        menu: "Menu", "메뉴", "Menú";
        navigation: "Settings", "설정", "Configuración";
        skip: "Skip to the content", "본문으로 건너뛰기", "Ir al contenido";
        back_to_operator: "Leave the settings", "설정에서 나가기", "Salir de la configuración";
        sign_out: "Sign out", "로그아웃", "Cerrar sesión";

        viewer: "viewer", "조회자", "lector";
        developer: "developer", "개발자", "desarrollador";
        admin: "admin", "관리자", "administrador";
        only_developers: "Only developers and admins can do this.", "개발자와 관리자만 할 수 있습니다.", "Solo pueden hacerlo los desarrolladores y los administradores.";
        only_admins: "Only admins can do this.", "관리자만 할 수 있습니다.", "Solo pueden hacerlo los administradores.";
        nobody_here: "This cannot be done in these settings.", "이 설정 화면에서는 할 수 없습니다.", "No se puede hacer en esta configuración.";

        save: "Save", "저장", "Guardar";
        cancel: "Cancel", "취소", "Cancelar";
        filter: "Filter", "필터 적용", "Filtrar";
        any: "any", "전체", "cualquiera";
        older: "Older", "이전 항목", "Anteriores";
        pages: "Pages", "페이지", "Páginas";
        newest: "Newest", "최신 항목", "Más recientes";
        copy: "Copy", "복사", "Copiar";
        copied: "Copied", "복사됨", "Copiado";
        as_a_table: "As a table", "표로 보기", "Como tabla";

        endpoint: "Endpoint", "엔드포인트", "Endpoint";
        state: "State", "상태", "Estado";
        event_type: "Type", "유형", "Tipo";
        submission: "Submission ID", "제출 ID", "Id. de la solicitud";
        sequence: "Number within the submission", "제출 내 순번", "Número dentro de la solicitud";
        deleted_endpoint: "deleted endpoint", "삭제된 엔드포인트", "endpoint eliminado";
        of_submission: "All deliveries of this submission", "이 제출의 모든 전달", "Todas las entregas de esta solicitud";
        send_test: "Send a test", "테스트 보내기", "Enviar una prueba";
        verification: "Why does my verification fail?", "서명 검증이 실패하는 이유", "¿Por qué falla mi verificación?";
        refresh: "Refresh", "새로 고침", "Actualizar";

        error_prefix: "Error:", "오류:", "Error:";
        first_marked: "Go to the first marked field", "표시된 첫 항목으로 이동", "Ir al primer campo marcado";
        request_id: "Request id for your provider: {id}", "서비스 제공자에게 알릴 요청 ID: {id}", "Id. de la petición para su proveedor: {id}";
    }
}

impl Words {
    /// The name of a role.
    pub(crate) const fn role(&self, role: Role) -> &'static str {
        match role {
            Role::Viewer => self.viewer,
            Role::Developer => self.developer,
            Role::Admin => self.admin,
        }
    }

    /// Which roles have a scope whose lowest role is `role`, as a sentence. No page shows it for a scope of viewers, which every
    /// role has.
    pub(crate) const fn only(&self, role: Option<Role>) -> &'static str {
        match role {
            Some(Role::Viewer | Role::Developer) => self.only_developers,
            Some(Role::Admin) => self.only_admins,
            None => self.nobody_here,
        }
    }
}
