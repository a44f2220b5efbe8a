//! A project's settings of its return URL.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::url::{ENCRYPTED, KEY_ID, NONCE, SIGNATURE, SIGNED_AT};
use super::{AppSchemes, Encryption, KEY_REQUIRED, KycStatus, Outcome, ReturnField, ReturnUrl};
use crate::foundation::draft::{BadField, BadFields, Draft, pointer};

/// The error of a URL whose scheme may belong to another program.
const APP_SCHEME_REFUSED: &str = "must have the scheme of an app in reverse-DNS form, such as com.example.app:, or one that the \
                                  operator of this deployment allows";

/// A project's return URL and the fields that it carries, as they are stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReturnUrlSettings {
    /// URL that people are sent to.
    pub url: ReturnUrl,
    /// Fields that are added to the URL.
    pub fields: BTreeSet<ReturnField>,
    /// Whether people are sent to the URL at once, without a result page.
    pub skip_result_page: bool,
    /// How the fields are encrypted.
    pub encryption: Encryption,
    /// Whether the URL is signed, so that its fields cannot be forged.
    pub signed: bool,
    /// Whether `url` may have the scheme of an app.
    pub allow_app_scheme: bool,
    /// Number of the audit log entry that changed the settings last. Part of the `ETag`. 0 in rows of older versions.
    #[serde(default)]
    pub changed_in: u64,
}

/// How a person gets to the return URL after a verification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WayBack {
    /// At once, without a result page.
    AtOnce,
    /// By a button, or automatically after a few seconds.
    ByItself,
    /// By a button only.
    ByButton,
    /// Not at all: the page has no button.
    Nowhere,
}

impl ReturnUrlSettings {
    /// Returns how a person gets to the return URL after `outcome`. From an error page it is never automatic.
    pub fn way_back(&self, outcome: &Outcome) -> WayBack {
        match outcome {
            Outcome::Result(_) if self.skip_result_page => WayBack::AtOnce,
            Outcome::Result(_) => WayBack::ByItself,
            Outcome::Error(_) if self.fields.contains(&ReturnField::ErrorCode) => WayBack::ByButton,
            Outcome::Error(_) => WayBack::Nowhere,
        }
    }

    /// Returns whether a `secretKey` is required to create the final URL.
    pub fn needs_key(&self) -> bool {
        self.signed || self.encryption != Encryption::None
    }

    /// Returns the final URL with a placeholder in braces for every value, to show to people.
    pub fn preview(&self) -> String {
        self.preview_with(self.fields.iter().map(|field| placeholder(field.as_str())))
    }

    /// Returns the preview of the URL after a result, which has no error code.
    pub fn preview_after_result(&self) -> String {
        let fields = self.fields.iter().filter(|field| **field != ReturnField::ErrorCode);
        self.preview_with(fields.map(|field| placeholder(field.as_str())))
    }

    /// Returns the preview of the URL from an error page, where the result is always `rejected`. `None` if error pages have no
    /// button that leads to the URL.
    pub fn preview_from_error_page(&self) -> Option<String> {
        let parameter = |field: &ReturnField| match field {
            ReturnField::KycStatus => format!("{field}={}", KycStatus::Rejected),
            other => placeholder(other.as_str()),
        };
        self.fields.contains(&ReturnField::ErrorCode).then(|| self.preview_with(self.fields.iter().map(parameter)))
    }

    /// Returns the preview with these parameters, or with one encrypted parameter in their place.
    fn preview_with(&self, fields: impl Iterator<Item = String>) -> String {
        let mut parameters: Vec<String> = match self.encryption {
            Encryption::None => fields.collect(),
            Encryption::Aes256Ecb => vec![placeholder(ENCRYPTED)],
            Encryption::Aes256Gcm => vec![placeholder(ENCRYPTED), placeholder(KEY_ID)],
        };
        if self.signed {
            parameters.extend([SIGNED_AT, NONCE, SIGNATURE].map(placeholder));
        }
        if parameters.is_empty() {
            return self.url.to_string();
        }
        self.url.with_query(&parameters.join("&"))
    }
}

/// A parameter with its name in braces in place of its value.
fn placeholder(name: &str) -> String {
    format!("{name}={{{name}}}")
}

/// A request to set all settings of a project's return URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewReturnUrlSettings(ReturnUrlSettings);

impl TryFrom<Draft> for NewReturnUrlSettings {
    type Error = BadFields;

