//! Same seed, same transcript; in two processes, too.

use std::process::Command;

use crawlfield_kit::Crawl;

use crate::swarm::web;

/// Set in the child process: it only prints its hash.
const CHILD: &str = "CRAWLFIELD_SCENARIO_CHILD";

fn run(seed: u64) -> Crawl {
    let mut crawl = web(seed).start();
    crawl.run_until_idle();
    crawl
}

#[test]
fn the_same_seed_gives_the_same_transcript() {
    let (first, second) = (run(7), run(7));
    assert_eq!(first.transcript.lines, second.transcript.lines);
    assert!(first.transcript.lines.len() > 100);
}

#[test]
fn another_seed_gives_another_transcript() {
    assert_ne!(run(7).transcript.hash(), run(8).transcript.hash());
}

#[test]
fn two_processes_give_the_same_transcript() {
    let hash = run(7).transcript.hash();
    if std::env::var_os(CHILD).is_some() {
        println!("HASH={hash:016x}");
        return;
    }
    let program = std::env::current_exe().expect("a test has a program");
    let name = "determinism::two_processes_give_the_same_transcript";
    let output = Command::new(program)
        .args([name, "--exact", "--nocapture"])
        .env(CHILD, "1")
        .output()
        .expect("the test's own program starts");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains(&format!("HASH={hash:016x}")), "{text}");
}
