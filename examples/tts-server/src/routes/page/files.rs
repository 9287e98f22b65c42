//! What a browser is sent: the markup, and three files whose names change with their content.

use std::sync::OnceLock;

use base64::{Engine, engine::general_purpose::STANDARD};
use http::HeaderValue;
use palisade_internal::hex;
use sha2::{Digest, Sha256};

use super::bundle::{Source, bundle};

const INDEX: &str = include_str!("../../../page/index.html");
const STARTUP: &str = include_str!("../../../page/startup.js");
const STYLES: &str = include_str!("../../../page/app.css");
const ICON: &str = include_str!("../../../page/icon.svg");

macro_rules! modules {
    ($($name:literal),+) => {
        /// Every module of the page by its name.
        const MODULES: &[Source] = &[$(($name, include_str!(concat!("../../../page/", $name)))),+];
    };
}

modules!(
    "api.js",
    "chips.js",
    "composer.js",
    "dom.js",
    "events.js",
    "history.js",
    "i18n.js",
    "keep.js",
    "main.js",
    "notice.js",
    "pinyin.js",
    "playback.js",
    "player.js",
    "progress.js",
    "samples.js",
    "scrubber.js",
    "signin.js",
    "sound.js",
    "speaker.js",
    "subtitles.js",
    "theme.js",
    "transcript.js",
    "wav.js",
    "waveform.js",
    "words.js"
);

/// The page, ready to be sent.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) markup: String,
    /// What the page may do: its own files, the one script in its markup, its own server, and nothing else.
    /// Markup from strings is refused by the browser (Trusted Types).
    pub(super) policy: HeaderValue,
    pub(super) files: Vec<File>,
}

/// A file of the page.
#[derive(Debug)]
pub(super) struct File {
    pub(super) name: String,
    pub(super) kind: &'static str,
    pub(super) content: String,
}

/// Returns the page. It is put together once.
pub(super) fn page() -> &'static Page {
    static PAGE: OnceLock<Page> = OnceLock::new();
    PAGE.get_or_init(|| {
        // The modules are part of the program, and a test joins them.
        let script = bundle("main.js", MODULES).unwrap_or_else(|error| {
            tracing::error!(target: "tts", %error, "the page cannot be put together");
            String::new()
        });
        Page::new(script)
    })
}

impl Page {
    fn new(script: String) -> Self {
        let files = vec![
            File::new("app", "css", "text/css; charset=utf-8", STYLES.to_owned()),
            File::new("icon", "svg", "image/svg+xml", ICON.to_owned()),
            File::new("app", "js", "text/javascript; charset=utf-8", script),
        ];
        let mut markup = INDEX.replace("<!-- startup.js -->", STARTUP);
        for (plain, file) in ["app.css", "icon.svg", "app.js"].iter().zip(&files) {
            let named = format!("\"/assets/{}\"", file.name);
            markup = markup.replace(&format!("\"/assets/{plain}\""), &named);
        }
        Self {
            markup,
            policy: policy(),
            files,
        }
    }
}

impl File {
    fn new(stem: &str, ending: &str, kind: &'static str, content: String) -> Self {
        let digest = Sha256::digest(content.as_bytes());
        let mut digits = hex::encode(&digest);
        digits.truncate(16);
        Self {
            name: format!("{stem}-{digits}.{ending}"),
            kind,
            content,
        }
    }
}

fn policy() -> HeaderValue {
    let policy = format!(
        "default-src 'none'; script-src 'self' '{}'; style-src 'self'; img-src 'self'; \
        connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
        require-trusted-types-for 'script'; trusted-types 'none'",
        digest_source(STARTUP)
    );
    let nothing = HeaderValue::from_static("default-src 'none'");
    HeaderValue::try_from(policy).unwrap_or(nothing)
}

/// Returns the source expression that allows one inline script or style (Content Security Policy, level 3).
pub(in crate::routes) fn digest_source(content: &str) -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(content)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::{collections::BTreeSet, fs};

    use super::*;

    #[test]
    fn every_file_of_the_page_is_used_and_no_other() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/page");
        let there: BTreeSet<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        let others = [
            "app.css",
            "icon.svg",
            "index.html",
            "robots.txt",
            "startup.js",
        ];
        let modules = MODULES.iter().map(|(name, _)| *name);
        let used: BTreeSet<String> = modules.chain(others).map(str::to_owned).collect();
        assert_eq!(there, used);
    }

    #[test]
    fn all_modules_are_in_one_script_and_the_markup_names_three_files() {
        let script = bundle("main.js", MODULES).unwrap();
        for (name, _) in MODULES {
            let opening = format!("// {name}\nconst module");
            assert_eq!(script.matches(&opening).count(), 1, "{name}");
        }
        let page = page();
        assert_eq!(page.files.len(), 3);
        assert_eq!(page.files[2].content, script);
        for file in &page.files {
            assert!(page.markup.contains(&format!("\"/assets/{}\"", file.name)));
        }
        let named = page.markup.split("\"/assets/").skip(1);
        let known = |rest: &str| {
            let mut files = page.files.iter();
            files.any(|file| rest.starts_with(&format!("{}\"", file.name)))
        };
        assert!(named.clone().count() >= 3 && named.clone().all(known));
    }

    #[test]
    fn another_content_has_another_name() {
        let name = |content: &str| File::new("app", "js", "", content.to_owned()).name;
        assert_eq!(name("a"), name("a"));
        assert_ne!(name("a"), name("b"));
    }

    #[test]
    fn the_only_inline_script_is_the_one_that_the_policy_names() {
        let markup = &page().markup;
        for forbidden in [
            " style=",
            " onclick",
            "<style",
            "javascript:",
            "http:",
            "https:",
            "src=\"//",
        ] {
            assert!(!markup.contains(forbidden), "{forbidden}");
        }
        let scripts: Vec<&str> = markup.split("<script").skip(1).collect();
        let inline = scripts.iter().filter(|script| script.starts_with('>'));
        let inline: Vec<&str> = inline
            .map(|script| script[1..].split("</script>").next().unwrap())
            .collect();
        assert_eq!(inline, [STARTUP]);
        assert_eq!(scripts.len(), 2);
        let policy = page().policy.to_str().unwrap();
        assert!(
            policy.contains(&format!("'self' '{}'", digest_source(STARTUP))),
            "{policy}"
        );
    }

    #[test]
    fn no_script_makes_markup_from_strings_or_keeps_anything() {
        for (name, text) in MODULES.iter().chain(&[("startup.js", STARTUP)]) {
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
                "</script",
            ] {
                assert!(!text.contains(forbidden), "{name}: {forbidden}");
            }
        }
    }
}
