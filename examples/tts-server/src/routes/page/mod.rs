//! The web page: markup and three files that are part of the program. A file's name changes with its content, so
//! browsers keep it without asking and never mix two versions.

mod bundle;
mod files;

use axum::{
    extract::Path,
    response::{IntoResponse, Response},
};
use http::{
    StatusCode,
    header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE},
};
use palisade::core::{Rejection, SecurityContext, extract::Refused};

pub(super) use self::files::digest_source;
use self::files::page;

const ROBOTS: &str = include_str!("../../../page/robots.txt");

/// The page itself.
#[utoipa::path(
    get,
    path = "/",
    tag = "page",
    operation_id = "page",
    responses((status = 200, description = "The page.", content_type = "text/html", body = str)),
    extensions(("x-refusals" = json!({ "308": ["https_required"] }))),
)]
pub(crate) async fn index() -> Response {
    let page = page();
    let mut response = file("text/html; charset=utf-8", "no-cache", &page.markup);
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, page.policy.clone());
    response
}

/// A file of the page.
#[utoipa::path(
    get,
    path = "/assets/{file}",
    tag = "page",
    operation_id = "page_file",
    params(("file" = String, Path, description = "The name of the file, as the page itself names it.")),
    responses((
        status = 200,
        description = "The file, for ever: another content has another name.",
        content(
            (str = "text/css"),
            (str = "text/javascript"),
            (str = "image/svg+xml"),
        ),
    )),
    extensions(("x-refusals" = json!({ "404": ["not_found"] }))),
)]
pub(crate) async fn asset(cx: SecurityContext, Path(name): Path<String>) -> Response {
    let found = page().files.iter().find(|file| file.name == name);
    match found {
        Some(found) => file(
            found.kind,
            "public, max-age=31536000, immutable",
            &found.content,
        ),
        None => Refused::new(&cx, Rejection::not_found()).into_response(),
    }
}

/// Asks search engines to stay away.
#[utoipa::path(
    get,
    path = "/robots.txt",
    tag = "page",
    operation_id = "robots",
    responses((status = 200, description = "For robots.", content_type = "text/plain", body = str)),
)]
pub(crate) async fn robots() -> Response {
    file("text/plain; charset=utf-8", "public, max-age=86400", ROBOTS)
}

fn file(kind: &'static str, cache: &'static str, content: &'static str) -> Response {
    let headers = [(CONTENT_TYPE, kind), (CACHE_CONTROL, cache)];
    (StatusCode::OK, headers, content).into_response()
}

/// The names of all files.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    page().files.iter().map(|file| file.name.as_str())
}
