//! The colour of a customer's logo on the pages for their people.
//!
//! Customers choose any colour, so none can be trusted to be readable: text on it is black or white, and where it hardly
//! differs from the card around it, an edge shows where the button ends. Nothing but the parsed colour gets into the style.

use shared::color::Color;

use crate::csp;

/// What an edge has to differ by from what is around it (WCAG 2.2, criterion 1.4.11).
const EDGE_CONTRAST: f64 = 3.0;

/// The card's colour, `--card` in `page.css`, light and dark.
const CARDS: [&str; 2] = ["#ffffff", "#171e29"];

/// A style sheet that comes after the pages' own and gives one page a customer's colour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Accent {
    /// The style sheet.
    pub(crate) style: String,
    /// The same as a source for a Content-Security-Policy.
    pub(crate) source: String,
}

impl Accent {
    /// That of a logo's colour.
    pub(crate) fn of(color: Color) -> Self {
        let [light_edge, dark_edge] = CARDS.map(|card| edge(color, card));
        let ink = color.text_on_it();
        let style = format!(
            ":root {{ --brand: {color}; --button: {color}; --button-ink: {ink}; --button-edge: {light_edge}; }}\n\
             @media (prefers-color-scheme: dark) {{ :root {{ --button-edge: {dark_edge}; }} }}"
        );
        let source = csp::source(&style);
        Self { style, source }
    }
}

/// The colour of the button's edge on a card: none where the button stands out by itself, else that of lesser text.
fn edge(color: Color, card: &str) -> &'static str {
    let card: Color = card.parse().expect("the card's colour is one");
    if color.contrast(card) >= EDGE_CONTRAST { "transparent" } else { "var(--soft)" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::STYLE;

    fn accent(color: &str) -> Accent {
        Accent::of(color.parse().unwrap())
    }

    /// The values of a variable in the style sheet: light and dark.
    fn values(name: &str) -> Vec<&'static str> {
        let declaration = format!("--{name}: ");
        STYLE.split(&declaration).skip(1).map(|rest| rest.split(';').next().unwrap()).collect()
    }

    fn contrast(one: &str, other: &str) -> f64 {
        one.parse::<Color>().unwrap().contrast(other.parse().unwrap())
    }

    #[test]
    fn the_cards_colours_are_those_of_the_style_sheet() {
        assert_eq!(values("card"), CARDS);
    }

    #[test]
    fn a_button_that_hardly_differs_from_the_card_gets_an_edge() {
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
    fn the_style_names_the_colour_and_nothing_else_of_the_customers() {
        let expected = ":root { --brand: #ffe600; --button: #ffe600; --button-ink: #000000; --button-edge: var(--soft); }\n\
             @media (prefers-color-scheme: dark) { :root { --button-edge: transparent; } }";
        assert_eq!(accent("#FFE600").style, expected);
    }

    #[test]
    fn all_that_is_read_stands_out_in_both_schemes() {
        for (front, back, least) in [
            ("ink", "card", 7.0),
            ("soft", "card", 4.5),
            ("soft", "ground", 4.5),
            ("ink", "ground", 4.5),
            ("button-ink", "button", 4.5),
            ("button", "card", 3.0),
            ("tone", "tint", 4.5),
        ] {
            for (front, back) in values(front).into_iter().zip(values(back)) {
                assert!(contrast(front, back) >= least, "{front} on {back}: {}", contrast(front, back));
            }
        }
    }
}
