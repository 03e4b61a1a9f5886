mod difference;

use super::{DARK, LIGHT, Theme};
use difference::{Vision, contrast, delta_e, lab, linear};

#[test]
fn colour_difference_agrees_with_the_published_pairs() {
    for (one, two, expected) in [
        ([50.0, 2.6772, -79.7751], [50.0, 0.0, -82.7485], 2.0425),
        ([50.0, -1.3802, -84.2814], [50.0, 0.0, -82.7485], 1.0),
        ([50.0, 2.49, -0.001], [50.0, -2.49, 0.0009], 7.1792),
        ([50.0, 2.5, 0.0], [73.0, 25.0, -18.0], 27.1492),
        (
            [60.2574, -34.0099, 36.2677],
            [60.4626, -34.1751, 39.4387],
            1.2644,
        ),
        (
            [2.0776, 0.0795, -1.1350],
            [0.9033, -0.0636, -0.5514],
            0.9082,
        ),
    ] {
        let found = delta_e(one, two);
        assert!(
            (found - expected).abs() < 1e-4,
            "{one:?} {two:?}: {found}, not {expected}"
        );
    }
}

#[test]
fn states_differ_in_four_kinds_of_vision() {
    for theme in [&DARK, &LIGHT] {
        for vision in Vision::ALL {
            let seen = theme.states.all().map(|hex| lab(vision.see(linear(hex))));
            for (i, one) in seen.iter().enumerate() {
                for (j, two) in seen.iter().enumerate().skip(i + 1) {
                    let difference = delta_e(*one, *two);
                    assert!(
                        difference >= 15.0,
                        "{:?} {vision:?}: colours {i} and {j} differ by {difference:.1}",
                        theme.name
                    );
                }
            }
        }
    }
}

#[test]
fn states_and_text_stand_out_from_what_is_behind_them() {
    let check = |theme: &Theme, hex: u32, least: f64| {
        for behind in [theme.background, theme.panel] {
            let found = contrast(linear(hex), linear(behind));
            assert!(
                found >= least,
                "{:?}: {hex:06X} on {behind:06X} is {found:.2}",
                theme.name
            );
        }
    };
    for theme in [&DARK, &LIGHT] {
        for hex in theme.states.all() {
            check(theme, hex, 3.0);
        }
        check(theme, theme.text, 7.0);
        check(theme, theme.faint, 4.5);
    }
}
