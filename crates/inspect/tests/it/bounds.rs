//! Bounds of the state of one request, and what happens beyond them.

use palisade_inspect::{RequestView, RuleSet, Verdict};

/// Inspects a target and a form with rules.
fn inspect(rules: &str, target: &str, form: &str) -> Verdict {
    let rules = RuleSet::parse(rules).expect("few rules");
    assert_eq!(rules.report().not_loaded, []);
    let request = RequestView {
        target: target.as_bytes(),
        headers: vec![(b"content-type", b"application/x-www-form-urlencoded")],
        body: form.as_bytes(),
        ..RequestView::default()
    };
    rules.inspect(&request, None)
}

#[test]
fn a_variable_that_doubles_at_each_match_makes_the_verdict_incomplete() {
    let rules = "SecAction \"id:1,phase:1,pass,setvar:tx.a=0123456789\"\n\
        SecRule ARGS \"@rx x\" \"id:2,phase:2,pass,setvar:tx.a=%{tx.a}%{tx.a}\"\n\
        SecAction \"id:3,phase:2,pass\"";
    let verdict = inspect(rules, "/?a=x&b=x", "");
    assert!(!verdict.incomplete && verdict.ids().eq([1, 2, 3]));
    let verdict = inspect(rules, "/", &"a=x&".repeat(40));
    assert!(verdict.incomplete && verdict.is_refused());
    assert_eq!(verdict.refused_by, None);
    assert!(verdict.ids().eq([1, 2]), "no rule runs after the bound");
}

#[test]
fn variables_named_by_the_request_are_counted() {
    let rules = "SecRule REQUEST_URI|ARGS_NAMES \"@rx .\" \"id:1,phase:2,pass,setvar:tx.x_%{matched_var}=1\"";
    let names = |count: usize| -> String { (0..count).map(|i| format!("n{i}=&")).collect() };
    assert!(!inspect(rules, "/", &names(900)).incomplete);
    // More than 1,000 parameters are one, so no request has enough names of its own.
    assert!(!inspect(rules, "/", &names(9000)).incomplete);
    let each = "SecRule REQUEST_BODY \"@rx .\" \"id:1,phase:2,pass,chain\"\n\
        SecRule ARGS_NAMES|ARGS_NAMES|ARGS_NAMES|ARGS_NAMES|ARGS_NAMES|ARGS_NAMES \"@rx .\" \"setvar:tx.%{unique_id}=1\"";
    assert!(!inspect(each, "/", &names(600)).incomplete);
    assert!(inspect(each, "/", &names(1000)).incomplete);
}

#[test]
fn the_parameters_of_a_query_beyond_the_limit_are_one_value() {
    let rules = "SecRule &ARGS_GET \"@eq 1001\" \"id:1,phase:1,pass\"\n\
        SecRule ARGS_GET \"@rx ^z=attack$\" \"id:2,phase:1,deny\"";
    let target = format!("/?{}z=attack", "a=1&".repeat(1000));
    assert!(inspect(rules, &target, "").ids().eq([1, 2]));
}

#[test]
fn the_cookies_beyond_the_limit_are_one_value() {
    let rules = RuleSet::parse(
        "SecRule &REQUEST_COOKIES \"@eq 1001\" \"id:1,phase:1,pass\"\n\
         SecRule REQUEST_COOKIES \"@contains attack\" \"id:2,phase:1,deny\"",
    )
    .expect("few rules");
    let cookies = format!("{}z=attack", "a=1;".repeat(1000));
    let request = RequestView {
        headers: vec![(b"cookie", cookies.as_bytes())],
        ..RequestView::default()
    };
    assert!(rules.inspect(&request, None).ids().eq([1, 2]));
}

#[test]
fn an_attack_behind_many_matches_is_seen_by_the_next_link() {
    let rules = "SecRule ARGS \"@rx x\" \"id:1,phase:2,deny,chain\"\nSecRule MATCHED_VARS \"@rx y\" \"t:none\"";
    let form = format!("{}a=xy", "a=x&".repeat(900));
    assert_eq!(inspect(rules, "/", &form).refused_by, Some(1));
}

