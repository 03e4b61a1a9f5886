//! The palette: how far its eight colours lie apart, in four kinds of vision and two themes.

use crawlfield_engine::bench::{Bound, Row, Table};
use crawlfield_viewer::theme::ThemeName;

use crate::difference::{Vision, contrast, delta_e, lab, linear};

pub fn print(_is_quick: bool) {
    let mut rows = Vec::new();
    for name in [ThemeName::Dark, ThemeName::Light] {
        let theme = name.theme();
        let states = theme.states.all();
        for vision in Vision::ALL {
            let seen = states.map(|hex| lab(vision.see(linear(hex))));
            let pairs = (0..seen.len()).flat_map(|a| (0..a).map(move |b| (a, b)));
            let least = pairs
                .map(|(a, b)| delta_e(seen[a], seen[b]))
                .fold(f64::MAX, f64::min);
            let what = format!("{name:?}, {vision:?}: least difference of two (ΔE2000)");
            rows.push(Row::figure(what, least).bound(Bound::AtLeast(15.0)));
        }
        let grounds = [theme.background, theme.panel];
        let least = states
            .iter()
            .flat_map(|hex| grounds.map(|ground| contrast(linear(*hex), linear(ground))))
            .fold(f64::MAX, f64::min);
        let what = format!("{name:?}: least contrast with its ground");
        rows.push(Row::figure(what, least).bound(Bound::AtLeast(3.0)));
    }
    println!(
        "{}",
        Table {
            name: "colours",
            title: "the eight colours of states".to_owned(),
            rows,
        }
    );
}
