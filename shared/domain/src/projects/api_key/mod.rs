//! API keys, which customers' servers and the operator send with every call.
//!
//! A key is a prefix (`sp_live_`, `sp_test_` or `sp_op_`), 32 random letters and digits, and a checksum of 6 characters. The
//! checksum detects mistyped keys and false positives of secret scanners without a look-up. Only the key's hash is stored.
//!
//! A key that creates or rotates another one gives it at most its own scopes, networks and lifetime ([`KeyBounds`]).

mod bounds;
mod creation;
mod hash;
mod key;
mod limit;
mod network;
mod project_key;
mod rotation;
mod scope;
mod stored;
#[cfg(test)]
mod testing;

pub use bounds::KeyBounds;
pub use creation::NewApiKey;
pub use hash::{BadKeyHash, KeyHash, OperatorKeys};
pub use key::{ApiKey, ApiKeyKind, BadApiKey};
pub use limit::{MAX_API_KEYS, TooManyApiKeys, make_room};
pub use project_key::{ProjectKey, Refusal};
pub use rotation::{KeyRotation, Rotated};
pub use scope::Scope;
