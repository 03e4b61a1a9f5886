use std::collections::BTreeMap;

use serde_json::json;

use super::{Inputs, Layer, Layered, layer, variable};
use crate::{
    model::profile::Profile,
    settings::{Settings, registry},
    site::compiled::Site,
};

const SITE: &str = "[site]\nname = \"t\"\nstart = [\"http://a.test/\"]\n";

fn site(politeness: &str) -> Site {
    let text =
        format!("{SITE}[politeness]\n{politeness}\n[stages.list]\npages = {{ next = \"a\" }}\n");
    Site::load(&text, "t.toml").unwrap_or_else(|errors| panic!("{errors}"))
}

fn lay(
    file: &str,
    site: Option<&Site>,
    environment: &[(&str, &str)],
    flags: &[(&str, &str)],
) -> Result<Layered, String> {
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let environment: BTreeMap<String, String> = environment.iter().map(own).collect();
    let flags: Vec<(String, String)> = flags.iter().map(own).collect();
    let file = Some((file, "settings.toml"));
    layer(&Inputs {
        cores: 2,
        file,
        site,
        kept: &[],
        environment: &environment,
        flags: &flags,
    })
    .map_err(|error| error.to_string())
}

fn seen(layered: &Layered, name: &str) -> (String, Layer) {
    layered.provenance[name].clone()
}

#[test]
fn a_later_layer_wins_and_is_named() {
    let site = site("max_rate = \"6/s\"\ntimeout = \"70s\"");
    let check = |file: &str, with_site: bool, env: &str, flag: &str, value: &str, from: Layer| {
        let env: Vec<_> = [("CRAWLFIELD_POLITENESS_MAX_RATE", env)]
            .into_iter()
            .filter(|e| !e.1.is_empty())
            .collect();
        let flag: Vec<_> = [("politeness.max_rate", flag)]
            .into_iter()
            .filter(|f| !f.1.is_empty())
            .collect();
        let layered = lay(file, with_site.then_some(&site), &env, &flag).unwrap();
        assert_eq!(
            seen(&layered, "politeness.max_rate"),
            (value.to_owned(), from)
        );
    };
    let file = "[politeness]\nmax_rate = \"5/s\"\n";
    check("", false, "", "", "4.0", Layer::Default);
    check(file, false, "", "", "5.0", Layer::File);
    check(file, true, "", "", "6.0", Layer::Site);
    check(file, true, "7/s", "", "7.0", Layer::Environment);
    check(file, true, "7/s", "480/min", "8.0", Layer::Flag);
}

#[test]
fn a_profile_lies_below_all_that_is_said_by_name() {
    let layered = lay("profile = \"economy\"\ncpu_permits = 3\n", None, &[], &[]).unwrap();
    assert_eq!(layered.settings.profile, Profile::Economy);
    assert_eq!(
        seen(&layered, "profile"),
        ("economy".to_owned(), Layer::File)
    );
    assert_eq!(
        seen(&layered, "http_permits"),
        ("8".to_owned(), Layer::Profile)
    );
    assert_eq!(seen(&layered, "cpu_permits"), ("3".to_owned(), Layer::File));
    let layered = lay(
        "profile = \"economy\"",
        None,
        &[],
        &[("profile", "performance")],
    )
    .unwrap();
    assert_eq!(
        seen(&layered, "profile"),
        ("performance".to_owned(), Layer::Flag)
    );
    assert_eq!(layered.settings.cpu_permits, 2);
}

#[test]
fn a_set_rate_frees_the_in_flight_limit_and_none_keeps_a_stranger_safe() {
    let stranger = lay("", Some(&site("")), &[], &[]).unwrap().settings;
    assert_eq!(
        (
            stranger.host.max_rate.to_bits(),
            stranger.host.max_in_flight
        ),
        (4f64.to_bits(), 4)
    );
    let known = lay(
        "",
        Some(&site("max_rate = 9")),
        &[],
        &[("http_permits", "77")],
    )
    .unwrap();
    assert_eq!(
        seen(&known, "politeness.max_in_flight"),
        ("77".to_owned(), Layer::Site)
    );
    let both = lay("", Some(&site("max_rate = 9\nmax_in_flight = 2")), &[], &[]).unwrap();
    assert_eq!(both.settings.host.max_in_flight, 2);
}

#[test]
fn what_lies_above_the_site_file_is_written_into_its_politeness() {
    let mut site = site("max_rate = 9\nuser_agent = \"SiteBot/1\"");
    let layered = lay(
        "",
        Some(&site),
        &[("CRAWLFIELD_FETCH_TIMEOUT", "5s")],
        &[("politeness.max_rate", "2")],
    )
    .unwrap();
    layered.apply_to(&mut site.politeness);
    assert_eq!(site.politeness.max_rate, Some(2.0));
    assert_eq!(site.politeness.timeout.unwrap().as_secs(), 5);
    assert_eq!(site.politeness.user_agent.as_deref(), Some("SiteBot/1"));
    assert_eq!(site.politeness.max_in_flight, Some(32));
}

