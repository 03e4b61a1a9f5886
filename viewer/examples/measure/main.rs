//! Measures the field and prints tables: frames on the adapter at hand, CPU of a frame, memory a
//! task, picking. `measure [--quick] [frames] [cpu] [memory] [picking]`.
#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::print_stdout,
    clippy::too_many_lines,
    dead_code,
    unreachable_pub,
    reason = "a program that measures a made-up crawl and prints: nobody imports it"
)]

#[path = "../../tests/support/synthetic.rs"]
mod synthetic;

mod frames;
mod load;
mod memory;
mod picking;
mod usage;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let is_quick = words.iter().any(|word| word == "--quick");
    let names: Vec<&str> = words
        .iter()
        .map(String::as_str)
        .filter(|word| !word.starts_with("--"))
        .collect();
    let wants = |name| names.is_empty() || names.contains(&name);
    println!(
        "{} build, {} cores, load average {}",
        if cfg!(debug_assertions) {
            "dev"
        } else {
            "release"
        },
        std::thread::available_parallelism().map_or(1, usize::from),
        usage::load_average(),
    );
    if wants("memory") {
        memory::print(is_quick);
    }
    if wants("picking") {
        picking::print(is_quick);
    }
    if wants("cpu") {
        frames::print_cpu(is_quick);
    }
    if wants("frames") {
        frames::print_frames(is_quick);
    }
}

/// `1,000,000`.
fn grouped(n: u32) -> String {
    crawlfield_viewer::panels::words::count(u64::from(n)).replace("1.00 M", "1,000,000")
}
