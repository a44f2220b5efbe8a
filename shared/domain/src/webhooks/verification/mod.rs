//! Explains why a received webhook does not verify.
//!
//! A receiver's developer pastes the headers and the body that the server got. The signature proves what was sent, so the check
//! undoes the usual changes one by one until a stored secret made the signature: a byte order mark, other line breaks, JSON that
//! was parsed and written again. If the event is still stored, its body is written again and compared. The developer can add the
//! signature that the server's code computed. The check then repeats the usual mistakes until it gets the same signature.
//!
//! | module | contains |
//! | --- | --- |
//! | [`captured`](CapturedWebhook) | the request |
//! | [`finding`](Finding), `detail` | the result, and what it means |
//! | [`known`](Known) | what the check knows: secrets, public keys, the body as sent |
//! | `headers`, `timestamp`, `signatures` | parts of the pasted headers |
//! | `body`, `json`, `style` | changes of the body, and how to undo them |
//! | `proof` | the secret and the body that explain the signature |
//! | `computed` | mistakes that explain the signature of the server's code |
//! | `check` | all of it together |

mod body;
mod captured;
mod check;
mod computed;
mod detail;
mod finding;
mod headers;
mod json;
mod known;
mod proof;
mod signatures;
mod style;
mod timestamp;

#[cfg(test)]
mod tests;

pub use captured::{CapturedWebhook, MAX_CAPTURED_BODY_BYTES};
pub use finding::{ComputedFrom, Finding, JsonDifference, KeyMistake, SignatureCheck, SignedContent, WebhookHeader};
pub use known::{Known, KnownSecret, Original, SecretOwner, Signer};
