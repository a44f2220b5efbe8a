//! Return URLs as the API returns them.

use std::collections::BTreeSet;

use domain::return_urls::{Encryption, ReturnField, ReturnUrl, ReturnUrlSettings};
use serde::Serialize;

use crate::http::etag::SettingsView;

/// A project's return URL and the fields that it carries.
#[derive(Serialize)]
#[cfg_attr(test, derive(utoipa::ToSchema), schema(as = ReturnUrlSettings))]
#[serde(rename_all = "camelCase")]
pub(crate) struct ReturnUrlView {
    /// URL that people are sent to.
    url: ReturnUrl,
    /// Fields that are added to the URL.
    fields: BTreeSet<ReturnField>,
    /// Whether people are sent to the URL at once, without a result page.
    skip_result_page: bool,
    /// How the fields are encrypted.
    encryption: Encryption,
    /// Whether the URL is signed, so that its fields cannot be forged.
    signed: bool,
    /// Whether `url` may have the scheme of an app.
    allow_app_scheme: bool,
}

impl SettingsView for ReturnUrlView {}

impl From<&ReturnUrlSettings> for ReturnUrlView {
    fn from(settings: &ReturnUrlSettings) -> Self {
        let ReturnUrlSettings { url, fields, skip_result_page, encryption, signed, allow_app_scheme } =
            settings.clone();
        Self { url, fields, skip_result_page, encryption, signed, allow_app_scheme }
    }
}
