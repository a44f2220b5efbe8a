//! The meaning of an error code to the person who sees it.
//!
//! The codes come from the verification product, and new ones can appear. A published code has its own meaning, another code
//! has the meaning of its prefix, and a code without a known prefix has the general one.

use domain::return_urls::ErrorCode;

/// The meaning of an error code. Each kind has one message in each language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(test, derive(Hash))]
pub(crate) enum ErrorKind {
    /// The page does not exist.
    PageNotFound,
    /// The customer accepts no submissions at the moment.
    ServicePaused,
    /// The link was altered.
    LinkAltered,
    /// The person reloaded the page or went back.
    Reloaded,
    /// The browser is too old.
    OldBrowser,
    /// Several tabs were open, or a step was skipped.
    StepsOutOfOrder,
    /// The customer closed the project.
    ProjectClosed,
    /// The submission period ended.
    PeriodEnded,
    /// The link expired.
    LinkExpired,
    /// The person did not finish in time.
    TimedOut,
    /// The check of document photos is unavailable.
    DocumentCheckUnavailable,
    /// The check of selfies is unavailable.
    SelfieCheckUnavailable,
    /// The comparison of selfie and document is unavailable.
    FaceComparisonUnavailable,
    /// Korea's register of resident cards is unavailable.
    ResidentCardRegisterUnavailable,
    /// Korea's register of driving licences is unavailable.
    LicenceRegisterUnavailable,
    /// Korea's register of passports is unavailable.
    PassportRegisterUnavailable,
    /// Korea's register of foreign residents is unavailable.
    ForeignerRegisterUnavailable,
    /// The document could not be read.
    Unreadable,
    /// The photo could not be processed.
    NotProcessed,
    /// The submission lacked data.
    Incomplete,
    /// A step could not be matched with the steps before it.
    SessionLost,
    /// The photo is not good enough.
    PoorPhoto,
    /// `QS`: the visit did not pass the checks before the start.
    StartRefused,
    /// `QE`: too many people at the same time.
    Busy,
    /// `ER`: too many tries, or the person is locked out.
    TooManyTries,
    /// `PV`: the link lacks a parameter, or one is wrong.
    LinkIncomplete,
    /// `SE`: the verification service failed.
    OurFault,
    /// `RT`: the page crashed.
    PageCrashed,
    /// `TK`: the link cannot be used, or was used before.
    LinkUnusable,
    /// `DE`: the device was refused.
    DeviceRefused,
    /// `LO`: the same error occurred three times.
    KeepsFailing,
    /// Any other code.
    Other,
}

impl ErrorKind {
    /// Returns the meaning of `code`. Codes are case-sensitive.
    pub(crate) fn of(code: &ErrorCode) -> Self {
        let code = code.as_str();
        Self::of_known(code).or_else(|| Self::of_prefix(code)).unwrap_or(Self::Other)
    }

    /// Returns the meaning of a published code. `DE` codes are absent and share the meaning of their prefix: distinct messages
    /// would tell fraudsters which check caught them.
    fn of_known(code: &str) -> Option<Self> {
        Some(match code {
            "page-not-found" => Self::PageNotFound,
            "service-blocked" => Self::ServicePaused,
            "bad-path" => Self::LinkAltered,
            "refresh" => Self::Reloaded,
            "invalid-browser" => Self::OldBrowser,
            "hash_problem" => Self::StepsOutOfOrder,
            "project-closed" => Self::ProjectClosed,
            "period" => Self::PeriodEnded,
            "PV-40018" => Self::LinkExpired,
            "TK-10001" => Self::TimedOut,
            "SE-50020" => Self::DocumentCheckUnavailable,
            "SE-50021" => Self::SelfieCheckUnavailable,
            "SE-50022" => Self::FaceComparisonUnavailable,
            "SE-50030" => Self::ResidentCardRegisterUnavailable,
            "SE-50031" => Self::LicenceRegisterUnavailable,
            "SE-50032" => Self::PassportRegisterUnavailable,
            "SE-50033" => Self::ForeignerRegisterUnavailable,
            "LO-30001" => Self::Unreadable,
            "LO-30002" => Self::NotProcessed,
            "LO-30003" => Self::Incomplete,
            "LO-30004" => Self::SessionLost,
            "LO-30005" => Self::PoorPhoto,
            _ => return None,
        })
    }

    fn of_prefix(code: &str) -> Option<Self> {
        let (prefix, number) = code.split_once('-')?;
        if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        Some(match prefix {
            "NF" => Self::PageNotFound,
            "QS" => Self::StartRefused,
            "QE" => Self::Busy,
            "ER" => Self::TooManyTries,
            "PV" => Self::LinkIncomplete,
            "SE" => Self::OurFault,
            "RT" => Self::PageCrashed,
            "TK" => Self::LinkUnusable,
            "DE" => Self::DeviceRefused,
            "LO" => Self::KeepsFailing,
            _ => return None,
        })
    }

