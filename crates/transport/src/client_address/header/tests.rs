use http::header::FORWARDED;
use proptest::prelude::*;

use super::*;

fn hops(lines: &[&str]) -> Vec<Option<String>> {
    let mut headers = HeaderMap::new();
    for line in lines {
        headers.append(FORWARDED, HeaderValue::from_str(line).unwrap());
    }
    let hops = of_forwarded(&headers, &FORWARDED);
    hops.map(|hop| hop.address.map(|ip| ip.to_string()))
        .collect()
}

fn some(address: &str) -> Option<String> {
    Some(address.to_owned())
}

#[test]
fn every_written_form_of_an_address_is_read() {
    for (written, expected) in [
        ("203.0.113.7", Some("203.0.113.7")),
        ("203.0.113.7:4711", Some("203.0.113.7")),
        ("203.0.113.7:_port", Some("203.0.113.7")),
        ("2001:db8::7", Some("2001:db8::7")),
        ("[2001:db8::7]", Some("2001:db8::7")),
        ("[2001:db8::7]:4711", Some("2001:db8::7")),
        ("[2001:db8::7]:_p", Some("2001:db8::7")),
        ("::ffff:203.0.113.7", Some("203.0.113.7")),
        ("[::ffff:203.0.113.7]:1", Some("203.0.113.7")),
        ("unknown", None),
        ("_hidden", None),
        ("", None),
        ("unix:", None),
        ("203.0.113.7:", None),
        ("203.0.113.7:65536", None),
        ("203.0.113.7:_", None),
        ("203.0.113.07", None),
        ("0x7f.1", None),
        ("2130706433", None),
        ("[203.0.113.7]", None),
        ("[2001:db8::7", None),
        ("fe80::1%eth0", None),
        ("example.com", None),
        ("203.0.113.7 ", None),
        ("203.0.113.7, 10.0.0.1", None),
    ] {
        let read = parse_address(written).map(|ip| ip.to_string());
        assert_eq!(read.as_deref(), expected, "{written}");
    }
}

#[test]
fn a_forwarded_element_is_read_with_its_quotes() {
    let hop =
        parse_element("For=\"[2001:db8::7]:4711\" ; Proto=https;host=\"example.com:8443\"; by=_x");
    assert_eq!(hop.address, "2001:db8::7".parse().ok());
    assert_eq!(
        (hop.proto, hop.host),
        (Some("https"), Some("example.com:8443"))
    );
}

#[test]
fn an_element_that_cannot_be_read_says_nothing() {
    for written in [
        "for",
        "for=",
        "for=\"203.0.113.7",
        "for=203.0.113.7\"",
        "for=\"203.0.113\\.7\"",
        "",
        "for=203.0.113.7;by=\"a\"b\"",
        "for=203.0.113.7;by=\"a\\\"",
        "for=203.0.113.7;by=\"open;x=y",
        "for=203.0.113.7;by",
        "for=203.0.113.7;for=198.51.100.1",
        "for=203.0.113.7;proto=https;proto=http",
        "203.0.113.7",
    ] {
        assert_eq!(parse_element(written), Hop::default(), "{written}");
    }
}

#[test]
fn an_open_quote_cannot_swallow_what_a_proxy_appended() {
    let nearest = |line: &str| hops(&[line]).into_iter().next().unwrap();
    for attack in [
        "for=\"",
        "for=\"198.51.100.1",
        "\\\"",
        "for=\"a\\\"",
        "\"\"\"",
        "for=\"x, for=10.0.0.1",
    ] {
        let line = format!("{attack}, for=203.0.113.7;proto=https");
        assert_eq!(nearest(&line), some("203.0.113.7"), "{line}");
        let line = format!("{attack}, for=\"[2001:db8::7]:1\"");
        assert_eq!(nearest(&line), some("2001:db8::7"), "{line}");
    }
}

#[test]
fn a_comma_inside_quotes_separates_nothing() {
    let read = hops(&["for=192.0.2.1, for=\"a,b\", for=192.0.2.3", "for=192.0.2.4"]);
    assert_eq!(
        read,
        [
            some("192.0.2.4"),
            some("192.0.2.3"),
            None,
            some("192.0.2.1")
        ]
    );
}

#[test]
fn separators_and_escapes_inside_quotes_end_nothing() {
    for line in [
        "for=192.0.2.1;by=\"a;b\"",
        "by=\"a;b\";for=192.0.2.1",
        "for=192.0.2.1;by=\"a,b\"",
        "for=192.0.2.1;x=\"a;b,c;for=6.6.6.6\"",
        "for=192.0.2.1;x=\"a\\\";b\\\", c\"",
        "for=192.0.2.1;x=\"\\\\\"",
        "for=192.0.2.1;",
        ";for=192.0.2.1;;proto=https;",
    ] {
        let line = format!("for=192.0.2.7, {line}, for=\"192.0.2.3\";x=\";,\"");
        let expected = ["192.0.2.3", "192.0.2.1", "192.0.2.7"].map(some);
        assert_eq!(hops(&[&line]), expected, "{line}");
    }
}

#[test]
fn an_empty_place_is_a_hop_that_cannot_be_read() {
    assert_eq!(
        hops(&["for=192.0.2.1,,for=192.0.2.3"]),
        [some("192.0.2.3"), None, some("192.0.2.1")]
    );
    assert_eq!(hops(&[""]), [None]);
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(line in "[ -~\u{80}-\u{ff}]{0,60}") {
        let mut headers = HeaderMap::new();
        headers.append(FORWARDED, HeaderValue::from_str(&line).unwrap_or(HeaderValue::from_static("")));
        let _ = of_forwarded(&headers, &FORWARDED).count();
        let _ = of_list(&headers, &FORWARDED).count();
        let _ = (parse_address(&line), value_of_outermost(&headers, &FORWARDED, 2));
    }

    #[test]
    fn reading_from_the_right_agrees_with_reading_from_the_left(
        elements in prop::collection::vec("[a-z]{1,3}=([a-z0-9]{1,4}|\"[a-z,;= ]{0,5}(\\\\[\"\\\\])?[a-z,]{0,3}\")", 1..6),
    ) {
        let line = elements.join(", ");
        let mut read: Vec<_> = from_the_right(&line, true).map(str::to_owned).collect();
        read.reverse();
        prop_assert_eq!(read, elements);
    }
}
