//! `palisade try address`.

use serde_json::{Value, json};

use crate::support::Folder;

/// Feeds requests to the command, and returns the objects that it printed: one for each line.
fn tried(options: &str, lines: &[String]) -> Vec<Value> {
    let folder = Folder::new();
    let line = format!("try address {options}");
    let ran = folder.run_with_input(&line, lines.join("\n").as_bytes());
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let all = ran.out.lines();
    let all: Vec<Value> = all
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(all.len(), lines.len(), "{all:?}");
    all
}

/// A request of the nearest proxy with these lines of one header.
fn from_proxy(name: &str, values: &[&str]) -> String {
    let headers: Vec<_> = values.iter().map(|value| [name, value]).collect();
    json!({ "peer": "10.0.0.1", "headers": headers }).to_string()
}

/// Checks the addresses that a table of headers gives.
fn check(header: &str, table: &[(&[&str], &str, &[&str])]) {
    let lines: Vec<String> = table
        .iter()
        .map(|(values, ..)| from_proxy(header, values))
        .collect();
    let options = format!("--trust 10.0.0.0/8 --trust 2001:db8:f::/48 --header {header}");
    for (shown, (values, address, hops)) in tried(&options, &lines).iter().zip(table) {
        assert_eq!(shown["address"], *address, "{values:?}: {shown}");
        assert_eq!(shown["hops"], json!(hops), "{values:?}: {shown}");
    }
}

#[test]
fn x_forwarded_for_is_read_from_the_right_over_trusted_hops() {
    let near: &[&str] = &["10.0.0.1"];
    let two: &[&str] = &["10.0.0.1", "10.0.0.2"];
    check(
        "X-Forwarded-For",
        &[
            (&[], "10.0.0.1", near),
            (&[""], "10.0.0.1", near),
            (&["203.0.113.7"], "203.0.113.7", near),
            (&["198.51.100.1, 203.0.113.7"], "203.0.113.7", near),
            (&["198.51.100.1", "203.0.113.7"], "203.0.113.7", near),
            (&["203.0.113.7, 10.0.0.2"], "203.0.113.7", two),
            (&["203.0.113.7", "10.0.0.2"], "203.0.113.7", two),
            (&["203.0.113.7, 10.0.0.1, 10.0.0.2"], "203.0.113.7", two),
            (&["10.0.0.2"], "10.0.0.2", two),
            (&["203.0.113.7:4711"], "203.0.113.7", near),
            (&["[2001:db8::7]:4711"], "2001:db8::7", near),
            (&["[2001:db8::7]"], "2001:db8::7", near),
            (&["2001:db8::7"], "2001:db8::7", near),
            (&["::ffff:203.0.113.7"], "203.0.113.7", near),
            (&["203.0.113.7, ::ffff:10.0.0.2"], "203.0.113.7", two),
            (&["203.0.113.7,"], "10.0.0.1", near),
            (&["203.0.113.7, unknown"], "10.0.0.1", near),
            (&["203.0.113.7, _hidden"], "10.0.0.1", near),
            (&["203.0.113.7 10.0.0.2"], "10.0.0.1", near),
            (&["203.0.113.007"], "10.0.0.1", near),
            (&["3405803783"], "10.0.0.1", near),
            (&["\"203.0.113.7\""], "10.0.0.1", near),
            (&["for=203.0.113.7"], "10.0.0.1", near),
        ],
    );
}

#[test]
fn forwarded_is_read_by_its_grammar() {
    let near: &[&str] = &["10.0.0.1"];
    check(
        "Forwarded",
        &[
            (&["for=203.0.113.7"], "203.0.113.7", near),
            (&["For=\"[2001:db8::7]:4711\""], "2001:db8::7", near),
            (&["for=\"203.0.113.7:_port\""], "203.0.113.7", near),
            (
                &["for=198.51.100.1, for=203.0.113.7, for=10.0.0.2;proto=https"],
                "203.0.113.7",
                &["10.0.0.1", "10.0.0.2"],
            ),
            (
                &["for=198.51.100.1;host=\"a,b;c\", for=203.0.113.7"],
                "203.0.113.7",
                near,
            ),
            (
                &["for=\"198.51.100.1, for=203.0.113.7"],
                "203.0.113.7",
                near,
            ),
            (&["for=203.0.113.7, for=unknown"], "10.0.0.1", near),
            (&["for=203.0.113.7, for=_gazonk"], "10.0.0.1", near),
            (&["for=203.0.113.7;for=198.51.100.1"], "10.0.0.1", near),
            (&["203.0.113.7"], "10.0.0.1", near),
        ],
    );
}

