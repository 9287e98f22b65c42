//! The report, the exit code, and what is promised about the requests.

use std::{collections::HashSet, fs};

use serde_json::Value;

use super::{
    Checked,
    service::{Service, good},
};
use crate::support::Folder;

#[test]
fn the_exit_code_follows_fail_on_and_accept() {
    let service = Service::start(|asked| {
        let mut reply = good(asked);
        reply.remove("x-content-type-options");
        reply
    });
    let folder = Folder::new();
    let url = service.url();
    let code = |arguments: &str| folder.run(&format!("check {url} {arguments}")).code;
    assert_eq!(code(""), Some(1), "no TLS is critical");
    assert_eq!(code("--fail-on never"), Some(0));
    assert_eq!(code("--accept no-tls"), Some(0), "low is under the default");
    assert_eq!(code("--accept no-tls --fail-on low"), Some(1));
    assert_eq!(
        code("--accept no-tls --accept nosniff-missing --fail-on low"),
        Some(0)
    );
}

#[test]
fn what_cannot_be_checked_is_said() {
    let folder = Folder::new();
    for line in [
        "check ftp://127.0.0.1/",
        "check http://user:secret@127.0.0.1/",
        "check http://127.0.0.1:1/",
        "check http://127.0.0.1/ --accept no-such-code",
        "check http://127.0.0.1/ --ca no-such-file",
        "check http://127.0.0.1/ --key no-such-file",
        "check",
    ] {
        folder.bad(line);
    }
}

#[test]
fn every_rule_has_one_outcome() {
    let checked = Checked::of(&Service::start(good), "--probe-limits 2 --slow 1");
    let mut all = HashSet::new();
    for list in ["findings", "accepted", "passed", "not_checked"] {
        for code in checked.list(list) {
            assert!(all.insert(code.to_owned()), "{code} twice");
        }
    }
    assert!(all.len() >= 50, "{}", all.len());
    assert!(!checked.0.to_string().contains("not reached"));
}

#[test]
fn the_requests_are_those_that_were_announced() {
    let service = Service::start(good);
    let folder = Folder::new();
    let ran = folder.run(&format!("check {}/tts?text=a --json", service.url()));
    let report: Value = serde_json::from_str(&ran.out).unwrap();
    let requests = report["requests"].as_u64().unwrap();
    assert_eq!(requests, service.connections() as u64);
    assert!(
        requests <= 60,
        "{requests}: the usual limit would be reached"
    );
    let announced = ran
        .err
        .split(' ')
        .skip_while(|word| *word != "most")
        .nth(1)
        .unwrap();
    assert!(requests <= announced.parse().unwrap(), "{}", ran.err);
    assert!(ran.err.contains("to 127.0.0.1 only"), "{}", ran.err);
}

#[test]
fn a_redirect_is_told_and_not_followed() {
    let other = Service::start(good);
    let to = format!("{}/elsewhere", other.url());
    let service = Service::start(move |asked| {
        let mut reply = good(asked);
        reply.respond(302, "text/plain", "");
        reply.add("location", &to);
        reply
    });
    let checked = Checked::of(&service, "");
    assert!(
        checked.0["notes"][0]
            .as_str()
            .unwrap()
            .contains("/elsewhere, which was not followed")
    );
    assert_eq!(other.connections(), 0);
}

#[test]
fn the_text_has_the_remedies_and_verbose_the_reasons() {
    let service = Service::start(good);
    let folder = Folder::new();
    let short = folder.run(&format!("check {}", service.url()));
    assert_eq!(short.code, Some(1));
    for text in [
        "Grade F",
        "no-tls",
        "palisade gateway",
        "In order",
        "Not checked",
    ] {
        assert!(short.out.contains(text), "{text}: {}", short.out);
    }
    assert!(!short.out.contains('\u{1b}'), "no color in a pipe");
    let long = folder.run(&format!("check {} --verbose", service.url()));
    for text in [
        "why",
        "nginx",
        "API8:2023",
        "ASVS 5.0 V12.2.1",
        "only with --slow",
    ] {
        assert!(long.out.contains(text), "{text}: {}", long.out);
    }
}

#[test]
fn sarif_refers_to_its_rules() {
    let service = Service::start(good);
    let folder = Folder::new();
    folder.run(&format!(
        "check {} --sarif out.sarif --accept http2-missing",
        service.url()
    ));
    let log: Value = serde_json::from_str(&folder.text("out.sarif")).unwrap();
    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    let results = run["results"].as_array().unwrap();
    assert!(!results.is_empty());
    for result in results {
        let place = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[place]["id"], result["ruleId"]);
        let place = &result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
        assert_eq!(*place, format!("{}/", service.url()));
    }
    assert_eq!(results[0]["level"], "error");
}

#[test]
fn an_accepted_finding_is_suppressed_in_sarif() {
    let service = Service::start(good);
    let folder = Folder::new();
    folder.run(&format!(
        "check {} --sarif out.sarif --accept no-tls",
        service.url()
    ));
    let log: Value = serde_json::from_str(&folder.text("out.sarif")).unwrap();
    let results = log["runs"][0]["results"].as_array().unwrap();
    let accepted = results
        .iter()
        .find(|result| result["ruleId"] == "no-tls")
        .unwrap();
    assert_eq!(accepted["suppressions"][0]["kind"], "external");
}

#[test]
fn the_page_stands_alone() {
    let service = Service::start(good);
    let folder = Folder::new();
    folder.run(&format!("check {} --html out.html", service.url()));
    let page = folder.text("out.html");
    for text in [
        "<!doctype html>",
        "viewport",
        "prefers-color-scheme: dark",
        "default-src 'none'",
    ] {
        assert!(page.contains(text), "{text}");
    }
    assert!(
        !page.contains("<script") && !page.contains("src="),
        "{page}"
    );
    assert!(!page.contains("http-equiv=\"refresh\""));
    assert!(fs::metadata(folder.path("out.html")).unwrap().len() < 200_000);
}
