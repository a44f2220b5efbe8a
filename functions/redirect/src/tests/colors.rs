//! Contrast of the style sheet's colours.

use aws::lambda::accent::CARDS;
use domain::projects::color::Color;

const STYLE: &str = include_str!("../../templates/page.css");

/// The values of a variable in the style sheet, light and dark.
fn values(name: &str) -> Vec<&'static str> {
    let declaration = format!("--{name}: ");
    STYLE.split(&declaration).skip(1).map(|rest| rest.split(';').next().unwrap()).collect()
}

fn contrast(one: &str, other: &str) -> f64 {
    one.parse::<Color>().unwrap().contrast(other.parse().unwrap())
}

#[test]
fn the_accent_assumes_the_card_colours_of_the_style_sheet() {
    assert_eq!(values("card"), CARDS);
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