#[test]
fn scheme_and_refusals_are_those_of_the_layer() {
    let request =
        |peer: &str, headers: Value| json!({ "peer": peer, "headers": headers }).to_string();
    let lines = [
        request(
            "10.0.0.1:443",
            json!([
                ["x-forwarded-for", "203.0.113.7"],
                ["X-Forwarded-Proto", "https"]
            ]),
        ),
        request(
            "10.0.0.1",
            json!([
                ["x-forwarded-for", "203.0.113.7"],
                ["x-forwarded-proto", "https, http"]
            ]),
        ),
        request(
            "203.0.113.9",
            json!([
                ["x-forwarded-for", "10.0.0.1"],
                ["x-forwarded-proto", "https"]
            ]),
        ),
        request(
            "[::ffff:10.0.0.1]:80",
            json!([["x-forwarded-for", "203.0.113.7"]]),
        ),
        json!({ "peer": "203.0.113.9", "scheme": "https" }).to_string(),
        request(
            "10.0.0.1",
            json!([["x-forwarded-for", "203.0.113.7, unknown"]]),
        ),
    ];
    let all = tried("--trust 10.0.0.0/8", &lines);
    assert_eq!(
        all[0],
        json!({ "address": "203.0.113.7", "scheme": "https", "hops": ["10.0.0.1"] })
    );
    assert_eq!(all[1]["refused"], "forwarded_ambiguous");
    assert!(
        all[1]["detail"].as_str().unwrap().contains("trusted"),
        "{}",
        all[1]
    );
    assert_eq!(
        (&all[2]["address"], &all[2]["scheme"]),
        (&json!("203.0.113.9"), &json!("http"))
    );
    assert_eq!(all[2]["hops"], json!([]));
    assert_eq!(all[3]["address"], "203.0.113.7");
    assert_eq!(
        (&all[4]["scheme"], &all[4]["hops"]),
        (&json!("https"), &json!([]))
    );
    assert!(
        all[5]["notes"][0].as_str().unwrap().contains("no address"),
        "{}",
        all[5]
    );
}

#[test]
fn two_lines_of_a_header_with_one_address_are_refused() {
    let lines = [
        from_proxy("CF-Connecting-IP", &["203.0.113.7"]),
        from_proxy("CF-Connecting-IP", &["203.0.113.7", "198.51.100.1"]),
    ];
    let all = tried("--trust 10.0.0.1 --header CF-Connecting-IP", &lines);
    assert_eq!(all[0]["address"], "203.0.113.7");
    assert_eq!(all[1]["refused"], "forwarded_ambiguous");
}

#[test]
fn a_line_that_is_no_request_is_told_and_the_next_is_read() {
    let lines = [
        "nothing".to_owned(),
        r#"{"headers":[]}"#.to_owned(),
        r#"{"peer":"localhost","headers":[]}"#.to_owned(),
        r#"{"peer":"10.0.0.1","headers":[["a b","c"]]}"#.to_owned(),
        r#"{"peer":"10.0.0.1","headers":[["a","c\nd"]]}"#.to_owned(),
        r#"{"peer":"10.0.0.1","header":[]}"#.to_owned(),
        r#"{"peer":"10.0.0.1","headers":[["x-forwarded-for","203.0.113.7"]]}"#.to_owned(),
    ];
    let all = tried("--trust 10.0.0.1", &lines);
    let errors: Vec<_> = all
        .iter()
        .map(|one| one["error"].as_str().unwrap_or("none"))
        .collect();
    let expected = [
        "not_a_request",
        "not_a_request",
        "peer_invalid",
        "header_invalid",
        "header_invalid",
        "not_a_request",
        "none",
    ];
    assert_eq!(errors, expected);
    assert!(
        Folder::new()
            .bad("try address --trust 0.0.0.0/0")
            .contains("whole internet")
    );
    Folder::new().bad("try address --trust 10.0.0.1/8");
    Folder::new().bad("try address --header a:b");
}
