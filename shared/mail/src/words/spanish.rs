//! Spanish. The reader is addressed as "usted".

use domain::foundation::language::Language;
use domain::foundation::time::Timestamp;
use domain::webhooks::attempt::FailureReason;
use domain::webhooks::health::HoldReason;

use super::{CountedState, Units, Words, count, minute};

pub(super) struct Spanish;

impl Words for Spanish {
    fn language(&self) -> Language {
        Language::Spanish
    }

    fn no_webhooks(&self) -> &'static str {
        "Sin webhooks"
    }

    fn all_delivered(&self, delivered: u64) -> String {
        match delivered {
            1 => "Se entregó 1 webhook".to_owned(),
            _ => format!("Se entregaron los {}", webhooks(delivered)),
        }
    }

    fn delivered_and_cancelled(&self, delivered: u64, cancelled: u64) -> String {
        let delivered_verb = if delivered == 1 { "entregó" } else { "entregaron" };
        let cancelled_verb = if cancelled == 1 { "canceló" } else { "cancelaron" };
        format!("Se {delivered_verb} {} y se {cancelled_verb} {}", webhooks(delivered), count(cancelled))
    }

    fn not_delivered_yet(&self, undelivered: u64, all: u64) -> String {
        format!("{} de {} aún sin entregar", count(undelivered), webhooks(all))
    }

    fn some_failed(&self, failed: u64, all: u64) -> String {
        let verb = if failed == 1 { "Falló" } else { "Fallaron" };
        format!("{verb} {} de {}", count(failed), webhooks(all))
    }

    fn some_failed_others_not_delivered_yet(&self, failed: u64, undelivered: u64, all: u64) -> String {
        format!("{}; {} aún sin entregar", self.some_failed(failed, all), count(undelivered))
    }

    fn report_title(&self) -> &'static str {
        "Informe de webhooks"
    }

    fn day_in_progress(&self) -> &'static str {
        "en curso"
    }

    fn nothing_to_deliver(&self) -> &'static str {
        "Ese día no hubo webhooks que entregar."
    }

    fn webhooks_of_the_day(&self) -> &'static str {
        "Webhooks del día"
    }

    fn data_as_of(&self, at: Timestamp) -> String {
        format!("Datos actualizados al {}.", minute(at))
    }

    fn label(&self, state: CountedState) -> &'static str {
        match state {
            CountedState::Delivered => "Entregados",
            CountedState::StillTrying => "En curso",
            CountedState::Held => "Retenidos",
            CountedState::Failed => "Fallidos",
            CountedState::Cancelled => "Cancelados",
            CountedState::Expired => "Caducados",
        }
    }

    fn counted(&self, state: CountedState, number: u64) -> String {
        let (singular, plural) = match state {
            CountedState::Delivered => ("entregado", "entregados"),
            CountedState::StillTrying => ("en curso", "en curso"),
            CountedState::Held => ("retenido", "retenidos"),
            CountedState::Failed => ("fallido", "fallidos"),
            CountedState::Cancelled => ("cancelado", "cancelados"),
            CountedState::Expired => ("caducado", "caducados"),
        };
        format!("{} {}", count(number), if number == 1 { singular } else { plural })
    }

    fn earlier_days_note(&self) -> &'static str {
        "Webhooks de días anteriores"
    }

    fn events_accepted(&self) -> &'static str {
        "Eventos aceptados"
    }

    fn held_for_order(&self) -> &'static str {
        "Retenidos hasta que termine un webhook anterior"
    }

    fn attempts_accepted(&self) -> &'static str {
        "Intentos (aceptados)"
    }

    fn first_attempt(&self) -> &'static str {
        "Entregados en el primer intento"
    }

    fn median_delivery_time(&self) -> &'static str {
        "Tiempo de entrega (mediana)"
    }

    fn p95_delivery_time(&self) -> &'static str {
        "Tiempo de entrega (p95)"
    }

    fn units(&self) -> Units {
        Units { milliseconds: " ms", seconds: " s", minutes: " min", hours: " h" }
    }

    fn by_event_type(&self) -> &'static str {
        "Por tipo de evento"
    }

    fn by_endpoint(&self) -> &'static str {
        "Por endpoint"
    }

    fn failure_reasons(&self) -> &'static str {
        "Motivos de los fallos"
    }

    fn deleted_endpoint(&self) -> &'static str {
        "endpoint eliminado"
    }

    fn problems(&self) -> &'static str {
        "Webhooks con fallos"
    }

    fn replay_hint(&self) -> &'static str {
        "Los webhooks fallidos y caducados no se vuelven a enviar. Repare el receptor y después reenvíelos."
    }

    fn retry_hint(&self) -> &'static str {
        "Los webhooks en curso se vuelven a enviar automáticamente."
    }

    fn more(&self, rows: u64) -> String {
        format!("… y {} más", count(rows))
    }

    fn failure_reason(&self, reason: FailureReason, status: Option<u16>) -> String {
        let sentence = match reason {
            FailureReason::Status => match status {
                Some(status) => return format!("El receptor respondió con {status}"),
                None => "El receptor respondió con un error",
            },
            FailureReason::Redirect => "El receptor respondió con una redirección",
            FailureReason::Dns => "No se pudo resolver el nombre de host",
            FailureReason::BlockedAddress => "La dirección no está en la internet pública",
            FailureReason::Refused => "Se rechazó la conexión",
            FailureReason::ConnectTimeout => "No se estableció la conexión en 5 segundos",
            FailureReason::Tls => "Error de TLS; revise el certificado",
            FailureReason::CertificateExpired => "El certificado ha caducado",
            FailureReason::CertificateNotYetValid => "El certificado aún no es válido",
            FailureReason::CertificateWrongHost => "El certificado es de otro host",
            FailureReason::CertificateSelfSigned => "El certificado está autofirmado",
            FailureReason::CertificateUnknownIssuer => {
                "Autoridad de certificación desconocida; revise los certificados intermedios"
            }
            FailureReason::Timeout => "Sin respuesta en 15 segundos",
            FailureReason::ConnectionLost => "La conexión se interrumpió antes de recibir la respuesta",
            FailureReason::ClientCertificateRequired => {
                "El receptor exige un certificado de cliente y el endpoint no tiene ninguno"
            }
            FailureReason::ClientCertificateRejected => "El receptor rechazó el certificado de cliente",
            FailureReason::TokenUnreachable => "No se pudo conectar con el servidor de tokens",
            FailureReason::TokenRefused => "El servidor de tokens se negó a emitir un token de acceso",
            FailureReason::TokenInvalid => "El servidor de tokens no envió un token de acceso utilizable",
            FailureReason::InvalidResponse => "El receptor no envió una respuesta HTTP válida",
            FailureReason::TooLarge => "Los encabezados de la respuesta son demasiado grandes",
        };
        sentence.to_owned()
    }

    fn submissions(&self, ids: &str) -> String {
        format!("Solicitudes: {ids}")
    }

    fn endpoints_in_trouble(&self) -> &'static str {
        "Endpoints con problemas"
    }

    fn trouble(&self, state: HoldReason, since: Option<Timestamp>) -> String {
        let (name, effect) = match state {
            HoldReason::Paused => ("En pausa", "los webhooks se retienen hasta que reanude el endpoint"),
            HoldReason::Disabled => ("Desactivado", "los webhooks se retienen hasta que reanude el endpoint"),
            HoldReason::Unverified => {
                ("Sin verificar", "los webhooks se retienen hasta que el receptor los autorice en un handshake")
            }
            HoldReason::Failing => ("Con fallos", "los webhooks se retienen y se reintenta uno periódicamente"),
            HoldReason::Busy => {
                ("Ocupado", "el receptor pidió una espera; los webhooks se retienen y después se reintenta uno")
            }
        };
        let since = since.map(|since| format!(" desde el {}", minute(since))).unwrap_or_default();
        format!("{name}{since}: {effect}")
    }

    fn will_be_disabled(&self, at: Timestamp) -> String {
        format!("Si los fallos continúan, se desactivará el {}", minute(at))
    }

    fn unused_keys(&self, count: usize, names: &str) -> String {
        match count {
            1 => format!("Una clave de API lleva 90 días sin usarse: {names}. Revóquela si ya no se necesita."),
            _ => {
                format!("{count} claves de API llevan 90 días sin usarse: {names}. Revoque las que ya no se necesiten.")
            }
        }
    }

    fn expiring_keys(&self) -> &'static str {
        "Claves de API que caducan pronto"
    }

    fn expires(&self, at: Timestamp) -> String {
        format!("caduca el {}", minute(at))
    }

    fn report_footer(&self, project: &str) -> String {
        format!(
            "Recibe este correo porque esta dirección está confirmada para el informe diario de webhooks de {project}."
        )
    }

    fn unsubscribe(&self) -> &'static str {
        "Cancelar la suscripción"
    }

    fn endpoint_is_failing(&self, host: &str) -> String {
        format!("Fallan los webhooks a {host}")
    }

    fn endpoint_was_disabled(&self, host: &str) -> String {
        format!("Se detuvieron los webhooks a {host}")
    }

    fn every_attempt_failed(&self, since: Timestamp, failures: u64) -> String {
        format!("Todos los intentos desde el {} han fallado ({} en total).", minute(since), count(failures))
    }

    fn last_failure(&self, reason: &str) -> String {
        format!("Último fallo: {reason}.")
    }

    fn receiver_is_gone(&self, at: Timestamp) -> String {
        format!("El {} el receptor respondió con 410 (Gone): ya no acepta webhooks.", minute(at))
    }

    fn held_until_disabled(&self, at: Timestamp) -> String {
        let at = minute(at);
        format!(
            "Los webhooks se retienen y se reintenta uno periódicamente. Si los fallos continúan, el endpoint se desactivará \
             el {at}."
        )
    }

    fn held_while_disabled(&self) -> &'static str {
        "El endpoint está desactivado y no se le envían webhooks. Se retienen tanto los webhooks pendientes como los nuevos."
    }

    fn fix_the_receiver(&self) -> &'static str {
        "Repare el receptor. En cuanto acepte un webhook, los webhooks retenidos se entregarán automáticamente."
    }

    fn fix_and_resume(&self) -> &'static str {
        "Repare el receptor y después reanude el endpoint para que se entreguen los webhooks retenidos. Si ya no necesita \
         el endpoint, elimínelo."
    }

    fn notice_footer(&self, project: &str) -> String {
        format!(
            "Recibe este correo porque esta dirección está confirmada para los avisos sobre los webhooks de {project}."
        )
    }

    fn confirmation_subject(&self) -> &'static str {
        "Confirme su dirección para el informe diario de webhooks"
    }

    fn confirmation_headline(&self) -> &'static str {
        "¿Desea recibir el informe diario?"
    }

    fn confirmation_question(&self, project: &str) -> String {
        format!(
            "Esta dirección se registró para recibir el informe diario de webhooks de {project}: un correo cada mañana con \
             los resultados de entrega del día anterior, y otro cuando un receptor falle durante mucho tiempo. No se \
             enviará ningún informe hasta que usted confirme."
        )
    }

    fn confirm(&self) -> &'static str {
        "Confirmar mi dirección"
    }

    fn link_valid_until(&self, expires_at: Timestamp) -> String {
        let until = minute(expires_at);
        format!(
            "Este enlace es válido hasta el {until}. Si no esperaba este correo, ignórelo: no recibirá ningún informe."
        )
    }
}

fn webhooks(number: u64) -> String {
    let noun = if number == 1 { "webhook" } else { "webhooks" };
    format!("{} {noun}", count(number))
}
