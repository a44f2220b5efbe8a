//! The frame of all pages: header, navigation, notice. A page's template extends `shell.html` and has a field `shell`.

use std::borrow::Borrow;
use std::sync::LazyLock;

use aws::lambda::accent::Accent;
use aws::lambda::csp;
use domain::projects::api_key::Scope;
use domain::projects::console::{ReturnTo, Role};

use crate::http::form::Form;
use crate::http::problem::ApiProblem;
use crate::http::visitor::Visitor;
use crate::layout::field_errors::FieldError;
use crate::layout::nav::Area;
use crate::layout::problem_words;
use crate::layout::words::Words;

/// The style sheet of all pages.
pub(crate) const STYLE: &str = include_str!("../../templates/console.css");

/// The script of all pages. They work without it.
pub(crate) const SCRIPT: &str = include_str!("../../templates/console.js");

/// The source expressions of the style sheet and of the script.
pub(crate) static SOURCES: LazyLock<(String, String)> = LazyLock::new(|| (csp::source(STYLE), csp::source(SCRIPT)));

/// The frame of a page.
pub(crate) struct Shell {
    visitor: Visitor,
    /// Texts that several pages use.
    pub(crate) words: &'static Words,
    /// The area that the page belongs to.
    pub(crate) area: Option<Area>,
    /// The title of the page.
    pub(crate) title: String,
    /// What was done before this page.
    pub(crate) notice: Option<&'static str>,
    /// Whether the page shows a refused form.
    pub(crate) is_refused: bool,
}

/// A link of the navigation.
pub(crate) struct NavLink {
    pub(crate) path: &'static str,
    pub(crate) label: &'static str,
    pub(crate) is_current: bool,
}

impl Shell {
    /// The frame of a page in `area`.
    pub(crate) fn new(visitor: &Visitor, area: Area, title: impl Into<String>) -> Self {
        Self { area: Some(area), ..Self::without_area(visitor, title) }
    }

    /// The frame of a page that belongs to no area, such as that of an unknown path.
    pub(crate) fn without_area(visitor: &Visitor, title: impl Into<String>) -> Self {
        let (words, title) = (Words::of(visitor.language()), title.into());
        Self { visitor: visitor.clone(), words, area: None, title, notice: None, is_refused: false }
    }

    /// Shows what was done before this page.
    #[must_use]
    pub(crate) fn with_notice(self, notice: Option<&'static str>) -> Self {
        Self { notice, ..self }
    }

    /// Says in the title that the form was refused, if it was.
    #[must_use]
    pub(crate) fn with_form(self, form: &Form) -> Self {
        Self { is_refused: form.problem().is_some(), ..self }
    }

    /// Whether the role has a scope.
    pub(crate) fn may(&self, scope: impl Borrow<Scope>) -> bool {
        self.visitor.may(*scope.borrow())
    }

    /// Which roles have `scope`, as a sentence.
    pub(crate) fn who_may(&self, scope: impl Borrow<Scope>) -> &'static str {
        self.words.only(Role::lowest_with(*scope.borrow()))
    }

    pub(crate) fn language(&self) -> &'static str {
        self.visitor.language().as_str()
    }

    pub(crate) fn project_name(&self) -> &str {
        self.visitor.open_session().project_name.as_str()
    }

    pub(crate) fn user_name(&self) -> &str {
        self.visitor.session().user.name.as_str()
    }

    pub(crate) fn role(&self) -> &'static str {
        self.words.role(self.visitor.role())
    }

    pub(crate) fn accent(&self) -> Option<&Accent> {
        self.visitor.open_session().accent.as_ref()
    }

    pub(crate) fn return_to(&self) -> Option<&str> {
        self.visitor.session().return_to.as_ref().map(ReturnTo::as_str)
    }

    /// The areas that the role may see.
    pub(crate) fn nav_links(&self) -> impl Iterator<Item = NavLink> {
        let areas = Area::ALL.into_iter().filter(|area| self.may(area.scope()));
        areas.map(|area| NavLink {
            path: area.path(),
            label: area.label(self.words),
            is_current: self.area == Some(area),
        })
    }

    /// The label of the page's area.
    pub(crate) fn area_label(&self) -> Option<&'static str> {
        self.area.map(|area| area.label(self.words))
    }

    /// What is wrong with a field, as a sentence in the language of the page.
    pub(crate) fn field_error(&self, detail: &str) -> FieldError {
        FieldError::new(detail, self.visitor.language())
    }

    /// Why the api refused a form, in the language of the page.
    pub(crate) fn problem_text(&self, problem: &ApiProblem) -> String {
        problem_words::api_text(problem, self.visitor.language())
    }
}

#[cfg(test)]
mod tests {
    use aws::lambda::accent::CARDS;
    use domain::projects::color::Color;

    use super::*;

    /// The values of a variable in the style sheet, light and dark.
    fn values(name: &str) -> Vec<&'static str> {
        let declaration = format!("--{name}: ");
        STYLE.split(&declaration).skip(1).map(|rest| rest.split(';').next().unwrap()).collect()
    }

    #[test]
    fn style_sheet_and_script_are_small() {
        assert!(STYLE.len() <= 10 * 1024, "{} bytes", STYLE.len());
        assert!(SCRIPT.len() <= 2 * 1024, "{} bytes", SCRIPT.len());
    }

    #[test]
    fn the_accent_assumes_the_card_colours_of_the_style_sheet() {
        assert_eq!(values("card"), CARDS);
    }

    #[test]
    fn text_and_controls_have_enough_contrast_in_both_schemes() {
        let tones = ["ok", "warn", "bad", "held", "idle"];
        let on_tints = tones.map(|tone| (tone.to_owned(), format!("{tone}-tint"), 4.5));
        let on_cards = tones.map(|tone| (tone.to_owned(), "card".to_owned(), 4.5));
        let others = [
            ("ink", "card", 7.0),
            ("ink", "ground", 7.0),
            ("soft", "card", 4.5),
            ("soft", "ground", 4.5),
            ("link", "card", 4.5),
            ("link", "ground", 4.5),
            ("button-ink", "button", 4.5),
            ("button", "card", 3.0),
            ("button", "ground", 3.0),
        ];
        let others = others.map(|(front, back, minimum)| (front.to_owned(), back.to_owned(), minimum));
        for (front, back, minimum) in on_tints.into_iter().chain(on_cards).chain(others) {
            let (fronts, backs) = (values(&front), values(&back));
            assert_eq!((fronts.len(), backs.len()), (2, 2), "{front} {back}");
            for (one, other) in fronts.into_iter().zip(backs) {
                let contrast = one.parse::<Color>().unwrap().contrast(other.parse().unwrap());
                assert!(contrast >= minimum, "{front} {one} on {back} {other}: {contrast}");
            }
        }
    }
}
