//! What a benchmark prints: rows with a figure, what it is held against, and whether it holds.

use std::fmt;

use serde_json::{Value as Json, json};

/// A figure and its bound.
#[derive(Debug, Clone)]
pub struct Row {
    /// What was measured, with its unit.
    pub what: String,
    /// The figure.
    pub value: f64,
    /// What it was compared with in the same run, if anything.
    pub against: Option<f64>,
    /// The bound it is held to.
    pub bound: Option<Bound>,
}

/// What a figure is held to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bound {
    /// It shall be so much or more.
    AtLeast(f64),
    /// It shall be so much or less.
    AtMost(f64),
}

impl Row {
    /// A figure for information.
    pub fn figure(what: impl Into<String>, value: f64) -> Self {
        Self {
            what: what.into(),
            value,
            against: None,
            bound: None,
        }
    }

    /// A figure beside another of the same unit; what counts is their ratio.
    #[must_use]
    pub const fn beside(mut self, against: f64) -> Self {
        self.against = Some(against);
        self
    }

    /// The ratio where there is one, else the figure, is held to this.
    #[must_use]
    pub const fn bound(mut self, bound: Bound) -> Self {
        self.bound = Some(bound);
        self
    }

    /// The figure as a share of what it is compared with.
    #[must_use]
    pub fn ratio(&self) -> Option<f64> {
        self.against.map(|against| self.value / against)
    }

    /// Whether the bound is kept; none without one.
    #[must_use]
    pub fn holds(&self) -> Option<bool> {
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
            "what": self.what, "value": self.value, "against": self.against,
            "ratio": self.ratio(), "bound": bound, "holds": self.holds(),
        })
    }
}

/// Rows of one question.
#[derive(Debug, Clone)]
pub struct Table {
    /// For `--only` and for scripts.
    pub name: &'static str,
    /// The question, for people.
    pub title: String,
    /// In order.
    pub rows: Vec<Row>,
}

impl Table {
    /// The table as one JSON document.
    #[must_use]
    pub fn json(&self) -> Json {
        let rows: Vec<Json> = self.rows.iter().map(Row::json).collect();
        json!({ "table": self.name, "title": self.title, "rows": rows })
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {}", self.name, self.title)?;
        let shown: Vec<(String, String, String)> = self.rows.iter().map(cells).collect();
        let width = |of: fn(&(String, String, String)) -> &String| {
            shown
                .iter()
                .map(|row| of(row).chars().count())
                .max()
                .unwrap_or(0)
        };
        let (first, second, third) = (
            width(|row| &row.0),
            width(|row| &row.1),
            width(|row| &row.2),
        );
        for (row, (what, value, against)) in self.rows.iter().zip(&shown) {
            write!(f, "  {what:<first$}  {value:>second$}  {against:>third$}")?;
            match row.ratio() {
                Some(ratio) => write!(f, "  ratio {ratio:>5.2}")?,
                None => write!(f, "             ")?,
            }
            match (row.bound, row.holds()) {
                (Some(Bound::AtLeast(least)), Some(holds)) => {
                    write!(f, "  at least {least}: {}", word(holds))?;
                }
                (Some(Bound::AtMost(most)), Some(holds)) => {
                    write!(f, "  at most {most}: {}", word(holds))?;
                }
                _ => {}
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

fn cells(row: &Row) -> (String, String, String) {
    let against = row
        .against
        .map_or_else(String::new, |against| format!("beside {}", number(against)));
    (row.what.clone(), number(row.value), against)
}

fn number(value: f64) -> String {
    match value.abs() {
        big if big >= 100.0 => format!("{value:.0}"),
        middle if middle >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.3}"),
    }
}

const fn word(holds: bool) -> &'static str {
    if holds { "yes" } else { "NO" }
}
