//! Spanish.

use super::{Message, Texts};
use crate::error_kind::ErrorKind;

pub(super) const TEXTS: Texts = Texts {
    approved: Message { title: "Su identidad está verificada", text: "Hemos confirmado su identidad." },
    pending: Message {
        title: "Su verificación está en revisión",
        text: "Hemos recibido todo. Le comunicaremos el resultado cuando termine la revisión.",
    },
    rejected: Message {
        title: "No se pudo verificar su identidad",
        text: "No fue posible confirmar su identidad con los datos enviados.",
    },
    expired_link: Message {
        title: "Este enlace ha caducado",
        text: "Los enlaces como este funcionan durante un tiempo limitado. Vuelva al inicio e inténtelo de nuevo.",
    },
    used_link: Message {
        title: "Este enlace ya se ha utilizado",
        text: "Solo funciona una vez, para que nadie más pueda usarlo. Para continuar, vuelva al inicio.",
    },
    invalid_link: Message {
        title: "Este enlace no funciona",
        text: "Puede que esté incompleto o que se haya modificado. Ábralo de nuevo tal como lo recibió.",
    },
    page_not_found: Message {
        title: "Página no encontrada",
        text: "No hay nada en esta dirección. Compruebe el enlace que recibió.",
    },
    unavailable: Message {
        title: "Inténtelo de nuevo",
        text: "Esta página no se puede mostrar en este momento. Espere un momento y vuelva a intentarlo.",
    },
    code_label: "Código de error",
    code_hint: "Si pide ayuda, indique este código.",
    ok: "Aceptar",
    go_back: "Volver",
    try_again: "Intentar de nuevo",
    countdown: ["Volverá automáticamente en ", " segundos."],
    stay: "Permanecer en esta página",
    close: "Ya puede cerrar esta página.",
};

