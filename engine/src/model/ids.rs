//! Names of things, as plain numbers: nothing here holds an `Entity`.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A session's row in the store; 1 is the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SessionId(pub u32);

/// A stage's place in its site file, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct StageId(pub u16);

/// A batch of a session, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BatchId(pub u32);

/// A host's row in the store: one scheme, name and port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct HostId(pub u32);

/// The store's number of a discovery within a session: the order of the frontier.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Seq(pub u64);

/// A page's identity: UUID version 5 of site, stage and canonical URL. The same page has the
/// same key on any machine and in any run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PageKey(pub Uuid);

/// The UUID namespace of Crawlfield's page keys.
const NAMESPACE: Uuid = Uuid::from_u128(0x6e1f_9c2a_4d0b_5a77_9b7e_c4a3_1f1e_1d01);

impl PageKey {
    /// The key of the page with this canonical URL in this stage of this site.
    #[must_use]
    pub fn new(site: &str, stage: &str, canonical_url: &str) -> Self {
        let mut name = Vec::with_capacity(site.len() + stage.len() + canonical_url.len() + 2);
        name.extend_from_slice(site.as_bytes());
        name.push(0);
        name.extend_from_slice(stage.as_bytes());
        name.push(0);
        name.extend_from_slice(canonical_url.as_bytes());
        Self(Uuid::new_v5(&NAMESPACE, &name))
    }
}

/// The never-reused name of an order: the engine's start, the slot it occupies, and how many
/// orders that slot has seen. A report with another id than the one a task waits for is
/// discarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct OrderId {
    /// Which start of the engine sent it.
    pub boot: u32,
    /// The slot it occupies, below the ceiling of orders in flight.
    pub slot: u32,
    /// How many orders this slot has carried.
    pub generation: u32,
}
