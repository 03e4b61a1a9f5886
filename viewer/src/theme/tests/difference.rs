//! How different two colours look, also to people who see fewer: what the palette is held
//! against. CIEDE2000 (Sharma, Wu, Dalal 2005); simulation by Machado, Oliveira, Fernandes (2009).

/// Linear red, green, blue, 0 to 1.
pub(super) type Linear = [f64; 3];

/// Which cones somebody has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Vision {
    Normal,
    /// Lacks the long-wave cones.
    Protan,
    /// Lacks the middle-wave cones.
    Deutan,
    /// Lacks the short-wave cones.
    Tritan,
}

impl Vision {
    pub(super) const ALL: [Self; 4] = [Self::Normal, Self::Protan, Self::Deutan, Self::Tritan];

    /// A colour as seen (severity 1, matrices of the paper's table).
    #[must_use]
    pub(super) fn see(self, colour: Linear) -> Linear {
        let rows: [[f64; 3]; 3] = match self {
            Self::Normal => return colour,
            Self::Protan => [
                [0.152_286, 1.052_583, -0.204_868],
                [0.114_503, 0.786_281, 0.099_216],
                [-0.003_882, -0.048_116, 1.051_998],
            ],
            Self::Deutan => [
                [0.367_322, 0.860_646, -0.227_968],
                [0.280_085, 0.672_501, 0.047_413],
                [-0.011_820, 0.042_940, 0.968_881],
            ],
            Self::Tritan => [
                [1.255_528, -0.076_749, -0.178_779],
                [-0.078_411, 0.930_809, 0.147_602],
                [0.004_733, 0.691_367, 0.303_900],
            ],
        };
        rows.map(|row| {
            let sum: f64 = row.iter().zip(colour).map(|(a, b)| a * b).sum();
            sum.clamp(0.0, 1.0)
        })
    }
}

/// `0xRRGGBB` as linear light.
#[must_use]
pub(super) fn linear(hex: u32) -> Linear {
    [16, 8, 0].map(|shift| {
        let c = f64::from(hex >> shift & 255) / 255.0;
        if c <= 0.040_45 {
            c / 12.92
        } else {
            ((c + 0.055) / 1.055).powf(2.4)
        }
    })
}

/// WCAG contrast of two colours.
#[must_use]
pub(super) fn contrast(a: Linear, b: Linear) -> f64 {
    let light = |c: Linear| 0.2126 * c[0] + 0.7152 * c[1] + 0.0722 * c[2] + 0.05;
    let (a, b) = (light(a), light(b));
    a.max(b) / a.min(b)
}

/// CIE L*a*b* under D65.
#[must_use]
pub(super) fn lab(colour: Linear) -> [f64; 3] {
    let [red, green, blue] = colour;
    let x = (0.412_456_4 * red + 0.357_576_1 * green + 0.180_437_5 * blue) / 0.950_47;
    let y = 0.212_672_9 * red + 0.715_152_2 * green + 0.072_175_0 * blue;
    let z = (0.019_333_9 * red + 0.119_192_0 * green + 0.950_304_1 * blue) / 1.088_83;
    let f = |t: f64| {
        if t > 0.008_856 {
            t.cbrt()
        } else {
            7.787 * t + 16.0 / 116.0
        }
    };
    [
        116.0 * f(y) - 16.0,
        500.0 * (f(x) - f(y)),
        200.0 * (f(y) - f(z)),
    ]
}

/// ΔE2000 of two L*a*b* colours.
#[must_use]
pub(super) fn delta_e(one: [f64; 3], two: [f64; 3]) -> f64 {
    let pow7 = |c: f64| (c.powi(7) / (c.powi(7) + 25_f64.powi(7))).sqrt();
    let mean_c = f64::midpoint(one[1].hypot(one[2]), two[1].hypot(two[2]));
    let stretch = 1.0 + 0.5 * (1.0 - pow7(mean_c));
    let polar = |lab: [f64; 3]| {
        let a = lab[1] * stretch;
        (
            a.hypot(lab[2]),
            lab[2].atan2(a).to_degrees().rem_euclid(360.0),
        )
    };
    let ((c1, h1), (c2, h2)) = (polar(one), polar(two));
    let grey = c1 * c2 == 0.0;
    let mut dh = if grey { 0.0 } else { h2 - h1 };
    if dh > 180.0 {
        dh -= 360.0;
    } else if dh < -180.0 {
        dh += 360.0;
    }
    let big_dh = 2.0 * (c1 * c2).sqrt() * (dh / 2.0).to_radians().sin();
    let mean_l = f64::midpoint(one[0], two[0]);
    let mean_cp = f64::midpoint(c1, c2);
    let mean_h = if grey {
        h1 + h2
    } else if (h1 - h2).abs() <= 180.0 {
        f64::midpoint(h1, h2)
    } else if h1 + h2 < 360.0 {
        f64::midpoint(h1, h2) + 180.0
    } else {
        f64::midpoint(h1, h2) - 180.0
    };
    let cos = |degrees: f64| degrees.to_radians().cos();
    let t =
        1.0 - 0.17 * cos(mean_h - 30.0) + 0.24 * cos(2.0 * mean_h) + 0.32 * cos(3.0 * mean_h + 6.0)
            - 0.20 * cos(4.0 * mean_h - 63.0);
    let turn = 60.0 * (-((mean_h - 275.0) / 25.0).powi(2)).exp();
    let sl = 1.0 + 0.015 * (mean_l - 50.0).powi(2) / (20.0 + (mean_l - 50.0).powi(2)).sqrt();
    let sc = 1.0 + 0.045 * mean_cp;
    let sh = 1.0 + 0.015 * mean_cp * t;
    let rt = -2.0 * pow7(mean_cp) * turn.to_radians().sin();
    let (dl, dc, dh) = ((two[0] - one[0]) / sl, (c2 - c1) / sc, big_dh / sh);
    (dl * dl + dc * dc + dh * dh + rt * dc * dh).sqrt()
}
