//! A user of the panels without a window, who reads what is written and presses where it stands.

use std::{
    path::Path,
    thread,
    time::{Duration, Instant},
};

use bevy::{
    ecs::component::Mutable,
    prelude::{App, Mut, Res, ResMut, Resource},
};
use bevy_egui::egui::{
    self, Event, Modifiers, PointerButton, Pos2, RawInput, Rect, Shape, Vec2, pos2,
};
use crawlfield_engine::{
    cli::Failure,
    demo::DemoConfig,
    feed::{recording::Recent, task_record::TaskRecord},
    model::page_url::PageUrl,
    run::{cores, job::Job},
    settings::{Settings, presets},
};
use crawlfield_kit::{shop, sites::Web};

use crate::{
    crawl::{Crawl, LiveCrawl},
    feed::Feed,
    field::FieldControl,
    headless::{self, Viewer},
    history::History,
    panels::{
        Captions, Inspector, LastPaint, PanelState, Panels, PendingCommands, WindowRequest,
        screen::Screen, style::Style,
    },
    playback::Playback,
    source::Source,
    theme::Appearance,
};

/// No test waits longer.
const PATIENCE: Duration = Duration::from_mins(1);

/// Text on the screen, and what of it can be seen.
#[derive(Debug, Clone)]
pub(super) struct Written {
    pub(super) text: String,
    pub(super) rect: Rect,
    pub(super) clip: Rect,
    /// It ends in an ellipsis, as it had no room.
    pub(super) is_cut: bool,
}

/// The panels over a source.
pub(super) struct User {
    ctx: egui::Context,
    style: Option<Style>,
    app: App,
    size: Vec2,
    began: Instant,
    crawl: Option<Crawl>,
    /// Serves as long as the user holds it.
    web: Option<Web>,
    _folder: tempfile::TempDir,
}

/// The settings of this machine; what has ended stays in the window, so that it can be acted on.
fn settings() -> Settings {
    let mut settings = Settings::default();
    presets::apply(&mut settings, cores());
    settings.retain_for = Duration::from_mins(1);
    settings
}

impl User {
    /// Over the demo, as slow as a person.
    pub(super) fn on_demo(products: u32) -> Self {
        let config = DemoConfig {
            products,
            latency_ms: 60,
            error_rate: 0.0,
            ..DemoConfig::default()
        };
        let mut job = Job::demo(config).expect("loopback is free");
        let site = std::sync::Arc::get_mut(&mut job.site).expect("nobody has it yet");
        site.politeness.max_rate = Some(20.0);
        Self::over(job, None)
    }

    /// Over a shop of 160 items; every third is missing, and the rest is read slowly.
    pub(super) fn on_shop() -> Self {
        let web = Web::start(|request| {
            let path = request.path().to_owned();
            let number = path
                .strip_prefix("/item/")
                .and_then(|n| n.parse::<u32>().ok());
            if number.is_some_and(|n| n % 3 == 0) {
                return crawlfield_kit::sites::Reply::status(404);
            }
            shop::page(160, request).unwrap_or_else(|| crawlfield_kit::sites::Reply::status(404))
        });
        let text = shop::site("allow_addresses = []")
            .replace("max_rate = \"1000/s\"", "max_rate = \"8/s\"");
        let connect_to = [(shop::HOST.to_owned(), web.address())].into();
        let job = Job::site(&text, "shop.toml", connect_to).expect("the shop's file is right");
        Self::over(job, Some(web))
    }

    fn over(job: Job, web: Option<Web>) -> Self {
        let folder = tempfile::tempdir().expect("a scratch folder");
        let store = folder.path().join("crawl.db");
        let (crawl, ()) = Crawl::begin(job, Some(&store), &settings(), |_| Ok(()))
            .map_err(|failure| failure.message)
            .expect("the crawl begins");
        let mut user = Self::on(crawl.source(), folder);
        *user.get::<Inspector>() = Inspector::with_store(Some(store));
        user.crawl = Some(crawl);
        user.web = web;
        user
    }

