//! Return URLs: where a person is sent after a verification, and the fields that the URL carries.
//!
//! A project has one set of [`ReturnUrlSettings`]. When a verification ends, they turn its [`Verification`] into a
//! [`Location`]: the project's URL with the selected fields in its query, plain or encrypted, and signed if the project asks
//! for it. A location depends on nothing else, so a browser's request cannot redirect a person elsewhere.
//!
//! | module | contents |
//! | --- | --- |
//! | [`url`](ReturnUrl) | the URLs that are accepted |
//! | [`field`](ReturnField) | the fields of a return URL and their order |
//! | [`verification`](Verification) | the result of a verification and the person's fields |
//! | [`settings`](ReturnUrlSettings) | a project's settings |
//! | [`secret_key`](SecretKey) | the `secretKey`, which encrypts and signs return URLs and encrypts webhooks |
//! | [`secret_keys`](SecretKeys) | a project's keys and their rotation |
//! | [`location`](Location) | the final URL |
//! | [`received`](Received) | verification of a URL that a browser sent to the customer |
//! | [`return_link`] | links that lead a person to the return URL |

mod field;
mod location;
mod received;
pub mod return_link;
mod secret_key;
mod secret_keys;
mod settings;
mod url;
mod verification;

pub use field::ReturnField;
pub use location::{KeyMissing, Location};
pub use received::{BadMaxAge, BroughtUrl, MaxAge, NotOurs, Received};
pub use secret_key::{Encryption, KEY_REQUIRED, SecretKey};
pub use secret_keys::{
    CannotChange, CannotIssue, KeyIssue, KeyState, MAX_SECRET_KEYS, NamedKey, PREVIOUS_KEY_LIFETIME, SecretKeys,
    StoredSecretKey,
};
pub use settings::{NewReturnUrlSettings, ReturnUrlSettings, WayBack};
pub use url::{BadReturnUrl, ReturnUrl};
pub use verification::{
    BadErrorCode, BadPersonValue, ErrorCode, KycStatus, Outcome, PersonFields, PersonValue, Verification,
};