    fn try_from(mut draft: Draft) -> Result<Self, BadFields> {
        let allow_app_scheme: bool = draft.optional("allowAppScheme").unwrap_or_default();
        let url: Option<ReturnUrl> = draft.required("url");
        if url.as_ref().and_then(ReturnUrl::app_scheme).is_some() && !allow_app_scheme {
            draft.refuse::<()>("/url", "must be https; to use the scheme of an app, also set allowAppScheme to true");
        }
        let fields = take_fields(&mut draft);
        let skip_result_page = draft.optional("skipResultPage").unwrap_or_default();
        let encryption = draft.optional("encryption").unwrap_or_default();
        let signed = draft.optional("signed").unwrap_or_default();
        draft.check(|| {
            let (url, fields) = (url?, fields?);
            Some(Self(ReturnUrlSettings {
                url,
                fields,
                skip_result_page,
                encryption,
                signed,
                allow_app_scheme,
                changed_in: 0,
            }))
        })
    }
}

fn take_fields(draft: &mut Draft) -> Option<BTreeSet<ReturnField>> {
    let items: Vec<Value> = draft.required("fields")?;
    let mut fields = BTreeSet::new();
    for (index, item) in items.into_iter().enumerate() {
        let at = pointer(&["fields", &index.to_string()]);
        match serde_json::from_value::<ReturnField>(item) {
            Ok(field) if fields.insert(field) => {}
            Ok(field) => {
                draft.refuse::<()>(at, &format!("repeats {field}"));
            }
            Err(error) => {
                draft.refuse::<()>(at, &error.to_string());
            }
        }
    }
    Some(fields)
}

