//! The header `Content-Digest` (RFC 9530).

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha256};

/// Value of the header for `body`.
pub(super) fn sha_256(body: &[u8]) -> String {
    format!("sha-256=:{}:", BASE64_STANDARD.encode(Sha256::digest(body)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_value_is_that_of_the_specification() {
        // Example of RFC 9530, appendix B.1.
        let expected = "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:";
        assert_eq!(sha_256(b"{\"hello\": \"world\"}\n"), expected);
    }
}
