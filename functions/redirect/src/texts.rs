//! Every sentence of the pages, in every language. Nothing else in this function is read by people.

use crate::language::Language;

/// What a page says.
pub(crate) struct Message {
    /// Its headline.
    pub(crate) title: &'static str,
    /// One or two sentences below it.
    pub(crate) text: &'static str,
}

/// All that the pages say in one language.
pub(crate) struct Texts {
    /// The result is "approved".
    pub(crate) approved: Message,
    /// The result is "pending".
    pub(crate) pending: Message,
    /// The result is "rejected".
    pub(crate) rejected: Message,
    /// The verification ended on an error; the code stands below.
    pub(crate) error: Message,
    /// The return link was right once.
    pub(crate) expired_link: Message,
    /// The return link works once, and was used.
    pub(crate) used_link: Message,
    /// The return link was never one.
    pub(crate) foreign_link: Message,
    /// There is nothing at this address.
    pub(crate) no_such_page: Message,
    /// Our own fault.
    pub(crate) unavailable: Message,
    /// Stands before an error code.
    pub(crate) code_label: &'static str,
    /// Button: leave the result page.
    pub(crate) ok: &'static str,
    /// Button: leave the error page.
    pub(crate) go_back: &'static str,
    /// Button: load the page again.
    pub(crate) try_again: &'static str,
    /// What stands before and after the seconds that are left.
    pub(crate) countdown: [&'static str; 2],
    /// Link: end the countdown.
    pub(crate) stay: &'static str,
    /// There is no way on from here.
    pub(crate) close: &'static str,
}

impl Language {
    /// What the pages say in this language.
    pub(crate) const fn texts(self) -> &'static Texts {
        match self {
            Self::English => &ENGLISH,
            Self::Korean => &KOREAN,
            Self::Spanish => &SPANISH,
        }
    }
}

const ENGLISH: Texts = Texts {
    approved: Message { title: "You are verified", text: "Your identity has been confirmed." },
    pending: Message {
        title: "Your verification is under review",
        text: "We have received everything. You will be told the result when the review is finished.",
    },
    rejected: Message {
        title: "You could not be verified",
        text: "Your identity could not be confirmed with what was submitted.",
    },
    error: Message {
        title: "Something went wrong",
        text: "Your verification cannot be continued. If you ask for help, give this code.",
    },
    expired_link: Message {
        title: "This link has expired",
        text: "Links like this one work for a limited time. Go back to where you started and try again.",
    },
    used_link: Message {
        title: "This link has been used",
        text: "It works only once, so that nobody else can use it. To go on, go back to where you started.",
    },
    foreign_link: Message {
        title: "This link does not work",
        text: "It may be incomplete, or it may have been changed. Open it again exactly as you got it.",
    },
    no_such_page: Message {
        title: "Page not found",
        text: "There is nothing at this address. Check the link you were given.",
    },
    unavailable: Message {
        title: "Please try again",
        text: "This page cannot be shown right now. Wait a moment, then try again.",
    },
    code_label: "Error code",
    ok: "OK",
    go_back: "Go back",
    try_again: "Try again",
    countdown: ["You will be taken back in ", " seconds."],
    stay: "Stay on this page",
    close: "You can close this page now.",
};

const KOREAN: Texts = Texts {
    approved: Message {
        title: "본인 확인이 완료되었습니다", text: "신원이 정상적으로 확인되었습니다."
    },
    pending: Message {
        title: "본인 확인을 검토하고 있습니다",
        text: "제출하신 내용을 모두 받았습니다. 검토가 끝나면 결과를 알려 드립니다.",
    },
    rejected: Message {
        title: "본인 확인을 완료하지 못했습니다",
        text: "제출하신 내용으로는 신원을 확인할 수 없었습니다.",
    },
    error: Message {
        title: "문제가 발생했습니다",
        text: "본인 확인을 계속할 수 없습니다. 문의하실 때 아래 코드를 알려 주세요.",
    },
    expired_link: Message {
        title: "링크가 만료되었습니다",
        text: "이 링크는 정해진 시간 동안만 사용할 수 있습니다. 처음 화면으로 돌아가 다시 시도해 주세요.",
    },
    used_link: Message {
        title: "이미 사용된 링크입니다",
        text: "이 링크는 다른 사람이 사용할 수 없도록 한 번만 열립니다. 계속하려면 처음 화면으로 돌아가 주세요.",
    },
    foreign_link: Message {
        title: "사용할 수 없는 링크입니다",
        text: "링크의 일부가 빠졌거나 변경되었을 수 있습니다. 받으신 링크를 그대로 다시 열어 주세요.",
    },
    no_such_page: Message {
        title: "페이지를 찾을 수 없습니다",
        text: "이 주소에는 페이지가 없습니다. 받으신 링크를 다시 확인해 주세요.",
    },
    unavailable: Message {
        title: "다시 시도해 주세요",
        text: "지금은 이 페이지를 표시할 수 없습니다. 잠시 후 다시 시도해 주세요.",
    },
    code_label: "오류 코드",
    ok: "확인",
    go_back: "돌아가기",
    try_again: "다시 시도",
    countdown: ["", "초 후 자동으로 돌아갑니다."],
    stay: "이 페이지에 머무르기",
    close: "이제 이 페이지를 닫으셔도 됩니다.",
};

const SPANISH: Texts = Texts {
    approved: Message { title: "Su identidad está verificada", text: "Hemos confirmado su identidad." },
    pending: Message {
        title: "Su verificación está en revisión",
        text: "Hemos recibido todo. Le comunicaremos el resultado cuando termine la revisión.",
    },
    rejected: Message {
        title: "No se pudo verificar su identidad",
        text: "No fue posible confirmar su identidad con los datos enviados.",
    },
    error: Message {
        title: "Algo salió mal",
        text: "No se puede continuar con la verificación. Si pide ayuda, indique este código.",
    },
    expired_link: Message {
        title: "Este enlace ha caducado",
        text: "Los enlaces como este funcionan durante un tiempo limitado. Vuelva al inicio e inténtelo de nuevo.",
    },
    used_link: Message {
        title: "Este enlace ya se ha utilizado",
        text: "Solo funciona una vez, para que nadie más pueda usarlo. Para continuar, vuelva al inicio.",
    },
    foreign_link: Message {
        title: "Este enlace no funciona",
        text: "Puede que esté incompleto o que se haya modificado. Ábralo de nuevo tal como lo recibió.",
    },
    no_such_page: Message {
        title: "Página no encontrada",
        text: "No hay nada en esta dirección. Compruebe el enlace que recibió.",
    },
    unavailable: Message {
        title: "Inténtelo de nuevo",
        text: "Esta página no se puede mostrar en este momento. Espere un momento y vuelva a intentarlo.",
    },
    code_label: "Código de error",
    ok: "Aceptar",
    go_back: "Volver",
    try_again: "Intentar de nuevo",
    countdown: ["Volverá automáticamente en ", " segundos."],
    stay: "Permanecer en esta página",
    close: "Ya puede cerrar esta página.",
};
