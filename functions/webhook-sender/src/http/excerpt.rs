//! The start of a response body as text that people can read.

use std::borrow::Cow;
use std::io::Read;

use encoding_rs::{Encoding, UTF_8};
use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderName};
use http::{HeaderMap, HeaderValue};

/// Maximum length of an excerpt in bytes.
const MAX_BYTES: usize = 1024;

/// Maximum number of bytes of a body that an excerpt is made from. Compressed bodies and UTF-16 need more bytes than the excerpt has.
pub(super) const MAX_RAW_BYTES: usize = 4 * MAX_BYTES;

/// A longer name of a coding is not shown.
const MAX_NAME_BYTES: usize = 20;

/// Returns the excerpt of a body, at most 1 KiB, without control characters, so that it can be shown anywhere, such as in a terminal.
/// Returns `None` if the body is empty.
///
/// `start` are the first bytes of the body, and `length` is the number of bytes that were read. Gzip and deflate are decoded, as are the
/// character encodings of the web. A body that is not text is described, such as `(br, 1234 bytes)`.
pub(super) fn excerpt(headers: &HeaderMap, start: &[u8], length: usize) -> Option<String> {
    if start.is_empty() {
        return None;
    }
    let codings = codings(headers);
    let decoded = decompress(&codings, start);
    // Some servers declare a coding and send plain text.
    let bytes = decoded.as_deref().or_else(|| std::str::from_utf8(start).is_ok().then_some(start));
    let text = bytes.and_then(|bytes| plain_text(bytes, charset(headers)));
    let kind = match codings.as_slice() {
        [] => "not text",
        [coding] if is_short_token(coding) => coding,
        _ => "encoded",
    };
    Some(text.unwrap_or_else(|| format!("({kind}, {length} bytes)")))
}

/// The codings of the body in the order in which they were applied.
fn codings(headers: &HeaderMap) -> Vec<String> {
    let lines = headers.get_all(CONTENT_ENCODING).iter().filter_map(|line| line.to_str().ok());
    let names = lines.flat_map(|line| line.split(',')).map(|name| name.trim().to_ascii_lowercase());
    names.filter(|name| !name.is_empty() && name != "identity").collect()
}

/// Whether the name of a coding can be shown. The receiver chose it.
fn is_short_token(name: &str) -> bool {
    let is_token = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    is_token && name.len() <= MAX_NAME_BYTES
}

/// Decodes as much as the excerpt needs. Returns `None` if the codings are unknown or the bytes do not follow them.
fn decompress<'a>(codings: &[String], bytes: &'a [u8]) -> Option<Cow<'a, [u8]>> {
    let decoded = match codings {
        [] => return Some(Cow::Borrowed(bytes)),
        [coding] => match coding.as_str() {
            "gzip" | "x-gzip" => read_start(MultiGzDecoder::new(bytes)),
            // The standard demands the zlib format, but some servers send raw deflate data.
            "deflate" => read_start(ZlibDecoder::new(bytes)).or_else(|| read_start(DeflateDecoder::new(bytes))),
            _ => None,
        },
        _ => None,
    };
    decoded.map(Cow::Owned)
}

/// Reads up to 4 KiB. The end of the data is usually missing, which is an error that ends the reading.
fn read_start(decoder: impl Read) -> Option<Vec<u8>> {
    let mut start = Vec::new();
    let _ = decoder.take(MAX_RAW_BYTES as u64).read_to_end(&mut start);
    (!start.is_empty()).then_some(start)
}

/// The character encoding that the receiver declares. UTF-8 if it declares none, or an unknown one.
fn charset(headers: &HeaderMap) -> &'static Encoding {
    let content_type = text_of(headers, &CONTENT_TYPE);
    let parameters = content_type.split(';').skip(1).filter_map(|parameter| parameter.split_once('='));
    let named = parameters.into_iter().find(|(name, _)| name.trim().eq_ignore_ascii_case("charset"));
    named.and_then(|(_, label)| Encoding::for_label(label.trim().trim_matches('"').as_bytes())).unwrap_or(UTF_8)
}

fn text_of<'a>(headers: &'a HeaderMap, name: &HeaderName) -> &'a str {
    headers.get(name).map(HeaderValue::to_str).and_then(Result::ok).unwrap_or_default()
}

