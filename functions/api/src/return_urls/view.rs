//! Return URLs as the API returns them.

use std::collections::BTreeSet;

use domain::return_urls::{AppSchemes, Encryption, ReturnField, ReturnUrl, ReturnUrlSettings, ReturnUrlWarning};
use serde::Serialize;

use crate::http::etag::SettingsView;
use crate::http::warnings::Warning;

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
    /// Risks of the settings: `unsigned`, `unbound`, `app-scheme`, `localhost`.
    warnings: Vec<Warning>,
}

impl SettingsView for ReturnUrlView {
    const NOT_SETTINGS: &[&str] = &["warnings"];
}

impl ReturnUrlView {
    /// The settings as the API returns them. `app_schemes` are those of the deployment.
    pub(crate) fn of(settings: &ReturnUrlSettings, app_schemes: &AppSchemes) -> Self {
        let warnings = Self::warnings(settings, app_schemes);
        let ReturnUrlSettings { url, fields, skip_result_page, encryption, signed, allow_app_scheme, changed_in: _ } =
            settings.clone();
        Self { url, fields, skip_result_page, encryption, signed, allow_app_scheme, warnings }
    }

    /// The risks of the settings.
    pub(crate) fn warnings(settings: &ReturnUrlSettings, app_schemes: &AppSchemes) -> Vec<Warning> {
        settings.warnings(app_schemes).into_iter().map(warning).collect()
    }
}

const fn warning(warning: ReturnUrlWarning) -> Warning {
    let detail = match warning {
        ReturnUrlWarning::Unsigned => {
            "The URL does not prove that Signpost created it, so anyone can forge its fields. Set signed to true, or encryption to aes-256-gcm."
        }
        ReturnUrlWarning::Unbound => {
            "The URL contains kycStatus but no field that identifies the person, so one person can use the URL of another. Add userid or submissionId."
        }
        ReturnUrlWarning::AppScheme => {
            "Another program may have registered the scheme of the app. Use a reverse-DNS scheme, such as com.example.app:, or an https URL that the app claims."
        }
        ReturnUrlWarning::Localhost => "The URL points to the person's own device. Use it for tests only.",
    };
    Warning::new(warning.as_str(), detail)
}
