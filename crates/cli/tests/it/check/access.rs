//! Keys, limits, other origins, other hosts.

use std::{
    fs,
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    sync::atomic::{AtomicUsize, Ordering},
};

use super::{
    Checked, both,
    service::{Asked, KEY, Reply, Service, good},
};
use crate::support::Folder;

/// Checks a service with a key file in a folder of the test.
fn with_key(service: &Service, key: &str) -> Checked {
    let folder = Folder::new();
    let path = folder.path("key");
    let mut options = fs::OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)
        .unwrap();
    writeln!(file, "{key}").unwrap();
    Checked::of(service, &format!("--key {}", path.display()))
}

/// Checks a rule in both directions, with the right key.
#[track_caller]
fn both_with_key(code: &str, change: impl Fn(&Asked, &mut Reply) + Send + Sync + 'static) {
    let spoiled = Service::start(move |asked| {
        let mut reply = good(asked);
        change(asked, &mut reply);
        reply
    });
    with_key(&spoiled, KEY).assert_found(code);
    with_key(&Service::start(good), KEY).assert_passed(code);
}

/// The good service, with the right key given to every request.
fn open(asked: &Asked, reply: &mut Reply) {
    if asked.path() == "/tts" && asked.method == "GET" && reply.status == 401 {
        reply.respond(200, "audio/wav", "RIFF");
    }
}

#[test]
fn an_api_that_works_without_a_key() {
    both("keyless-access", "", open);
}

#[test]
fn a_page_is_no_api() {
    let page = Service::start(good);
    let checked = Checked::url(&page.url(), "");
    assert!(checked.list("not_checked").contains(&"keyless-access"));
}

#[test]
fn a_key_that_is_demanded_and_not_verified() {
    both_with_key("any-key-accepted", |asked, reply| {
        if !asked.header("x-api-key").is_empty() {
            open(asked, reply);
        }
    });
}

#[test]
fn a_key_in_the_url() {
    both_with_key("key-in-url", |asked, reply| {
        let key: String = KEY.bytes().map(|byte| format!("%{byte:02X}")).collect();
        if asked.target.contains(&format!("access_token={key}")) {
            open(asked, reply);
        }
    });
}

#[test]
fn the_parameter_that_takes_the_key_is_named() {
    let service = Service::start(|asked| {
        let mut reply = good(asked);
        if asked.target.contains("&token=") {
            open(asked, &mut reply);
        }
        reply
    });
    let seen = with_key(&service, KEY).seen("key-in-url");
    assert_eq!(seen, "[\"accepted as ?token=…\"]");
}

#[test]
fn the_key_is_not_in_the_report_even_if_the_service_shows_it() {
    let service = Service::start(|asked| {
        let mut reply = good(asked);
        reply.add(
            "server",
            &format!("Voice/1 {}", asked.header("authorization")),
        );
        let mut cookie = asked.header("authorization").to_owned();
        cookie.push_str("session=a");
        reply.add("set-cookie", &cookie);
        reply
    });
    let report = with_key(&service, KEY).0.to_string();
    assert!(report.contains("[key]"), "{report}");
    assert!(!report.contains(KEY), "{report}");
}

#[test]
fn a_key_that_is_not_accepted_leaves_its_rules_open() {
    let checked = with_key(&Service::start(good), "another-key");
    assert!(checked.list("not_checked").contains(&"key-in-url"));
    assert!(
        checked
            .0
            .to_string()
            .contains("the key is not accepted: GET /tts?text=hello → 401")
    );
}

#[test]
fn a_key_in_a_file_that_others_can_read_is_refused() {
    let folder = Folder::new();
    fs::write(folder.path("key"), KEY).unwrap();
    let ran = folder.run("check http://127.0.0.1:9 --key key");
    assert_eq!(ran.code, Some(2));
    assert!(ran.err.contains("0600"), "{}", ran.err);
}

