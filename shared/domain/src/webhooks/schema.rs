//! JSON Schemas (2020-12) of the samples' data and of the bodies that carry it. They inform the developers of receivers; published events
//! are not checked against them.
//!
//! Each file in `samples/schemas/` describes the data of one event type or the body of one format. A test of the API compares them with
//! the samples.

use super::endpoint::{Format, Payload};
use super::event::EventType;

/// Schema whose `$defs` contains the members that several types share. Other schemas refer to it as `#/$defs/NAME`.
pub const COMMON: &str = include_str!("samples/schemas/common.json");

/// The schema of the data of this type.
pub const fn data(event_type: EventType) -> &'static str {
    match event_type {
        EventType::Approved => include_str!("samples/schemas/approved.json"),
        EventType::Rejected => include_str!("samples/schemas/rejected.json"),
        EventType::Pending => include_str!("samples/schemas/pending.json"),
        EventType::Retry => include_str!("samples/schemas/retry.json"),
        EventType::Updated => include_str!("samples/schemas/updated.json"),
        EventType::Delete => include_str!("samples/schemas/delete.json"),
        EventType::Submit => include_str!("samples/schemas/submit.json"),
        EventType::Token => include_str!("samples/schemas/token.json"),
        EventType::Injection => include_str!("samples/schemas/injection.json"),
        EventType::Aml => include_str!("samples/schemas/aml.json"),
        EventType::AmlOngoing => include_str!("samples/schemas/aml-ongoing.json"),
    }
}

/// The schema of a body in this format, with the members of all payloads, and without the event's type and data.
pub const fn body(format: Format) -> &'static str {
    match format {
        Format::Standard => include_str!("samples/schemas/body-standard.json"),
        Format::Argos => include_str!("samples/schemas/body-argos.json"),
        Format::CloudEvents => include_str!("samples/schemas/body-cloudevents.json"),
    }
}

/// The members that a body with this payload does not have, although the schema of [`body`] lists them.
pub const fn absent_members(format: Format, payload: Payload) -> &'static [&'static str] {
    match (format, payload) {
        (Format::Standard, Payload::Full) | (Format::Argos, _) => &[],
        (Format::Standard, Payload::Thin) => &["data"],
        (Format::CloudEvents, Payload::Full) => &["dataref"],
        (Format::CloudEvents, Payload::Thin) => &["data", "datacontenttype"],
    }
}
