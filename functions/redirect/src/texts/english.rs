//! English.

use super::{Message, Texts};
use crate::error_kind::ErrorKind;

pub(super) const TEXTS: Texts = Texts {
    approved: Message { title: "You are verified", text: "Your identity has been confirmed." },
    pending: Message {
        title: "Your verification is under review",
        text: "We have received everything. You will get the result when the review is finished.",
    },
    rejected: Message {
        title: "You could not be verified",
        text: "Your identity could not be confirmed with what was submitted.",
    },
    expired_link: Message {
        title: "This link has expired",
        text: "Links like this one work for a limited time. Go back to where you started and try again.",
    },
    used_link: Message {
        title: "This link has been used",
        text: "It works only once, so that nobody else can use it. To continue, go back to where you started.",
    },
    invalid_link: Message {
        title: "This link does not work",
        text: "It may be incomplete, or it may have been changed. Open it again exactly as you received it.",
    },
    page_not_found: Message {
        title: "Page not found",
        text: "There is no page at this address. Check the link that you received.",
    },
    unavailable: Message {
        title: "Please try again",
        text: "This page cannot be shown right now. Wait a moment, then try again.",
    },
    code_label: "Error code",
    code_hint: "If you contact support, mention this code.",
    ok: "OK",
    go_back: "Go back",
    try_again: "Try again",
    countdown: ["You will be taken back in ", " seconds."],
    stay: "Stay on this page",
    close: "You can close this page now.",
};

#[expect(clippy::too_many_lines, reason = "one arm for each kind of error")]
pub(super) const fn error(kind: ErrorKind) -> Message {
    let (title, text) = match kind {
        ErrorKind::PageNotFound => (
            "The page could not be found",
            "The link may be old or incomplete. Open the link that you received again, or ask for a new one.",
        ),
        ErrorKind::ServicePaused => (
            "Verification is paused at the moment",
            "Verifications are not accepted right now. This is not your fault. Please try again later.",
        ),
        ErrorKind::LinkAltered => (
            "This link does not look right",
            "Part of it may be missing or changed. Open the link again exactly as you received it.",
        ),
        ErrorKind::Reloaded => (
            "The page was reloaded",
            "Reloading or going back interrupts the verification. Open your link again and complete all steps without interruption.",
        ),
        ErrorKind::OldBrowser => (
            "This browser is not supported",
            "Update your browser, or open your link in the current Chrome, Safari, Edge or Firefox.",
        ),
        ErrorKind::StepsOutOfOrder => (
            "The steps got mixed up",
            "Close all other tabs with this verification. Then open your link again and follow the steps in order.",
        ),
        ErrorKind::ProjectClosed => (
            "This verification is closed",
            "It no longer accepts submissions. If you still need to be verified, contact the company that asked you to.",
        ),
        ErrorKind::PeriodEnded => (
            "The submission period is over",
            "The time to submit has passed. Ask the company that invited you whether you can still take part.",
        ),
        ErrorKind::LinkExpired => (
            "This link has expired",
            "It was valid for a limited time only. Go back to where you started and get a new link.",
        ),
        ErrorKind::TimedOut => (
            "Your time has run out",
            "For your security, a verification must be finished within a few minutes. Go back to where you started and try again.",
        ),
        ErrorKind::DocumentCheckUnavailable => (
            "Your document cannot be checked right now",
            "Document checks are unavailable. Please try again in a few minutes.",
        ),
        ErrorKind::SelfieCheckUnavailable => (
            "Your selfie cannot be checked right now",
            "Selfie checks are unavailable. Please try again in a few minutes.",
        ),
        ErrorKind::FaceComparisonUnavailable => (
            "Your photos cannot be compared right now",
            "The comparison of selfies with documents is unavailable. Please try again in a few minutes.",
        ),
        ErrorKind::ResidentCardRegisterUnavailable => (
            "Your resident card cannot be checked right now",
            "The official register is not responding. Try again later, or use another document if you can.",
        ),
        ErrorKind::LicenceRegisterUnavailable => (
            "Your driving licence cannot be checked right now",
            "The official register of licences is not responding. Try again later, or use another document if you can.",
        ),
        ErrorKind::PassportRegisterUnavailable => (
            "Your passport cannot be checked right now",
            "The official register of passports is not responding. Try again later, or use another document if you can.",
        ),
        ErrorKind::ForeignerRegisterUnavailable => (
            "Your registration card cannot be checked right now",
            "The official register of foreign residents is not responding. Try again later, or use another document if you can.",
        ),
        ErrorKind::Unreadable => (
            "Your document could not be read",
            "Lay it on a dark, even surface in good light, keep all corners in the picture, avoid reflections, and try again.",
        ),
        ErrorKind::NotProcessed => (
            "Your photo could not be processed",
            "Open your link again and take a new photo. If that does not help, try another device.",
        ),
        ErrorKind::Incomplete => (
            "Some information was missing",
            "Open your link again and complete every step. Make sure that your internet connection is stable.",
        ),
        ErrorKind::SessionLost => (
            "The connection between the steps was lost",
            "Open your link again and start over, with a stable internet connection and in one tab only.",
        ),
        ErrorKind::PoorPhoto => (
            "The photo was not clear enough",
            "Wipe the lens, hold your phone still, and make sure there is enough light. Then try again.",
        ),
        ErrorKind::StartRefused => (
            "Your verification could not be started",
            "Try again later with the internet connection that you normally use.",
        ),
        ErrorKind::Busy => (
            "Many people are verifying right now",
            "We cannot process your verification at the moment. Please wait a few minutes and try again.",
        ),
        ErrorKind::TooManyTries => {
            ("Please take a short break", "Your verification is on hold for a while. Please wait before you try again.")
        }
        ErrorKind::LinkIncomplete => (
            "Something is missing from this link",
            "It cannot be used as it is. Go back to where you started and open the verification again from there.",
        ),
        ErrorKind::OurFault => {
            ("Something went wrong on our side", "This is not your fault. Please try again in a few minutes.")
        }
        ErrorKind::PageCrashed => (
            "The page stopped working",
            "Close it and open your link again. If that does not help, use another browser or restart your device.",
        ),
        ErrorKind::LinkUnusable => (
            "This link cannot be used any more",
            "It may have been used already, or it may have expired. Go back to where you started to see how to continue.",
        ),
        ErrorKind::DeviceRefused => (
            "You cannot continue on this device",
            "Please use another phone or computer, or contact the company that asked you to verify yourself.",
        ),
        ErrorKind::KeepsFailing => (
            "It did not work this time",
            "The same problem occurred several times. Wait a little, then try again on another device or in another browser.",
        ),
        ErrorKind::Other => {
            ("Something went wrong", "Your verification cannot continue. Go back to where you started and try again.")
        }
    };
    Message { title, text }
}