#[test]
fn a_text_of_any_length() {
    let service = |longest: usize| {
        Service::start(move |asked| {
            let mut reply = good(asked);
            open(asked, &mut reply);
            if asked.text().len() > longest {
                reply.respond(422, "application/json", "{}");
            }
            reply
        })
    };
    Checked::of(&service(usize::MAX), "--probe-limits 1").assert_found("no-length-limit");
    Checked::of(&service(500), "--probe-limits 1").assert_passed("no-length-limit");
}

#[test]
fn a_limit_is_reached_and_says_when_to_come_back() {
    let count = AtomicUsize::new(0);
    let limited = Service::start(move |asked| match count.fetch_add(1, Ordering::Relaxed) {
        0..70 => good(asked),
        _ => {
            let mut reply = good(asked);
            reply.respond(429, "text/plain", "later");
            reply.add("retry-after", "3");
            reply
        }
    });
    let checked = Checked::of(&limited, "--probe-limits 60");
    checked.assert_passed("no-limit");
    checked.assert_passed("limit-without-time");
    let unlimited = Checked::of(&Service::start(good), "--probe-limits 20");
    unlimited.assert_found("no-limit");
}

#[test]
fn a_limit_without_the_time_to_come_back() {
    let count = AtomicUsize::new(0);
    let limited = Service::start(move |asked| match count.fetch_add(1, Ordering::Relaxed) {
        0..70 => good(asked),
        _ => Reply::new(429, "text/plain", "later"),
    });
    Checked::of(&limited, "--probe-limits 60").assert_found("limit-without-time");
}

#[test]
fn a_service_that_limits_the_check_passes_nothing_that_was_not_seen() {
    let limited = Service::start(|_| Reply::new(429, "text/plain", "later"));
    let checked = Checked::of(&limited, "");
    assert!(!checked.list("passed").contains(&"keyless-access"));
    assert!(!checked.list("passed").contains(&"nosniff-missing"));
}

#[test]
fn a_foreign_origin_with_credentials() {
    both("cors-credentials", "", |asked, reply| {
        let origin = asked.header("origin").to_owned();
        if !origin.is_empty() {
            reply.add("access-control-allow-origin", &origin);
            reply.add("access-control-allow-credentials", "true");
        }
    });
}

#[test]
fn the_origin_null_counts_as_foreign() {
    both("cors-credentials", "", |asked, reply| {
        if asked.header("origin") == "null" {
            reply.add("access-control-allow-origin", "null");
            reply.add("access-control-allow-credentials", "true");
        }
    });
}

#[test]
fn every_origin_without_credentials() {
    both("cors-open", "", |_, reply| {
        reply.add("access-control-allow-origin", "*")
    });
}

#[test]
fn a_wildcard_with_credentials_is_only_open_because_browsers_refuse_it() {
    let service = Service::start(|asked| {
        let mut reply = good(asked);
        reply.add("access-control-allow-origin", "*");
        reply.add("access-control-allow-credentials", "true");
        reply
    });
    let checked = Checked::of(&service, "");
    checked.assert_found("cors-open");
    checked.assert_passed("cors-credentials");
}

#[test]
fn only_the_preflight_allows_the_origin() {
    both("cors-open", "", |asked, reply| {
        if asked.method == "OPTIONS" && !asked.header("origin").is_empty() {
            reply.respond(204, "text/plain", "");
            reply.add(
                "access-control-allow-origin",
                "https://palisade-check.invalid",
            );
        }
    });
}

#[test]
fn a_foreign_host_is_served() {
    both("any-host", "", |asked, reply| {
        if asked.header("host") == "palisade-check.invalid" {
            reply.respond(401, "application/json", "{}");
        }
    });
}

#[test]
fn a_foreign_host_in_a_redirect() {
    both("host-reflected", "", |asked, reply| {
        let host = asked.header("host").to_owned();
        if host == "palisade-check.invalid" {
            reply.respond(302, "text/plain", "");
            reply.add("location", &format!("https://{host}/login"));
        }
    });
}
