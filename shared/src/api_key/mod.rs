//! API keys: what customers' servers and the operator show with every call.
//!
//! A key is `sp_live_`, `sp_test_` or `sp_op_`, then 32 random letters and digits, then a checksum of 6. The checksum lets
//! a mistyped key, and a secret scanner's false find, be told apart without a look-up. Only the key's hash is stored.

mod hash;
mod project_key;
mod scope;
mod text;

pub use hash::{BadKeyHash, KeyHash, OperatorKeys};
pub use project_key::{KeyRotation, NewApiKey, ProjectKey, Refusal, Rotated};
pub use scope::Scope;
pub use text::{ApiKey, ApiKeyKind, BadApiKey};
