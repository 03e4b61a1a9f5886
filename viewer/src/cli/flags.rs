//! The viewer's flags: what it watches, and how.

use std::{net::SocketAddr, path::PathBuf};

use clap::Parser;
use crawlfield_engine::{
    cli::{
        Failure, read_file,
        run::{connect_to, store_of},
        settings_flags::SettingsFlags,
    },
    run::job::{DemoFlags, Job, story},
    settings::Settings,
};

use crate::{
    pin::{Link, Pin},
    probe::Requirement,
    theme::{Appearance, Motion, ThemeName},
    window::pacing::Quality,
};

const EXAMPLES: &str = "\
Examples:
  crawlfield-viewer                                    watch the embedded demo as a story
  crawlfield-viewer books.toml                         watch a crawl into NAME.db
  crawlfield-viewer --replay run.cfr                   watch a recording
  crawlfield-viewer --replay run.cfr --screenshot out.png --at 12 --size 1280x720
  crawlfield-viewer --replay run.cfr --frames frames --fps 30 --for 10
  ffmpeg -framerate 30 -i frames/%06d.png -pix_fmt yuv420p run.mp4

Keys: ? lists them, Q quits. In a recording: Space plays and holds, [ and ] slower and faster,
N the next change, Page Up and Page Down ten seconds back and on, Home and End.

Exit codes: 0 all done (or closed, where the store was only for this run), 1 internal error or no
display where one is needed, 2 usage or site file, 3 finished with dead letters, 4 store, 5 stopped
and resumable.";

/// Watch a crawl: every page a task, every task a sprite.
#[derive(Parser, Debug, Clone)]
#[command(name = "crawlfield-viewer", version, max_term_width = 100, after_help = EXAMPLES)]
pub struct Flags {
    /// Site file to crawl
    #[arg(value_name = "SITE.toml", conflicts_with_all = ["demo", "replay"])]
    pub site: Option<PathBuf>,
    /// Crawl the embedded demo catalogue, served on loopback; without any flag of the demo it is a
    /// story of a minute or so
    #[arg(long, conflicts_with = "replay")]
    pub demo: bool,
    /// Show a recording made by `crawlfield run … --recording FILE`
    #[arg(long, value_name = "FILE", conflicts_with = "store")]
    pub replay: Option<PathBuf>,
    /// Write one picture and end; needs no window
    #[arg(long, value_name = "OUT.png", conflicts_with_all = ["frames", "window"])]
    pub screenshot: Option<PathBuf>,
    /// Seconds after the beginning [default: 5; of a recording its end]
    #[arg(long, value_name = "SECONDS", value_parser = seconds, allow_negative_numbers = true)]
    pub at: Option<f64>,
    /// Show one class, host, stage, state or task: class:X, host:X, stage:X, state:X, task:UUID
    #[arg(long, value_name = "PIN")]
    pub pin: Option<Pin>,
    /// Show what a link shows that the viewer has copied (key L): ?session=ID&at=SECONDS&pin=PIN
    #[arg(long, value_name = "LINK", conflicts_with_all = ["at", "pin"])]
    pub link: Option<Link>,
    /// Pixels of the window or picture
    #[arg(long, value_name = "WIDTHxHEIGHT", value_parser = size, default_value = "1280x720")]
    pub size: (u32, u32),
    /// Write numbered pictures into this folder; needs no window
    #[arg(long, value_name = "DIR", conflicts_with = "window")]
    pub frames: Option<PathBuf>,
    /// Pictures a second
    #[arg(long, value_name = "N", requires = "frames", default_value_t = 30,
          value_parser = clap::value_parser!(u32).range(1..=240))]
    pub fps: u32,
    /// Seconds that the pictures cover [default: 10; of a recording all that is left]
    #[arg(long = "for", value_name = "SECONDS", requires = "frames", value_parser = seconds,
          allow_negative_numbers = true)]
    pub length: Option<f64>,
    /// Frame rate and effects [default: balanced]
    #[arg(long, value_enum)]
    pub quality: Option<Quality>,
    /// Colours
    #[arg(long, value_enum, default_value_t = ThemeName::Dark)]
    pub theme: ThemeName,
    /// A window or an error: never the terminal
    #[arg(long)]
    pub window: bool,
    /// The SQLite file; made if it is not there
    #[arg(long, value_name = "FILE")]
    pub store: Option<PathBuf>,
    /// Map a host to an address, and allow just that address
    #[arg(long, value_name = "HOST=ADDR:PORT", value_parser = connect_to, requires = "site")]
    pub connect_to: Vec<(String, SocketAddr)>,
    /// Asked of a child of this program
    #[arg(long, value_enum, hide = true)]
    pub probe: Option<Requirement>,
    /// Flags of the embedded demo.
    #[command(flatten)]
    pub demo_flags: DemoFlags,
    /// Flags that change settings of the engine.
    #[command(flatten)]
    pub settings: SettingsFlags,
}

