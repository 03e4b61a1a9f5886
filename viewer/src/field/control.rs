//! The field in a person's hands: tasks are selected, filtered and pinned, blocks rearranged, the view
//! moved.

use bevy::{ecs::system::SystemParam, prelude::*};
use crawlfield_engine::model::{
    class::ErrorClass,
    ids::{HostId, SessionId, StageId},
    phase::Phase,
};

use crate::{
    feed::Feed,
    field::{Arrangement, Field, layout::Rect, slot_set::SlotSet, texel::sign_of, view::View},
    filter::Filter,
    pin::{Pin, Pinned},
    selection::Selection,
    theme::Appearance,
    titles::Titles,
};

/// A pinned task is at least so wide, in screen pixels.
const PINNED_TASK: f32 = 72.0;

/// What a pin names, as the mirror has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PinnedSubject {
    /// Tasks whose last failure was of this class.
    Class(ErrorClass),
    /// Tasks of a host.
    Host(HostId),
    /// Tasks of a session's stage.
    Stage(SessionId, StageId),
    /// Tasks in this phase.
    State(Phase),
    /// The task in this slot.
    Task(u32),
}

/// The field in a person's hands: tasks are selected and filtered, blocks rearranged, the view moved.
#[derive(SystemParam)]
pub struct FieldControl<'w> {
    /// What is known of the tasks.
    pub feed: ResMut<'w, Feed>,
    /// The cells of the tasks.
    pub field: ResMut<'w, Field>,
    /// Pan and zoom of the field.
    pub view: ResMut<'w, View>,
    /// Selected, hovered and followed tasks.
    pub selection: ResMut<'w, Selection>,
    /// Which tasks are shown in full.
    pub filter: ResMut<'w, Filter>,
    /// Colours and motion of the picture.
    pub appearance: ResMut<'w, Appearance>,
    /// What field, tables and log are about.
    pub pinned: ResMut<'w, Pinned>,
    /// What pages are known by.
    pub titles: ResMut<'w, Titles>,
}

impl FieldControl<'_> {
    /// Selects these tasks only.
    pub fn select(&mut self, slots: impl Into<SlotSet>) {
        let Self { feed, field, .. } = self;
        self.selection
            .select(slots, &mut feed.mirror, &mut field.cells);
    }

    /// Of these tasks, those that the filter shows in full.
    #[must_use]
    pub fn shown(&self, slots: impl Iterator<Item = u32>) -> SlotSet {
        slots.filter(|slot| self.shows(*slot)).collect()
    }

    /// Whether the filter shows the task in this slot in full.
    #[must_use]
    pub fn shows(&self, slot: u32) -> bool {
        self.feed.mirror.task(slot).is_some_and(|task| {
            let sign = self.feed.sign(task.phase, task.host);
            self.filter.shows(&task, sign)
        })
    }

    /// The pointer is over this task, or over none.
    pub fn hover(&mut self, slot: Option<u32>) {
        self.selection
            .hover(slot, &self.feed.mirror, &mut self.field.cells);
    }

    /// Groups the tasks anew.
    pub fn arrange(&mut self, arrangement: Arrangement) {
        self.field.arrange(
            arrangement,
            &self.feed,
            &self.filter,
            &self.selection,
            &self.view,
        );
    }

    /// Pins this, or nothing: what else was filtered is shown again.
    pub fn pin(&mut self, pin: Option<Pin>) {
        self.filter.show_all();
        self.pinned.set(pin);
        self.apply_filter();
    }

    /// Shows what was pinned and could not be shown yet; what that is, when it can be.
    pub fn apply_pin(&mut self) -> Option<PinnedSubject> {
        let pin = self.pinned.wanted(self.feed.snapshot_count)?.clone();
        let subject = self.subject_of(&pin)?;
        match subject {
            PinnedSubject::Class(class) => self.filter.solo_class(class),
            PinnedSubject::Host(host) => {
                let hosts = self.feed.mirror.tables().hosts().iter();
                let all: Vec<HostId> = hosts.map(|row| row.id).collect();
                self.filter.solo_host(host, all.into_iter());
            }
            PinnedSubject::Stage(_, stage) => self.filter.solo_stage(stage),
            PinnedSubject::State(phase) => self.filter.signs = 1 << sign_of(phase),
            PinnedSubject::Task(slot) => {
                self.select(vec![slot]);
                self.field.show_task(slot, PINNED_TASK, &mut self.view);
            }
        }
        self.pinned.applied();
        self.apply_filter();
        Some(subject)
    }

    fn subject_of(&self, pin: &Pin) -> Option<PinnedSubject> {
        let mirror = &self.feed.mirror;
        Some(match pin {
            Pin::Class(class) => PinnedSubject::Class(*class),
            Pin::State(phase) => PinnedSubject::State(*phase),
            Pin::Host(name) => {
                let mut hosts = mirror.tables().hosts().iter();
                PinnedSubject::Host(hosts.find(|row| *row.name == **name)?.id)
            }
            Pin::Stage(name) => {
                let mut sessions = mirror.tables().sessions().iter();
                sessions.find_map(|session| {
                    let mut stages = session.stages.iter();
                    let at = stages.position(|stage| *stage.name == **name)?;
                    let stage = StageId(u16::try_from(at).ok()?);
                    Some(PinnedSubject::Stage(session.id, stage))
                })?
            }
            Pin::Task(key) => {
                let mut slots = mirror.slots();
                let slot = slots.find(|slot| mirror.key_at(*slot) == Some(*key))?;
                PinnedSubject::Task(slot)
            }
        })
    }

    /// Applies a changed filter to all tasks, and counts those that pass.
    pub fn apply_filter(&mut self) {
        let passing = self.filter.apply(&self.feed.mirror, &mut self.field.cells);
        self.filter.matches = Some(passing);
    }

    /// Gives the field its rectangle on the screen in pixels; `scale` is pixels a point.
    pub fn set_area(&mut self, area: Rect, scale: f32) {
        self.view.set_area(area, scale);
        self.field.lay_out(&self.view);
    }
}
