//! The rules that are shipped: what must never reach a model server.
//!
//! They are few and have nearly no false matches. For known attacks in general, load the Core Rule
//! Set.
//!
//! They stand in `rules.conf` and `responses.conf` beside this file, in SecLang, so an owner can read and exclude them
//! as any other. They need no setup and keep no anomaly score: each of them refuses by itself.

use std::path::Path;

use super::RuleSet;
use super::load::Loader;
use crate::error::InspectBuildError;

/// The rules as SecLang.
///
/// It is part of the program; no file is read at run time.
const RULES: &str = include_str!("rules.conf");

/// Those for responses.
const RESPONSE_RULES: &str = include_str!("responses.conf");

impl RuleSet {
    /// The rules that are shipped: 10001 to 10007 for requests, 10101 to 10106 for responses.
    ///
    /// They are what [`InspectLayer`](crate::InspectLayer) uses without a folder. They know what
    /// model servers have in particular: weights as pickles, YAML with objects, fetches of URLs.
    /// Injection into SQL or pages is not among them.
    ///
    /// | Id | Refuses |
    /// |---|---|
    /// | 10001 | a path that leaves its folder |
    /// | 10002 | a null byte |
    /// | 10003 | syntax of shells and templates in a field that is a name |
    /// | 10004 | a URL of this host, a private network, a metadata service or another scheme |
    /// | 10005 | a pickle of Python |
    /// | 10006 | a YAML tag that makes an object of a language |
    /// | 10007 | paths of debuggers, metadata services and secret files |
    /// | 10101 | an error with a stack trace |
    /// | 10102 | the page of a debugger |
    /// | 10103 | an error with the message of a database |
    /// | 10104 | a private key |
    /// | 10105 | accounts of a system, credentials of a metadata service |
    /// | 10106 | the listing of a folder |
    ///
    /// ```
    /// use palisade_inspect::{RequestView, RuleSet};
    ///
    /// let rules = RuleSet::shipped()?;
    /// let request = RequestView { target: b"/files?name=..%2f..%2fetc%2fpasswd", ..RequestView::default() };
    /// assert_eq!(rules.inspect(&request, None).refused_by, Some(10001));
    /// # Ok::<(), palisade_inspect::InspectBuildError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// None in practice; the rules are tested.
    pub fn shipped() -> Result<Self, InspectBuildError> {
        Self::shipped_with("")
    }

    /// The rules that are shipped, after these directives.
    ///
    /// The directives are exclusions and the owner's setup; they take effect because they run
    /// before the rules.
    ///
    /// # Errors
    ///
    /// The rules cannot be prepared.
    pub(crate) fn shipped_with(setup: &str) -> Result<Self, InspectBuildError> {
        let mut loader = Loader::default();
        loader.text(setup, Path::new("builder"), Path::new("."));
        loader.text(RULES, Path::new("shipped"), Path::new("."));
        loader.text(
            RESPONSE_RULES,
            Path::new("shipped responses"),
            Path::new("."),
        );
        Self::finish(loader)
    }
}

