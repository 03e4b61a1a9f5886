//! Our parser, tree and selectors beside html5ever with scraper: pages alone, and in a whole crawl.

use std::sync::{Arc, Mutex, PoisonError};

use crawlfield_engine::{
    extract::{bounds::Bounds, output::Extracted},
    live::parse::{self, Reader},
    message::orders::ParseOrder,
};

use crate::{
    Options, Result,
    crawl::{by_engine, exported, products, remove_store, verify},
    demo_site::DemoSite,
    scraped,
    table::{Part, Row},
    timing::{cpu_of_this_thread, median},
};

/// Pages of each kind.
const PAGES: usize = 40;

pub(crate) fn measure(options: &Options) -> Result<Part> {
    let readers = [
        parse::reader(Bounds::default()),
        scraped::reader(),
        scraped::tree_maker(),
    ];
    let [ours, theirs, _] = &readers;
    let mut rows = Vec::new();
    for (kind, pages) in ["list", "detail"].into_iter().zip(sample(options, ours)?) {
        for page in &pages {
            is_the_same(&read(ours, page)?, &read(theirs, page)?)?;
        }
        // The system counts CPU time in ticks of some milliseconds.
        let n = PAGES * options.pick(25, 25, 3);
        let mut rates = [Vec::new(), Vec::new(), Vec::new()];
        for _ in 0..options.pick(7, 1, 1) {
            for (reader, rates) in readers.iter().zip(&mut rates) {
                let began = cpu_of_this_thread();
                for page in pages.iter().cycle().take(n) {
                    read(reader, page)?;
                }
                let spent = cpu_of_this_thread().saturating_sub(began);
                rates.push(n as f64 / spent.as_secs_f64());
            }
        }
        let [ours, theirs, tree] = rates.map(median);
        let what = format!("{kind} pages per CPU-second, beside by hand");
        rows.push(Row::figure(what, ours).beside(theirs).at_least(0.9));
        let what = format!("{kind} pages per CPU-second, beside html5ever's tree alone");
        rows.push(Row::figure(what, ours).beside(tree));
    }
    Ok(Part {
        title: "extraction alone, all fields, beside html5ever with scraper".to_owned(),
        rows,
    })
}

fn read(reader: &Reader, page: &ParseOrder) -> Result<Extracted> {
    Ok(reader(page).map_err(|error| error.message)?)
}

/// Whether both found the same.
fn is_the_same(ours: &Extracted, theirs: &Extracted) -> Result<()> {
    let links = |of: &Extracted| -> Vec<_> { of.links.iter().map(|link| link.key).collect() };
    let is_same = ours.records == theirs.records
        && links(ours) == links(theirs)
        && ours.distinct_items == theirs.distinct_items
        && (ours.page, ours.page_count, ours.has_next)
            == (theirs.page, theirs.page_count, theirs.has_next);
    if is_same {
        return Ok(());
    }
    Err(format!("a page yields {ours:?}, read by html5ever with scraper {theirs:?}").into())
}

/// Some list pages and some detail pages as a crawl hands them over to be read.
fn sample(options: &Options, reader: &Reader) -> Result<[Vec<ParseOrder>; 2]> {
    let site = DemoSite::start(options.pick(600, 600, 59))?;
    let seen = Arc::new(Mutex::new([Vec::new(), Vec::new()]));
    let (keep, reader) = (Arc::clone(&seen), Arc::clone(reader));
    let watching: Reader = Arc::new(move |order| {
        let mut seen = keep.lock().unwrap_or_else(PoisonError::into_inner);
        let kind = usize::from(order.stage != order.site.enter);
        if seen[kind].len() < PAGES {
            seen[kind].push(order.clone());
        }
        drop(seen);
        reader(order)
    });
    let store = options.file("sample.db");
    by_engine(&site, &store, Some(watching))?;
    remove_store(&store);
    let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(std::mem::take(&mut *seen))
}

pub(crate) fn measure_crawl(options: &Options) -> Result<Part> {
    let site = DemoSite::start(products(options))?;
    let store = options.file("parser.db");
    let (mut rates, mut ratios) = ([Vec::new(), Vec::new()], Vec::new());
    for _ in 0..options.rounds() {
        let mut pair = [0.0; 2];
        for (reader, rate) in [None, Some(scraped::reader())].into_iter().zip(&mut pair) {
            remove_store(&store);
            *rate = by_engine(&site, &store, reader)?.per_cpu_second();
            verify(&site, exported(&store)?)?;
        }
        rates[0].push(pair[0]);
        rates[1].push(pair[1]);
        ratios.push(pair[0] / pair[1]);
    }
    remove_store(&store);
    let [ours, theirs] = rates.map(median);
    Ok(Part {
        title: format!(
            "a crawl of {} products, its pages read by our parser and by html5ever with scraper",
            site.config.products
        ),
        rows: vec![
            Row::figure("pages per CPU-second, beside html5ever with scraper", ours).beside(theirs),
            Row::figure("CPU µs a page, beside html5ever with scraper", 1e6 / ours)
                .beside(1e6 / theirs),
            Row::figure(
                format!("the gain in pages, median of {} pairs", ratios.len()),
                median(ratios),
            )
            .at_least(1.1),
        ],
    })
}
