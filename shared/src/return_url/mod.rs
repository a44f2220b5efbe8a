//! Return URLs: where the verified person is brought back to, and what the way back says about them.
//!
//! A project has one set of [`ReturnUrlSettings`]. When a verification ends, they turn what is known about it
//! ([`Verification`]) into a [`Location`]: the project's own URL with the selected fields in its query, plain or
//! encrypted, and signed if the project wants it. A location is made from nothing else, so no request can steer it.
//!
//! | module | holds |
//! | --- | --- |
//! | [`url`](ReturnUrl) | which URLs there may be |
//! | [`field`](ReturnField) | what a URL may say, and in which order |
//! | [`verification`](Verification) | how a verification ended, and whose it was |
//! | [`settings`](ReturnUrlSettings) | what a project has chosen |
//! | [`key`](ReturnUrlKey) | the `secretKey` that encrypts and signs, webhooks too |
//! | [`keys`](ReturnUrlKeys) | a project's keys, and how they take turns |
//! | [`location`](Location) | the final URL |
//! | [`received`](Received) | whether a URL that a browser brought is one of ours |

mod field;
mod key;
mod keys;
mod location;
mod received;
mod settings;
mod url;
mod verification;

pub use field::{ReturnField, UnknownReturnField};
pub use key::{Encryption, KEY_WANTED, ReturnUrlKey, UnknownEncryption};
pub use keys::{
    CannotChange, CannotIssue, KeyIssue, KeyState, MOST_RETURN_URL_KEYS, NamedKey, ReturnUrlKeys, STILL_VERIFIES,
    StoredReturnUrlKey,
};
pub use location::{KeyMissing, Location};
pub use received::{BadMaxAge, BroughtUrl, MaxAge, NotOurs, Received};
pub use settings::{NewReturnUrlSettings, ReturnUrlSettings, WayBack};
pub use url::{BadReturnUrl, ReturnUrl};
pub use verification::{
    BadErrorCode, BadPersonValue, ErrorCode, KycStatus, Outcome, PersonFields, PersonValue, UnknownKycStatus,
    Verification,
};
