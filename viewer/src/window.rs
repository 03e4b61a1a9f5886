//! The window: Bevy's app of the viewer, its title and size, its pictures and its end.

#![expect(
    clippy::needless_pass_by_value,
    reason = "systems take their resources by value"
)]

use bevy::{
    input::ButtonInput,
    log::LogPlugin,
    prelude::*,
    render::{
        pipelined_rendering::PipelinedRenderingPlugin,
        view::screenshot::{Screenshot, save_to_disk},
    },
    window::{PresentMode, PrimaryWindow, WindowResolution},
};
use bevy_egui::input::EguiWantsInput;
use crawlfield_engine::progress::safe;

use crate::{
    crawl::{CrawlInfo, LiveCrawl, Runs},
    feed::Feed,
    field::{Field, FieldControl, layout::Rect, view::View},
    headless::{self, Viewer},
    history::{History, Severity},
    numbers::float,
    panels::{self, Inspector, Panels, PendingCommands, WindowRequest},
    playback::Playback,
    render::{self, Scene},
    selection::Selection,
    source::Source,
    theme::Appearance,
    titles::Titles,
};

pub mod clock;
pub mod pacing;

use clock::{Clock, ClockSystems};
use pacing::{Pacing, Quality};

/// Opens a camera, and lets window and title follow what is shown.
pub fn plugin(app: &mut App) {
    app.add_message::<WindowRequest>()
        .add_systems(Startup, open_camera)
        .add_systems(
            Update,
            (
                follow_window,
                fill_window.run_if(not(resource_exists::<Panels>)),
                press_keys.run_if(is_keyboard_free),
                handle_requests,
            )
                .chain()
                .before(ClockSystems),
        );
}

/// The app of the window, not yet run. `crawl` is the one that the source is of, where it runs.
pub fn app(
    source: Source,
    crawl: Option<CrawlInfo>,
    appearance: Appearance,
    quality: Quality,
    (width, height): (u32, u32),
) -> App {
    let window = Window {
        title: "Crawlfield".to_owned(),
        name: Some("crawlfield-viewer".to_owned()),
        resolution: WindowResolution::new(width, height),
        present_mode: PresentMode::AutoVsync,
        ..default()
    };
    let mut app = App::new();
    app.insert_resource(source)
        .insert_resource(appearance)
        .insert_resource(Pacing::new(quality))
        .add_plugins(
            DefaultPlugins
                .set(WindowPlugin {
                    primary_window: Some(window),
                    ..default()
                })
                .disable::<LogPlugin>()
                // A picture drawn beside the next frame's work is a frame late: a key is answered a
                // frame sooner without, and software renderers use all cores anyway.
                .disable::<PipelinedRenderingPlugin>(),
        )
        .add_plugins((
            headless::plugin,
            render::plugin,
            panels::plugin,
            plugin,
            clock::plugin,
            pacing::plugin,
        ));
    show_crawl(app.world_mut(), crawl);
    Viewer(app.world_mut()).begin();
    app
}

/// What the panels show beside the feed, and where time comes from.
fn show_crawl(world: &mut World, crawl: Option<CrawlInfo>) {
    let can_run_again = world.contains_resource::<Runs>() || crawl.is_some();
    world.insert_resource(Clock::since(crawl.as_ref().map(|crawl| crawl.began)));
    let (store, recent) = match crawl {
        Some(crawl) => {
            world.insert_resource(Titles::of(Some(crawl.store.clone()), crawl.labels));
            (Some(crawl.store), crawl.recent)
        }
        None => (None, None),
    };
    world.insert_resource(Inspector::with_store(store));
    world.insert_resource(LiveCrawl {
        recent,
        can_run_again,
    });
}

/// Begins the same crawl once more, and shows it instead of the one that is over.
fn run_again(world: &mut World) {
    let Some(runs) = world.get_resource::<Runs>().cloned() else {
        return;
    };
    match runs.begin() {
        Ok((source, info)) => {
            world.insert_resource(source);
            world.insert_resource(Feed::default());
            world.insert_resource(History::default());
            world.insert_resource(Selection::default());
            let arrangement = world.resource::<Field>().cells.arrangement();
            world.insert_resource(Field::default());
            show_crawl(world, Some(info));
            panels::follow_source(world);
            Viewer(world).with::<FieldControl<'_>, _>(|mut control| {
                control.arrange(arrangement);
            });
        }
        Err(failure) => world
            .resource_mut::<PendingCommands>()
            .notify(Severity::Bad, failure.message),
    }
}

