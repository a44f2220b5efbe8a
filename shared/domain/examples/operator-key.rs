//! Generates an operator key: `cargo run --package domain --example operator-key`.
//!
//! Store the key in a safe place. Set the deployment's parameter `OperatorKeyHashes` to its hash.

use domain::foundation::random::SystemRandom;
use domain::projects::api_key::{ApiKey, ApiKeyKind};

fn main() {
    let key = ApiKey::generate(ApiKeyKind::Operator, &SystemRandom);
    println!("operator key: {}", key.expose());
    println!("its hash:     {}", key.hash());
}
