//! E-mail addresses and their hashes. A hash still counts and suppresses an address after the address is deleted.

use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use thiserror::Error;
use url::Host;

/// An e-mail address: at most 254 ASCII characters, with a local part, one `@` and a domain that contains a dot. An
/// internationalized domain is stored in its ASCII form (`xn--…`).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String, format = Email, max_length = 254, example = "ada@example.com"))]
#[serde(try_from = "String", into = "String")]
pub struct EmailAddress(String);

/// Why a string is not an [`EmailAddress`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BadEmailAddress {
    /// The name before the `@` has characters that most mail servers do not accept (RFC 6531).
    #[error("must have only ASCII characters before the @; other characters are possible in the domain only")]
    LocalPart,
    /// It is no address.
    #[error("must be an e-mail address such as ada@example.com")]
    Syntax,
}

/// A hash of an address: 128 bits of SHA-256 in base64url, independent of case.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AddressHash(String);

/// The two hashes of an address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddressHashes {
    /// Hash of the unchanged address, which is one mailbox.
    pub mailbox: AddressHash,
    /// Hash of the address without its plus-tag: `ada+news@example.com` counts as `ada@example.com`. Most providers deliver both to
    /// one person. At a provider without plus-tags, the two are different people. This hash therefore only counts and suppresses
    /// mails and never allows one.
    pub person: AddressHash,
}

impl EmailAddress {
    /// The address as a string.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the hashes that count and suppress the address.
    pub fn hashes(&self) -> AddressHashes {
        let (local, domain) = self.0.rsplit_once('@').expect("an address has an @");
        let untagged = local.split_once('+').map_or(local, |(before, _)| before);
        // `+tag@example.com` has no name before the plus sign, so the local part is the name.
        let person = if untagged.is_empty() { local } else { untagged };
        AddressHashes { mailbox: AddressHash::of(&self.0), person: AddressHash::of(&format!("{person}@{domain}")) }
    }
}

impl AddressHash {
    fn of(address: &str) -> Self {
        let hash = Sha256::digest(address.to_ascii_lowercase());
        Self(BASE64_URL_SAFE_NO_PAD.encode(&hash[..16]))
    }

    /// The hash as a string.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for EmailAddress {
    /// Hides the address, because it is personal data and must not be logged.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EmailAddress(…)")
    }
}

impl TryFrom<String> for EmailAddress {
    type Error = BadEmailAddress;

    fn try_from(text: String) -> Result<Self, BadEmailAddress> {
        let (local, domain) = text.rsplit_once('@').ok_or(BadEmailAddress::Syntax)?;
        if !local.is_ascii() {
            return Err(BadEmailAddress::LocalPart);
        }
        let text = if domain.is_ascii() { text } else { format!("{local}@{}", to_ascii(domain)?) };
        if is_address(&text) { Ok(Self(text)) } else { Err(BadEmailAddress::Syntax) }
    }
}

impl From<EmailAddress> for String {
    fn from(address: EmailAddress) -> Self {
        address.0
    }
}

/// Converts an internationalized domain to its ASCII form (UTS 46).
fn to_ascii(domain: &str) -> Result<String, BadEmailAddress> {
    // A domain has no `%`, but `Host::parse` would decode it.
    let parsed = if domain.contains('%') {
        Err(BadEmailAddress::Syntax)
    } else {
        Host::parse(domain).map_err(|_| BadEmailAddress::Syntax)
    };
    match parsed? {
        Host::Domain(domain) => Ok(domain),
        Host::Ipv4(_) | Host::Ipv6(_) => Err(BadEmailAddress::Syntax),
    }
}

fn is_address(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    // Only the dot-atom of RFC 5321 is accepted. Quoted local parts and address literals are rejected on purpose: mail providers do
    // not issue such addresses.
    let is_atom = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte);
    let is_local = local.len() <= 64 && local.split('.').all(|atom| !atom.is_empty() && atom.bytes().all(is_atom));
    let is_label = |label: &str| {
        let is_clean = label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        (1..=63).contains(&label.len()) && is_clean && !label.starts_with('-') && !label.ends_with('-')
    };
    let is_domain = domain.contains('.') && domain.split('.').all(is_label);
    text.len() <= 254 && is_local && is_domain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> EmailAddress {
        EmailAddress::try_from(text.to_owned()).unwrap()
    }

    #[test]
    fn common_addresses_are_accepted_as_they_are() {
        for good in ["ada@example.com", "a.b+tag@sub.example.co.kr", "o'neil@xn--bcher-kva.example", "Ada@Example.com"]
        {
            assert_eq!(address(good).as_str(), good);
        }
    }

    #[test]
    fn an_internationalized_domain_is_stored_in_its_ascii_form() {
        assert_eq!(address("ada@bücher.example").as_str(), "ada@xn--bcher-kva.example");
        assert_eq!(address("Ada@BÜCHER.example").as_str(), "Ada@xn--bcher-kva.example");
        assert_eq!(address("ada@아고스.한국").as_str(), "ada@xn--299au62bt0b.xn--3e0b707e");
    }

    #[test]
    fn addresses_that_are_unsafe_in_a_mail_header_are_rejected() {
        for bad in [
            "",
            "ada",
            "@example.com",
            "ada@",
            "ada@localhost",
            "a b@example.com",
            "ada@exa\r\nmple.com",
            "a..b@example.com",
            "ada@-x.com",
            "<ada@example.com>",
            "ada@example.com,b@example.com",
            "ada@b\u{fc}%41.example",
            "ada@b\u{fc}/.example",
            "ada@１９２.0.2.1",
            "ada@\u{200b}.example",
            "ada＠example.com",
        ] {
            assert_eq!(EmailAddress::try_from(bad.to_owned()), Err(BadEmailAddress::Syntax), "{bad:?}");
        }
    }

    #[test]
    fn an_error_says_that_only_the_domain_may_have_other_characters() {
        for bad in ["adé@example.com", "ádá@bücher.example", "아다@example.com", "ada＠example.com@b.example"] {
            assert_eq!(EmailAddress::try_from(bad.to_owned()), Err(BadEmailAddress::LocalPart), "{bad:?}");
        }
    }

    #[test]
    fn plus_tags_and_case_do_not_change_the_person() {
        let person = |text: &str| address(text).hashes().person;
        for same in ["ada+1@example.com", "ada+@example.com", "ADA+x+y@Example.COM", "ada@EXAMPLE.com"] {
            assert_eq!(person(same), person("ada@example.com"), "{same}");
        }
        for other in ["ad@example.com", "a.da@example.com", "ada@example.org", "+ada@example.com"] {
            assert_ne!(person(other), person("ada@example.com"), "{other}");
        }
        assert_ne!(person("+1@example.com"), person("+2@example.com"));
    }

    #[test]
    fn case_does_not_change_the_mailbox_and_a_plus_tag_does() {
        let mailbox = |text: &str| address(text).hashes().mailbox;
        assert_eq!(mailbox("Ada@Example.com"), mailbox("ada@example.com"));
        assert_ne!(mailbox("ada+1@example.com"), mailbox("ada@example.com"));
        assert_eq!(mailbox("ada@example.com"), address("ada@example.com").hashes().person);
    }
}