impl NewReturnUrlSettings {
    /// Returns the requested settings. Fails if they require a `secretKey` and the project has none, or if the deployment does not
    /// allow the scheme of the app.
    pub fn accept(self, has_key: bool, app_schemes: &AppSchemes) -> Result<ReturnUrlSettings, BadFields> {
        let Self(settings) = self;
        let has_bad_scheme = settings.url.app_scheme().is_some_and(|scheme| !app_schemes.allow(&scheme));
        let checks = [
            ("/url", has_bad_scheme, APP_SCHEME_REFUSED),
            ("/encryption", settings.encryption != Encryption::None && !has_key, KEY_REQUIRED),
            ("/signed", settings.signed && !has_key, KEY_REQUIRED),
        ];
        let bad: Vec<BadField> = checks
            .into_iter()
            .filter(|(_, is_bad, _)| *is_bad)
            .map(|(pointer, _, detail)| BadField { pointer: pointer.to_owned(), detail: detail.to_owned() })
            .collect();
        if bad.is_empty() { Ok(settings) } else { Err(BadFields(bad)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new(body: &str) -> Result<NewReturnUrlSettings, BadFields> {
        Draft::parse(body.as_bytes()).unwrap().try_into()
    }

    fn settings(body: &str) -> ReturnUrlSettings {
        new(body).unwrap().accept(true, &app_schemes()).unwrap()
    }

    fn app_schemes() -> AppSchemes {
        "yourapp".parse().unwrap()
    }

    fn pointers(result: Result<impl std::fmt::Debug, BadFields>) -> Vec<String> {
        let BadFields(bad) = result.unwrap_err();
        bad.into_iter().map(|field| field.pointer).collect()
    }

    #[test]
    fn settings_need_a_url_and_fields() {
        let settings = settings(r#"{"url":"https://app.example/done","fields":[]}"#);
        assert_eq!(
            serde_json::to_value(&settings).unwrap(),
            serde_json::json!({
                "url": "https://app.example/done", "fields": [], "skipResultPage": false, "encryption": "none",
                "signed": false, "allowAppScheme": false, "changedIn": 0,
            })
        );
        assert_eq!(pointers(new("{}")), ["/url", "/fields"]);
    }

    #[test]
    fn stored_settings_can_be_sent_as_a_request() {
        let first = settings(
            r#"{"url":"yourapp://done","fields":["errorCode","userid"],"skipResultPage":true,"encryption":"aes-256-gcm",
                "signed":true,"allowAppScheme":true}"#,
        );
        let mut body = serde_json::to_value(&first).unwrap();
        body.as_object_mut().unwrap().remove("changedIn");
        assert_eq!(settings(&body.to_string()), first);
    }

    #[test]
    fn all_bad_fields_are_reported_together() {
        let body = r#"{"url":"http://app.example","fields":["email",3,"userId","email"],"skipResultPage":"yes",
            "encryption":"aes-128-ecb","signed":1,"color":"red"}"#;
        assert_eq!(
            pointers(new(body)),
            ["/url", "/fields/1", "/fields/2", "/fields/3", "/skipResultPage", "/encryption", "/signed", "/color"]
        );
    }

    #[test]
    fn an_app_scheme_requires_its_flag() {
        assert_eq!(pointers(new(r#"{"url":"yourapp://done","fields":[]}"#)), ["/url"]);
        assert!(new(r#"{"url":"yourapp://done","fields":[],"allowAppScheme":true}"#).is_ok());
        assert_eq!(pointers(new(r#"{"url":"javascript:alert(1)","fields":[],"allowAppScheme":true}"#)), ["/url"]);
        assert_eq!(pointers(new(r#"{"url":"http://app.example","fields":[],"allowAppScheme":true}"#)), ["/url"]);
    }

    #[test]
    fn an_app_scheme_is_in_reverse_dns_form_or_allowed_by_the_deployment() {
        let accepted = |url: &str, has_key| {
            let body = format!(r#"{{"url":"{url}","fields":[],"signed":true,"allowAppScheme":true}}"#);
            new(&body).unwrap().accept(has_key, &app_schemes())
        };
        for url in ["com.example.app:/done", "Com.Example.App:/done", "yourapp://done", "YOURAPP://done"] {
            assert!(accepted(url, true).is_ok(), "{url}");
        }
        for url in
            ["ms-msdt:/id", "search-ms:query", "smb://host/share", "shell:startup", "itms-services://x", "otherapp:x"]
        {
            assert_eq!(pointers(accepted(url, true)), ["/url"], "{url}");
        }
        assert_eq!(pointers(accepted("ms-msdt:/id", false)), ["/url", "/signed"]);
    }

    #[test]
    fn encryption_and_signature_require_a_key() {
        let accepted = |body: &str, has_key| new(body).unwrap().accept(has_key, &app_schemes());
        let both = r#"{"url":"https://app.example","fields":[],"encryption":"aes-256-ecb","signed":true}"#;
        assert_eq!(pointers(accepted(both, false)), ["/encryption", "/signed"]);
        assert!(accepted(both, true).is_ok());
        assert!(accepted(r#"{"url":"https://app.example","fields":[]}"#, false).is_ok());
    }

    #[test]
    fn the_products_preview_is_reproduced() {
        let settings = settings(r#"{"url":"https://argosidentity.com","fields":["errorCode","kycStatus"]}"#);
        assert_eq!(settings.preview(), "https://argosidentity.com?kycStatus={kycStatus}&errorCode={errorCode}");
    }

    #[test]
    fn a_preview_shows_encryption_signature_and_the_urls_own_query() {
        let preview = |body: &str| settings(body).preview();
        assert_eq!(
            preview(r#"{"url":"https://a.example/?x=1","fields":["email"],"encryption":"aes-256-gcm","signed":true}"#),
            "https://a.example/?x=1&encrypted={encrypted}&kid={kid}&ts={ts}&nonce={nonce}&sig={sig}"
        );
        let ecb = preview(r#"{"url":"https://a.example","fields":[],"encryption":"aes-256-ecb"}"#);
        assert_eq!(ecb, "https://a.example?encrypted={encrypted}");
        assert_eq!(preview(r#"{"url":"https://a.example","fields":[]}"#), "https://a.example");
    }

    #[test]
    fn previews_of_a_result_and_of_an_error_page_have_the_fields_that_they_carry() {
        let previews = |more: &str| {
            let settings = settings(&format!(r#"{{"url":"https://a.example",{more}}}"#));
            (settings.preview_after_result(), settings.preview_from_error_page())
        };
        assert_eq!(
            previews(r#""fields":["userid","kycStatus","errorCode"],"signed":true"#),
            (
                "https://a.example?userid={userid}&kycStatus={kycStatus}&ts={ts}&nonce={nonce}&sig={sig}".to_owned(),
                Some(
                    "https://a.example?userid={userid}&kycStatus=rejected&errorCode={errorCode}&ts={ts}&nonce={nonce}&sig={sig}"
                        .to_owned()
                )
            )
        );
        assert_eq!(previews(r#""fields":["email"]"#), ("https://a.example?email={email}".to_owned(), None));
        let encrypted = "https://a.example?encrypted={encrypted}".to_owned();
        assert_eq!(
            previews(r#""fields":["errorCode"],"encryption":"aes-256-ecb""#),
            (encrypted.clone(), Some(encrypted))
        );
    }

    #[test]
    fn a_result_page_forwards_automatically_and_an_error_page_by_a_button_only() {
        let approved = Outcome::Result(KycStatus::Approved);
        let blocked = Outcome::Error("DE-20000".parse().unwrap());
        let way_back = |body: &str| {
            let settings = settings(body);
            (settings.way_back(&approved), settings.way_back(&blocked))
        };
        assert_eq!(way_back(r#"{"url":"https://a.example","fields":[]}"#), (WayBack::ByItself, WayBack::Nowhere));
        assert_eq!(
            way_back(r#"{"url":"https://a.example","fields":["errorCode"],"skipResultPage":true}"#),
            (WayBack::AtOnce, WayBack::ByButton)
        );
    }
}
