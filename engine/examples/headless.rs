//! The engine by itself: a shop of four pages that exists only here, crawled on a clock that jumps
//! from one event to the next. The run loop of `crawlfield run` does the same with threads, sockets
//! and SQLite: commands and reports in, a step, orders and frames out.

#![expect(clippy::print_stdout, reason = "it shows what happens")]

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use crawlfield_engine::{
    engine::Engine,
    extract::bounds::Bounds,
    feed::{
        frame::{Change, ChangeFrame, Frame},
        mirror::Mirror,
    },
    live::parse,
    message::{
        commands::{Command, Envelope, StartSession},
        orders::{FetchOrder, Order, Purpose, RequestProfile},
        reports::{Answer, Outcome, Report},
        store_verbs::Mode,
    },
    model::head::{Head, Headers},
    settings::Settings,
    sim::store::ModelStore,
    site::compiled::Site,
};

const SHOP: &str = r#"
site = { name = "shop", start = ["http://shop.test/"], enter = "list" }
stages.list.links = [{ select = "a@href", to = "product" }]
[[stages.product.records]]
kind = "product"
fields = { title = { select = "h1", required = true } }
"#;

fn start(settings: &Settings) -> Command {
    let site = Site::load(SHOP, "shop.toml").expect("the site file is right");
    Command::Start(Box::new(StartSession {
        profile: Arc::new(RequestProfile::of(&site, settings, BTreeMap::new())),
        site: Arc::new(site),
        mode: Mode::New,
        origin: serde_json::Value::Null,
        source: Some("example".to_owned()),
        seed: 1,
        resume: None,
    }))
}

/// The shop's server.
fn answer(order: &FetchOrder) -> Answer {
    let (status, body) = match (order.purpose, &*order.url) {
        (Purpose::Robots, _) => (200, "User-agent: *\nDisallow: /cart"),
        (_, "http://shop.test/") => (
            200,
            "<a href=/lamp>A</a><a href=/sofa>B</a><a href=/cart>C</a>",
        ),
        (_, "http://shop.test/lamp") => (200, "<h1>Lamp</h1>"),
        _ => (404, "<h1>Sold</h1>"),
    };
    let headers = Headers::default();
    Answer {
        head: Head { status, headers },
        body: Arc::new(body.into()),
        ..Answer::default()
    }
}

fn print(frame: &ChangeFrame, mirror: &mut Mirror) {
    for change in &frame.changes {
        print!("{:>5} ms  ", frame.at_us / 1_000);
        match change {
            Change::Admitted(task) => println!("{} enters the window", task.url),
            Change::Moved(step) => {
                let task = mirror.task(step.slot).expect("it was admitted");
                println!("{} {} ▸ {}", task.url, step.from.name(), step.to.name());
            }
            other => println!("{other:?}"),
        }
        mirror.apply_change(frame.at_us, change);
    }
}

fn main() {
    let settings = Settings::default();
    let read = parse::reader(Bounds::from(&settings.bounds));
    let mut engine = Engine::new(settings.clone());
    let (mut store, mut mirror) = (ModelStore::default(), Mirror::default());
    // What is under way, by the time of its end and the number of its order.
    let mut under_way: BTreeMap<(Duration, u32), Report> = BTreeMap::new();
    let (mut now, mut sent) = (Duration::ZERO, 0);

    let (command, reply) = (start(&settings), None);
    engine.command(Envelope { command, reply });
    while !engine.is_idle() {
        while let Some(entry) = under_way.first_entry().filter(|entry| entry.key().0 <= now) {
            engine.report(entry.remove());
        }
        engine.step(now);
        for frame in engine.take_frames() {
            if let Frame::Changes(frame) = frame {
                print(&frame, &mut mirror);
            }
        }
        for order in engine.take_orders() {
            let (id, took_ms, outcome) = match order {
                Order::Fetch(order) => (order.id, 80, Outcome::Answered(answer(&order).into())),
                Order::Parse(order) => match read(&order) {
                    Ok(extracted) => (order.id, 2, Outcome::Parsed(extracted.into())),
                    Err(error) => (order.id, 2, Outcome::ParseFailed(error)),
                },
                Order::Store(order) => match store.apply(now, vec![order]).remove(0) {
                    (id, Ok(receipt)) => (id, 5, Outcome::Stored(receipt.into())),
                    (id, Err(error)) => (id, 5, Outcome::StoreFailed(error, None)),
                },
                Order::Abort(_) => continue,
            };
            let took = Duration::from_millis(took_ms);
            sent += 1;
            under_way.insert((now + took, sent), Report::new(id, took, outcome));
        }
        let reported = under_way.keys().map(|(at, _)| *at);
        let next = reported.chain(engine.next_due()).min();
        now = next.unwrap_or(now).max(now + Duration::from_millis(1));
    }
    println!("records kept: {}", store.records("shop", "product"));
}