    /// What the person can do about the error.
    pub(crate) const fn remedy(self) -> Remedy {
        match self {
            Self::ServicePaused
            | Self::DocumentCheckUnavailable
            | Self::SelfieCheckUnavailable
            | Self::FaceComparisonUnavailable
            | Self::ResidentCardRegisterUnavailable
            | Self::LicenceRegisterUnavailable
            | Self::PassportRegisterUnavailable
            | Self::ForeignerRegisterUnavailable
            | Self::Busy
            | Self::TooManyTries
            | Self::OurFault => Remedy::Wait,
            Self::PageNotFound
            | Self::LinkAltered
            | Self::ProjectClosed
            | Self::PeriodEnded
            | Self::LinkExpired
            | Self::TimedOut
            | Self::LinkIncomplete
            | Self::LinkUnusable => Remedy::GetNewLink,
            Self::Reloaded
            | Self::OldBrowser
            | Self::StepsOutOfOrder
            | Self::Unreadable
            | Self::NotProcessed
            | Self::Incomplete
            | Self::SessionLost
            | Self::PoorPhoto
            | Self::StartRefused
            | Self::PageCrashed
            | Self::DeviceRefused
            | Self::KeepsFailing
            | Self::Other => Remedy::ChangeSomething,
        }
    }
}

/// What a person can do about an error. It decides the colour and the icon of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Remedy {
    /// Come back later.
    Wait,
    /// Get a new link.
    GetNewLink,
    /// Change something and try again.
    ChangeSomething,
}

#[cfg(test)]
pub(crate) mod tests {
    use std::collections::HashSet;

    use super::*;

    /// Every code whose meaning has been published.
    pub(crate) const KNOWN: [&str; 26] = [
        "page-not-found",
        "service-blocked",
        "bad-path",
        "refresh",
        "invalid-browser",
        "hash_problem",
        "project-closed",
        "period",
        "PV-40018",
        "TK-10001",
        "DE-20000",
        "DE-30000",
        "DE-40000",
        "SE-50020",
        "SE-50021",
        "SE-50022",
        "SE-50030",
        "SE-50031",
        "SE-50032",
        "SE-50033",
        "LO-30001",
        "LO-30002",
        "LO-30003",
        "LO-30004",
        "LO-30005",
        "LO-99999",
    ];

    /// An unpublished code of each prefix, and a code without a known prefix.
    pub(crate) const OTHERS: [&str; 11] = [
        "NF-10000",
        "QS-10000",
        "QE-20000",
        "ER-001",
        "PV-40000",
        "SE-50000",
        "RT-60000",
        "TK-10002",
        "DE-20001",
        "LO-30000",
        "unheard-of",
    ];

    /// All kinds.
    pub(crate) fn all() -> HashSet<ErrorKind> {
        KNOWN.into_iter().chain(OTHERS).map(kind).collect()
    }

    fn kind(code: &str) -> ErrorKind {
        ErrorKind::of(&code.parse().unwrap())
    }

    #[test]
    fn every_published_code_has_a_meaning() {
        for code in KNOWN {
            assert_ne!(kind(code), ErrorKind::Other, "{code}");
        }
    }

    #[test]
    fn every_kind_has_a_code() {
        assert_eq!(all().len(), ErrorKind::Other as usize + 1);
    }

    #[test]
    fn an_unpublished_code_has_the_meaning_of_its_prefix() {
        for (code, expected) in [
            ("SE-50099", ErrorKind::OurFault),
            ("ER-1", ErrorKind::TooManyTries),
            ("LO-99999", ErrorKind::KeepsFailing),
            ("TK-10001", ErrorKind::TimedOut),
            ("TK-99999", ErrorKind::LinkUnusable),
        ] {
            assert_eq!(kind(code), expected, "{code}");
        }
    }

    #[test]
    fn a_malformed_code_has_the_general_meaning() {
        for code in ["se-50020", "SE", "SE-", "SE-5x", "SE50020", "XX-10000", "Period", "bad_path", "-1", "DE--1"] {
            assert_eq!(kind(code), ErrorKind::Other, "{code}");
        }
    }

    #[test]
    fn all_reasons_to_refuse_a_device_have_the_same_meaning() {
        for code in ["DE-20000", "DE-20001", "DE-30000", "DE-40000"] {
            assert_eq!(kind(code), ErrorKind::DeviceRefused, "{code}");
        }
    }
}
