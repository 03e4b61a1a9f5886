use super::*;

#[test]
fn each_profile_asks_for_more_than_the_one_before() {
    for cores in [0, 1, 2, 8, 64, u32::MAX] {
        let [low, mid, high] = [Profile::Economy, Profile::Balanced, Profile::Performance]
            .map(|profile| preset(profile, cores).expect("a preset"));
        for (less, more) in [(low, mid), (mid, high)] {
            assert!(less.http_permits < more.http_permits);
            assert!(less.cpu_permits <= more.cpu_permits);
            assert!(less.store_bytes < more.store_bytes);
            assert!(less.parse_memory < more.parse_memory);
            assert!(less.parse_queue >= less.cpu_permits && less.save_queue > 0);
        }
    }
}

#[test]
fn no_profile_touches_a_host_s_manners() {
    let settings = Settings::default();
    for profile in [
        Profile::Economy,
        Profile::Balanced,
        Profile::Performance,
        Profile::Custom,
    ] {
        let applied = applied(&settings, profile, 16);
        assert_eq!(applied.host, settings.host);
        assert_eq!(applied.profile, profile);
    }
}

#[test]
fn balanced_on_two_cores_is_the_default() {
    let settings = Settings::default();
    assert_eq!(applied(&settings, Profile::Balanced, 2), settings);
    assert_eq!(
        applied(&settings, Profile::Custom, 2).http_permits,
        settings.http_permits
    );
}
