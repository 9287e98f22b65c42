//! Pages and files that should not be there.

use serde_json::json;

use super::{
    Checked, both,
    service::{Service, good},
};

#[track_caller]
fn there(code: &str, path: &'static str, media_type: &'static str, body: &'static str) {
    both(code, "", move |asked, reply| {
        if asked.path() == path {
            reply.respond(200, media_type, body);
        }
    });
}

#[test]
fn the_folder_of_git() {
    there(
        "secret-file",
        "/.git/HEAD",
        "text/plain",
        "ref: refs/heads/main\n",
    );
}

#[test]
fn a_file_of_settings() {
    there("secret-file", "/.env", "text/plain", "SECRET_KEY=1\n");
}

#[test]
fn a_debugger() {
    there(
        "debug-page",
        "/console",
        "text/html",
        "<title>Console // Werkzeug Debugger</title>",
    );
}

#[test]
fn an_open_notebook() {
    let contents = "{\"content\":[],\"type\":\"directory\",\"last_modified\":\"\"}";
    there("debug-page", "/api/contents", "application/json", contents);
}

#[test]
fn metrics_for_everyone() {
    there(
        "status-page",
        "/metrics",
        "text/plain",
        "# TYPE requests_total counter\n",
    );
}

#[test]
fn a_listed_folder() {
    there(
        "directory-listing",
        "/uploads/",
        "text/html",
        "<title>Index of /uploads/</title>",
    );
    there(
        "directory-listing",
        "/",
        "text/html",
        "<h1>Directory listing for /</h1>",
    );
}

#[test]
fn a_service_that_sends_its_page_for_every_path_has_none_of_these() {
    let service = Service::start(|asked| {
        let mut reply = good(asked);
        if reply.status == 404 {
            reply.respond(200, "text/html", "<title>Voice</title><main>console</main>");
        }
        reply
    });
    let checked = Checked::of(&service, "");
    for code in [
        "secret-file",
        "debug-page",
        "status-page",
        "directory-listing",
        "openapi-open",
    ] {
        checked.assert_passed(code);
    }
}

#[test]
fn a_description_that_everyone_reads_and_that_demands_no_key() {
    let described = |security: serde_json::Value| {
        let document =
            json!({"openapi": "3.1.0", "paths": {"/tts": {"get": {"security": security}}}});
        Service::start(move |asked| {
            let mut reply = good(asked);
            if asked.path() == "/openapi.json" {
                reply.respond(200, "application/json", &document.to_string());
            }
            reply
        })
    };
    let open = Checked::of(&described(json!([])), "");
    open.assert_found("openapi-open");
    open.assert_found("openapi-without-security");
    let secured = Checked::of(&described(json!([{"key": []}])), "");
    secured.assert_found("openapi-open");
    secured.assert_passed("openapi-without-security");
    Checked::of(&Service::start(good), "").assert_passed("openapi-open");
}

#[test]
fn search_engines_may_index_it() {
    both("indexable", "", |_, reply| reply.remove("x-robots-tag"));
}

#[test]
fn robots_txt_keeps_search_engines_out() {
    let service = Service::start(|asked| {
        let mut reply = good(asked);
        reply.remove("x-robots-tag");
        if asked.path() == "/robots.txt" {
            reply.respond(200, "text/plain", "User-agent: *\nDisallow: /\n");
        }
        reply
    });
    Checked::of(&service, "").assert_passed("indexable");
}

#[test]
fn a_version_in_a_banner() {
    both("version-banner", "", |_, reply| {
        reply.add("server", "voice/1.2.3")
    });
    both("version-banner", "", |_, reply| {
        reply.add("x-powered-by", "PHP/8.1")
    });
}

#[test]
fn a_name_without_a_version_is_no_banner() {
    let service = Service::start(|asked| {
        let mut reply = good(asked);
        reply.add("server", "nginx");
        reply
    });
    Checked::of(&service, "").assert_passed("version-banner");
}

#[test]
fn a_development_server() {
    both("development-server", "", |_, reply| {
        reply.add("server", "Werkzeug/3.1.3 Python/3.12.3");
    });
}
