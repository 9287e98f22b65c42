//! Files and pages that are often left open, by their usual paths.
//!
//! The list is short on purpose: what a stranger tries first, and no dictionary. A path counts only if its
//! content is what the path promises, since many services answer every path with a page.
//!
//! Decides `secret-file`, `debug-page`, `status-page` and `directory-listing`. One GET for each
//! path, 18 in all, in the order of the list.
//!
//! The report shows the path and the status, and never the content.

use super::Site;
use crate::check::{
    client::{ProbeRequest, ProbeResponse},
    outcome::Outcomes,
    rules::{Rule, exposure::*},
};

/// A path and how its content is recognized.
struct ExposedPath {
    /// The path.
    path: &'static str,
    /// What is found if it is there.
    rule: &'static Rule,
    /// All texts of one of these groups are in the content.
    ///
    /// Compared with case, in the part of the body that the client reads.
    content: &'static [&'static [&'static str]],
}

/// Makes an element of the list in one line.
const fn exposed_path(
    path: &'static str,
    rule: &'static Rule,
    content: &'static [&'static [&'static str]],
) -> ExposedPath {
    ExposedPath {
        path,
        rule,
        content,
    }
}

/// How folders are listed: Apache and nginx, Python, Node, Caddy.
///
/// The texts are those of the versions that are common now. The last group is Caddy, whose page has
/// no fixed title.
const LISTING: &[&[&str]] = &[
    &["<title>Index of /"],
    &["Directory listing for /"],
    &["listing directory /"],
    &["<title>", "<main>", "id=\"filter\""],
];

/// All paths. The book lists the same ones.
///
/// To add a path, also raise `MOST_REQUESTS` of the client if the sum would exceed it.
const PATHS: &[ExposedPath] = &[
    exposed_path("/.git/HEAD", &SECRET_FILE, &[&["ref: refs/"]]),
    exposed_path(
        "/.env",
        &SECRET_FILE,
        &[
            &["_KEY="],
            &["SECRET="],
            &["PASSWORD="],
            &["_TOKEN="],
            &["_URL="],
        ],
    ),
    exposed_path("/.aws/credentials", &SECRET_FILE, &[&["aws_access_key_id"]]),
    exposed_path("/console", &DEBUG_PAGE, &[&["Werkzeug", "onsole"]]),
    exposed_path(
        "/debug/pprof/",
        &DEBUG_PAGE,
        &[&["/debug/pprof/", "goroutine"]],
    ),
    exposed_path("/actuator/env", &DEBUG_PAGE, &[&["\"propertySources\""]]),
    exposed_path(
        "/phpinfo.php",
        &DEBUG_PAGE,
        &[&["phpinfo()", "PHP Version"]],
    ),
    exposed_path("/_profiler/", &DEBUG_PAGE, &[&["Symfony", "rofiler"]]),
    exposed_path(
        "/api/contents",
        &DEBUG_PAGE,
        &[&[
            "\"content\"",
            "\"type\"",
            "\"directory\"",
            "\"last_modified\"",
        ]],
    ),
    exposed_path("/metrics", &STATUS_PAGE, &[&["# TYPE "], &["# HELP "]]),
    exposed_path("/server-status", &STATUS_PAGE, &[&["Apache Server Status"]]),
    exposed_path("/nginx_status", &STATUS_PAGE, &[&["Active connections:"]]),
    exposed_path("/actuator", &STATUS_PAGE, &[&["\"_links\"", "\"self\""]]),
    exposed_path("/static/", &DIRECTORY_LISTING, LISTING),
    exposed_path("/uploads/", &DIRECTORY_LISTING, LISTING),
    exposed_path("/files/", &DIRECTORY_LISTING, LISTING),
    exposed_path("/models/", &DIRECTORY_LISTING, LISTING),
    exposed_path("/output/", &DIRECTORY_LISTING, LISTING),
];

/// Asks for each path once, without a credential.
///
/// A start page that lists a folder is found as well, without a request of its own.
pub(super) async fn probe(site: &Site<'_>, outcomes: &mut Outcomes) {
    if let Ok(root) = &site.root
        && root.status.is_success()
        && has_any_group(root, LISTING)
    {
        outcomes.record_finding(&DIRECTORY_LISTING, root.summary_line());
    }
    for exposed in PATHS {
        match site.send_request(ProbeRequest::get(exposed.path)).await {
            Ok(response) => {
                let there =
                    response.status.is_success() && has_any_group(&response, exposed.content);
                outcomes.record_decision(exposed.rule, there.then(|| response.summary_line()));
            }
            Err(problem) => outcomes.record_skipped(exposed.rule, problem),
        }
    }
}

/// Whether all texts of at least one group are in the body. Compared with case.
fn has_any_group(response: &ProbeResponse, groups: &[&[&str]]) -> bool {
    let body = response.body_text();
    groups
        .iter()
        .any(|group| group.iter().all(|text| body.contains(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_book_lists_every_path() {
        let page = include_str!("../../../../../docs/src/reference/check.md");
        for exposed in PATHS {
            let row = format!("`{}`", exposed.path);
            assert!(page.contains(&row), "{row} is missing");
        }
    }
}
