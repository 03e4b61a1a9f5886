//! What an open store remembers between commits: its sessions, and hosts that it looked up.

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::{
    message::{receipts::StoreError, store_verbs::Mode},
    model::{
        host_key::HostKey,
        ids::{HostId, SessionId, StageId},
    },
    site::compiled::{Site, Stage},
    store::table::RecordTable,
};

/// A session that this store has opened.
pub(crate) struct Live {
    pub(crate) id: SessionId,
    pub(crate) site: Arc<Site>,
    pub(crate) mode: Mode,
    pub(crate) source: Option<String>,
    /// By stage and rule.
    pub(crate) tables: Vec<Vec<RecordTable>>,
}

impl Live {
    /// Whether pages of this stage lead nowhere: mode *new* need not fetch them twice.
    pub(crate) fn is_leaf(&self, stage: StageId) -> Result<bool, StoreError> {
        self.stage(stage).map(Stage::is_leaf)
    }

    pub(crate) fn stage(&self, stage: StageId) -> Result<&Stage, StoreError> {
        self.site.stages.get(usize::from(stage.0)).ok_or_else(|| {
            StoreError::Refused(format!(
                "site {} has no stage number {}",
                self.site.name, stage.0
            ))
        })
    }
}

/// What was looked up already; the tables are the truth.
#[derive(Default)]
pub(crate) struct Hosts {
    pub(crate) ids: FxHashMap<HostKey, HostId>,
    pub(crate) seen: FxHashSet<(SessionId, HostId)>,
}

impl Hosts {
    /// After something was undone.
    pub(crate) fn forget(&mut self) {
        self.ids.clear();
        self.seen.clear();
    }
}
