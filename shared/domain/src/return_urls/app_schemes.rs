//! The app schemes that return URLs may have.

use std::collections::BTreeSet;
use std::str::FromStr;

use thiserror::Error;

use super::url::is_reserved;

/// The app schemes that return URLs may have: any scheme in reverse-DNS form, such as `com.example.app`, and schemes that the
/// deployment allows by name.
///
/// Reverse-DNS names belong to the owner of a domain. Other names also belong to programs of operating systems, such as `ms-msdt`,
/// `search-ms` and `itms-services`, and a complete list of these does not exist.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AppSchemes {
    allowed: BTreeSet<String>,
}

/// A list that is not a comma-separated list of schemes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must be a comma-separated list of lower-case schemes, such as yourapp, without those that browsers reserve")]
pub struct BadAppSchemes;

impl AppSchemes {
    /// Returns whether return URLs may have this scheme, which must be in lower case.
    pub fn allow(&self, scheme: &str) -> bool {
        is_reverse_dns(scheme) || self.allowed.contains(scheme)
    }
}

impl FromStr for AppSchemes {
    type Err = BadAppSchemes;

    fn from_str(list: &str) -> Result<Self, BadAppSchemes> {
        let names = list.split(',').map(str::trim).filter(|name| !name.is_empty());
        let parse = |name: &str| if is_app_scheme(name) { Ok(name.to_owned()) } else { Err(BadAppSchemes) };
        Ok(Self { allowed: names.map(parse).collect::<Result<_, _>>()? })
    }
}

fn is_app_scheme(name: &str) -> bool {
    let is_scheme = name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"+-.".contains(&byte));
    is_scheme && !is_reserved(name) && !["http", "https"].contains(&name)
}

/// Returns whether the scheme consists of at least two labels with dots between them. Labels consist of letters, digits and inner
/// hyphens. The first label, a top-level domain, has only letters.
fn is_reverse_dns(scheme: &str) -> bool {
    let is_label = |label: &str| {
        let is_plain = label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        is_plain && !label.is_empty() && !label.starts_with('-') && !label.ends_with('-')
    };
    let Some((top_level, rest)) = scheme.split_once('.') else { return false };
    top_level.len() >= 2 && top_level.bytes().all(|byte| byte.is_ascii_lowercase()) && rest.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schemes(list: &str) -> AppSchemes {
        list.parse().unwrap()
    }

    #[test]
    fn reverse_dns_schemes_are_allowed_everywhere() {
        for scheme in ["com.example.app", "io.signpost", "kr.co.my-app2"] {
            assert!(schemes("").allow(scheme), "{scheme}");
        }
    }

    #[test]
    fn schemes_of_programs_are_refused() {
        for scheme in [
            "ms-msdt",
            "search-ms",
            "smb",
            "shell",
            "itms-services",
            "javascript",
            "yourapp",
            ".app",
            "com.",
            "com..app",
            "com.-app",
            "c.app",
            "ms-msdt.x",
            "com.a+b",
        ] {
            assert!(!schemes("").allow(scheme), "{scheme}");
        }
    }

    #[test]
    fn a_deployment_allows_schemes_by_name() {
        let allowed = schemes(" yourapp, other-app,");
        assert!(allowed.allow("yourapp") && allowed.allow("other-app") && allowed.allow("com.example.app"));
        assert!(!allowed.allow("third"));
        for bad in ["javascript", "yourapp,data", "https", "YourApp", "your app", "yourapp:", "1app"] {
            assert_eq!(bad.parse::<AppSchemes>(), Err(BadAppSchemes), "{bad}");
        }
    }
}
