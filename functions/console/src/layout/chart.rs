//! Bars as SVG, with the same numbers in a table. Colours are classes of the style sheet, because the policy allows no `style`
//! attributes.

use askama::Template;

use crate::layout::time::grouped;

/// Width of the drawing in its own units. Height is 100.
const WIDTH: f64 = 100.0;

/// Share of a bar's place that stays empty.
const GAP: f64 = 0.24;

/// A chart of stacked bars.
#[derive(Template)]
#[template(path = "chart.html")]
pub(crate) struct BarChart<'a> {
    /// Unique in the page.
    pub(crate) id: &'a str,
    /// What the chart shows, for people who do not see it.
    pub(crate) title: &'a str,
    /// The heading of the table's first column, such as "day".
    pub(crate) label_heading: &'a str,
    /// The label of the part that opens the table.
    pub(crate) as_a_table: &'a str,
    pub(crate) series: Vec<Series<'a>>,
    pub(crate) bars: Vec<Bar>,
}

/// One part of all bars.
pub(crate) struct Series<'a> {
    pub(crate) name: &'a str,
    /// The class of the colour: `ok`, `warn`, `bad`, `held` or `idle`.
    pub(crate) tone: &'static str,
}

/// One bar.
pub(crate) struct Bar {
    pub(crate) label: String,
    /// A page with details, if there is one.
    pub(crate) href: Option<String>,
    /// One value for each series, from the bottom.
    pub(crate) values: Vec<u64>,
}

/// A rectangle of the drawing.
struct Part {
    tone: &'static str,
    x: String,
    y: String,
    width: String,
    height: String,
}

impl BarChart<'_> {
    /// The table's cells of a bar: the name of the series and the number.
    fn cells(&self, bar: &Bar) -> Vec<(&str, String)> {
        self.series.iter().zip(&bar.values).map(|(series, value)| (series.name, grouped(*value))).collect()
    }

    #[expect(clippy::cast_precision_loss, reason = "a drawing has two digits")]
    fn parts(&self) -> Vec<Part> {
        let largest = self.bars.iter().map(|bar| bar.values.iter().sum::<u64>()).max().unwrap_or(0).max(1) as f64;
        let place = WIDTH / self.bars.len().max(1) as f64;
        let mut parts = Vec::new();
        for (index, bar) in self.bars.iter().enumerate() {
            let mut bottom = 100.0;
            for (series, value) in self.series.iter().zip(&bar.values).filter(|(_, value)| **value > 0) {
                let height = *value as f64 / largest * 100.0;
                bottom -= height;
                let (x, width) = (place * (index as f64 + GAP / 2.0), place * (1.0 - GAP));
                let [x, y, width, height] = [x, bottom, width, height].map(|number| format!("{number:.2}"));
                parts.push(Part { tone: series.tone, x, y, width, height });
            }
        }
        parts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_stacked_and_the_largest_fills_the_height() {
        let series = vec![Series { name: "delivered", tone: "ok" }, Series { name: "failed", tone: "bad" }];
        let bar = |label: &str, values: [u64; 2]| Bar { label: label.to_owned(), href: None, values: values.to_vec() };
        let bars = vec![bar("a", [0, 0]), bar("b", [1500, 500]), bar("<c>", [0, 1000])];
        let chart =
            BarChart { id: "days", title: "By day", label_heading: "Day", as_a_table: "As a table", series, bars };
        let drawn: Vec<_> = chart.parts().into_iter().map(|part| (part.tone, part.y, part.height)).collect();
        let expected = [("ok", "25.00", "75.00"), ("bad", "0.00", "25.00"), ("bad", "50.00", "50.00")];
        assert_eq!(drawn, expected.map(|(tone, y, height)| (tone, y.to_owned(), height.to_owned())));
        let html = chart.render().unwrap();
        assert!(html.contains("1,500") && html.contains("&#60;c&#62;") && !html.contains("style="), "{html}");
    }

    #[test]
    fn a_chart_without_values_is_drawn_without_bars() {
        let chart = BarChart {
            id: "days",
            title: "By day",
            label_heading: "Day",
            as_a_table: "t",
            series: Vec::new(),
            bars: Vec::new(),
        };
        assert!(chart.parts().is_empty() && chart.render().is_ok());
    }
}