#[test]
fn more_matches_than_are_kept_make_the_verdict_incomplete() {
    let targets = ["ARGS"; 6].join("|");
    let rules = format!("SecRule {targets} \"@rx x\" \"id:1,phase:2,pass\"");
    let form = "a=x&".repeat(1000);
    assert!(inspect(&rules, "/", &form).incomplete);
    assert!(!inspect(&rules, "/", &"a=x&".repeat(600)).incomplete);
}

#[test]
fn copies_of_a_text_are_counted() {
    // Each rule reads a variable, and each reading is a text.
    let mut rules =
        "SecRule REQUEST_BODY \"@rx (?s).*\" \"id:1,phase:2,pass,capture\"\n".to_owned();
    for id in 2..1200 {
        rules.push_str(&format!(
            "SecRule TX:0 \"@rx ^$\" \"id:{id},phase:2,pass\"\n"
        ));
    }
    assert!(!inspect(&rules, "/", "a").incomplete);
    assert!(inspect(&rules, "/", &"a".repeat(64 * 1024)).incomplete);
}

#[test]
fn a_ctl_at_each_match_is_kept_once() {
    // 1,000 matches with two values each: without the bound each value is compared with them all.
    let rules = "SecRule ARGS \"@rx x\" \"id:1,phase:2,pass,ctl:ruleRemoveTargetById=2;ARGS:b\"\n\
        SecRule ARGS \"@rx y\" \"id:2,phase:2,deny\"";
    let form = format!("{}b=y", "a=x&".repeat(990));
    assert_eq!(inspect(rules, "/", &form).refused_by, None);
}

#[test]
fn many_parts_and_their_headers_end() {
    let rules = RuleSet::parse(
        "SecRule MULTIPART_PART_HEADERS|ARGS|REQUEST_BODY \"@rx zzz\" \"id:1,phase:2,deny\"",
    )
    .expect("few rules");
    let parts = "--b\r\nx: y\r\n\r\nv\r\n".repeat(3000);
    let headers = format!("--b\r\n{}\r\nv\r\n--b--", "x: y\r\n".repeat(9000));
    for body in [parts, headers] {
        let request = RequestView {
            headers: vec![(b"content-type", b"multipart/form-data; boundary=b")],
            body: body.as_bytes(),
            ..RequestView::default()
        };
        assert!(!rules.inspect(&request, None).is_refused());
    }
}

#[test]
fn nesting_is_bounded() {
    let rules = RuleSet::parse("SecRule ARGS|XML:/* \"@contains attack\" \"id:1,phase:2,deny\"")
        .expect("few rules");
    let json = format!("{}\"attack\"{}", "[".repeat(30_000), "]".repeat(30_000));
    let xml = format!("{}attack{}", "<a>".repeat(9000), "</a>".repeat(9000));
    for (kind, body) in [(&b"application/json"[..], json), (b"text/xml", xml)] {
        let request = RequestView {
            headers: vec![(b"content-type", kind)],
            body: body.as_bytes(),
            ..RequestView::default()
        };
        assert_eq!(rules.inspect(&request, None).refused_by, Some(1));
    }
}

#[test]
fn work_is_counted_and_beyond_its_bound_the_verdict_is_incomplete() {
    // Each pattern reads the whole body: 64 KiB 400 times are more than is allowed.
    let rules: String = (0..400)
        .map(|id| {
            format!(
                "SecRule REQUEST_BODY \"@rx a{id}[^b]*b\" \"id:{},phase:2,pass\"\n",
                id + 1
            )
        })
        .collect();
    let literals: String = (0..400).map(|id| format!("a{id} ")).collect();
    let body = format!("b {literals}{}", "c".repeat(64 * 1024 - literals.len() - 2));
    let few: String = rules
        .lines()
        .take(20)
        .map(|line| format!("{line}\n"))
        .collect();
    assert!(!inspect(&few, "/", &body).incomplete);
    assert!(inspect(&rules, "/", &body).incomplete);
    assert!(!inspect(&rules, "/", &body[..1024]).incomplete);
}