#[expect(clippy::too_many_lines, reason = "one arm for each kind of error")]
pub(super) const fn error(kind: ErrorKind) -> Message {
    let (title, text) = match kind {
        ErrorKind::PageNotFound => (
            "No se encontró la página",
            "Puede que el enlace sea antiguo o esté incompleto. Abra de nuevo el enlace que recibió o pida uno nuevo.",
        ),
        ErrorKind::ServicePaused => (
            "La verificación está en pausa",
            "En este momento no se aceptan verificaciones. No es culpa suya. Inténtelo de nuevo más tarde.",
        ),
        ErrorKind::LinkAltered => (
            "Este enlace no parece correcto",
            "Puede que falte una parte o que haya cambiado. Ábralo de nuevo tal como lo recibió.",
        ),
        ErrorKind::Reloaded => (
            "La página se volvió a cargar",
            "Recargar o ir hacia atrás interrumpe la verificación. Abra de nuevo su enlace y complete los pasos sin interrupciones.",
        ),
        ErrorKind::OldBrowser => (
            "Este navegador no es compatible",
            "Actualice su navegador o abra el enlace en una versión reciente de Chrome, Safari, Edge o Firefox.",
        ),
        ErrorKind::StepsOutOfOrder => (
            "Los pasos se han mezclado",
            "Cierre las demás pestañas de esta verificación. Después abra de nuevo su enlace y siga los pasos en orden.",
        ),
        ErrorKind::ProjectClosed => (
            "Esta verificación está cerrada",
            "Ya no acepta envíos. Si todavía necesita verificarse, contacte con la empresa que se lo pidió.",
        ),
        ErrorKind::PeriodEnded => (
            "El plazo de envío ha terminado",
            "El tiempo para enviar sus datos ha pasado. Pregunte a la empresa que le invitó si aún puede participar.",
        ),
        ErrorKind::LinkExpired => (
            "Este enlace ha caducado",
            "El tiempo para usarlo ha terminado. Vuelva al inicio y obtenga un enlace nuevo.",
        ),
        ErrorKind::TimedOut => (
            "Se ha agotado el tiempo",
            "Por su seguridad, la verificación debe terminarse en pocos minutos. Vuelva al inicio y empiece de nuevo.",
        ),
        ErrorKind::DocumentCheckUnavailable => (
            "Ahora no podemos revisar su documento",
            "La revisión de fotos de documentos no está disponible. Inténtelo de nuevo en unos minutos.",
        ),
        ErrorKind::SelfieCheckUnavailable => (
            "Ahora no podemos revisar su selfi",
            "La revisión de selfis no está disponible. Inténtelo de nuevo en unos minutos.",
        ),
        ErrorKind::FaceComparisonUnavailable => (
            "Ahora no podemos comparar sus fotos",
            "La comparación de su selfi con su documento no está disponible. Inténtelo de nuevo en unos minutos.",
        ),
        ErrorKind::ResidentCardRegisterUnavailable => (
            "Ahora no podemos comprobar su cédula",
            "El registro oficial de residentes no responde. Inténtelo más tarde o, si puede, use otro documento.",
        ),
        ErrorKind::LicenceRegisterUnavailable => (
            "Ahora no podemos comprobar su permiso",
            "El registro oficial de permisos de conducir no responde. Inténtelo más tarde o, si puede, use otro documento.",
        ),
        ErrorKind::PassportRegisterUnavailable => (
            "Ahora no podemos comprobar su pasaporte",
            "El registro oficial de pasaportes no responde. Inténtelo más tarde o, si puede, use otro documento.",
        ),
        ErrorKind::ForeignerRegisterUnavailable => (
            "Ahora no podemos comprobar su tarjeta",
            "El registro oficial de residentes extranjeros no responde. Inténtelo más tarde o, si puede, use otro documento.",
        ),
        ErrorKind::Unreadable => (
            "No se pudo leer su documento",
            "Póngalo sobre una superficie oscura y lisa, con buena luz y sin reflejos, muestre todas las esquinas e inténtelo de nuevo.",
        ),
        ErrorKind::NotProcessed => (
            "No se pudo procesar su foto",
            "Abra de nuevo su enlace y haga otra foto. Si sigue sin funcionar, pruebe con otro dispositivo.",
        ),
        ErrorKind::Incomplete => (
            "Faltaban algunos datos",
            "Abra de nuevo su enlace y complete todos los pasos. Compruebe que su conexión a internet sea estable.",
        ),
        ErrorKind::SessionLost => (
            "Se perdió la conexión entre los pasos",
            "Abra de nuevo su enlace y empiece desde el principio, con una conexión estable y en una sola pestaña.",
        ),
        ErrorKind::PoorPhoto => (
            "La foto no era lo bastante nítida",
            "Limpie la lente, sujete el teléfono con firmeza y busque buena luz. Después inténtelo de nuevo.",
        ),
        ErrorKind::StartRefused => (
            "No se pudo iniciar la verificación",
            "Inténtelo más tarde con la conexión a internet que usa normalmente.",
        ),
        ErrorKind::Busy => (
            "Hay muchas personas en este momento",
            "Ahora no podemos atender su verificación. Espere unos minutos e inténtelo de nuevo.",
        ),
        ErrorKind::TooManyTries => (
            "Haga una pequeña pausa",
            "Su verificación queda en espera por un tiempo. Espere un poco antes de intentarlo de nuevo.",
        ),
        ErrorKind::LinkIncomplete => (
            "Falta algo en este enlace",
            "No se puede usar tal como está. Vuelva al inicio y abra la verificación de nuevo desde allí.",
        ),
        ErrorKind::OurFault => {
            ("Algo falló por nuestra parte", "No es culpa suya. Inténtelo de nuevo en unos minutos.")
        }
        ErrorKind::PageCrashed => (
            "La página dejó de funcionar",
            "Ciérrela y abra de nuevo su enlace. Si no basta, use otro navegador o reinicie su dispositivo.",
        ),
        ErrorKind::LinkUnusable => (
            "Este enlace ya no se puede usar",
            "Puede que ya se haya usado o que su tiempo haya terminado. Vuelva al inicio para ver cómo continuar.",
        ),
        ErrorKind::DeviceRefused => (
            "No puede continuar en este dispositivo",
            "Use otro teléfono u ordenador, o contacte con la empresa que le pidió verificarse.",
        ),
        ErrorKind::KeepsFailing => (
            "Esta vez no ha funcionado",
            "El mismo problema ocurrió varias veces. Espere un poco e inténtelo en otro dispositivo o navegador.",
        ),
        ErrorKind::Other => {
            ("Algo salió mal", "No se puede continuar con la verificación. Vuelva al inicio e inténtelo de nuevo.")
        }
    };
    Message { title, text }
}
