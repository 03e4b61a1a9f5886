//! Where a numbered list ends, whatever its site counts (SPEC B5).

use std::collections::BTreeMap;

use crate::model::ids::PageKey;

/// What this run has seen of a numbered list whose pages should be full.
#[derive(Debug, Default)]
pub struct ListEnd {
    /// The last page that held something.
    held: Option<u32>,
    /// Pages that the count promises and that came empty twice, until they are judged.
    empty: BTreeMap<u32, PageKey>,
    /// The last page, as judged.
    last: Option<u32>,
}

impl ListEnd {
    /// A page holds something; true where the list had been judged to end before it.
    pub fn hold(&mut self, page: u32) -> bool {
        self.held = self.held.max(Some(page));
        self.empty.remove(&page);
        let goes_on = self.last.is_some_and(|last| page > last);
        if goes_on {
            self.last = None;
        }
        goes_on
    }

    /// A page that the count promises came empty twice.
    pub fn lack(&mut self, page: u32, key: PageKey) {
        self.empty.insert(page, key);
    }

    /// Whether the list was judged to end with this page.
    #[must_use]
    pub fn ends_with(&self, page: u32) -> bool {
        self.last == Some(page)
    }

    /// The list is judged: its pages past the end, which are not asked after again. There are none
    /// where nothing was held at all, or where it is not known what the first page after it has.
    pub fn end(&mut self) -> Vec<(u32, PageKey)> {
        let Some((held, next)) = self
            .held
            .and_then(|held| Some((held, held.checked_add(1)?)))
        else {
            return Vec::new();
        };
        if !self.empty.contains_key(&next) && !self.ends_with(held) {
            return Vec::new();
        }
        let past = self.empty.split_off(&next);
        if !past.is_empty() {
            self.last = Some(held);
        }
        past.into_iter().collect()
    }
}

#[cfg(test)]
mod tests;
