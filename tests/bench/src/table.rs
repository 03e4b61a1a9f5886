//! What a benchmark prints: rows with a figure, what it is held against, and whether it holds.

use std::fmt::Write as _;

use serde_json::{Value as Json, json};

/// A figure and its bound.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    /// What was measured, with its unit.
    what: String,
    value: f64,
    /// What it was compared with in the same run, in the same unit.
    beside: Option<f64>,
    bound: Option<Bound>,
}

#[derive(Debug, Clone, Copy)]
enum Bound {
    AtLeast(f64),
    AtMost(f64),
}

impl Row {
    /// A figure for information.
    pub(crate) fn figure(what: impl Into<String>, value: f64) -> Self {
        Self {
            what: what.into(),
            value,
            beside: None,
            bound: None,
        }
    }

    /// A figure beside another of the same unit; what counts is their ratio.
    pub(crate) fn beside(self, other: f64) -> Self {
        Self {
            beside: Some(other),
            ..self
        }
    }

    /// The ratio where there is one, else the figure, shall be so much or more.
    pub(crate) fn at_least(self, least: f64) -> Self {
        Self {
            bound: Some(Bound::AtLeast(least)),
            ..self
        }
    }

    /// The ratio where there is one, else the figure, shall be so much or less.
    pub(crate) fn at_most(self, most: f64) -> Self {
        Self {
            bound: Some(Bound::AtMost(most)),
            ..self
        }
    }

    fn ratio(&self) -> Option<f64> {
        self.beside.map(|other| self.value / other)
    }

    /// Whether the bound is kept; none without one.
    pub(crate) fn holds(&self) -> Option<bool> {
        let judged = self.ratio().unwrap_or(self.value);
        Some(match self.bound? {
            Bound::AtLeast(least) => judged >= least,
            Bound::AtMost(most) => judged <= most,
        })
    }

    fn json(&self) -> Json {
        let bound = self.bound.map(|bound| match bound {
            Bound::AtLeast(least) => json!({ "atLeast": least }),
            Bound::AtMost(most) => json!({ "atMost": most }),
        });
        json!({
            "what": self.what, "value": self.value, "against": self.beside,
            "ratio": self.ratio(), "bound": bound, "holds": self.holds(),
        })
    }

    fn line(&self) -> String {
        let beside = self.beside.map(number).unwrap_or_default();
        let ratio = self.ratio().map(|ratio| format!("{ratio:.2}"));
        let bound = self.bound.map_or_else(String::new, |bound| {
            let word = if self.holds() == Some(true) {
                "yes"
            } else {
                "NO"
            };
            match bound {
                Bound::AtLeast(least) => format!("  at least {least}: {word}"),
                Bound::AtMost(most) => format!("  at most {most}: {word}"),
            }
        });
        let (what, value, ratio) = (&self.what, number(self.value), ratio.unwrap_or_default());
        let line = format!("  {what:<60}{value:>10}{beside:>10}{ratio:>7}{bound}");
        line.trim_end().to_owned()
    }
}

/// Over the columns of all parts of the table.
pub(crate) fn head() -> String {
    format!(
        "{:<62}{:>10}{:>10}{:>7}  bound",
        "", "figure", "beside", "ratio"
    )
}

/// A part of the table: the rows of one question.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    /// The question, for people.
    pub(crate) title: String,
    pub(crate) rows: Vec<Row>,
}

impl Part {
    /// As one JSON document.
    pub(crate) fn json(&self, name: &str) -> Json {
        let rows: Vec<Json> = self.rows.iter().map(Row::json).collect();
        json!({ "table": name, "title": self.title, "rows": rows })
    }

    /// As lines of the table.
    pub(crate) fn lines(&self, name: &str) -> String {
        let mut out = format!("{name}: {}\n", self.title);
        for row in &self.rows {
            writeln!(out, "{}", row.line()).expect("a string takes all");
        }
        out
    }
}

fn number(value: f64) -> String {
    match value.abs() {
        big if big >= 100.0 => format!("{value:.0}"),
        middle if middle >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.3}"),
    }
}
