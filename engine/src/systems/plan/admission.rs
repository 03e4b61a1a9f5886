//! Admission: lines that run low are filled from the store; ended tasks leave the window.

use crate::{message::store_verbs::StoreVerb, systems::crawl::Crawl, world::slots::Owner};

/// Tasks of one line in memory, at most.
const MOST: u32 = 4_096;
/// Tasks of one line in memory, however many lines share the window.
const LEAST: u32 = 16;

/// Ended tasks leave when their time is up, at once when the window is nearly full.
pub(super) fn let_leave(mut crawl: Crawl) {
    let now = crawl.now();
    let window = crawl.settings.0.window;
    loop {
        let pressed = crawl.condition.is_pressed || crawl.window.resident() > window - window / 10;
        match crawl.window.leaving.front() {
            Some((at, entity)) if pressed || *at <= now => {
                let entity = *entity;
                crawl.window.leaving.pop_front();
                let ended = crawl.moves.of(entity).is_some_and(|state| {
                    state.phase().is_final() || state.phase() == crate::model::phase::Phase::Failed
                });
                if ended {
                    crawl.leave(entity);
                }
            }
            _ => break,
        }
    }
}

/// Asks the store for the next waiting pages of lines that run low.
pub(super) fn fill_lines(mut crawl: Crawl) {
    let mut hungry = std::mem::take(&mut crawl.desk.hungry);
    hungry.sort_unstable();
    hungry.dedup();
    let share = (crawl.settings.0.window / crawl.lines.len().max(1)).clamp(LEAST, MOST);
    let fair = crawl.fair_share();
    for id in hungry {
        let line = crawl.lines.get(id);
        let waiting = u32::try_from(line.waiting()).unwrap_or(u32::MAX);
        if line.outside == 0 || waiting > share / 2 {
            continue;
        }
        let (session, host) = (line.session, line.host);
        let Ok(state) = crawl.sessions.get(crawl.index.sessions[&session]) else {
            continue;
        };
        if !state.takes_in() {
            continue;
        }
        let room = crawl
            .settings
            .0
            .window
            .saturating_sub(crawl.window.resident());
        let own = fair.saturating_sub(line.resident);
        if own == 0 {
            // It is looked at again when one of its tasks leaves.
            continue;
        }
        let limit = (share - waiting).min(room).min(own);
        if limit == 0 {
            crawl.desk.hungry.push(id);
            continue;
        }
        let line = crawl.lines.get_mut(id);
        line.cursors.sort_unstable_by_key(|cursor| cursor.batch);
        let Some(cursor) = line.cursors.iter_mut().find(|cursor| {
            state.opened.contains(&cursor.batch) && (cursor.asked || !cursor.exhausted)
        }) else {
            continue;
        };
        if cursor.asked {
            continue;
        }
        cursor.asked = true;
        let (batch, after) = (cursor.batch, cursor.after);
        crawl.write(
            Owner::Admit(id, batch),
            StoreVerb::Admit {
                session,
                host,
                batch,
                after,
                limit,
            },
        );
    }
}
