//! `palisade check` against small services on loopback: each finding is made where the fault is, and not
//! made where it is not.

mod access;
mod exposure;
mod headers;
mod hostile;
mod input;
mod known_services;
mod report;
mod service;
mod transport;

use serde_json::Value;

use self::service::{Asked, Reply, Service, good};
use crate::support::Folder;

/// A report as JSON.
struct Checked(Value);

impl Checked {
    /// Checks `/tts?text=hello` of a service, with more arguments.
    fn of(service: &Service, arguments: &str) -> Self {
        Self::url(&format!("{}/tts?text=hello", service.url()), arguments)
    }

    /// Checks an address.
    fn url(url: &str, arguments: &str) -> Self {
        let folder = Folder::new();
        let line = format!("check {url} --json --fail-on never {arguments}");
        let ran = folder.run(&line);
        assert_eq!(ran.code, Some(0), "{line}: {}", ran.err);
        Self(serde_json::from_str(&ran.out).unwrap())
    }

    fn list(&self, name: &str) -> Vec<&str> {
        let list = self.0[name].as_array().unwrap().iter();
        list.map(|one| one["code"].as_str().or(one.as_str()).unwrap())
            .collect()
    }

    fn found(&self, code: &str) -> bool {
        self.list("findings").contains(&code)
    }

    fn seen(&self, code: &str) -> String {
        let findings = self.0["findings"].as_array().unwrap();
        let finding = findings.iter().find(|finding| finding["code"] == code);
        finding
            .map(|finding| finding["seen"].to_string())
            .unwrap_or_default()
    }

    /// Returns why a rule was not checked. Empty if it was.
    fn why_not_checked(&self, code: &str) -> &str {
        let mut skipped = self.0["not_checked"].as_array().unwrap().iter();
        let skipped = skipped.find(|one| one["code"] == code);
        skipped.map_or("", |one| one["reason"].as_str().unwrap())
    }

    #[track_caller]
    fn assert_found(&self, code: &str) {
        assert!(self.found(code), "{code} in {:#}", self.0);
    }

    #[track_caller]
    fn assert_passed(&self, code: &str) {
        assert!(
            self.list("passed").contains(&code),
            "{code} in {:#}",
            self.0
        );
    }
}

/// Checks a rule in both directions: found where `change` spoils the good service, passed without it.
#[track_caller]
fn both(code: &str, arguments: &str, change: impl Fn(&Asked, &mut Reply) + Send + Sync + 'static) {
    let spoiled = Service::start(move |asked| {
        let mut reply = good(asked);
        change(asked, &mut reply);
        reply
    });
    Checked::of(&spoiled, arguments).assert_found(code);
    Checked::of(&Service::start(good), arguments).assert_passed(code);
}
