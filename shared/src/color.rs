//! Colours, and how well one can be read on another.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// An opaque colour, written `#rrggbb`. It is shown in lower case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String, pattern = "^#[0-9a-fA-F]{6}$", example = "#1f3fbf"))]
#[serde(try_from = "String", into = "String")]
pub struct Color([u8; 3]);

/// A text that is no [`Color`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must be a colour of the form #rrggbb")]
pub struct BadColor;

impl Color {
    /// Black.
    pub const BLACK: Self = Self([0; 3]);

    /// White.
    pub const WHITE: Self = Self([255; 3]);

    /// How well one of the two can be told from the other, from 1 (not at all) to 21: the contrast ratio of WCAG 2.2. Text
    /// wants 4.5 of it, the outline of a button 3 (criteria 1.4.3 and 1.4.11).
    pub fn contrast(self, other: Self) -> f64 {
        let (one, two) = (self.luminance(), other.luminance());
        (one.max(two) + 0.05) / (one.min(two) + 0.05)
    }

    /// Black or white, whichever can be read better on this colour. The contrast is 4.58 at least, whatever the colour.
    #[must_use]
    pub fn text_on_it(self) -> Self {
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
        // Checked first, because numbers are also read with a sign.
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
    fn a_color_is_a_hash_and_six_digits() {
        assert_eq!(color("#00AaFf").to_string(), "#00aaff");
        let bad =
            ["", "#", "00aaff", "#0af", "#00aaff0", "#00aaf", "#00aafg", "#+1aaff", "# 0aaff", "#00aaff;", "#ｆ0"];
        for text in bad {
            assert_eq!(text.parse::<Color>(), Err(BadColor), "{text:?}");
        }
    }

    #[test]
    fn contrasts_are_those_of_wcag() {
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
        fn text_can_be_read_on_any_color(channels: [u8; 3]) {
            let color = Color(channels);
            prop_assert!(color.contrast(color.text_on_it()) >= 4.5);
        }

        #[test]
        fn what_is_shown_is_read_again(channels: [u8; 3]) {
            let color = Color(channels);
            prop_assert_eq!(color.to_string().parse(), Ok(color));
        }
    }
}
