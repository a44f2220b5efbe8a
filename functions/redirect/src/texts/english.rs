//! English.

use super::{Message, Texts};
use crate::error_kind::ErrorKind;

pub(super) const TEXTS: Texts = Texts {
    approved: Message { title: "You are verified", text: "Your identity has been confirmed." },
    pending: Message {
        title: "Your verification is under review",
        text: "We have received everything. You will be told the result when the review is finished.",
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
        text: "It works only once, so that nobody else can use it. To go on, go back to where you started.",
    },
    foreign_link: Message {
        title: "This link does not work",
        text: "It may be incomplete, or it may have been changed. Open it again exactly as you got it.",
    },
    no_such_page: Message {
        title: "Page not found",
        text: "There is nothing at this address. Check the link you were given.",
    },
    unavailable: Message {
        title: "Please try again",
        text: "This page cannot be shown right now. Wait a moment, then try again.",
    },
    code_label: "Error code",
    code_hint: "If you ask for help, give this code.",
    ok: "OK",
    go_back: "Go back",
    try_again: "Try again",
    countdown: ["You will be taken back in ", " seconds."],
    stay: "Stay on this page",
    close: "You can close this page now.",
};

#[expect(clippy::too_many_lines, reason = "a table of sentences is as long as it is")]
pub(super) const fn error(kind: ErrorKind) -> Message {
    let (title, text) = match kind {
        ErrorKind::PageNotFound => (
            "The page could not be found",
            "The link may be old or incomplete. Open the link you were given again, or ask for a new one.",
        ),
        ErrorKind::ServicePaused => (
            "Verification is paused at the moment",
            "No verifications are being taken right now. Nothing is wrong on your side. Please try again later.",
        ),
        ErrorKind::BadPath => (
            "This link does not look right",
            "Part of it may be missing or changed. Open the link again exactly as you got it.",
        ),
        ErrorKind::Refreshed => (
            "The page was reloaded",
            "Reloading or going back interrupts the verification. Open your link again and go through the steps in one go.",
        ),
        ErrorKind::OldBrowser => (
            "This browser is not supported",
            "Update your browser, or open your link in the current Chrome, Safari, Edge or Firefox.",
        ),
        ErrorKind::StepsMixedUp => (
            "The steps got mixed up",
            "Close all other tabs with this verification. Then open your link again and follow the steps in order.",
        ),
        ErrorKind::ProjectClosed => (
            "This verification is closed",
            "It takes no more submissions. If you still need to be verified, contact the company that asked you to.",
        ),
        ErrorKind::PeriodOver => (
            "The submission period is over",
            "The time for handing in has passed. Ask the company that invited you whether you can still take part.",
        ),
        ErrorKind::LinkOver => (
            "This link has expired",
            "The time in which it could be used is over. Go back to where you started and get a new link.",
        ),
        ErrorKind::TimeOver => (
            "Your time has run out",
            "For your safety, a verification has to be finished within a few minutes. Go back to where you started and begin again.",
        ),
        ErrorKind::DocumentCheckAway => (
            "Your document cannot be checked right now",
            "The check of document photos is not available. Please try again in a few minutes.",
        ),
        ErrorKind::SelfieCheckAway => (
            "Your selfie cannot be checked right now",
            "The check of selfies is not available. Please try again in a few minutes.",
        ),
        ErrorKind::FaceComparisonAway => (
            "Your photos cannot be compared right now",
            "The comparison of your selfie with your document is not available. Please try again in a few minutes.",
        ),
        ErrorKind::ResidentCardRegisterAway => (
            "Your resident card cannot be checked right now",
            "The official register does not answer. Try again later, or use another document if you can.",
        ),
        ErrorKind::LicenceRegisterAway => (
            "Your driving licence cannot be checked right now",
            "The official register of licences does not answer. Try again later, or use another document if you can.",
        ),
        ErrorKind::PassportRegisterAway => (
            "Your passport cannot be checked right now",
            "The official register of passports does not answer. Try again later, or use another document if you can.",
        ),
        ErrorKind::ForeignerRegisterAway => (
            "Your registration card cannot be checked right now",
            "The official register of foreign residents does not answer. Try again later, or use another document if you can.",
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
            "Open your link again and fill in every step. Make sure that your internet connection is stable.",
        ),
        ErrorKind::LostTrack => (
            "The connection between the steps was lost",
            "Open your link again and start over, with a stable internet connection and in one tab only.",
        ),
        ErrorKind::BadPhoto => (
            "The photo was not clear enough",
            "Wipe the lens, hold your phone still, and make sure there is enough light. Then try again.",
        ),
        ErrorKind::BadStart => (
            "Your verification could not be started",
            "Try again later, over the internet connection that you normally use.",
        ),
        ErrorKind::Busy => (
            "Many people are here right now",
            "We cannot take your verification at this moment. Please wait a few minutes and try again.",
        ),
        ErrorKind::TooManyTries => {
            ("Please take a short break", "Your verification is held for a while. Wait some time before you try again.")
        }
        ErrorKind::BadLink => (
            "Something is missing in this link",
            "It cannot be used as it is. Go back to where you started and open the verification from there again.",
        ),
        ErrorKind::OurFault => {
            ("Something went wrong on our side", "It is nothing that you did. Please try again in a few minutes.")
        }
        ErrorKind::PageBroke => (
            "The page stopped working",
            "Close it and open your link again. If that does not help, use another browser or restart your device.",
        ),
        ErrorKind::NotUsable => (
            "This link cannot be used any more",
            "It may have been used before, or its time may be over. Go back to where you started to see how you can go on.",
        ),
        ErrorKind::DeviceRefused => (
            "You cannot continue on this device",
            "Please use another phone or computer, or contact the company that asked you to verify yourself.",
        ),
        ErrorKind::KeepsFailing => (
            "It did not work this time",
            "The same problem came up several times. Wait a little, then try again on another device or in another browser.",
        ),
        ErrorKind::Other => (
            "Something went wrong",
            "Your verification cannot be continued. Go back to where you started and try again.",
        ),
    };
    Message { title, text }
}
