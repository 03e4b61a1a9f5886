//! The rest before the next batch, and what it was judged by (SPEC B6).

use crate::{
    model::{ids::SessionId, numbers::number},
    politeness::batch_pacing::BatchRound,
    systems::crawl::Crawl,
    world::timers::Due,
};

/// Whether the session still rests before its next batch.
pub(super) fn goes_on(crawl: &mut Crawl, id: SessionId) -> bool {
    let now = crawl.now();
    let bounds = crawl.settings.0.batches();
    let Some(mut session) = crawl.session_mut(id) else {
        return false;
    };
    let (until, changed) = session.tempo.rest(now, &bounds);
    let is_news = now < until && session.tempo.is_news(until);
    let (size, pause) = (session.tempo.size(&bounds), session.tempo.pause(&bounds));
    if now >= until {
        session.tempo.busy();
    }
    if let Some(round) = changed {
        let text = format!(
            "batches: {size} entry pages, {:.1} s between them: {}",
            pause.as_secs_f64(),
            why(&round)
        );
        crawl.notice(id, &text);
    }
    if is_news {
        crawl.timers.set(until, Due::Batch);
    }
    now < until
}

/// What a round was like, in words.
fn why(round: &BatchRound) -> String {
    let errors = f64::from(round.errors) / 10.0;
    let failed = format!("{errors:.1} % of {} answers failed", round.answers);
    if round.slowness == 0 {
        return failed;
    }
    let times = number(round.slowness) / 1_000.0;
    format!("{failed}, they took {times:.1} times as long as usual")
}
