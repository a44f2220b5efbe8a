//! API keys, which customers' servers and the operator send with every call.
//!
//! A key is a prefix (`sp_live_`, `sp_test_` or `sp_op_`), 32 random letters and digits, and a checksum of 6 characters. The
//! checksum detects mistyped keys and false positives of secret scanners without a look-up. Only the key's hash is stored.

mod hash;
mod key;
mod project_key;
mod scope;

pub use hash::{BadKeyHash, KeyHash, OperatorKeys};
pub use key::{ApiKey, ApiKeyKind, BadApiKey};
pub use project_key::{KeyRotation, NewApiKey, ProjectKey, Refusal, Rotated};
pub use scope::Scope;