#[cfg(test)]
mod response_tests;

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use super::*;
    use crate::RequestView;

    static RULES: LazyLock<RuleSet> = LazyLock::new(|| RuleSet::shipped().expect("the rules load"));

    fn found(target: &str, body: &[u8]) -> Option<u64> {
        found_as(b"application/json", target, body)
    }

    fn found_as(content_type: &[u8], target: &str, body: &[u8]) -> Option<u64> {
        let request = RequestView {
            method: b"POST",
            target: target.as_bytes(),
            headers: vec![(b"content-type", content_type)],
            body,
            ..RequestView::default()
        };
        RULES.inspect(&request, None).refused_by
    }

    /// Each hostile value is refused by the rule, each benign one by none.
    fn check(rule: u64, hostile: &[&str], benign: &[&str]) {
        for target in hostile {
            assert_eq!(found(target, b""), Some(rule), "{target}");
        }
        for target in benign {
            assert_eq!(found(target, b""), None, "{target}");
        }
    }

    /// The same for JSON bodies.
    fn check_json(rule: u64, hostile: &[serde_json::Value], benign: &[serde_json::Value]) {
        for body in hostile {
            assert_eq!(
                found("/v1", body.to_string().as_bytes()),
                Some(rule),
                "{body}"
            );
        }
        for body in benign {
            assert_eq!(found("/v1", body.to_string().as_bytes()), None, "{body}");
        }
    }

    #[test]
    fn every_shipped_rule_loads() {
        assert_eq!(RULES.report().not_loaded, []);
        assert_eq!(RULES.report().rules, 13);
    }

    #[test]
    fn a_path_that_leaves_its_folder_is_refused() {
        check(
            10001,
            &[
                "/a/../b",
                "/a?f=..%2fetc",
                "/a?f=%252e%252e%252fetc",
                "/a?f=..\\x",
                "/?f=x/..%00/y",
            ],
            &["/a/b..c", "/a?q=what...", "/?q=1..5", "/..a/b"],
        );
    }

    #[test]
    fn a_null_byte_is_refused() {
        check(
            10002,
            &["/a%00.txt", "/a?x=1%00", "/a?x%00=1"],
            &["/a?x=0", "/a%20b?x=100%25"],
        );
    }

    #[test]
    fn syntax_in_a_field_that_is_a_name_is_refused() {
        check(
            10003,
            &[
                "/?voice=lin;id",
                "/?model={{7*7}}",
                "/?file=$(id)",
                "/?lang=en%60id%60",
            ],
            &[
                "/?voice=lin-3",
                "/?model=gpt-4o:latest",
                "/?q=a;b",
                "/?lang=zh-CN",
            ],
        );
        let benign = serde_json::json!({"model": "a/b-7b", "text": "f(x) { return a && b; }"});
        check_json(
            10003,
            &[serde_json::json!({"input": {"voice": "a|b"}})],
            &[benign],
        );
    }

    #[test]
    fn a_url_of_an_inner_host_is_refused() {
        check(
            10004,
            &[
                "/?url=http://127.0.0.1/",
                "/?url=http://169.254.169.254/latest",
                "/?image_url=http://localhost:80",
                "/?callback=file:///etc/passwd",
                "/?url=//10.0.0.1/x",
                "/?url=http://[::1]/",
                "/?url=http://2130706433/",
                "/?url=http://0x7f000001/",
                "/?url=http://a@192.168.1.1/",
                "/?url=http://metadata.google.internal/",
                "/?url=gopher://a.example",
                "/?url=http://[::ffff:127.0.0.1]/",
                "/?url=http://0/",
            ],
            &[
                "/?url=https://a.example/x?y=127.0.0.1",
                "/?url=/local/path",
                "/?url=https://10.example/",
                "/?q=http://127.0.0.1/",
                "/?url=https://172.15.0.1/",
                "/?link=mailto:a@b.example",
            ],
        );
    }

    #[test]
    fn a_pickle_is_refused() {
        let raw = b"\x80\x04\x95\x1d\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix";
        assert_eq!(
            found_as(b"application/octet-stream", "/v1", raw),
            Some(10005)
        );
        assert_eq!(
            found_as(b"text/plain", "/v1", b"cos\nsystem\n(S'id'\ntR."),
            Some(10005)
        );
        check_json(
            10005,
            &[serde_json::json!({"data": "gASVHQAAAAAAAACMBXBvc2l4lIwGc3lzdGVt"})],
            &[
                serde_json::json!({"data": "gAllery of pictures", "image": "iVBORw0KGgoAAAANSUhEUg"}),
            ],
        );
    }

    #[test]
    fn a_yaml_tag_that_makes_an_object_is_refused() {
        check_json(
            10006,
            &[
                serde_json::json!({"a": "!!python/object/apply:os.system ['id']"}),
                serde_json::json!({"a": "x: !ruby/object:Gem::Installer"}),
                serde_json::json!({"a": "!!javax.script.ScriptEngineManager []"}),
            ],
            &[serde_json::json!({"a": "Hello!! python is a language. !!! !!str 1"})],
        );
    }

    #[test]
    fn paths_of_debuggers_and_secrets_are_refused() {
        check(
            10007,
            &[
                "/.env",
                "/.git/config",
                "/x/.aws/credentials",
                "/latest/meta-data/iam",
                "/debug/pprof/heap",
                "/actuator/env",
                "/a/%2e/.env",
                "/%2eenv",
                "/\\.git\\HEAD",
                "/computeMetadata/v1/",
            ],
            &[
                "/.well-known/acme-challenge/x",
                "/environment",
                "/v1/debug",
                "/git/x",
                "/latest/news",
            ],
        );
    }
}
