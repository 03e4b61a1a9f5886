//! The store that is not there: it knows every answer and keeps nothing.

use std::time::Duration;

use uuid::Uuid;

use super::{CHUNK, HOSTS, NullEnd, SESSION, report};
use crate::{
    message::{
        orders::StoreOrder,
        receipts::{Discovered, Ended, KnownHost, OverCounts, SessionOpened, StoreReceipt},
        reports::{Outcome, Report},
        store_verbs::{Mode, StoreVerb, StoredTask},
    },
    model::{
        host_key::HostKey,
        ids::{BatchId, HostId, PageKey, Seq, StageId},
        page_url::PageUrl,
        phase::Phase,
        remark::Remarks,
        tries::Tries,
    },
};

impl NullEnd {
    #[expect(clippy::needless_pass_by_value, reason = "it ends here")]
    pub(super) fn stored(&mut self, order: StoreOrder) -> Report {
        let receipt = match order.verb {
            StoreVerb::OpenSession(_) => StoreReceipt::Opened(Box::new(self.opened())),
            StoreVerb::Discover { .. } => StoreReceipt::Discovered(self.discovered()),
            StoreVerb::Mark { .. } => StoreReceipt::Marked,
            StoreVerb::End(_) => {
                self.lives += 1;
                let refill = self.refills.then(|| self.page());
                StoreReceipt::Ended(Ended {
                    inserted: 1,
                    discovered: Discovered {
                        new: refill.into_iter().collect(),
                        ..Discovered::default()
                    },
                    ..Ended::default()
                })
            }
            StoreVerb::Admit {
                host, after, limit, ..
            } => self.admitted(host, after, limit),
            _ => StoreReceipt::Noted,
        };
        report(order.id, Outcome::Stored(Box::new(receipt)))
    }

    fn opened(&self) -> SessionOpened {
        let waiting = self.outside * u64::from(HOSTS);
        let known = |(id, key)| KnownHost {
            id,
            key,
            waiting: self.outside,
            gone: OverCounts::default(),
            learned: None,
        };
        let started = waiting > 0;
        SessionOpened {
            session: SESSION,
            boot: 1,
            mode: Mode::New,
            seed: 1,
            started,
            counts: if started {
                vec![(BatchId(0), StageId(0), Phase::Queued, waiting)]
            } else {
                Vec::new()
            },
            hosts: if started {
                hosts().into_iter().map(known).collect()
            } else {
                Vec::new()
            },
            stage_attempts: Vec::new(),
            skipped: Vec::new(),
            dead: Vec::new(),
            records: 0,
            bytes: 0,
            cookies: Vec::new(),
            remarks: Remarks::default(),
        }
    }

    /// First one page, which opens the batch; then as many as are owed, in chunks.
    fn discovered(&mut self) -> Discovered {
        let is_first = self.born == 0;
        let n = if is_first { 1 } else { self.owed.min(CHUNK) };
        self.owed = self.owed.saturating_sub(n);
        let new: Vec<StoredTask> = (0..n).map(|_| self.page()).collect();
        if is_first {
            self.unread.clone_from(&new);
        }
        Discovered {
            new,
            hosts: if is_first { hosts() } else { Vec::new() },
            ..Discovered::default()
        }
    }

    fn admitted(&mut self, host: HostId, after: Seq, limit: u32) -> StoreReceipt {
        if self.outside == 0 {
            let tasks: Vec<_> = self
                .unread
                .extract_if(.., |task| task.host == host)
                .collect();
            let cursor = tasks.last().map_or(after, |task| task.seq);
            return StoreReceipt::Admitted {
                tasks,
                cursor,
                exhausted: true,
            };
        }
        let left = self.outside.saturating_sub(after.0);
        let n = left.min(u64::from(limit));
        let tasks: Vec<_> = (1..=n)
            .map(|step| StoredTask {
                seq: Seq(after.0 + step),
                host,
                ..self.page()
            })
            .collect();
        StoreReceipt::Admitted {
            tasks,
            cursor: Seq(after.0 + n),
            exhausted: n == left,
        }
    }

    /// A new page at the host whose turn it is.
    fn page(&mut self) -> StoredTask {
        self.born += 1;
        let n = self.born;
        let host = u32::try_from(n % u64::from(HOSTS)).unwrap_or(0);
        StoredTask {
            // Spread over the whole space, as hashes are.
            key: PageKey(Uuid::from_u128(
                u128::from(n).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835),
            )),
            seq: Seq(n),
            url: PageUrl::new(
                &format!("http://catalogue-{host}.null.test/products/of-some-kind/item-{n}/"),
                &format!("{{\"page\":{},\"position\":{}}}", n / 20, n % 20),
            ),
            stage: StageId(0),
            batch: BatchId(0),
            host: HostId(host + 1),
            depth: 1,
            phase: Phase::Queued,
            due_in: Duration::ZERO,
            cause: None,
            tries: Tries::default(),
            suspect: false,
            validators: None,
        }
    }
}

fn hosts() -> Vec<(HostId, HostKey)> {
    (0..HOSTS)
        .map(|host| {
            let key = HostKey {
                scheme: "http".to_owned(),
                name: format!("catalogue-{host}.null.test"),
                port: 80,
            };
            (HostId(host + 1), key)
        })
        .collect()
}
