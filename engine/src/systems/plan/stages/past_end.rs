//! Where a numbered list really ends (SPEC B5): a site may count more pages than it has. Judged when
//! all that was asked for has come: after the last page that holds something every page was empty.

use crate::{
    message::store_verbs::StoreVerb,
    model::{
        class::SkipReason,
        ids::{BatchId, SessionId, StageId},
        remark::Remark,
        stage_state::StageState,
    },
    site::compiled::Pages,
    systems::crawl::Crawl,
    world::{session::StageRun, slots::Owner},
};

/// The failed pages that lie past the end of their list are skipped instead of tried again; false
/// where there are none.
pub(super) fn skip(
    crawl: &mut Crawl,
    id: SessionId,
    batch: BatchId,
    stage: StageId,
    run: &mut StageRun,
) -> bool {
    let Some(mut session) = crawl.session_mut(id) else {
        return false;
    };
    let empty = match session.lists.get_mut(&stage) {
        Some(list) => list.end(),
        None => return false,
    };
    let Some((first, _)) = empty.first().copied() else {
        return false;
    };
    let example = match &session.site.stage(stage).pages {
        Some(Pages::Pattern { pattern, .. }) => pattern.replace("{page}", &first.to_string()),
        _ => String::new(),
    };
    let count = empty.len() as u64;
    run.past_end += count;
    run.enter(StageState::Recovering);
    super::evict_failed(crawl, id, batch, stage);
    crawl.write(
        Owner::SkipFailed(id, batch, stage),
        StoreVerb::SkipFailed {
            session: id,
            batch,
            stage,
            keys: empty.into_iter().map(|(_, key)| key).collect(),
            reason: SkipReason::PastTheEnd,
        },
    );
    crawl.remark(id, Remark::PastTheEnd, count, &example);
    true
}
