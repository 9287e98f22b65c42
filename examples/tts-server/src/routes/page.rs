//! The web page: files that are part of the program, under a name that changes with their content,
//! so that browsers keep them without asking and never mix two versions.

use std::sync::OnceLock;

use axum::{
    extract::Path,
    response::{IntoResponse, Response},
};
use http::{
    HeaderValue, StatusCode,
    header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE},
};
use palisade::{Rejection, SecurityContext, extract::Refused};
use sha2::{Digest, Sha256};

/// What the page may do: its own scripts and styles, its own server, and nothing else. Markup from
/// strings is refused by the browser (Trusted Types).
pub(crate) const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

const INDEX: &str = include_str!("../../page/index.html");
const ROBOTS: &str = include_str!("../../page/robots.txt");

macro_rules! assets {
    ($($name:literal),+) => {
        /// Every file of the page by its name.
        const ASSETS: &[(&str, &[u8])] = &[$(($name, include_bytes!(concat!("../../page/", $name)))),+];
    };
}

assets!(
    "api.js",
    "app.css",
    "chips.js",
    "composer.js",
    "dom.js",
    "history.js",
    "i18n.js",
    "icon.svg",
    "main.js",
    "notice.js",
    "playback.js",
    "player.js",
    "progress.js",
    "samples.js",
    "scrubber.js",
    "signin.js",
    "sound.js",
    "speaker.js",
    "theme.js",
    "wav.js",
    "waveform.js",
    "words.js"
);

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
    static PAGE: OnceLock<String> = OnceLock::new();
    let page =
        PAGE.get_or_init(|| INDEX.replace("\"/assets/", &format!("\"/assets/{}/", version())));
    let mut answer = file("text/html; charset=utf-8", "no-cache", page.as_bytes());
    let policy = HeaderValue::from_static(POLICY);
    answer.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    answer
}

/// A file of the page.
#[utoipa::path(
    get,
    path = "/assets/{version}/{file}",
    tag = "page",
    operation_id = "page_file",
    params(
        ("version" = String, Path, description = "The version of the page, as the page itself names it."),
        ("file" = String, Path, description = "The name of the file."),
    ),
    responses((
        status = 200,
        description = "The file, for ever: another version has another address.",
        content(
            (str = "text/css"),
            (str = "text/javascript"),
            (str = "image/svg+xml"),
        ),
    )),
    extensions(("x-refusals" = json!({ "404": ["not_found"] }))),
)]
pub(crate) async fn asset(
    cx: SecurityContext,
    Path((asked, name)): Path<(String, String)>,
) -> Response {
    let found = ASSETS.iter().find(|(known, _)| *known == name);
    match found {
        Some((name, bytes)) if asked == version() => {
            file(kind(name), "public, max-age=31536000, immutable", bytes)
        }
        _ => Refused::new(&cx, Rejection::not_found()).into_response(),
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
    file(
        "text/plain; charset=utf-8",
        "public, max-age=86400",
        ROBOTS.as_bytes(),
    )
}

fn file(kind: &'static str, cache: &'static str, bytes: &'static [u8]) -> Response {
    let headers = [(CONTENT_TYPE, kind), (CACHE_CONTROL, cache)];
    (StatusCode::OK, headers, bytes).into_response()
}

fn kind(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    }
}

/// The names of all files.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    ASSETS.iter().map(|(name, _)| *name)
}

/// The first digits of a digest over all files.
pub(super) fn version() -> &'static str {
    static VERSION: OnceLock<String> = OnceLock::new();
    VERSION.get_or_init(|| {
        let mut all = Sha256::new();
        for (name, bytes) in ASSETS {
            all.update(name.as_bytes());
            all.update(bytes);
        }
        all.finalize()
            .iter()
            .take(8)
            .map(|byte| format!("{byte:02x}"))
            .collect()
    })
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs};

    use super::*;

    #[test]
    fn every_file_of_the_page_is_served_and_no_other() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/page");
        let there: BTreeSet<String> = fs::read_dir(folder)
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| entry.file_name().into_string().ok())
            .collect();
        let served: BTreeSet<String> = ASSETS
            .iter()
            .map(|(name, _)| (*name).to_owned())
            .chain(["index.html".to_owned(), "robots.txt".to_owned()])
            .collect();
        assert_eq!(there, served);
    }

    #[test]
    fn the_markup_has_no_inline_script_or_style_and_nothing_from_elsewhere() {
        for forbidden in [
            " style=",
            " onclick",
            "<style",
            "javascript:",
            "http:",
            "https:",
            "src=\"//",
        ] {
            assert!(!INDEX.contains(forbidden), "{forbidden}");
        }
        for (opening, rest) in INDEX
            .split("<script")
            .skip(1)
            .map(|rest| rest.split_once('>').unwrap_or_default())
        {
            assert!(opening.contains("src=\"/assets/"), "{opening}");
            assert!(rest.starts_with("</script>"));
        }
    }

    #[test]
    fn scripts_import_only_what_is_served_and_make_no_markup_from_strings() {
        for (name, bytes) in ASSETS.iter().filter(|(name, _)| name.ends_with(".js")) {
            let text = String::from_utf8_lossy(bytes);
            for part in text
                .split("from '")
                .skip(1)
                .chain(text.split("import '").skip(1))
            {
                let target = part.split('\'').next().unwrap_or_default();
                let known = ASSETS
                    .iter()
                    .any(|(known, _)| target == format!("./{known}"));
                assert!(known, "{name} imports {target}");
            }
            for forbidden in [
                "innerHTML",
                "outerHTML",
                "insertAdjacentHTML",
                "document.write",
                "eval(",
                "localStorage",
                "sessionStorage",
                "indexedDB",
                "document.cookie",
            ] {
                assert!(!text.contains(forbidden), "{name}: {forbidden}");
            }
        }
    }
}
