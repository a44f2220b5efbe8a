//! The languages of the pages.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::header::ACCEPT_LANGUAGE;
use axum::http::request::Parts;

/// A language that the pages speak.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Language {
    /// English, for everybody who asks for none of these.
    #[default]
    English,
    /// Korean.
    Korean,
    /// Spanish.
    Spanish,
}

impl Language {
    /// All of them.
    pub(crate) const ALL: [Self; 3] = [Self::English, Self::Korean, Self::Spanish];

    /// Its BCP 47 tag.
    pub(crate) const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Korean => "ko",
            Self::Spanish => "es",
        }
    }

    /// What an `Accept-Language` header prefers among ours; of equals, what it names first.
    pub(crate) fn preferred(header: &str) -> Self {
        let mut best = (0, Self::default());
        for (language, weight) in header.split(',').filter_map(wish) {
            if weight > best.0 {
                best = (weight, language);
            }
        }
        best.1
    }

    fn from_tag(tag: &str) -> Option<Self> {
        let primary = tag.split('-').next()?;
        Self::ALL.into_iter().find(|language| language.tag().eq_ignore_ascii_case(primary))
    }
}

/// One language of the header, with its weight in thousandths.
fn wish(part: &str) -> Option<(Language, u16)> {
    let mut pieces = part.split(';').map(str::trim);
    let language = Language::from_tag(pieces.next()?)?;
    let weight = pieces.find_map(|piece| piece.strip_prefix("q=")).map_or(Some(1000), thousandths)?;
    Some((language, weight))
}

fn thousandths(text: &str) -> Option<u16> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_weight =
        matches!(whole, "0" | "1") && fraction.len() <= 3 && fraction.bytes().all(|byte| byte.is_ascii_digit());
    if !is_weight {
        return None;
    }
    let whole: u16 = whole.parse().ok()?;
    let fraction: u16 = format!("{fraction:0<3}").parse().ok()?;
    Some((whole * 1000 + fraction).min(1000))
}

impl<S: Send + Sync> FromRequestParts<S> for Language {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let header = parts.headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        Ok(header.map(Self::preferred).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_heaviest_of_our_languages_wins() {
        for (header, language) in [
            ("ko-KR,ko;q=0.9,en-US;q=0.8", Language::Korean),
            ("es-419", Language::Spanish),
            ("fr-FR, fr;q=0.9, es;q=0.3, en;q=0.2", Language::Spanish),
            ("en;q=0.5, KO;q=0.55", Language::Korean),
            ("es;q=0, en;q=0.1", Language::English),
            ("ko, es", Language::Korean),
            ("fr, *", Language::English),
            ("", Language::English),
            (";;,=q,ko;q=nonsense,es;q=9", Language::English),
        ] {
            assert_eq!(Language::preferred(header), language, "{header}");
        }
    }
}
