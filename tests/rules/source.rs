//! The engine's and the viewer's source files, as text.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// One source file.
pub(crate) struct Source {
    /// Below `src`, with `/`.
    pub(crate) path: String,
    /// Its first path segment, without `.rs`.
    pub(crate) room: String,
    pub(crate) text: String,
}

/// The repository's root.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the engine lies in the repository")
        .to_owned()
}

/// All sources of a package but its tests, in order.
pub(crate) fn of(package: &str) -> Vec<Source> {
    let mut sources = with_tests(package);
    sources.retain(|source| !is_test(&source.path));
    sources
}

pub(crate) fn is_test(path: &str) -> bool {
    path.ends_with("tests.rs") || path.contains("tests/") || path.contains("conformance")
}

/// All sources of a package, in order.
pub(crate) fn with_tests(package: &str) -> Vec<Source> {
    let base = root().join(package).join("src");
    let mut files = Vec::new();
    walk(&base, &mut files);
    files.sort();
    files
        .into_iter()
        .filter_map(|file| {
            let path = file.strip_prefix(&base).ok()?.to_str()?.replace('\\', "/");
            let room = path.split('/').next()?.trim_end_matches(".rs").to_owned();
            let text = fs::read_to_string(&file).ok()?;
            Some(Source { path, room, text })
        })
        .collect()
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder)
        .expect("sources can be listed")
        .flatten()
    {
        let path = entry.path();
        if path.is_dir() {
            walk(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// The first segments behind `prefix::`, single or grouped in braces, comments left out.
pub(crate) fn imports(text: &str, prefix: &str) -> BTreeSet<String> {
    let code: String = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n");
    let mut names = BTreeSet::new();
    let needle = format!("{prefix}::");
    for (at, _) in code.match_indices(&needle) {
        let rest = &code[at + needle.len()..];
        if let Some(group) = rest.strip_prefix('{') {
            names.extend(first_names(group));
        } else {
            names.insert(word(rest).to_owned());
        }
    }
    names
}

/// The first word of each item of a group, up to its closing brace.
fn first_names(group: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut depth = 0;
    let mut fresh = true;
    for (at, letter) in group.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => fresh = true,
            _ if fresh && depth == 0 && letter.is_alphabetic() => {
                names.push(word(&group[at..]).to_owned());
                fresh = false;
            }
            _ => {}
        }
    }
    names
}

fn word(text: &str) -> &str {
    let end = text
        .find(|letter: char| !(letter.is_alphanumeric() || letter == '_'))
        .unwrap_or(text.len());
    &text[..end]
}

#[test]
fn imports_are_found_single_grouped_and_in_paths() {
    let text = "use crate::{\n    model::{a, b},\n    ports,\n};\nfn f() { crate::site::x() } // crate::no\n// crate::not";
    let names: Vec<String> = imports(text, "crate").into_iter().collect();
    assert_eq!(names, ["model", "no", "ports", "site"]);
}
