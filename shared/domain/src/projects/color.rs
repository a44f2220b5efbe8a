//! Colors and their contrast (WCAG 2.2).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// An opaque color in the form `#rrggbb`. Responses use lower case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String, pattern = "^#[0-9a-fA-F]{6}$", example = "#1f3fbf"))]
#[serde(try_from = "String", into = "String")]
pub struct Color([u8; 3]);

/// A string that is not a [`Color`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must be a color of the form #rrggbb")]
pub struct BadColor;

impl Color {
    /// Black.
    pub const BLACK: Self = Self([0; 3]);

    /// White.
    pub const WHITE: Self = Self([255; 3]);

    /// Returns the contrast ratio of two colors, from 1 (equal) to 21. WCAG 2.2 requires 4.5 for text and 3 for the outline of
    /// a button (criteria 1.4.3 and 1.4.11).
    pub fn contrast(self, other: Self) -> f64 {
        let (one, two) = (self.luminance(), other.luminance());
        (one.max(two) + 0.05) / (one.min(two) + 0.05)
    }

    /// Returns black or white, whichever has the higher contrast to this color. The contrast is at least 4.58 for every color.
    #[must_use]
    pub fn text_color(self) -> Self {
        if self.contrast(Self::WHITE) >= self.contrast(Self::BLACK) { Self::WHITE } else { Self::BLACK }
    }

    /// The relative luminance of WCAG 2.2.
    fn luminance(self) -> f64 {
        let [red, green, blue] = self.0.map(linear);
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }
}

fn linear(channel: u8) -> f64 {
    let share = f64::from(channel) / 255.0;
    if share <= 0.04045 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
}

impl FromStr for Color {
    type Err = BadColor;

    fn from_str(text: &str) -> Result<Self, BadColor> {
        let digits = text.strip_prefix('#').ok_or(BadColor)?;
        // `from_str_radix` would also accept a sign.
        if digits.len() != 6 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(BadColor);
        }
        let number = u32::from_str_radix(digits, 16).map_err(|_| BadColor)?;
        let [_, channels @ ..] = number.to_be_bytes();
        Ok(Self(channels))
    }
}

impl TryFrom<String> for Color {
    type Error = BadColor;

    fn try_from(text: String) -> Result<Self, BadColor> {
        text.parse()
    }
}

impl From<Color> for String {
    fn from(color: Color) -> Self {
        color.to_string()
    }
}

impl fmt::Display for Color {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [red, green, blue] = self.0;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn color(text: &str) -> Color {
        text.parse().unwrap()
    }

    #[test]
    fn a_color_is_a_hash_sign_and_six_hexadecimal_digits() {
        assert_eq!(color("#00AaFf").to_string(), "#00aaff");
        let bad =
            ["", "#", "00aaff", "#0af", "#00aaff0", "#00aaf", "#00aafg", "#+1aaff", "# 0aaff", "#00aaff;", "#ｆ0"];
        for text in bad {
            assert_eq!(text.parse::<Color>(), Err(BadColor), "{text:?}");
        }
    }

    #[test]
    fn contrast_ratios_follow_wcag() {
        for (one, two, expected) in [
            ("#000000", "#ffffff", 21.0),
            ("#777777", "#777777", 1.0),
            ("#767676", "#ffffff", 4.54),
            ("#ff0000", "#ffffff", 4.0),
            ("#0000ff", "#000000", 2.44),
        ] {
            let contrast = color(one).contrast(color(two));
            assert!((contrast - expected).abs() < 0.005, "{one} on {two}: {contrast}");
        }
    }

    proptest! {
        #[test]
        fn text_has_enough_contrast_on_every_color(channels: [u8; 3]) {
            let color = Color(channels);
            prop_assert!(color.contrast(color.text_color()) >= 4.5);
        }

        #[test]
        fn a_color_is_read_as_it_was_written(channels: [u8; 3]) {
            let color = Color(channels);
            prop_assert_eq!(color.to_string().parse(), Ok(color));
        }
    }
}