#[test]
fn bad_values_are_refused_with_their_place() {
    let check = |file: &str, env: &[(&str, &str)], flags: &[(&str, &str)], parts: &[&str]| {
        let message = lay(file, None, env, flags).unwrap_err();
        for part in parts {
            assert!(message.contains(part), "{part} is not in:\n{message}");
        }
    };
    check(
        "http_permit = 3\n[retry]\nbas = \"1s\"\n",
        &[],
        &[],
        &[
            "settings.toml:1:1: http_permit",
            "did you mean `http_permits`?",
            "settings.toml:3:1: retry.bas",
            "did you mean `retry.base`?",
            "2 errors",
        ],
    );
    check(
        "window = 5",
        &[],
        &[],
        &["settings.toml:1:10: window", "from 100 to 10000000"],
    );
    check(
        "[retry]\nbase = 3",
        &[],
        &[],
        &["2:8", "a duration such as", "found 3"],
    );
    check("retry = 3", &[], &[], &["retry: there is no such setting"]);
    check(
        "profile = \"balancd\"",
        &[],
        &[],
        &["did you mean `balanced`?"],
    );
    check(
        "window = [1]",
        &[],
        &[],
        &["expected one value, found a list"],
    );
    check("a = [", &[], &[], &["settings.toml:1:", "not TOML"]);
    check(
        "",
        &[("CRAWLFIELD_WINDOW", "x")],
        &[],
        &["environment variable CRAWLFIELD_WINDOW: expected an integer"],
    );
    check(
        "",
        &[],
        &[("windw", "1000")],
        &["setting windw", "did you mean `window`?"],
    );
    check(
        "",
        &[],
        &[("retry.cap", "1ms")],
        &["retry.cap: is shorter than retry.base"],
    );
    check(
        "",
        &[("CRAWLFIELD_BREAKER_MIN_SAMPLE", "500")],
        &[],
        &["CRAWLFIELD_BREAKER_MIN_SAMPLE", "above breaker.window"],
    );
}

#[test]
fn an_environment_variable_that_is_no_setting_is_warned_of() {
    let layered = lay(
        "",
        None,
        &[("CRAWLFIELD_WINDWO", "1000"), ("CRAWLFIELD_CASES", "x")],
        &[],
    )
    .unwrap();
    let [no_near_one, near] = &layered.warnings[..] else {
        panic!("{:?}", layered.warnings);
    };
    assert!(near.contains("did you mean CRAWLFIELD_WINDOW?"), "{near}");
    let says = no_near_one.contains("did you mean");
    assert!(
        !says && no_near_one.contains("CRAWLFIELD_CASES"),
        "{no_near_one}"
    );
}

#[test]
fn every_setting_is_listed_once_explained_and_takes_its_own_value_back() {
    let defaults = Settings::default();
    let mut variables: Vec<String> = registry::ALL.iter().map(|s| variable(s.name)).collect();
    let explained = lay("", None, &[], &[]).unwrap().explain();
    for setting in registry::ALL {
        let mut settings = defaults.clone();
        let change = settings.set(setting.name, &setting.get(&defaults)).unwrap();
        assert_eq!(change.old, change.new, "{}", setting.name);
        assert_eq!(settings, defaults, "{}", setting.name);
        let text = json!(setting.show(&defaults));
        assert!(
            settings.set(setting.name, &text).is_ok(),
            "{} as text",
            setting.name
        );
        assert!(
            settings.set(setting.name, &json!([1])).is_err(),
            "{}",
            setting.name
        );
        assert!(explained.contains(setting.name) && explained.contains(setting.doc));
    }
    variables.sort();
    variables.dedup();
    assert_eq!(
        variables.len(),
        registry::ALL.len(),
        "two settings share a variable"
    );
}

#[test]
fn a_change_while_running_is_whole_or_refused() {
    let mut settings = Settings::default();
    let change = settings
        .set("politeness.max_rate", &json!("120/min"))
        .unwrap();
    assert_eq!((change.old, change.new), (json!(4.0), json!(2.0)));
    assert_eq!(settings.profile, Profile::Balanced);
    settings.set("http_permits", &json!(5)).unwrap();
    assert_eq!(settings.profile, Profile::Custom);
    settings.set("memory_limit", &json!(1 << 30)).unwrap();
    assert_eq!(settings.memory_limit, Some(1 << 30));
    settings.set("memory_limit", &json!(null)).unwrap();
    assert_eq!(settings.memory_limit, None);
    let before = settings.clone();
    for (name, value) in [
        ("retry.cap", json!("1ms")),
        ("http_permits", json!(0)),
        ("http_permits", json!(-1)),
        ("http_permits", json!(1.5)),
        ("politeness.max_rate", json!(0)),
        ("tolerance", json!(1.01)),
        ("retry.jitter", json!("fully")),
        ("on_fatal", json!("explode")),
        ("fetch.user_agent", json!("bad\nagent")),
        ("profile", json!("economy")),
        ("nothing", json!(1)),
    ] {
        assert!(settings.set(name, &value).is_err(), "{name} = {value}");
        assert_eq!(settings, before);
    }
}
