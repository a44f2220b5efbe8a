//! The colour of a customer's logo as the accent of pages.
//!
//! Customers can choose any colour, so the pages keep it readable: text on it is black or white, and a button that hardly
//! contrasts with the card gets a visible edge. Only the parsed colour enters the style sheet.

use domain::projects::color::Color;

use crate::lambda::csp;

/// The minimum contrast of a button's edge with the card (WCAG 2.2, criterion 1.4.11).
const EDGE_CONTRAST: f64 = 3.0;

/// The colour of the card in the light and the dark scheme: `--card` in the style sheets of all pages.
pub const CARDS: [&str; 2] = ["#ffffff", "#171e29"];

/// A style sheet that follows the pages' own and sets the customer's colour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accent {
    /// The CSS.
    pub style: String,
    /// The source expression that allows this style sheet in a Content-Security-Policy.
    pub source: String,
}

impl Accent {
    /// Builds the style sheet for a logo's colour.
    pub fn new(color: Color) -> Self {
        let [light_edge, dark_edge] = CARDS.map(|card| edge(color, card));
        let ink = color.text_color();
        let style = format!(
            ":root {{ --brand: {color}; --button: {color}; --button-ink: {ink}; --button-edge: {light_edge}; }}\n\
             @media (prefers-color-scheme: dark) {{ :root {{ --button-edge: {dark_edge}; }} }}"
        );
        let source = csp::source(&style);
        Self { style, source }
    }
}

/// The colour of the button's edge on a card: transparent if the button contrasts enough, otherwise that of secondary text.
fn edge(color: Color, card: &str) -> &'static str {
    let card: Color = card.parse().expect("CARDS holds colours");
    if color.contrast(card) >= EDGE_CONTRAST { "transparent" } else { "var(--soft)" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accent(color: &str) -> Accent {
        Accent::new(color.parse().unwrap())
    }

    #[test]
    fn a_button_with_little_contrast_to_the_card_gets_an_edge() {
        for (color, light, dark) in [
            ("#ffffff", "var(--soft)", "transparent"),
            ("#ffe600", "var(--soft)", "transparent"),
            ("#000000", "transparent", "var(--soft)"),
            ("#1f2a44", "transparent", "var(--soft)"),
            ("#d6336c", "transparent", "transparent"),
        ] {
            let Accent { style, .. } = accent(color);
            assert!(style.contains(&format!("--button-edge: {light}; }}\n")), "{style}");
            assert!(style.ends_with(&format!("--button-edge: {dark}; }} }}")), "{style}");
        }
    }

    #[test]
    fn the_accent_contains_only_the_colour_of_the_customer() {
        let expected = ":root { --brand: #ffe600; --button: #ffe600; --button-ink: #000000; --button-edge: var(--soft); }\n\
             @media (prefers-color-scheme: dark) { :root { --button-edge: transparent; } }";
        assert_eq!(accent("#FFE600").style, expected);
    }
}