impl Flags {
    /// What the parser cannot see.
    ///
    /// # Errors
    /// Flags contradict each other; the text says which.
    pub fn check(&self) -> Result<(), Failure> {
        let is_live_window = self.replay.is_none() && !self.wants_pictures();
        if self.moment().is_some() && is_live_window {
            return Err(Failure::usage(
                "--at needs --screenshot, --frames or --replay, and so does the moment of a \
                 --link: a live crawl begins at its beginning",
            ));
        }
        Ok(())
    }

    /// The moment that is asked for, in seconds after the beginning.
    #[must_use]
    pub fn moment(&self) -> Option<f64> {
        self.at.or_else(|| self.link.as_ref()?.at)
    }

    /// What is asked to be pinned.
    #[must_use]
    pub fn pinned(&self) -> Option<Pin> {
        let of_link = || self.link.as_ref()?.pin.clone();
        self.pin.clone().or_else(of_link)
    }

    /// Whether pictures are asked for instead of a window.
    #[must_use]
    pub const fn wants_pictures(&self) -> bool {
        self.screenshot.is_some() || self.frames.is_some()
    }

    /// The quality asked for.
    #[must_use]
    pub fn quality(&self) -> Quality {
        self.quality.unwrap_or_default()
    }

    /// How the picture looks at first.
    #[must_use]
    pub fn appearance(&self) -> Appearance {
        Appearance {
            theme: self.theme,
            motion: match self.quality() {
                Quality::Economy => Motion::Reduced,
                Quality::Balanced | Quality::Performance => Motion::Full,
            },
        }
    }

    /// The job that is asked for, and the settings of its engine.
    ///
    /// # Errors
    /// The site file, the settings or the demo's flags are wrong, or the demo cannot start.
    pub fn job(&self) -> Result<(Job, Settings), Failure> {
        let mut job = if let Some(path) = &self.site {
            let text = read_file(path)?;
            let connect_to = self.connect_to.iter().cloned().collect();
            Job::site(&text, &path.display().to_string(), connect_to).map_err(Failure::usage)?
        } else {
            let config = if self.is_story() {
                story::config(1)
            } else {
                self.demo_flags.config().map_err(Failure::usage)?
            };
            Job::demo(config).map_err(Failure::internal)?
        };
        let flags = if self.is_story() {
            self.settings.over_settings(&story::SETTINGS)
        } else {
            self.settings.clone()
        };
        job.apply_settings(&flags.layered(Some(&job.site))?);
        let settings = flags.layered(None)?.settings;
        Ok((job, settings))
    }

    /// Whether the demo is shown as a story: nobody asked for anything else.
    #[must_use]
    pub fn is_story(&self) -> bool {
        let has_other = self.site.is_some() || self.replay.is_some() || self.demo;
        !has_other && self.demo_flags == DemoFlags::default()
    }

    /// The store named, or the site's own in this folder, which is said; none for the demo, which
    /// has one for this run only.
    #[must_use]
    pub fn store_for(&self, job: &Job) -> Option<PathBuf> {
        let own = || self.site.is_some().then(|| store_of(&job.site));
        self.store.clone().or_else(own)
    }

    /// The command that runs the same job without a viewer.
    #[must_use]
    pub fn terminal_command(&self) -> String {
        match (&self.site, &self.store) {
            (Some(site), Some(store)) => format!(
                "crawlfield run {} --store {}",
                site.display(),
                store.display()
            ),
            (Some(site), None) => format!("crawlfield run {}", site.display()),
            (None, _) => "crawlfield run --demo".to_owned(),
        }
    }
}

/// Reads seconds: at least 0, below a year.
fn seconds(text: &str) -> Result<f64, String> {
    let seconds: f64 = text
        .parse()
        .map_err(|_| format!("{text:?} is no number of seconds, e.g. 12.5"))?;
    if (0.0..3.2e7).contains(&seconds) {
        Ok(seconds)
    } else {
        Err("expected seconds from 0 up to a year".to_owned())
    }
}

/// Reads width and height in pixels, as `1280x720`.
fn size(text: &str) -> Result<(u32, u32), String> {
    let form = || format!("{text:?} is no WIDTHxHEIGHT in pixels, e.g. 1280x720");
    let (width, height) = text.split_once(['x', '×']).ok_or_else(form)?;
    let pixels = |text: &str| text.parse::<u32>().map_err(|_| form());
    let (width, height) = (pixels(width)?, pixels(height)?);
    if (320..=8192).contains(&width) && (240..=8192).contains(&height) {
        Ok((width, height))
    } else {
        Err("expected 320x240 to 8192x8192".to_owned())
    }
}
