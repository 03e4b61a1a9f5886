//! Extraction alone: the demo's pages read by the compiled site and by the baseline's selectors,
//! on one core, turn by turn.

use std::path::Path;

use super::{
    Options, by_hand, cpu, crawl, median,
    served::Served,
    table::{Bound, Row, Table},
};
use crate::{
    extract::{bounds::Bounds, carried::Carried, extract, output::PageInput},
    model::ids::StageId,
    site::compiled::Site,
};

/// Pages of each kind.
const PAGES: usize = 40;
/// Each is read so often in a turn: the system counts CPU time in ticks of some milliseconds.
const TIMES: usize = 25;

pub(super) fn measure(options: &Options, _folder: &Path) -> Result<Table, String> {
    let served = Served::elsewhere(600)?;
    let site = crawl::site(&served)?;
    let sample = by_hand::sample(&served, &crawl::lists_of(&site)?, PAGES)?;
    let selectors = by_hand::Selectors::new();
    let turns = if options.quick { 1 } else { 7 };
    let mut rows = Vec::new();
    for (stage, name) in [(0, "list"), (1, "detail")] {
        let pages = &sample[usize::from(stage)];
        let mut costs = [Vec::new(), Vec::new()];
        for _ in 0..turns {
            let began = cpu::of_this_thread();
            for page in pages.iter().cycle().take(PAGES * TIMES) {
                ours(&site, StageId(stage), page)?;
            }
            let between = cpu::of_this_thread();
            for page in pages.iter().cycle().take(PAGES * TIMES) {
                by_hand::read_again(&selectors, page)?;
            }
            let after = cpu::of_this_thread();
            let each = 1e6 / f64::from(u32::try_from(PAGES * TIMES).unwrap_or(1));
            costs[0].push(between.saturating_sub(began).as_secs_f64() * each);
            costs[1].push(after.saturating_sub(between).as_secs_f64() * each);
        }
        let [ours, theirs] = costs.map(median);
        rows.push(
            Row::figure(
                format!("{name} pages per CPU-second, beside by hand"),
                1e6 / ours,
            )
            .beside(1e6 / theirs)
            .bound(Bound::AtLeast(0.9)),
        );
    }
    Ok(Table {
        name: "pages",
        title: "extraction alone, all fields".to_owned(),
        rows,
    })
}

fn ours(site: &Site, stage: StageId, page: &by_hand::Sample) -> Result<(), String> {
    let carried = Carried::default();
    let input = PageInput {
        url: &page.todo.url,
        final_url: &page.todo.url,
        content_type: Some("text/html; charset=utf-8"),
        body: page.text.as_bytes(),
        carried: &carried,
        depth: 0,
    };
    extract(site, stage, &input, &Bounds::default())
        .map(drop)
        .map_err(|error| error.message)
}
