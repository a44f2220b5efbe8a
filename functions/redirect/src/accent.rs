//! The colour of a customer's logo as the accent of the pages.
//!
//! Customers can choose any colour, so the pages keep it readable: text on it is black or white, and a button that hardly
//! contrasts with the card gets a visible edge. Only the parsed colour enters the style sheet.

use domain::projects::color::Color;

use crate::csp;

/// The minimum contrast of a button's edge with the card (WCAG 2.2, criterion 1.4.11).
const EDGE_CONTRAST: f64 = 3.0;

/// The colour of the card in the light and the dark scheme: `--card` in `page.css`.
const CARDS: [&str; 2] = ["#ffffff", "#171e29"];

/// A style sheet that follows the pages' own and sets the customer's colour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Accent {
    /// The CSS.
    pub(crate) style: String,
    /// The source expression that allows this style sheet in a Content-Security-Policy.
    pub(crate) source: String,
}

impl Accent {
    /// Builds the style sheet for a logo's colour.
    pub(crate) fn new(color: Color) -> Self {
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

    const STYLE: &str = include_str!("../templates/page.css");

    fn accent(color: &str) -> Accent {
        Accent::new(color.parse().unwrap())
    }

    /// The values of a variable in the style sheet, light and dark.
    fn values(name: &str) -> Vec<&'static str> {
        let declaration = format!("--{name}: ");
        STYLE.split(&declaration).skip(1).map(|rest| rest.split(';').next().unwrap()).collect()
    }

    fn contrast(one: &str, other: &str) -> f64 {
        one.parse::<Color>().unwrap().contrast(other.parse().unwrap())
    }

    #[test]
    fn the_card_colours_equal_those_of_the_style_sheet() {
        assert_eq!(values("card"), CARDS);
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

    #[test]
    fn text_and_controls_have_enough_contrast_in_both_schemes() {
        for (front, back, minimum) in [
            ("ink", "card", 7.0),
            ("soft", "card", 4.5),
            ("soft", "ground", 4.5),
            ("ink", "ground", 4.5),
            ("button-ink", "button", 4.5),
            ("button", "card", 3.0),
            ("tone", "tint", 4.5),
        ] {
            for (front, back) in values(front).into_iter().zip(values(back)) {
                assert!(contrast(front, back) >= minimum, "{front} on {back}: {}", contrast(front, back));
            }
        }
    }
}
