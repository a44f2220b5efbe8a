//! Makes an operator key: `cargo run --package shared --example operator-key`.
//!
//! Keep the key; give its hash to the deployment's parameter `OperatorKeyHashes`.

use shared::api_key::{ApiKey, ApiKeyKind};
use shared::random::SystemRandom;

fn main() {
    let key = ApiKey::generate(ApiKeyKind::Operator, &SystemRandom);
    println!("operator key: {}", key.expose());
    println!("its hash:     {}", key.hash());
}
