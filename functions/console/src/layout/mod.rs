//! What all pages look like: the shell with its navigation, texts that several pages use, times, charts and problem pages.
//!
//! Templates are in `templates/`. Each page extends `shell.html` and uses the macros in `macros.html`.

pub(crate) mod attempt_words;
pub(crate) mod chart;
pub(crate) mod choice;
pub(crate) mod confirm;
pub(crate) mod delivery_words;
pub(crate) mod endpoint_names;
pub(crate) mod event_types;
mod field_error_translations;
pub(crate) mod field_errors;
#[cfg(test)]
pub(crate) mod gallery;
pub(crate) mod headers;
pub(crate) mod nav;
pub(crate) mod pager;
pub(crate) mod plain;
pub(crate) mod problem_page;
pub(crate) mod problem_words;
pub(crate) mod share_bar;
pub(crate) mod shell;
pub(crate) mod time;
pub(crate) mod translations;
pub(crate) mod words;
