//! Warnings about valid but risky settings of a return URL.

use super::{AppSchemes, Encryption, ReturnField, ReturnUrlSettings};
use crate::public_names;

public_names! {
    /// Why the owner of a return URL should reconsider its settings.
    pub enum ReturnUrlWarning {
        /// Nothing proves that Signpost made the URL: its fields are plain or encrypted with AES-256-ECB, and it is not signed.
        Unsigned = "unsigned",
        /// The URL contains a result, but no field that identifies the person.
        Unbound = "unbound",
        /// The scheme of the app may belong to another program.
        AppScheme = "app-scheme",
        /// The URL points to the person's own device.
        Localhost = "localhost",
    }
}

impl ReturnUrlSettings {
    /// Returns the warnings about these settings.
    pub fn warnings(&self, app_schemes: &AppSchemes) -> Vec<ReturnUrlWarning> {
        let is_provable = self.signed || self.encryption == Encryption::Aes256Gcm;
        let names_a_person =
            self.fields.iter().any(|field| !matches!(field, ReturnField::KycStatus | ReturnField::ErrorCode));
        let is_unbound = self.fields.contains(&ReturnField::KycStatus) && !names_a_person;
        let has_other_scheme = self.url.app_scheme().is_some_and(|scheme| !app_schemes.allow(&scheme));
        [
            (ReturnUrlWarning::Unsigned, !is_provable),
            (ReturnUrlWarning::Unbound, is_unbound),
            (ReturnUrlWarning::AppScheme, has_other_scheme),
            (ReturnUrlWarning::Localhost, self.url.is_local()),
        ]
        .into_iter()
        .filter_map(|(warning, applies)| applies.then_some(warning))
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn warnings(settings: &str, app_schemes: &str) -> Vec<ReturnUrlWarning> {
        let mut stored = serde_json::json!({
            "url": "https://app.example", "fields": ["userid", "kycStatus"], "skipResultPage": false, "encryption": "none",
            "signed": false, "allowAppScheme": true,
        });
        let changed: serde_json::Map<_, _> = serde_json::from_str(settings).unwrap();
        stored.as_object_mut().unwrap().extend(changed);
        let stored: ReturnUrlSettings = serde_json::from_value(stored).unwrap();
        stored.warnings(&app_schemes.parse().unwrap())
    }

    #[test]
    fn plain_and_ecb_urls_need_a_signature() {
        for (settings, expected) in [
            ("{}", vec![ReturnUrlWarning::Unsigned]),
            (r#"{"encryption":"aes-256-ecb"}"#, vec![ReturnUrlWarning::Unsigned]),
            (r#"{"encryption":"aes-256-gcm"}"#, vec![]),
            (r#"{"signed":true}"#, vec![]),
            (r#"{"encryption":"aes-256-ecb","signed":true}"#, vec![]),
        ] {
            assert_eq!(warnings(settings, ""), expected, "{settings}");
        }
    }

    #[test]
    fn a_result_needs_a_field_that_identifies_the_person() {
        let of = |fields: &str| warnings(&format!(r#"{{"signed":true,"fields":{fields}}}"#), "");
        assert_eq!(of(r#"["kycStatus","errorCode"]"#), [ReturnUrlWarning::Unbound]);
        for fields in [r#"["kycStatus","submissionId"]"#, r#"["kycStatus","cf1"]"#, "[]", r#"["errorCode"]"#] {
            assert_eq!(of(fields), [], "{fields}");
        }
    }

    #[test]
    fn stored_app_schemes_that_requests_can_no_longer_set_are_loaded_with_a_warning() {
        let of = |url: &str| warnings(&format!(r#"{{"signed":true,"url":"{url}"}}"#), "yourapp");
        assert_eq!(of("ms-msdt:done"), [ReturnUrlWarning::AppScheme]);
        assert_eq!((of("yourapp:done"), of("com.example.app:done")), (vec![], vec![]));
    }

    #[test]
    fn a_localhost_url_has_a_warning() {
        let of = |url: &str| warnings(&format!(r#"{{"signed":true,"url":"{url}"}}"#), "");
        assert_eq!(
            (of("http://localhost:3000/x"), of("http://[::1]/")),
            (vec![ReturnUrlWarning::Localhost], vec![ReturnUrlWarning::Localhost])
        );
        assert_eq!(of("https://localhost.example"), []);
    }
}
