//! What an error code means to the person who reads it.
//!
//! The codes are those of the verification product; its list is open. A code that has a meaning of its own gets it, any other
//! the meaning of its prefix, and one without a known prefix the most general.

use shared::return_url::ErrorCode;

/// What an error code means to the person who reads it. Each has one message in each language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(test, derive(Hash))]
pub(crate) enum ErrorKind {
    /// There is no such page.
    PageNotFound,
    /// The customer takes no submissions for now.
    ServicePaused,
    /// The link was altered.
    BadPath,
    /// The page was loaded again, or left backwards.
    Refreshed,
    /// The browser is too old.
    OldBrowser,
    /// Several tabs, or a step left out.
    StepsMixedUp,
    /// The customer has closed the project.
    ProjectClosed,
    /// The time for submissions is over.
    PeriodOver,
    /// The link's own time is over.
    LinkOver,
    /// The time to finish is over.
    TimeOver,
    /// The check of the document's photo is away.
    DocumentCheckAway,
    /// The check of the face's photo is away.
    SelfieCheckAway,
    /// The comparison of the two is away.
    FaceComparisonAway,
    /// Korea's register of resident cards is away.
    ResidentCardRegisterAway,
    /// Korea's register of driving licences is away.
    LicenceRegisterAway,
    /// Korea's register of passports is away.
    PassportRegisterAway,
    /// Korea's register of foreign residents is away.
    ForeignerRegisterAway,
    /// The document could not be read.
    Unreadable,
    /// The photo could not be worked on.
    NotProcessed,
    /// Something was missing in what came.
    Incomplete,
    /// What came could not be matched with what came before.
    LostTrack,
    /// The photo is not good enough.
    BadPhoto,
    /// `QS`: the visit was not good enough to begin.
    BadStart,
    /// `QE`: too many people at once.
    Busy,
    /// `ER`: too many tries, or a lock.
    TooManyTries,
    /// `PV`: the link says something wrong.
    BadLink,
    /// `SE`: our own fault.
    OurFault,
    /// `RT`: the page broke.
    PageBroke,
    /// `TK`: the link cannot be used, or not again.
    NotUsable,
    /// `DE`: this device is not let through.
    DeviceRefused,
    /// `LO`: the same error three times.
    KeepsFailing,
    /// Anything else.
    Other,
}

impl ErrorKind {
    /// What `code` means. Codes are told apart by case, as everywhere.
    pub(crate) fn of(code: &ErrorCode) -> Self {
        let code = code.as_str();
        Self::of_known(code).or_else(|| Self::of_prefix(code)).unwrap_or(Self::Other)
    }

    /// Only codes whose meaning has been published. Those that begin with `DE` are left to their prefix: if the text told
    /// one from the other, it would tell fraudsters what gave them away.
    fn of_known(code: &str) -> Option<Self> {
        Some(match code {
            "page-not-found" => Self::PageNotFound,
            "service-blocked" => Self::ServicePaused,
            "bad-path" => Self::BadPath,
            "refresh" => Self::Refreshed,
            "invalid-browser" => Self::OldBrowser,
            "hash_problem" => Self::StepsMixedUp,
            "project-closed" => Self::ProjectClosed,
            "period" => Self::PeriodOver,
            "PV-40018" => Self::LinkOver,
            "TK-10001" => Self::TimeOver,
            "SE-50020" => Self::DocumentCheckAway,
            "SE-50021" => Self::SelfieCheckAway,
            "SE-50022" => Self::FaceComparisonAway,
            "SE-50030" => Self::ResidentCardRegisterAway,
            "SE-50031" => Self::LicenceRegisterAway,
            "SE-50032" => Self::PassportRegisterAway,
            "SE-50033" => Self::ForeignerRegisterAway,
            "LO-30001" => Self::Unreadable,
            "LO-30002" => Self::NotProcessed,
            "LO-30003" => Self::Incomplete,
            "LO-30004" => Self::LostTrack,
            "LO-30005" => Self::BadPhoto,
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
            "QS" => Self::BadStart,
            "QE" => Self::Busy,
            "ER" => Self::TooManyTries,
            "PV" => Self::BadLink,
            "SE" => Self::OurFault,
            "RT" => Self::PageBroke,
            "TK" => Self::NotUsable,
            "DE" => Self::DeviceRefused,
            "LO" => Self::KeepsFailing,
            _ => return None,
        })
    }

    /// What the person does about it.
    pub(crate) const fn remedy(self) -> Remedy {
        match self {
            Self::ServicePaused
            | Self::DocumentCheckAway
            | Self::SelfieCheckAway
            | Self::FaceComparisonAway
            | Self::ResidentCardRegisterAway
            | Self::LicenceRegisterAway
            | Self::PassportRegisterAway
            | Self::ForeignerRegisterAway
            | Self::Busy
            | Self::TooManyTries
            | Self::OurFault => Remedy::Wait,
            Self::PageNotFound
            | Self::BadPath
            | Self::ProjectClosed
            | Self::PeriodOver
            | Self::LinkOver
            | Self::TimeOver
            | Self::BadLink
            | Self::NotUsable => Remedy::AskForLink,
            Self::Refreshed
            | Self::OldBrowser
            | Self::StepsMixedUp
            | Self::Unreadable
            | Self::NotProcessed
            | Self::Incomplete
            | Self::LostTrack
            | Self::BadPhoto
            | Self::BadStart
            | Self::PageBroke
            | Self::DeviceRefused
            | Self::KeepsFailing
            | Self::Other => Remedy::DoOtherwise,
        }
    }
}

/// What a person does about an error, as the page's colour and sign tell beside its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Remedy {
    /// Come back later: nobody did anything wrong.
    Wait,
    /// Get another link.
    AskForLink,
    /// Do something else than before.
    DoOtherwise,
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

    /// A code of every prefix, known by that alone, and one without.
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

    /// Every kind that a code can be of.
    pub(crate) fn all() -> HashSet<ErrorKind> {
        KNOWN.into_iter().chain(OTHERS).map(kind).collect()
    }

    fn kind(code: &str) -> ErrorKind {
        ErrorKind::of(&code.parse().unwrap())
    }

    #[test]
    fn every_published_code_is_known() {
        for code in KNOWN {
            assert_ne!(kind(code), ErrorKind::Other, "{code}");
        }
    }

    #[test]
    fn every_kind_is_that_of_some_code() {
        assert_eq!(all().len(), ErrorKind::Other as usize + 1);
    }

    #[test]
    fn a_code_that_is_not_known_means_what_its_prefix_means() {
        for (code, expected) in [
            ("SE-50099", ErrorKind::OurFault),
            ("ER-1", ErrorKind::TooManyTries),
            ("LO-99999", ErrorKind::KeepsFailing),
            ("TK-10001", ErrorKind::TimeOver),
            ("TK-99999", ErrorKind::NotUsable),
        ] {
            assert_eq!(kind(code), expected, "{code}");
        }
    }

    #[test]
    fn what_only_looks_like_a_code_is_nothing_special() {
        for code in ["se-50020", "SE", "SE-", "SE-5x", "SE50020", "XX-10000", "Period", "bad_path", "-1", "DE--1"] {
            assert_eq!(kind(code), ErrorKind::Other, "{code}");
        }
    }

    #[test]
    fn what_a_device_was_refused_for_cannot_be_told_from_the_page() {
        for code in ["DE-20000", "DE-20001", "DE-30000", "DE-40000"] {
            assert_eq!(kind(code), ErrorKind::DeviceRefused, "{code}");
        }
    }
}
