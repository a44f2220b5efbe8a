//! Return URLs: where a person is sent after a verification, and the fields that the URL carries.
//!
//! A project has one set of [`ReturnUrlSettings`]. When a verification ends, they turn its [`Verification`] into a
//! [`Location`]: the project's URL with the selected fields in its query, plain or encrypted, and signed if the project asks
//! for it. A location depends on nothing else, so a browser's request cannot redirect a person elsewhere.
//!
//! | module | contents |
//! | --- | --- |
//! | [`url`](ReturnUrl) | the URLs that are accepted |
//! | [`app_schemes`](AppSchemes) | the app schemes that these URLs may have |
//! | [`field`](ReturnField) | the fields of a return URL and their order |
//! | [`verification`](Verification) | the result of a verification and the person's fields |
//! | [`error_code`](ErrorCode) | the codes of errors, and those that anonymous callers may name |
//! | [`settings`](ReturnUrlSettings) | a project's settings |
//! | [`warnings`](ReturnUrlWarning) | warnings about valid but risky settings |
//! | [`secret_key`](SecretKey) | the `secretKey`, which encrypts and signs return URLs and encrypts webhooks |
//! | [`stored_secret_key`](StoredSecretKey) | a key as it is stored |
//! | [`secret_keys`](SecretKeys) | a project's keys and their rotation |
//! | [`location`](Location) | the final URL |
//! | [`length`](MAX_LOCATION_BYTES) | its maximum length |
//! | [`received`](Received) | verification of a URL that a browser sent to the customer |
//! | [`return_link`] | links that lead a person to the return URL |
//! | [`visit`](VisitProof) | the visit that used a single-use link |

mod app_schemes;
mod error_code;
mod field;
mod length;
mod location;
mod received;
pub mod return_link;
mod secret_key;
mod secret_keys;
mod settings;
mod stored_secret_key;
mod url;
mod verification;
mod visit;
mod warnings;

pub use app_schemes::{AppSchemes, BadAppSchemes};
pub use error_code::{BadErrorCode, DocumentedCode, ErrorCode, Undocumented};
pub use field::ReturnField;
pub use length::MAX_LOCATION_BYTES;
pub use location::{KeyMissing, Location};
pub use received::{BadMaxAge, BroughtUrl, MaxAge, NotOurs, Received};
pub use secret_key::{BadSecretKey, Encryption, KEY_REQUIRED, SecretKey};
pub use secret_keys::{
    CannotChange, CannotIssue, GRACE_AFTER_EMERGENCY, IssuedSecretKey, KeyIssue, MAX_SECRET_KEYS,
    PREVIOUS_KEY_LIFETIME, SecretKeys,
};
pub use settings::{NewReturnUrlSettings, ReturnUrlSettings, WayBack};
pub use stored_secret_key::{KeyState, NamedKey, StoredSecretKey};
pub use url::{BadReturnUrl, ReturnUrl};
pub use verification::{BadPersonValue, KycStatus, Outcome, PersonFields, PersonValue, Verification};
pub use visit::{VisitHash, VisitProof};
pub use warnings::ReturnUrlWarning;
