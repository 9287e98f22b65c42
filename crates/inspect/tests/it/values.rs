//! Variables that few rules read, and the forms of `allow`.

use palisade_inspect::{RequestView, ResponseView, RuleSet};

/// Which of the rules match.
fn ids(rules: &str, request: &RequestView<'_>) -> Vec<u64> {
    let rules = RuleSet::parse(rules).expect("few rules");
    assert_eq!(rules.report().not_loaded, []);
    let response = ResponseView::default();
    rules.inspect(request, Some(&response)).ids().collect()
}

/// Asserts that each target has a value that matches.
fn check(target: &str, pattern: &str, request: &RequestView<'_>) {
    let rule = format!("SecRule {target} \"@rx {pattern}\" \"id:1,phase:2,pass\"");
    assert_eq!(ids(&rule, request), [1], "{target} {pattern}");
}

#[test]
fn each_variable_that_loads_has_a_value() {
    let request = RequestView {
        method: b"POST",
        target: b"/a?x=%zz",
        // user:secret
        headers: vec![
            (b"authorization", b"Basic dXNlcjpzZWNyZXQ="),
            (b"host", b"a.example"),
        ],
        body: b"the body",
        client: Some([203, 0, 113, 7].into()),
        ..RequestView::default()
    };
    check("AUTH_TYPE", "^Basic$", &request);
    check("REMOTE_USER", "^user$", &request);
    check("REMOTE_HOST", "^203.0.113.7$", &request);
    check("URLENCODED_ERROR", "^1$", &request);
    check("INBOUND_DATA_ERROR", "^0$", &request);
    check("UNIQUE_ID", "^[0-9.]+$", &request);
    check("FULL_REQUEST_LENGTH", "^90$", &request);
    check(
        "FULL_REQUEST",
        "(?s)^POST /a.x=%zz HTTP/1.1\\r\\nauthorization: .*\\r\\n\\r\\nthe body$",
        &request,
    );
    check("&FULL_REQUEST", "^1$", &request);
    check("URLENCODED_ERROR", "^0$", &RequestView::default());
    check("REMOTE_USER", "^$", &RequestView::default());
}

#[test]
fn the_encoding_of_a_form_is_checked() {
    let request = RequestView {
        headers: vec![(b"content-type", b"application/x-www-form-urlencoded")],
        body: b"a=%4",
        ..RequestView::default()
    };
    check("URLENCODED_ERROR", "^1$", &request);
}

#[test]
fn the_whole_request_has_the_body_from_phase_2_on() {
    let rules = "SecRule FULL_REQUEST \"@contains body\" \"id:1,phase:1,pass\"\n\
        SecRule FULL_REQUEST \"@contains body\" \"id:2,phase:2,pass\"";
    let request = RequestView {
        body: b"body",
        ..RequestView::default()
    };
    assert_eq!(ids(rules, &request), [2]);
}

#[test]
fn a_variable_without_a_value_is_named_when_the_rule_is_loaded() {
    for rule in [
        "SecRule REMOTE_PORT \"@rx .\" \"id:1\"",
        "SecRule ARGS \"@rx .\" \"id:1,setvar:tx.a=%{TIME_EPOCH}\"",
        "SecRule ARGS \"@streq %{rule.id}\" \"id:1\"",
        "SecRule ARGS \"@rx .\" \"id:1,allow:everything\"",
    ] {
        let rules = RuleSet::parse(rule).expect("few rules");
        assert_eq!(
            (rules.report().rules, rules.report().not_loaded.len()),
            (0, 1),
            "{rule}"
        );
    }
}

#[test]
fn allow_reaches_as_far_as_its_argument_says() {
    for (allow, expected) in [
        ("allow", &[1, 9][..]),
        ("allow:phase", &[1, 6, 7, 9]),
        ("allow:request", &[1, 7, 9]),
        ("ALLOW:'Phase'", &[1, 6, 7, 9]),
    ] {
        let rules = format!(
            "SecAction \"id:1,phase:1,{allow}\"\nSecAction \"id:5,phase:1,pass\"\nSecAction \"id:6,phase:2,deny\"\n\
             SecAction \"id:7,phase:3,pass\"\nSecAction \"id:9,phase:5,pass\""
        );
        assert_eq!(ids(&rules, &RequestView::default()), expected, "{allow}");
    }
}

#[test]
fn an_exclusion_leaves_out_a_variable_of_the_transaction() {
    let set = "SecAction \"id:1,phase:1,pass,nolog,setvar:tx.x_a=1,setvar:tx.x_b=2\"";
    for (targets, value, expected) in [
        ("TX:/^x_/", "2", &[2][..]),
        ("TX:/^x_/|!TX:x_b", "2", &[]),
        ("TX:/^x_/|!TX:x_b", "1", &[2]),
        ("TX:/^x_/|!TX:/b$/", "2", &[]),
    ] {
        let rules = format!("{set}\nSecRule {targets} \"@streq {value}\" \"id:2,phase:1,pass\"");
        assert_eq!(
            ids(&rules, &RequestView::default()),
            expected,
            "{targets} {value}"
        );
    }
}
