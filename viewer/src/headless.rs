//! The viewer without window, panels or renderer: what is known, the field and its scene, driven by
//! code. Pictures, tests and measurements use it; a window's systems take the same resources.

use bevy::{
    ecs::system::{SystemParam, SystemState},
    prelude::*,
};

use crate::{
    feed::{self, Feed},
    field::{self, Arrangement, Field, FieldControl, layout::Rect, slot_set::SlotSet, view::View},
    filter, history, pin,
    playback::{self, Player},
    render::Scene,
    scene,
    selection::{self, Selection},
    source::Source,
    theme::{self, Appearance},
    titles,
};

/// Everything but what needs a window, an adapter or egui; the source must be there.
pub fn plugin(app: &mut App) {
    app.add_plugins((
        feed::plugin,
        history::plugin,
        theme::plugin,
        titles::plugin,
        filter::plugin,
        pin::plugin,
        selection::plugin,
        field::plugin,
        playback::plugin,
        scene::plugin,
    ));
}

/// An app of a viewer that nobody draws, at the beginning of its source.
pub fn app(source: Source, appearance: Appearance) -> App {
    let mut app = App::new();
    app.insert_resource(source)
        .insert_resource(appearance)
        .add_plugins(plugin);
    Viewer(app.world_mut()).begin();
    app
}

/// A viewer's world, driven by code.
pub struct Viewer<'w>(pub &'w mut World);

impl Viewer<'_> {
    /// Calls `act` with what a system with these parameters would get.
    ///
    /// # Panics
    /// A resource is missing: its plugin was not added.
    pub fn with<P: SystemParam + 'static, R>(
        &mut self,
        act: impl FnOnce(P::Item<'_, '_>) -> R,
    ) -> R {
        let mut state = SystemState::<P>::new(self.0);
        let params = state.get_mut(self.0);
        act(params.expect("the plugins of these resources were added"))
    }

    /// Goes to the beginning of a recording.
    pub fn begin(&mut self) {
        self.with::<Player<'_>, _>(|mut player| player.begin());
    }

    /// Takes what has come up to `now_us`, which becomes the shown time.
    pub fn advance(&mut self, now_us: u64) {
        self.with::<Player<'_>, _>(|mut player| player.advance(now_us));
    }

    /// Goes to another time of a recording, within its bounds.
    ///
    /// # Errors
    /// The source holds only the present, or cannot be read again.
    pub fn seek(&mut self, at_us: u64) -> Result<(), String> {
        self.with::<Player<'_>, _>(|mut player| player.seek(at_us))
    }

    /// Gives the field its rectangle in pixels; `scale` is pixels a point.
    pub fn set_area(&mut self, area: Rect, scale: f32) {
        self.with::<FieldControl<'_>, _>(|mut control| control.set_area(area, scale));
    }

    /// Groups the tasks anew.
    pub fn arrange(&mut self, arrangement: Arrangement) {
        self.with::<FieldControl<'_>, _>(|mut control| control.arrange(arrangement));
    }

    /// Selects these tasks only.
    pub fn select(&mut self, slots: impl Into<SlotSet>) {
        self.with::<FieldControl<'_>, _>(|mut control| control.select(slots));
    }

    /// The pointer is over this task, or over none.
    pub fn hover(&mut self, slot: Option<u32>) {
        self.with::<FieldControl<'_>, _>(|mut control| control.hover(slot));
    }

    /// Only tasks whose URL has all words of this text.
    pub fn search(&mut self, text: &str) {
        self.with::<FieldControl<'_>, _>(|mut control| {
            control.filter.search(text);
            control.apply_filter();
        });
    }

    /// Makes the scene of the next frame.
    ///
    /// # Panics
    /// A resource is missing: its plugin was not added.
    pub fn compose(&mut self) -> Mut<'_, Scene> {
        let composed = self.0.run_system_cached(scene::compose_scene);
        composed.expect("the plugins of its resources were added");
        self.0.resource_mut()
    }

    /// What is known of the crawl.
    #[must_use]
    pub fn feed(&self) -> &Feed {
        self.0.resource()
    }

    /// The cells and where they stand.
    #[must_use]
    pub fn field(&self) -> &Field {
        self.0.resource()
    }

    /// Pan and zoom of the field.
    #[must_use]
    pub fn view(&self) -> &View {
        self.0.resource()
    }

    /// Which tasks are selected.
    #[must_use]
    pub fn selection(&self) -> &Selection {
        self.0.resource()
    }
}
