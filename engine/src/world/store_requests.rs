//! What the store is asked for.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use bevy_ecs::resource::Resource;

use crate::{
    message::store_verbs::{EndAttempt, Note, StoreVerb},
    model::{
        ids::{OrderId, PageKey, SessionId},
        remark::{Remark, Remarks},
    },
    world::{ledger::Ledger, slots::Owner, task::Identity},
};

/// One request to the store.
#[derive(Debug)]
pub struct StoreRequest {
    /// Who waits for the receipt.
    pub owner: Owner,
    pub verb: StoreVerb,
    /// The order whose slot it is sent in; `None`: it takes a new one.
    pub id: Option<OrderId>,
}

/// Requests of all systems, in the order in which they were made; `send_store_requests` turns them
/// into orders while there are slots.
#[derive(Resource, Debug, Default)]
pub struct StoreRequests {
    pub waiting: VecDeque<StoreRequest>,
    /// Flights to be marked, by session and whether for a lone parse: a tick's marks go in one order.
    pub marks: BTreeMap<(SessionId, bool), Vec<(PageKey, OrderId)>>,
    /// The flights that a mark's order is for, until its receipt.
    pub marking: BTreeMap<OrderId, Vec<OrderId>>,
}

impl StoreRequests {
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.marks.is_empty()
    }

    /// One that takes a slot of its own.
    pub fn ask(&mut self, owner: Owner, verb: StoreVerb) {
        self.ask_in(None, owner, verb);
    }

    /// One that is sent as this order.
    pub fn ask_in(&mut self, id: Option<OrderId>, owner: Owner, verb: StoreVerb) {
        self.waiting.push_back(StoreRequest { owner, verb, id });
    }

    /// The store is to know that this flight is out.
    pub fn mark(&mut self, id: OrderId, task: &Identity, lone: bool) {
        let marks = self.marks.entry((task.session, lone)).or_default();
        marks.push((task.key, id));
    }

    /// An attempt ended without being saved.
    pub fn end(&mut self, end: EndAttempt) {
        self.ask(Owner::End(end.session), StoreVerb::End(Arc::new(end)));
    }

    pub fn note(&mut self, session: Option<SessionId>, note: Note) {
        self.ask(Owner::Note(session), StoreVerb::Note(note));
    }

    /// Something that no page brings is said at the session's end.
    pub fn remark(
        &mut self,
        ledger: &mut Ledger,
        session: SessionId,
        kind: Remark,
        count: u64,
        example: &str,
    ) {
        let mut remarks = Remarks::default();
        remarks.add_many(kind, count, || example.to_owned());
        ledger.book_mut(session).remarks.merge(&remarks);
        self.note(Some(session), Note::Remarks { session, remarks });
    }
}
