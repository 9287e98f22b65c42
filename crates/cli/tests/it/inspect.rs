//! `palisade inspect rules` and `palisade try request`, with rules of our own: the Core Rule Set is not
//! part of this repository.

use std::fs;

use serde_json::{Value, json};

use crate::support::Folder;

const SETUP: &str = "SecAction \"id:900000,phase:1,nolog,pass,setvar:tx.threshold=5,setvar:tx.blocking_paranoia_level=1\"\n";

const RULES: &str = r#"
SecRule TX:blocking_paranoia_level "@lt 2" "id:1,phase:2,nolog,pass,skipAfter:END"
SecRule ARGS "@rx \.\./" "id:2,phase:2,pass,setvar:tx.blocking_inbound_anomaly_score=+3"
SecMarker END
SecRule ARGS|REQUEST_URI_RAW "@detectSQLi" \
    "id:3,phase:2,pass,t:none,t:urlDecodeUni,setvar:tx.blocking_inbound_anomaly_score=+5"
SecRule RESPONSE_BODY "@pmFromFile leaks.data" \
    "id:4,phase:4,pass,setvar:tx.blocking_outbound_anomaly_score=+4"
SecRule RESPONSE_STATUS "@streq 500" "id:6,phase:3,pass"
SecRule TX:blocking_inbound_anomaly_score "@ge %{tx.threshold}" "id:5,phase:2,deny"
"#;

/// A folder with a setup and rules.
fn with_rules(rules: &str) -> Folder {
    let folder = Folder::new();
    fs::create_dir(folder.path("rules")).unwrap();
    fs::write(folder.path("crs-setup.conf"), SETUP).unwrap();
    fs::write(folder.path("rules/one.conf"), rules).unwrap();
    fs::write(folder.path("rules/leaks.data"), "# leaks\nORA-00933\n").unwrap();
    folder
}

/// The results of `try request` for these requests.
fn found(options: &str, requests: &[Value]) -> Vec<Value> {
    let folder = with_rules(RULES);
    let lines: Vec<String> = requests.iter().map(Value::to_string).collect();
    let line = format!("try request --rules . {options}");
    let ran = folder.run_with_input(&line, lines.join("\n").as_bytes());
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    ran.out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn each_request_gets_one_result() {
    let requests = [
        json!({"method": "GET", "uri": "/?q=hello", "headers": []}),
        json!({"method": "GET", "uri": "/?q=1'%20OR%20'1'%3D'1", "version": "HTTP/2", "headers": [["Host", "a"]]}),
        json!({"method": "POST", "uri": "/", "headers": [["Content-Type", "application/json"]],
            "data_base64": "eyJhIjoiMScgT1IgJzEnPScxIn0="}),
        json!({"method": "GET", "uri": "/", "headers": [],
            "response": {"status": 500, "headers": [], "data": "error ORA-00933"}}),
    ];
    let expected = [
        json!({"rules": [], "score": 0, "refused": false}),
        json!({"rules": [3, 5], "score": 10, "refused": true}),
        json!({"rules": [3, 5], "score": 5, "refused": true}),
        json!({"rules": [6, 4], "score": 4, "refused": false}),
    ];
    assert_eq!(found("", &requests), expected);
}

#[test]
fn a_higher_paranoia_level_runs_more_rules() {
    let request = [json!({"method": "GET", "uri": "/?f=../x", "headers": []})];
    assert_eq!(found("", &request)[0]["rules"], json!([]));
    assert_eq!(
        found("--paranoia 2", &request)[0],
        json!({"rules": [2], "score": 3, "refused": false})
    );
}

#[test]
fn a_line_that_is_no_request_is_named() {
    for (line, reason) in [
        ("{", "line 1: not JSON"),
        ("{\"uri\":\"/\"}", "line 1: `method` is missing"),
        (
            "{\"method\":\"GET\",\"uri\":\"/\",\"headers\":[[1]]}",
            "line 1: `headers` is no list",
        ),
        (
            "{\"method\":\"GET\",\"uri\":\"/\",\"data_base64\":\"?\"}",
            "line 1: `data_base64`",
        ),
    ] {
        let ran = with_rules(RULES).run_with_input("try request --rules .", line.as_bytes());
        assert_eq!(ran.code, Some(2), "{line}");
        assert!(ran.err.contains(reason), "{line}: {}", ran.err);
    }
}

#[test]
fn a_folder_is_checked() {
    let ran = with_rules(RULES).run("inspect rules .");
    assert_eq!(
        (ran.code, ran.out.trim()),
        (Some(0), "7 rules from 2 files")
    );
}

#[test]
fn rules_that_do_not_load_are_named() {
    let rules = "SecRule ARGS \"@rx a(?=b)\" \"id:7\"\nSecRule ARGS \"@pmFromFile none.data\" \"id:8\"\nSecAction \"id:9\"\n";
    let ran = with_rules(rules).run("inspect rules .");
    assert_eq!(ran.code, Some(1));
    assert!(
        ran.out
            .contains("one.conf:1: rule 7: the pattern uses look-ahead"),
        "{}",
        ran.out
    );
    assert!(
        ran.out
            .contains("one.conf:2: rule 8: the data file none.data cannot be read"),
        "{}",
        ran.out
    );
}

#[test]
fn a_folder_without_rules_says_where_rules_are() {
    let ran = Folder::new().run("inspect rules .");
    assert_eq!(ran.code, Some(2));
    assert!(ran.err.contains("https://coreruleset.org"), "{}", ran.err);
}
