//! The script for deployments without Rust makes the keys that the API accepts.

use std::process::Command;

use domain::projects::api_key::{ApiKey, ApiKeyKind};

use crate::root;

#[test]
fn the_script_makes_an_operator_key_and_its_hash() {
    let output = Command::new("python3").arg(root().join("infra/operator-key")).output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let values: Vec<&str> = printed.lines().filter_map(|line| line.split_whitespace().last()).collect();
    let [key, hash] = values.as_slice() else { panic!("{} values, not a key and its hash", values.len()) };
    let key: ApiKey = key.parse().unwrap();
    assert_eq!((key.kind(), key.hash().to_string().as_str()), (ApiKeyKind::Operator, *hash));
}
