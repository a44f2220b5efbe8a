//! Code shared by the programs in this package.

use std::error::Error;

use rustls::RootCertStore;

/// Value of the environment variable `name`.
pub fn environment(name: &str) -> Option<String> {
    aws::lambda::config::environment(name)
}

/// The certificate authority of the receiver, from the DER file named by `TRUSTED_ROOT`.
pub fn trusted_roots() -> Result<RootCertStore, Box<dyn Error>> {
    let file = environment("TRUSTED_ROOT").ok_or("TRUSTED_ROOT is not set")?;
    let mut roots = RootCertStore::empty();
    roots.add(std::fs::read(file)?.into())?;
    Ok(roots)
}
