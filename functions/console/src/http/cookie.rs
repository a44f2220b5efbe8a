//! The session's cookie in requests and responses.
//!
//! The browser sends it only to this host (`__Host-`), only by TLS, not to scripts, and with requests from other sites only if
//! they are links (`SameSite=Lax`). On this machine the console runs without TLS, where browsers refuse the prefix.

use axum::http::header::COOKIE;
use axum::http::{HeaderMap, HeaderValue};

use crate::config::Origin;

/// Returns the values of all cookies with the session's name. A browser sends one. On this machine another program on the same
/// host can add more.
pub(crate) fn values<'a>(headers: &'a HeaderMap, origin: &Origin) -> impl Iterator<Item = &'a str> {
    let name = name(origin);
    let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.filter(move |(known, _)| *known == name).map(|(_, value)| value)
}

/// The `Set-Cookie` header that stores `value`. The cookie ends with the browser, or when the session is over.
pub(crate) fn set(value: &str, origin: &Origin) -> HeaderValue {
    header(value, origin, "")
}

/// The `Set-Cookie` header that deletes the cookie.
pub(crate) fn delete(origin: &Origin) -> HeaderValue {
    header("", origin, "; Max-Age=0")
}

fn header(value: &str, origin: &Origin, more: &str) -> HeaderValue {
    let secure = if origin.is_https() { "; Secure" } else { "" };
    let cookie = format!("{}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{more}", name(origin));
    HeaderValue::from_str(&cookie).expect("a sealed value is visible ASCII")
}

fn name(origin: &Origin) -> &'static str {
    if origin.is_https() { "__Host-session" } else { "session" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(origin: &str, lines: &[&str]) -> Vec<String> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(COOKIE, HeaderValue::from_str(line).unwrap());
        }
        values(&headers, &origin.parse().unwrap()).map(str::to_owned).collect()
    }

    #[test]
    fn only_the_cookie_with_the_exact_name_is_read() {
        let https = |lines: &[&str]| read("https://console.example.com", lines);
        assert_eq!(https(&["a=1; __Host-session=v.x=y ; session=z"]), ["v.x=y"]);
        assert_eq!(https(&["__host-session=v", "__Host-session2=v"]), [""; 0]);
        assert_eq!(https(&["__Host-session=a; __Host-session=b", "__Host-session=c"]), ["a", "b", "c"]);
        assert_eq!(read("http://localhost:1", &["__Host-session=v; session=z"]), ["z"]);
    }

    #[test]
    fn the_cookie_is_kept_from_scripts_other_hosts_and_plain_http() {
        let https = "https://console.example.com".parse().unwrap();
        assert_eq!(set("v", &https), "__Host-session=v; Path=/; HttpOnly; SameSite=Lax; Secure");
        assert_eq!(delete(&https), "__Host-session=; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=0");
        let local = "http://localhost:3000".parse().unwrap();
        assert_eq!(set("v", &local), "session=v; Path=/; HttpOnly; SameSite=Lax");
    }
}
