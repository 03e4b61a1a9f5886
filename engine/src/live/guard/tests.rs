//! Sixty-odd spellings of addresses, as hosts of URLs.

use ipnet::IpNet;
use url::Url;

use super::*;

fn kind(host: &str, allowed: &[&str]) -> Option<&'static str> {
    let url = Url::parse(&format!("http://{host}/")).unwrap();
    let allowed: Vec<IpNet> = allowed.iter().map(|net| net.parse().unwrap()).collect();
    let refused = check_host(&url.host().unwrap(), &allowed).err();
    refused.map(|refused| refused.kind)
}

#[test]
fn special_addresses_are_refused_in_every_spelling() {
    let cases = [
        ("127.0.0.1", "loopback"),
        ("127.255.255.254", "loopback"),
        ("127.1", "loopback"),
        ("127.0.1", "loopback"),
        ("2130706433", "loopback"),
        ("017700000001", "loopback"),
        ("0x7f000001", "loopback"),
        ("0x7f.1", "loopback"),
        ("0X7F.0.0.0x1", "loopback"),
        ("0177.0.0.01", "loopback"),
        ("127.0.0.1.", "loopback"),
        ("%31%32%37.0.0.1", "loopback"),
        ("１２７.0.0.1", "loopback"),
        ("127。0。0。1", "loopback"),
        ("①②⑦.0.0.1", "loopback"),
        ("localhost", "loopback"),
        ("LOCALHOST", "loopback"),
        ("localhost.", "loopback"),
        ("a.localhost", "loopback"),
        ("ｌocalhost", "loopback"),
        ("[::1]", "loopback"),
        ("[0:0:0:0:0:0:0:1]", "loopback"),
        ("[0000::0001]", "loopback"),
        ("[::ffff:127.0.0.1]", "loopback"),
        ("[::ffff:7f00:1]", "loopback"),
        ("[::127.0.0.1]", "loopback"),
        ("[::ffff:0:127.0.0.1]", "loopback"),
        ("[64:ff9b::127.0.0.1]", "loopback"),
        ("[64:ff9b::7f00:1]", "loopback"),
        ("[2002:7f00:1::]", "loopback"),
        ("[2001:0:4136:e378:8000:63bf:80ff:fffe]", "loopback"),
        ("[2001:4860::5efe:127.0.0.1]", "loopback"),
        ("[2001:4860::200:5efe:127.0.0.1]", "loopback"),
        ("0", "this network"),
        ("0.0.0.0", "this network"),
        ("0.1.2.3", "this network"),
        ("[::]", "unspecified"),
        ("10.0.0.1", "private"),
        ("10.1", "private"),
        ("0xa000001", "private"),
        ("012.0.0.1", "private"),
        ("172.16.0.1", "private"),
        ("172.31.255.255", "private"),
        ("192.168.1.1", "private"),
        ("3232235777", "private"),
        ("[::ffff:192.168.1.1]", "private"),
        ("[2002:c0a8:101::1]", "private"),
        ("[64:ff9b::10.0.0.1]", "private"),
        ("[fc00::1]", "private"),
        ("[fd12:3456::1]", "private"),
        ("100.64.0.1", "shared address space"),
        ("100.127.255.255", "shared address space"),
        ("169.254.169.254", "link-local, cloud metadata"),
        ("0xa9fea9fe", "link-local, cloud metadata"),
        ("2852039166", "link-local, cloud metadata"),
        ("[::ffff:169.254.169.254]", "link-local, cloud metadata"),
        ("169.254.1.1", "link-local"),
        ("[fe80::1]", "link-local"),
        ("[fec0::1]", "site-local"),
        ("[64:ff9b:1::1]", "local-use translation"),
        ("192.0.0.170", "protocol assignments"),
        ("192.0.2.1", "documentation"),
        ("198.51.100.1", "documentation"),
        ("203.0.113.1", "documentation"),
        ("[2001:db8::1]", "documentation"),
        ("198.18.0.1", "benchmarking"),
        ("224.0.0.1", "multicast"),
        ("[ff02::1]", "multicast"),
        ("240.0.0.1", "reserved"),
        ("255.255.255.255", "broadcast"),
        ("0xffffffff", "broadcast"),
    ];
    for (host, expected) in cases {
        assert_eq!(kind(host, &[]), Some(expected), "{host}");
    }
}

#[test]
fn public_addresses_and_names_pass() {
    for host in [
        "93.184.216.34",
        "1.1.1.1",
        "11.0.0.1",
        "172.15.0.1",
        "172.32.0.1",
        "100.63.0.1",
        "100.128.0.1",
        "192.169.0.1",
        "[2606:4700::1111]",
        "[64:ff9b::1.1.1.1]",
        "[2002:101:101::1]",
        "[::ffff:1.1.1.1]",
        "example.org",
        "localhost.example.org",
        "notlocalhost",
    ] {
        assert_eq!(kind(host, &[]), None, "{host}");
    }
}

#[test]
fn what_is_allowed_passes_and_nothing_more() {
    assert_eq!(kind("127.0.0.1", &["127.0.0.0/8"]), None);
    assert_eq!(kind("localhost", &["127.0.0.0/8"]), None);
    assert_eq!(kind("[::ffff:127.0.0.1]", &["127.0.0.0/8"]), None);
    assert_eq!(kind("[::1]", &["::1/128"]), None);
    assert_eq!(kind("[::1]", &["127.0.0.0/8"]), Some("loopback"));
    assert_eq!(kind("10.0.0.1", &["127.0.0.0/8"]), Some("private"));
    assert_eq!(kind("127.0.0.2", &["127.0.0.1/32"]), Some("loopback"));
}

#[test]
fn a_refusal_says_which_address_and_how_to_allow_it() {
    let url = Url::parse("http://0x7f.1/").unwrap();
    let refused = check_host(&url.host().unwrap(), &[]).unwrap_err();
    let text = refused.to_string();
    assert!(text.contains("127.0.0.1 (loopback)"), "{text}");
    assert!(
        text.contains("allow_addresses = [\"127.0.0.1/32\"]"),
        "{text}"
    );
}