fn open_camera(mut commands: Commands) {
    commands.spawn((Camera2d, Msaa::Off));
}

fn follow_window(
    mut windows: Query<&mut Window, With<PrimaryWindow>>,
    mut scene: ResMut<Scene>,
    feed: Res<Feed>,
    playback: Res<Playback>,
) {
    // It is gone in the frame in which it is closed.
    let Ok(mut window) = windows.single_mut() else {
        return;
    };
    scene.size = [window.physical_width(), window.physical_height()].map(float);
    let title = title(&feed, &playback);
    if window.title != title {
        window.title = title;
    }
}

/// Panels leave the field an area; without them it has the whole window.
fn fill_window(scene: Res<Scene>, mut view: ResMut<View>) {
    let [width, height] = scene.size;
    view.set_area(Rect::new(0.0, 0.0, width, height), 1.0);
}

/// Whether no panel has the keyboard.
fn is_keyboard_free(wants: Option<Res<EguiWantsInput>>) -> bool {
    wants.is_none_or(|wants| !wants.wants_any_keyboard_input())
}

/// What is shown, and whether it is real.
fn title(feed: &Feed, playback: &Playback) -> String {
    let sessions = feed.mirror.tables().sessions();
    let mut parts: Vec<String> = feed.data_source().into_iter().collect();
    if playback.is_replay {
        parts.push("REPLAY".to_owned());
    }
    if let Some(session) = sessions.first() {
        parts.push(format!("{}, {}", safe(&session.site), session.phase.name()));
    }
    parts.push("Crawlfield".to_owned());
    parts.join(" · ")
}

/// The key of the window itself; all others are the clock's and the panels'.
fn press_keys(keys: Res<ButtonInput<KeyCode>>, mut requests: MessageWriter<WindowRequest>) {
    if keys.just_pressed(KeyCode::KeyQ) {
        requests.write(WindowRequest::Quit);
    }
}

fn handle_requests(
    mut requests: MessageReader<WindowRequest>,
    feed: Res<Feed>,
    mut exit: MessageWriter<AppExit>,
    mut commands: Commands,
) {
    for request in requests.read() {
        match request {
            WindowRequest::Picture => {
                let path = format!("crawlfield-{}.png", feed.now_us / 1000);
                commands
                    .spawn(Screenshot::primary_window())
                    .observe(save_to_disk(path));
            }
            WindowRequest::RunAgain => commands.queue(run_again),
            WindowRequest::Quit => {
                exit.write(AppExit::Success);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use bevy::{input::InputPlugin, window::WindowEvent};
    use crawlfield_engine::feed::frame::Frame;

    use super::*;
    use crate::source::Frames;

    struct Nothing;

    impl Frames for Nothing {
        fn next_until(&mut self, _at_us: u64) -> Option<Frame> {
            None
        }
    }

    /// An app of these areas of the window, beside the headless ones.
    fn updated(areas: &[fn(&mut App)]) -> App {
        let source = Source::Frames(Box::new(Nothing));
        let mut app = headless::app(source, Appearance::default());
        app.add_plugins(InputPlugin)
            .add_message::<WindowEvent>()
            .add_message::<AppExit>();
        for area in areas {
            area(&mut app);
        }
        app.world_mut().resource_mut::<Scene>().size = [800.0, 600.0];
        app.update();
        app
    }

    #[test]
    fn an_area_of_the_window_goes_with_its_line() {
        let areas: [fn(&mut App); 3] = [plugin, clock::plugin, pacing::plugin];
        let _ = updated(&areas);
        for at in 0..areas.len() {
            let rest = [&areas[..at], &areas[at + 1..]].concat();
            let _ = updated(&rest);
        }
    }

    #[test]
    fn without_panels_the_field_fills_the_window() {
        let app = updated(&[plugin]);
        let area = app.world().resource::<View>().area;
        assert_eq!((area.width(), area.height()), (800.0, 600.0));
    }
}
