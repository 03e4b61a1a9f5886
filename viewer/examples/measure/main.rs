//! Measures the viewer and prints tables with their bounds: memory a task, picking, CPU of a frame,
//! frames on the adapter at hand, the window at rest and out of focus, colours, and what of the
//! engine's own bench belongs to watching. `measure [--quick] [NAME …]`.
#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::print_stdout,
    dead_code,
    unreachable_pub,
    reason = "a program that measures a made-up crawl and prints: nobody imports it"
)]

#[path = "../../src/theme/tests/difference.rs"]
mod difference;
#[path = "../../tests/support/synthetic.rs"]
mod synthetic;

mod colours;
mod frames;
mod load;
mod memory;
mod picking;
mod rest;
mod usage;

use crawlfield_engine::bench;

/// As in the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measures and prints; quickly if so asked.
type Print = fn(bool);

/// Tables by the name that selects them.
const TABLES: [(&str, Print); 6] = [
    ("colours", colours::print),
    ("memory", memory::print),
    ("picking", picking::print),
    ("cpu", frames::print_cpu),
    ("frames", frames::print_frames),
    ("rest", rest::print),
];
/// Tables of the engine's bench that a viewer depends on.
const WATCHING: [&str; 2] = ["watched", "recording"];

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if words.iter().any(|word| word == rest::CHILD) {
        return rest::watch();
    }
    let is_quick = words.iter().any(|word| word == "--quick");
    let names: Vec<&str> = words
        .iter()
        .map(String::as_str)
        .filter(|word| !word.starts_with("--"))
        .collect();
    let wants = |name: &str| names.is_empty() || names.contains(&name);
    println!(
        "{} build, {} cores, load average {}\n",
        if cfg!(debug_assertions) {
            "dev"
        } else {
            "release"
        },
        std::thread::available_parallelism().map_or(1, usize::from),
        usage::load_average(),
    );
    for (name, print) in TABLES {
        if wants(name) {
            print(is_quick);
        }
    }
    for name in WATCHING.into_iter().filter(|name| wants(name)) {
        let options = bench::Options {
            quick: is_quick,
            known: 0,
            only: Some(name.to_owned()),
        };
        if let Err(why) = bench::run(&options, |table| println!("{table}")) {
            println!("{name}: not measured: {why}\n");
        }
    }
}

/// `1,000,000`.
fn grouped(n: u32) -> String {
    crawlfield_viewer::panels::format::count(u64::from(n)).replace("1.00 M", "1,000,000")
}