/// Returns the text without control characters, or `None` if the bytes are not text.
fn plain_text(bytes: &[u8], charset: &'static Encoding) -> Option<String> {
    let (text, ..) = charset.decode(bytes);
    // Invalid bytes at the end are most likely a character that was cut off.
    let whole = text.trim_end_matches(char::REPLACEMENT_CHARACTER);
    let is_rubbish = |character: char| {
        let is_layout = matches!(character, '\t' | '\n' | '\r' | '\u{1b}');
        character == char::REPLACEMENT_CHARACTER || (character.is_control() && !is_layout)
    };
    let (all, rubbish) = (whole.chars().count(), whole.chars().filter(|character| is_rubbish(*character)).count());
    if rubbish * 5 > all || all == 0 {
        return None;
    }
    let mut plain: String = whole.chars().filter(|character| !character.is_control()).collect();
    plain.truncate(plain.floor_char_boundary(MAX_BYTES));
    Some(plain)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
    use proptest::prelude::*;

    use super::*;

    /// The excerpt of a whole body with this `Content-Encoding` and `Content-Type`.
    fn excerpt_of(coding: &str, content_type: &str, body: &[u8]) -> String {
        let header = |value: &str| HeaderValue::from_bytes(value.as_bytes()).unwrap();
        let headers = [(CONTENT_ENCODING, header(coding)), (CONTENT_TYPE, header(content_type))].into_iter().collect();
        excerpt(&headers, &body[..body.len().min(MAX_RAW_BYTES)], body.len()).unwrap_or_default()
    }

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn plain_text_has_no_control_characters() {
        for (body, expected) in [
            (b"no\x1b[31m\r\n\xc2\x85way, and never".as_slice(), "no[31mway, and never"),
            (b"a valid text with \xff inside", "a valid text with \u{fffd} inside"),
            ("a€".repeat(10).as_bytes(), &"a€".repeat(10)),
            (b"\xef\xbb\xbf{\"error\":1}", "{\"error\":1}"),
            (b"", ""),
        ] {
            assert_eq!(excerpt_of("", "", body), expected);
        }
    }

    #[test]
    fn an_excerpt_is_cut_between_characters() {
        let text = "€".repeat(4000);
        assert_eq!(excerpt_of("", "", text.as_bytes()), "€".repeat(MAX_BYTES / 3));
        assert_eq!(excerpt_of("gzip", "", &gzip(text.as_bytes())), "€".repeat(MAX_BYTES / 3));
    }

    #[test]
    fn compressed_text_is_decoded() {
        let text = "{\"error\":\"the signature does not verify\"}".repeat(3);
        let zlib = {
            let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(text.as_bytes()).unwrap();
            encoder.finish().unwrap()
        };
        let deflate = {
            let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(text.as_bytes()).unwrap();
            encoder.finish().unwrap()
        };
        for (coding, body) in [
            ("gzip", gzip(text.as_bytes())),
            ("GZIP", gzip(text.as_bytes())),
            ("x-gzip", gzip(text.as_bytes())),
            ("identity, gzip", gzip(text.as_bytes())),
            ("deflate", zlib),
            ("deflate", deflate),
            ("identity", text.clone().into_bytes()),
            ("gzip", text.clone().into_bytes()),
            ("br", text.clone().into_bytes()),
        ] {
            assert_eq!(excerpt_of(coding, "application/json", &body), text, "{coding}");
        }
        // Only the start of a long body is read, and a small body can decode to a very long one.
        let noise = (0..20_000_u32).map(|number| number.to_string()).collect::<Vec<_>>().join(" ");
        assert_eq!(excerpt_of("gzip", "", &gzip(noise.as_bytes())), noise[..MAX_BYTES]);
        assert_eq!(excerpt_of("gzip", "", &gzip(&vec![b'x'; 10_000_000])), "x".repeat(MAX_BYTES));
    }

    #[test]
    fn what_cannot_be_decoded_is_described() {
        let binary: Vec<u8> = (0..2000_u32).map(|number| u8::try_from(number * 7 % 256).unwrap()).collect();
        for (coding, expected) in [
            ("br", "(br, 2000 bytes)"),
            ("zstd", "(zstd, 2000 bytes)"),
            ("gzip", "(gzip, 2000 bytes)"),
            ("deflate, gzip", "(encoded, 2000 bytes)"),
            ("x-a-name-that-is-too-long-to-be-shown", "(encoded, 2000 bytes)"),
            ("a\"b", "(encoded, 2000 bytes)"),
            ("", "(not text, 2000 bytes)"),
        ] {
            assert_eq!(excerpt_of(coding, "", &binary), expected, "{coding}");
        }
        let zeros = [0; 100];
        assert_eq!(excerpt_of("", "image/png", &zeros), "(not text, 100 bytes)");
        assert_eq!(excerpt_of("gzip", "", &gzip(&zeros)), format!("(gzip, {} bytes)", gzip(&zeros).len()));
    }

    #[test]
    fn text_in_other_character_encodings_is_decoded() {
        for (content_type, body, expected) in [
            ("text/html; charset=euc-kr", b"\xbc\xad\xb8\xed \xbf\xc0\xb7\xf9".as_slice(), "서명 오류"),
            ("text/plain;charset=\"ISO-8859-1\"", b"acc\xe8s refus\xe9", "accès refusé"),
            ("text/plain; charset=Shift_JIS", b"\x83G\x83\x89\x81[", "エラー"),
            ("text/plain; charset=utf-16le", b"n\0o\0", "no"),
            ("text/plain", b"\xff\xfen\0o\0", "no"),
            ("text/plain; charset=unknown", "é".as_bytes(), "é"),
        ] {
            assert_eq!(excerpt_of("", content_type, body), expected, "{content_type}");
        }
    }

    proptest! {
        #[test]
        fn an_excerpt_is_short_and_plain_whatever_the_receiver_sends(
            coding in "(|gzip|deflate|br|[ -~]{0,40})",
            charset in "(|utf-8|euc-kr|utf-16|iso-2022-jp|[ -~]{0,20})",
            body in proptest::collection::vec(any::<u8>(), 0..3000),
        ) {
            for body in [gzip(&body), body] {
                let excerpt = excerpt_of(&coding, &format!("text/html; charset={charset}"), &body);
                prop_assert!(excerpt.len() <= MAX_BYTES && !excerpt.contains(char::is_control), "{:?}", excerpt);
            }
        }
    }
}
