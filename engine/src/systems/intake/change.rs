//! Settings changed while running: validated, carried out, kept with old and new value.

use serde_json::{Value as Json, json};

use crate::{
    message::{
        commands::Ack,
        store_verbs::{Note, StoreVerb},
    },
    model::profile::Profile,
    settings::{Settings, presets},
    systems::crawl::Crawl,
    world::slots::Owner,
};

/// Another preset.
pub(super) fn profile(crawl: &mut Crawl, profile: Profile) -> Json {
    let cores = crawl.settings.0.cores;
    let old = crawl.settings.0.profile;
    let mut next = crawl.settings.0.clone();
    next.profile = profile;
    presets::apply(&mut next, cores);
    take_up(crawl, next);
    keep(crawl, "profile", json!(old), json!(profile));
    json!({ "old": old, "new": profile })
}

/// One setting by its dotted name.
pub(super) fn setting(crawl: &mut Crawl, name: &str, value: &Json) -> Ack {
    let mut next = crawl.settings.0.clone();
    let change = next.set(name, value)?;
    take_up(crawl, next);
    keep(crawl, change.name, change.old.clone(), change.new.clone());
    Ok(json!({ "name": change.name, "old": change.old, "new": change.new }))
}

/// The new settings count from now on.
fn take_up(crawl: &mut Crawl, next: Settings) {
    let host_changed =
        next.host != crawl.settings.0.host || next.http_permits != crawl.settings.0.http_permits;
    for mut host in &mut crawl.hosts {
        host.breaker.set(next.breaker);
        host.budget.set(&next.retry);
    }
    crawl.settings.0 = next;
    crawl.fit_capacities();
    if host_changed {
        crawl.lower_ceilings();
    }
    // A rest between batches may be over.
    crawl.desk.restless = true;
    crawl.wake_all();
}

fn keep(crawl: &mut Crawl, name: &str, old: Json, new: Json) {
    let text = format!("{name}: {old} → {new}");
    crawl.tell_all(&text);
    let note = Note::Setting {
        session: None,
        name: name.to_owned(),
        old,
        new,
    };
    crawl.write(Owner::Note(None), StoreVerb::Note(note));
}
