//! Where a numbered list really ends (SPEC B5): a site may count more pages than it has. Judged when
//! all that was asked for has come: after the last page that holds something every page was empty.

use crate::{
    message::store_verbs::StoreVerb,
    model::{
        class::SkipReason,
        ids::{BatchId, StageId},
        list_end::ListEnd,
        remark::Remark,
        stage_state::StageState,
    },
    site::compiled::Pages,
    world::{
        batch::StageRun, ledger::Ledger, session::Session, slots::Owner,
        store_requests::StoreRequests,
    },
};

/// The failed pages that lie past the end of their list are skipped instead of tried again; false
/// where there are none.
pub(super) fn skip(
    session: &mut Session,
    ledger: &mut Ledger,
    requests: &mut StoreRequests,
    (batch, stage): (BatchId, StageId),
    run: &mut StageRun,
) -> bool {
    let id = session.id;
    let list = session.lists.get_mut(&stage);
    let empty = list.map(ListEnd::end).unwrap_or_default();
    let Some((first, _)) = empty.first() else {
        return false;
    };
    let example = match &session.site.stage(stage).pages {
        Some(Pages::Pattern { pattern, .. }) => pattern.replace("{page}", &first.to_string()),
        _ => String::new(),
    };
    let count = empty.len() as u64;
    run.past_end += count;
    run.enter(StageState::Recovering);
    requests.ask(
        Owner::SkipFailed(id, batch, stage),
        StoreVerb::SkipFailed {
            session: id,
            batch,
            stage,
            keys: empty.into_iter().map(|(_, key)| key).collect(),
            reason: SkipReason::PastTheEnd,
        },
    );
    requests.remark(ledger, id, Remark::PastTheEnd, count, &example);
    true
}
