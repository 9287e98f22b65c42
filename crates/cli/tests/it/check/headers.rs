//! Headers of responses, and cookies.

use super::{
    Checked, both,
    service::{Reply, Service, good},
};

#[test]
fn nosniff_is_missing() {
    both("nosniff-missing", "", |_, reply| {
        reply.remove("x-content-type-options")
    });
}

#[test]
fn a_page_without_a_content_security_policy() {
    both("csp-missing", "", |_, reply| {
        reply.remove("content-security-policy")
    });
}

#[test]
fn a_content_security_policy_that_allows_inline_scripts() {
    both("csp-weak", "", |_, reply| {
        let policy = "default-src 'self' 'unsafe-inline'; frame-ancestors 'none'";
        reply.set("content-security-policy", policy);
    });
}

#[test]
fn a_page_that_others_may_frame() {
    both("framing-allowed", "", |_, reply| {
        reply.set("content-security-policy", "default-src 'self'");
    });
}

#[test]
fn x_frame_options_is_enough() {
    let service = Service::start(|asked| {
        let mut reply = good(asked);
        reply.set("content-security-policy", "default-src 'self'");
        reply.add("x-frame-options", "DENY");
        reply
    });
    Checked::of(&service, "").assert_passed("framing-allowed");
}

#[test]
fn a_page_without_a_referrer_policy() {
    both("referrer-policy-missing", "", |_, reply| {
        reply.remove("referrer-policy")
    });
}

#[test]
fn headers_of_pages_are_not_demanded_of_data() {
    let service = Service::start(|asked| {
        let mut reply = match asked.path() {
            "/" => Reply::new(200, "application/json", "{}"),
            _ => good(asked),
        };
        reply.set("x-content-type-options", "nosniff");
        reply.remove("content-security-policy");
        reply
    });
    let checked = Checked::of(&service, "");
    assert!(checked.list("not_checked").contains(&"csp-missing"));
}

#[test]
fn what_was_computed_may_be_cached() {
    let spoiled = |cache: Option<&'static str>| {
        Service::start(move |asked| {
            let mut reply = good(asked);
            if asked.path() == "/tts" && asked.method == "GET" {
                reply.respond(200, "audio/wav", "RIFF");
            }
            reply.remove("cache-control");
            if let Some(cache) = cache {
                reply.add("cache-control", cache);
            }
            reply
        })
    };
    for found in [None, Some("public, max-age=60"), Some("max-age=0")] {
        Checked::of(&spoiled(found), "").assert_found("cacheable");
    }
    for passed in ["no-store", "Private, max-age=60", "no-cache"] {
        Checked::of(&spoiled(Some(passed)), "").assert_passed("cacheable");
    }
}

#[test]
fn a_cookie_without_secure() {
    both("cookie-insecure", "", |_, reply| {
        reply.set("set-cookie", "theme=dark; SameSite=Lax");
    });
}

#[test]
fn a_session_cookie_that_scripts_read() {
    both("cookie-readable", "", |_, reply| {
        reply.set("set-cookie", "sessionid=1; Secure; SameSite=Lax");
    });
}

#[test]
fn a_cookie_that_scripts_may_read_is_not_reported_if_it_holds_no_session() {
    let service = Service::start(|asked| {
        let mut reply = good(asked);
        reply.set("set-cookie", "theme=dark; Secure; SameSite=Lax");
        reply
    });
    Checked::of(&service, "").assert_passed("cookie-readable");
}

#[test]
fn a_cookie_for_every_site() {
    both("cookie-cross-site", "", |_, reply| {
        reply.set("set-cookie", "sessionid=1; Secure; HttpOnly; SameSite=None");
    });
}

#[test]
fn the_value_of_a_cookie_is_not_shown() {
    let service = Service::start(|asked| {
        let mut reply = good(asked);
        reply.set("set-cookie", "sessionid=very-secret");
        reply
    });
    let checked = Checked::of(&service, "");
    assert!(checked.seen("cookie-insecure").contains("sessionid"));
    assert!(!checked.0.to_string().contains("very-secret"));
}
