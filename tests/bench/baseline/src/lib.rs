//! What the programs here share.

use std::error::Error;

use rustls::RootCertStore;

/// What the environment says of `name`.
pub fn environment(name: &str) -> Option<String> {
    shared::config::environment(name)
}

/// The one certificate authority of the bench's receiver, from the DER file that `TRUSTED_ROOT` names.
pub fn trusted_roots() -> Result<RootCertStore, Box<dyn Error>> {
    let file = environment("TRUSTED_ROOT").ok_or("TRUSTED_ROOT is not set")?;
    let mut roots = RootCertStore::empty();
    roots.add(std::fs::read(file)?.into())?;
    Ok(roots)
}
