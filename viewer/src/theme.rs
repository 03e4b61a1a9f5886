//! Colours: eight for states, checked for how far they lie apart, and the calm ones around them.

use bevy::{
    color::{ColorToComponents, LinearRgba, Srgba},
    prelude::{App, Resource},
};

#[cfg(test)]
mod tests;

/// Dark colours, all motion.
pub fn plugin(app: &mut App) {
    app.init_resource::<Appearance>();
}

/// How much of the picture moves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Motion {
    /// Nothing; states are told by colour and shape.
    None,
    /// Only the rings of waiting tasks.
    Reduced,
    /// Everything that can move.
    #[default]
    Full,
}

/// How the picture looks, by a person's choice.
#[derive(Resource, Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Appearance {
    /// Light or dark colours.
    pub theme: ThemeName,
    /// How much of it moves.
    pub motion: Motion,
}

/// Light or dark colours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ThemeName {
    /// Light colours on a dark one.
    #[default]
    Dark,
    /// Dark colours on a light one.
    Light,
}

/// The eight colours of states, by what they mean.
#[derive(Debug, Clone, Copy)]
pub struct StateColours {
    /// Waiting to be fetched; skipped and cancelled too.
    pub queued: u32,
    /// In flight, from fetching to saving.
    pub running: u32,
    /// It is saved for good.
    pub done: u32,
    /// Waiting for its next attempt.
    pub retry: u32,
    /// Its retries are used up.
    pub fatal: u32,
    /// Held by a person.
    pub paused: u32,
    /// Held by a breaker.
    pub parked: u32,
    /// Given up: a dead letter.
    pub dead: u32,
}

impl StateColours {
    /// All eight, in this order.
    #[must_use]
    pub const fn all(&self) -> [u32; 8] {
        [
            self.queued,
            self.running,
            self.done,
            self.retry,
            self.fatal,
            self.paused,
            self.parked,
            self.dead,
        ]
    }

    /// The colour of a sign's number.
    #[must_use]
    pub const fn of_sign(&self, sign: u32) -> u32 {
        match sign {
            2..=6 => self.running,
            7 => self.done,
            8 => self.retry,
            9 => self.fatal,
            10 => self.dead,
            13 => self.parked,
            14 => self.paused,
            _ => self.queued,
        }
    }
}

/// All colours of a theme, as `0xRRGGBB`.
#[derive(Debug, Clone, Copy)]
pub struct Theme {
    /// Which of the two it is.
    pub name: ThemeName,
    /// The eight colours of states.
    pub states: StateColours,
    /// Behind everything; what the contrast of states is measured against.
    pub background: u32,
    /// Fill of blocks and panels.
    pub panel: u32,
    /// Headers and raised parts.
    pub raised: u32,
    /// Lines, borders and pressed widgets.
    pub line: u32,
    /// Outlines and pupils of sprites.
    pub ink: u32,
    /// Eyes and paper of sprites, flashes.
    pub light: u32,
    /// What marks the selection.
    pub mark: u32,
    /// Text that is read first.
    pub text: u32,
    /// Text that matters less.
    pub faint: u32,
}

/// The theme for dark rooms.
pub const DARK: Theme = Theme {
    name: ThemeName::Dark,
    states: StateColours {
        queued: 0x5B_616A,
        running: 0x65_9AFE,
        done: 0x9C_F5B4,
        retry: 0xD7_C02C,
        fatal: 0xD2_2C0F,
        paused: 0xDF_DCEB,
        parked: 0x7E_44CE,
        dead: 0xEA_7BA1,
    },
    background: 0x0B_0D12,
    panel: 0x0F_1218,
    raised: 0x17_1B24,
    line: 0x2A_303C,
    ink: 0x07_090D,
    light: 0xFF_FFFF,
    mark: 0xFF_FFFF,
    text: 0xE4_E8F0,
    faint: 0x98_A1B0,
};

/// The theme for bright rooms.
pub const LIGHT: Theme = Theme {
    name: ThemeName::Light,
    states: StateColours {
        queued: 0x58_6E58,
        running: 0x3C_76FF,
        done: 0x07_A25D,
        retry: 0x7D_6900,
        fatal: 0x7E_000E,
        paused: 0x31_2532,
        parked: 0x2C_1979,
        dead: 0xE2_2A98,
    },
    background: 0xF4_F6F9,
    panel: 0xFC_FDFE,
    raised: 0xEB_EEF3,
    line: 0xCB_D1DB,
    ink: 0x12_151C,
    light: 0xFF_FFFF,
    mark: 0x12_151C,
    text: 0x1A_1F29,
    faint: 0x5A_6373,
};

impl ThemeName {
    /// The colours of this theme.
    #[must_use]
    pub const fn theme(self) -> &'static Theme {
        match self {
            Self::Dark => &DARK,
            Self::Light => &LIGHT,
        }
    }
}

/// `0xRRGGBB` as linear light, which is what the shader mixes.
#[must_use]
pub fn shader(hex: u32) -> [f32; 4] {
    let [_, r, g, b] = hex.to_be_bytes();
    LinearRgba::from(Srgba::rgb_u8(r, g, b)).to_f32_array()
}

impl Theme {
    /// Linear colours by sign.
    #[must_use]
    pub fn sign_colours(&self) -> [[f32; 4]; 16] {
        let mut colours = [[0.0; 4]; 16];
        for (sign, colour) in (0_u32..).zip(&mut colours) {
            *colour = shader(self.states.of_sign(sign));
        }
        colours
    }

    /// Panel, header, line, ink, light, mark.
    #[must_use]
    pub fn surfaces(&self) -> [[f32; 4]; 8] {
        [
            self.panel,
            self.raised,
            self.line,
            self.ink,
            self.light,
            self.mark,
            self.background,
            self.text,
        ]
        .map(shader)
    }
}
