//! Hostile text, broken requests, methods.

use super::{
    Checked, both,
    service::{Asked, Reply, Service, decoded, good},
};

/// A service without a key, whose response is made of the text.
fn speaking(media_type: &'static str, body: fn(&[u8]) -> Vec<u8>) -> impl Fn(&Asked, &mut Reply) {
    move |asked, reply| {
        if asked.path() == "/tts" && asked.method == "GET" {
            reply.respond(200, media_type, "");
            reply.body = body(&asked.text());
        }
    }
}

/// Checks a rule with two services that work without a key: one with the fault, one without it.
#[track_caller]
fn found_and_passed(
    code: &str,
    bad: impl Fn(&Asked, &mut Reply) + Send + Sync + 'static,
    better: impl Fn(&Asked, &mut Reply) + Send + Sync + 'static,
) {
    fn service(change: impl Fn(&Asked, &mut Reply) + Send + Sync + 'static) -> Service {
        Service::start(move |asked| {
            let mut reply = good(asked);
            change(asked, &mut reply);
            reply
        })
    }
    Checked::of(&service(bad), "").assert_found(code);
    Checked::of(&service(better), "").assert_passed(code);
}

#[test]
fn control_characters_come_back() {
    found_and_passed(
        "control-characters",
        speaking("text/plain", <[u8]>::to_vec),
        // As JSON they are escapes, and do nothing.
        speaking("application/json", |text| {
            serde_json::to_vec(&String::from_utf8_lossy(text)).unwrap()
        }),
    );
}

#[test]
fn text_of_control_characters_is_accepted() {
    found_and_passed(
        "control-characters-accepted",
        speaking("audio/wav", |_| b"RIFF".to_vec()),
        |asked, reply| {
            let text = asked.text();
            let clean = text.iter().any(|byte| !byte.is_ascii_control());
            if asked.path() == "/tts" && asked.method == "GET" {
                let status = if clean { 200 } else { 422 };
                reply.respond(status, "audio/wav", "RIFF");
            }
        },
    );
}

#[test]
fn markup_comes_back_in_a_page() {
    found_and_passed(
        "markup-reflected",
        speaking("text/html", <[u8]>::to_vec),
        speaking("text/html", |text| {
            String::from_utf8_lossy(text)
                .replace('<', "&lt;")
                .into_bytes()
        }),
    );
}

#[test]
fn markup_in_an_error_page_of_an_unknown_path() {
    found_and_passed(
        "markup-reflected",
        |asked, reply| {
            if reply.status == 404 {
                let path = decoded(asked.path());
                reply.set("content-type", "text/html");
                reply.body = path;
            }
        },
        speaking("audio/wav", |_| b"RIFF".to_vec()),
    );
}

#[test]
fn a_line_break_that_becomes_a_header() {
    both("header-injection", "", |asked, reply| {
        let text = String::from_utf8_lossy(&asked.text()).into_owned();
        reply.add("x-voice", &text);
    });
    both("header-injection", "", |asked, reply| {
        let path = String::from_utf8_lossy(&decoded(asked.path())).into_owned();
        reply.add("location", &path);
    });
}

#[test]
fn a_stack_trace_in_an_error() {
    both("error-leak", "", |asked, reply| {
        if asked.method == "POST" {
            let trace = "Traceback (most recent call last):\n  File \"app.py\"";
            reply.respond(500, "text/plain", trace);
        }
    });
}

#[test]
fn a_stack_trace_in_a_good_response_is_content() {
    let service = Service::start(|asked| {
        let mut reply = good(asked);
        if asked.path() == "/" {
            reply.respond(200, "text/html", "Traceback (most recent call last)");
        }
        reply
    });
    Checked::of(&service, "").assert_passed("error-leak");
}

#[test]
fn trace_returns_the_request() {
    both("trace-method", "", |asked, reply| {
        if asked.method == "TRACE" {
            reply.respond(200, "message/http", asked.head());
        }
    });
}

#[test]
fn options_announces_methods_that_write() {
    both("write-methods", "", |asked, reply| {
        if asked.method == "OPTIONS" {
            reply.respond(200, "text/plain", "");
            reply.add("allow", "GET, PUT, delete");
        }
    });
}

#[test]
fn nothing_that_changes_data_is_sent() {
    let service = Service::start(|asked| {
        let known = ["GET", "OPTIONS", "TRACE"].contains(&asked.method.as_str());
        let broken_post = asked.method == "POST" && asked.header("content-length") == "9";
        let mut reply = good(asked);
        if !(known || broken_post) {
            reply.add("server", "written/1");
        }
        reply
    });
    let checked = Checked::of(&service, "--probe-limits 5");
    checked.assert_passed("version-banner");
}
