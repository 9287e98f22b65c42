//! Rules of all phases see what their variables hold, whatever rules of other phases asked before.

use palisade_inspect::{RequestView, ResponseView, RuleSet};

/// The numbers of the rules that match.
fn matching(rules: &str) -> Vec<u64> {
    let rules = RuleSet::parse(rules).expect("rules");
    let request = RequestView {
        target: b"/page?q=secretword",
        ..RequestView::default()
    };
    let response = ResponseView {
        body: b"an inner secret",
        ..ResponseView::default()
    };
    let verdict = rules.inspect(&request, Some(&response));
    verdict.matched.iter().map(|rule| rule.id).collect()
}

#[test]
fn a_rule_on_responses_reads_a_text_that_a_rule_on_requests_has_asked_about() {
    let late = r#"SecRule REQUEST_URI "@rx secretword" "id:3,phase:3,pass""#;
    assert_eq!(matching(late), [3]);
    let early = r#"SecRule REQUEST_URI "@rx otherword" "id:1,phase:1,pass""#;
    assert_eq!(matching(&format!("{early}\n{late}")), [3]);
}

#[test]
fn a_rule_on_the_end_reads_a_text_that_a_rule_on_responses_has_asked_about() {
    let late = r#"SecRule RESPONSE_BODY "@rx inner secret" "id:5,phase:5,pass""#;
    assert_eq!(matching(late), [5]);
    let early = r#"SecRule RESPONSE_BODY "@rx otherword" "id:4,phase:4,pass""#;
    assert_eq!(matching(&format!("{early}\n{late}")), [5]);
}
