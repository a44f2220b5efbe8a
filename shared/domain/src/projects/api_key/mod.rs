//! API keys, which customers' servers and the operator send with every call.
//!
//! A key is a prefix (`sp_live_`, `sp_test_` or `sp_op_`), 32 random letters and digits, and a checksum of 6 characters. The
//! checksum detects mistyped keys and false positives of secret scanners without a look-up. Only the key's hash is stored.
//!
//! A key that creates or rotates another one gives it at most its own scopes, networks and lifetime ([`KeyBounds`]).
//!
//! Keys also open the operator's own product: they carry [`ProductScope`]s, and [`ProjectKey::verify`] checks a call to the product.
//! The operator can import keys of another system by their hashes ([`PresentedKey`]).

mod bounds;
mod creation;
mod hash;
mod key;
mod limit;
mod network;
mod presented;
mod product_routes;
mod product_scope;
mod project_key;
mod revoked;
mod rotation;
mod scope;
mod stored;
#[cfg(test)]
mod testing;
mod verification;

pub use bounds::KeyBounds;
pub use creation::{ImportedKey, NewApiKey};
pub use hash::{BadKeyHash, KeyHash, OperatorKeys};
pub use key::{ApiKey, ApiKeyKind, BadApiKey};
pub use limit::{MAX_API_KEYS, TooManyApiKeys, make_room};
pub use presented::{MAX_IMPORTED_KEY_LENGTH, MIN_IMPORTED_KEY_LENGTH, PresentedKey};
pub use product_routes::{BadProductRoute, ProductRoutes};
pub use product_scope::{BadProductScope, BadProductScopes, KeyScope, ProductScope, ProductScopes};
pub use project_key::{ProjectKey, Refusal};
pub use revoked::{KeyRecord, REVOKED_KEYS_KEPT, RevokedKey};
pub use rotation::{KeyRotation, Rotated};
pub use scope::Scope;
pub use verification::{InvalidKeyReason, KeyUse};
