//! Systems say what they touch (ARCHITECTURE, decision 3).

use std::collections::BTreeMap;

use crate::source::{Source, of};

/// Members of one bundle, at most.
const MEMBERS: usize = 8;
/// Resources and queries that a system reaches, with its bundles unfolded, at most.
const REACHED: usize = 16;

/// A parameter or a field: its type, without lifetimes.
type Type = String;

#[test]
fn a_bundle_has_few_members_and_none_is_in_another() {
    let bundles = bundles();
    assert!(bundles.len() >= 4, "the bundles are found: {bundles:?}");
    for (name, members) in &bundles {
        assert!(
            members.len() <= MEMBERS,
            "{name} has {} members, more than {MEMBERS}",
            members.len()
        );
        for member in members {
            assert!(
                !bundles.contains_key(head(member)),
                "{name} holds the bundle {member}"
            );
        }
    }
}

#[test]
fn a_system_reaches_few_things_and_never_the_whole_world() {
    let bundles = bundles();
    let mut found = 0;
    for source in sources() {
        for (name, parameters) in functions(&source.text) {
            let is_system = parameters
                .iter()
                .any(|of| is_parameter(of) || bundles.contains_key(head(of)));
            if !is_system {
                continue;
            }
            found += 1;
            let reached: usize = parameters
                .iter()
                .map(|of| match bundles.get(head(of)) {
                    Some(members) => members.iter().filter(|of| is_counted(of)).count(),
                    None => usize::from(is_counted(of)),
                })
                .sum();
            assert!(
                reached <= REACHED,
                "{}: {name} reaches {reached} resources and queries, more than {REACHED}",
                source.path
            );
            let takes_world = parameters.iter().any(|of| of.ends_with("World"));
            assert!(!takes_world, "{}: {name} takes the World", source.path);
        }
    }
    assert!(found >= 35, "only {found} systems were found");
}

fn sources() -> Vec<Source> {
    let all = of("engine").into_iter();
    all.filter(|source| ["world", "systems"].contains(&source.room.as_str()))
        .collect()
}

/// The types of the members of each bundle.
fn bundles() -> BTreeMap<String, Vec<Type>> {
    let mut bundles = BTreeMap::new();
    for source in sources() {
        for (at, derive) in source.text.match_indices("#[derive(SystemParam)]") {
            let item = &source.text[at + derive.len()..];
            let open = item.find('{').expect("a bundle has members");
            let close = item.find("\n}").expect("a bundle ends");
            let name = item[..open].split("struct ").nth(1).expect("a struct");
            bundles.insert(head(name).to_owned(), types(&item[open + 1..close]));
        }
    }
    bundles
}

/// Each function with the types of its parameters.
fn functions(text: &str) -> Vec<(String, Vec<Type>)> {
    let starts = text.match_indices("fn ");
    starts
        .filter_map(|(at, _)| {
            let item = &text[at + 3..];
            let open = item.find('(')?;
            let inside = &item[open + 1..];
            let mut depth = 1;
            let close = inside.find(|letter| {
                depth += match letter {
                    '(' => 1,
                    ')' => -1,
                    _ => 0,
                };
                depth == 0
            })?;
            Some((head(item).to_owned(), types(&inside[..close])))
        })
        .collect()
}

/// The types in a list of `name: Type`, comments left out.
fn types(list: &str) -> Vec<Type> {
    let code: String = list
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect();
    let mut depth = 0;
    let parts = code.split(|letter| {
        match letter {
            '<' | '(' | '[' => depth += 1,
            '>' | ')' | ']' => depth -= 1,
            _ => {}
        }
        letter == ',' && depth == 0
    });
    let typed = parts.filter_map(|part| part.split_once(": "));
    typed.map(|(_, of)| of.trim().to_owned()).collect()
}

/// A type's name without what follows it.
fn head(of: &str) -> &str {
    let end = of.find(|letter: char| !(letter.is_alphanumeric() || letter == '_'));
    &of[..end.unwrap_or(of.len())]
}

fn is_parameter(of: &str) -> bool {
    let kinds = [
        "Res",
        "ResMut",
        "Query",
        "Commands",
        "MessageReader",
        "MessageWriter",
    ];
    kinds.contains(&head(of))
}

/// Commands and a system's own memory are nothing that others see.
fn is_counted(of: &str) -> bool {
    !["Commands", "Local"].contains(&head(of))
}