    pub(super) fn on(source: Source, folder: tempfile::TempDir) -> Self {
        let commands = PendingCommands::to(source.commands().cloned());
        let mut app = headless::app(source, Appearance::default());
        app.init_resource::<Panels>()
            .init_resource::<Inspector>()
            .init_resource::<LastPaint>()
            .init_resource::<Captions>()
            .init_resource::<LiveCrawl>()
            .insert_resource(commands)
            .add_message::<WindowRequest>();
        Self {
            ctx: egui::Context::default(),
            style: None,
            app,
            size: egui::vec2(1280.0, 720.0),
            began: Instant::now(),
            crawl: None,
            web: None,
            _folder: folder,
        }
    }

    /// Keeps the last minutes from now on.
    pub(super) fn keeps_last_minutes(&self) -> Recent {
        let crawl = self.crawl.as_ref().expect("it is live");
        crawl.info().recent.expect("there are threads to spare")
    }

    /// What the user drives.
    pub(super) fn viewer(&mut self) -> Viewer<'_> {
        Viewer(self.app.world_mut())
    }

    /// A resource, to change it.
    pub(super) fn get<R: Resource<Mutability = Mutable>>(&mut self) -> Mut<'_, R> {
        self.app.world_mut().resource_mut()
    }

    pub(super) fn feed(&self) -> &Feed {
        self.app.world().resource()
    }

    pub(super) fn history(&self) -> &History {
        self.app.world().resource()
    }

    /// Another screen, in points, with so many pixels a point.
    pub(super) fn on_screen(&mut self, width: f32, height: f32, pixels_per_point: f32) {
        self.size = egui::vec2(width / pixels_per_point, height / pixels_per_point);
        self.ctx.set_pixels_per_point(pixels_per_point);
    }

    /// Draws one frame in which this happens; what is written then.
    pub(super) fn frame(&mut self, events: Vec<Event>) -> Vec<Written> {
        self.frame_at(self.began.elapsed(), events)
    }

    fn frame_at(&mut self, now: Duration, events: Vec<Event>) -> Vec<Written> {
        if !self.app.world().resource::<Playback>().is_replay {
            let now_us = u64::try_from(now.as_micros()).expect("a short test");
            self.viewer().advance(now_us);
        }
        let raw = RawInput {
            screen_rect: Some(Rect::from_min_size(Pos2::ZERO, self.size)),
            time: Some(now.as_secs_f64()),
            focused: true,
            events,
            ..RawInput::default()
        };
        let mut full = self.paint(raw);
        // Nobody uploads them here.
        full.textures_delta.clear();
        let mut written = Vec::new();
        for clipped in &full.shapes {
            read(&clipped.shape, clipped.clip_rect, &mut written);
        }
        written
    }

    fn paint(&mut self, raw: RawInput) -> egui::FullOutput {
        type Parameters = (
            FieldControl<'static>,
            PanelState<'static>,
            ResMut<'static, History>,
            Res<'static, Playback>,
        );
        let (ctx, kept) = (&self.ctx, &mut self.style);
        Viewer(self.app.world_mut()).with::<Parameters, _>(
            |(mut control, mut state, mut history, playback)| {
                let mut screen = Screen {
                    style: Style::of(kept, ctx, control.appearance.theme, false),
                    control: &mut control,
                    state: &mut state,
                    history: &mut history,
                    playback: &playback,
                };
                screen.paint(ctx, raw)
            },
        )
    }

    /// What can be read now.
    pub(super) fn reads(&mut self) -> Vec<String> {
        let written = self.frame(Vec::new());
        written.into_iter().map(|written| written.text).collect()
    }

    /// Waits until this is true.
    #[track_caller]
    pub(super) fn wait(&mut self, what: &str, mut holds: impl FnMut(&mut Self) -> bool) {
        let began = Instant::now();
        while !holds(self) {
            if began.elapsed() > PATIENCE {
                let texts = self.reads();
                panic!("{what} never came; on the screen: {texts:?}");
            }
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Waits until a text that holds this is on the screen.
    #[track_caller]
    pub(super) fn wait_for(&mut self, said: &str) {
        self.wait(said, |user| {
            user.reads().iter().any(|text| text.contains(said))
        });
    }

    /// Presses where this is written.
    #[track_caller]
    pub(super) fn press(&mut self, text: &str) {
        self.press_nth(text, 0);
    }

    /// Presses where this is written for the `nth` time.
    #[track_caller]
    pub(super) fn press_nth(&mut self, text: &str, nth: usize) {
        let mut at = None;
        self.wait(text, |user| {
            let written = user.frame(Vec::new());
            let mut found = written.iter().filter(|written| {
                written.text == text && written.clip.contains(written.rect.center())
            });
            at = found.nth(nth).map(|written| written.rect.center());
            at.is_some()
        });
        self.click(at.expect("it was found"));
    }

    pub(super) fn click(&mut self, at: Pos2) {
        let button = |pressed| Event::PointerButton {
            pos: at,
            button: PointerButton::Primary,
            pressed,
            modifiers: Modifiers::default(),
        };
        // On a busy machine a frame may take longer than a press that is a click still.
        let now = self.began.elapsed();
        self.frame_at(now, vec![Event::PointerMoved(at)]);
        self.frame_at(now, vec![button(true)]);
        self.frame_at(now, vec![button(false)]);
        // A menu that opens sizes itself first.
        self.frame(vec![Event::PointerMoved(pos2(at.x, at.y))]);
    }

    pub(super) fn types(&mut self, text: &str) {
        self.frame(vec![Event::Text(text.to_owned())]);
    }

    pub(super) fn key(&mut self, key: egui::Key) {
        let event = |pressed| Event::Key {
            key,
            physical_key: None,
            pressed,
            repeat: false,
            modifiers: Modifiers::default(),
        };
        self.frame(vec![event(true)]);
        self.frame(vec![event(false)]);
    }

    /// The slots of the tasks that are like this.
    pub(super) fn slots(&self, wanted: impl Fn(&TaskRecord<&PageUrl>) -> bool) -> Vec<u32> {
        let mirror = &self.feed().mirror;
        let slots = mirror.slots();
        slots
            .filter(|slot| mirror.task(*slot).is_some_and(|task| wanted(&task)))
            .collect()
    }
}

impl Drop for User {
    fn drop(&mut self) {
        if let Some(crawl) = self.crawl.take() {
            let _ = crawl.end();
        }
    }
}

fn read(shape: &Shape, clip: Rect, written: &mut Vec<Written>) {
    match shape {
        Shape::Vec(shapes) => {
            for shape in shapes {
                read(shape, clip, written);
            }
        }
        Shape::Text(text) => written.push(Written {
            text: text.galley.text().to_owned(),
            rect: text.galley.rect.translate(text.pos.to_vec2()),
            clip,
            is_cut: text.galley.elided,
        }),
        _ => {}
    }
}

/// A recording of a short demo with this many products, at this path.
pub(super) fn record(path: &Path, products: u32) {
    let config = DemoConfig {
        products,
        latency_ms: 5,
        ..DemoConfig::default()
    };
    let job = Job::demo(config).expect("loopback is free");
    let store = path.with_extension("db");
    let (crawl, recorder) = Crawl::begin(job, Some(&store), &settings(), |running| {
        crawlfield_engine::run::record(running, path)
            .map_err(|error| Failure::internal(error.to_string()))
    })
    .map_err(|failure| failure.message)
    .expect("the demo begins");
    crawl.watch(PATIENCE);
    crawl
        .end_recording(recorder)
        .map_err(|failure| failure.message)
        .expect("the recording is whole");
}
