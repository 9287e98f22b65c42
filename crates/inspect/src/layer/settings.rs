//! What the layer is told, and how one request and one response are inspected.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use http::header::{ACCEPT_ENCODING, HeaderMap, HeaderValue, IF_RANGE, RANGE};
use http::{StatusCode, Version, request, response};
use palisade_core::{Rejection, SecurityContext};

use super::builder::Source;
use super::record::{record, record_response, write_note};
use super::watch::Fingerprint;
use crate::engine::{self, RequestView, ResponseView};
use crate::error::InspectBuildError;
use crate::matched_text_key::MatchedTextKey;
use crate::rules::{LoadReport, RuleSet};
use crate::verdict::Verdict;
use crate::words::PersonText;

/// The name of the layer in the audit trail.
pub(super) const NAME: &str = "inspect";

/// The configuration of a layer.
///
/// It is made once by the builder. Only `rules` changes later, by a reload.
#[derive(Debug)]
pub(super) struct Settings {
    /// Kept for reloads.
    pub(super) source: Source,
    /// Read by each request without a lock.
    pub(super) rules: ArcSwap<RuleSet>,
    /// What the files were like when they were read last.
    pub(super) read: Mutex<Fingerprint>,
    /// False: refusals are only recorded.
    pub(super) enforce: bool,
    /// In bytes.
    pub(super) max_body: usize,
    /// In bytes that rules read.
    pub(super) max_work: usize,
    /// How much of a response's body is inspected, in bytes. `None`: responses are not inspected.
    pub(super) responses: Option<usize>,
    /// True: a client may ask for a coding or a range of a response that is inspected.
    pub(super) pass_accept_encoding_and_range: bool,
    /// True: bodies of gRPC are not read.
    pub(super) only_heads_of_grpc: bool,
    /// Asked for each parameter of a body.
    pub(super) person_text: PersonText,
    /// As they were given. They are compared with the raw path.
    pub(super) skipped_paths: Vec<String>,
    /// For codes of what matched. `None`: the record has none.
    pub(super) text_key: Option<MatchedTextKey>,
    /// Prepared once, so that a flood of refused requests costs little.
    pub(super) refusal: Rejection,
    /// The same for responses.
    pub(super) response_refusal: Rejection,
}

impl Settings {
    /// The rules of this moment.
    ///
    /// A request holds it to its end, so a reload never changes the rules in the middle of one.
    pub(super) fn rules(&self) -> Arc<RuleSet> {
        self.rules.load_full()
    }

    /// The folder of the rules.
    pub(super) const fn folder(&self) -> Option<&PathBuf> {
        self.source.folder.as_ref()
    }

    /// Reads the rules again.
    ///
    /// The new rules are loaded completely before they replace the old ones.
    ///
    /// # Errors
    ///
    /// [`InspectBuildError`]: the new rules cannot be read. Those before stay in use.
    pub(super) fn reload(&self) -> Result<LoadReport, InspectBuildError> {
        let rules = self.source.load()?;
        let report = rules.report().clone();
        self.rules.store(Arc::new(rules));
        Ok(report)
    }

    /// Reads the rules again if their files have changed.
    ///
    /// The files are looked at before they are read, so that a change in between is seen at the
    /// next call.
    pub(super) fn reload_if_changed(&self) -> Option<Result<LoadReport, InspectBuildError>> {
        let now = Fingerprint::of(self.folder()?);
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if *read == now {
            return None;
        }
        *read = now;
        drop(read);
        Some(self.reload())
    }

    /// Describes the rules and what is done with them.
    pub(super) fn explain(&self) -> String {
        let count = self.rules().report().rules;
        let rules = match self.folder() {
            Some(folder) => format!("{count} rules of {}", folder.display()),
            None => format!("{count} rules that are shipped"),
        };
        let action = if self.enforce {
            "refused"
        } else {
            "only recorded"
        };
        let responses = match self.responses {
            Some(bytes) => format!("; responses up to {}", size(bytes)),
            None => String::new(),
        };
        let body = size(self.max_body);
        format!("{rules}; {action}; bodies up to {body}{responses}")
    }

    /// Whether a path is not inspected.
    ///
    /// A prefix counts only up to a border of a segment. `..` and `%` in the path make the response
    /// no.
    pub(super) fn skips(&self, path: &str) -> bool {
        // A path with dots or encodings could be one thing here and another for the handler.
        !path.contains("..")
            && !path.contains('%')
            && self.skipped_paths.iter().any(|prefix| {
                let rest = path.strip_prefix(prefix.as_str());
                rest.is_some_and(|rest| {
                    rest.is_empty() || rest.starts_with('/') || prefix.ends_with('/')
                })
            })
    }

    /// Inspects a request whose body was read, and records what was found.
    ///
    /// The reason with the id and the score goes to the audit trail only.
    ///
    /// # Errors
    ///
    /// The refusal, if the layer enforces.
    pub(super) fn inspect(
        &self,
        cx: &SecurityContext,
        head: &request::Parts,
        body: &[u8],
    ) -> Result<(), Box<Rejection>> {
        let verdict = self.run_rules(cx, head, body);
        record(cx, &verdict);
        match refusal_reason(&verdict) {
            Some(reason) => self.refuse(cx, self.refusal.clone().with_reason(reason)),
            None => Ok(()),
        }
    }

    /// Inspects a response, and records what was found.
    ///
    /// # Errors
    ///
    /// The refusal, if the layer enforces.
    pub(super) fn inspect_response(
        &self,
        cx: &SecurityContext,
        request: &request::Parts,
        response: &response::Parts,
        text: &[u8],
    ) -> Result<(), Box<Rejection>> {
        let target = request_target(request);
        let request = request_view(cx, request, &target, b"");
        let response = ResponseView {
            status: response.status.as_u16(),
            headers: header_pairs(&response.headers),
            body: text,
        };
        let settings = engine::Settings {
            is_words: &|_, _| false,
            see_all: !self.enforce,
            max_work: self.max_work,
            text_key: self.text_key.as_ref(),
        };
        let verdict = self
            .rules()
            .inspect_response(&request, &response, &settings);
        record_response(cx, &verdict);
        match refusal_reason(&verdict) {
            Some(reason) => self.refuse(cx, self.response_refusal.clone().with_reason(reason)),
            None => Ok(()),
        }
    }

    /// Removes from a request what would keep its response from the rules, if they see responses.
    ///
    /// `Accept-Encoding` becomes `identity`, because without it a server may choose any coding
    /// (RFC 9110, section 12.5.3). A server may ignore `Range` (section 14.2).
    pub(super) fn ask_for_readable_response(&self, headers: &mut HeaderMap) {
        if self.responses.is_some() && !self.pass_accept_encoding_and_range {
            headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
            headers.remove(RANGE);
            headers.remove(IF_RANGE);
        }
    }

    /// Records what of a response is not inspected.
    pub(super) fn note_response(&self, cx: &SecurityContext, what: &'static str) {
        write_note(cx, "inspect_response", what.to_owned());
    }

    /// Refuses a body that is longer than is inspected, or records that it would.
    pub(super) fn too_long(&self, cx: &SecurityContext) -> Result<(), Box<Rejection>> {
        let rejection =
            Rejection::payload_too_large().with_reason("the body is longer than is inspected");
        self.refuse(cx, rejection)
    }

    /// Refuses, or records that it would.
    ///
    /// In observation it returns `Ok` and the request goes on.
    pub(super) fn refuse(
        &self,
        cx: &SecurityContext,
        rejection: Rejection,
    ) -> Result<(), Box<Rejection>> {
        if self.enforce {
            return Err(Box::new(rejection));
        }
        cx.would_refuse(NAME, &rejection);
        Ok(())
    }

    /// Runs the rules.
    ///
    /// The client's address is the one that `ClientInfoLayer` found; without it `REMOTE_ADDR` is
    /// empty. All rules run in observation; an enforcing layer stops at the refusal.
    fn run_rules(&self, cx: &SecurityContext, head: &request::Parts, body: &[u8]) -> Verdict {
        let target = request_target(head);
        let request = request_view(cx, head, &target, body);
        let is_words = |name: &[u8], value: &[u8]| self.person_text.contains(name, value);
        let settings = engine::Settings {
            is_words: &is_words,
            see_all: !self.enforce,
            max_work: self.max_work,
            text_key: self.text_key.as_ref(),
        };
        self.rules().inspect_with(&request, None, &settings)
    }
}

/// A size for people.
fn size(bytes: usize) -> String {
    match bytes {
        bytes if bytes % 1024 == 0 => format!("{} KiB", bytes / 1024),
        bytes => format!("{bytes} bytes"),
    }
}

/// The refusal of all rules.
///
/// Its text does not depend on the rule: a different text would tell an attacker which rule to
/// avoid.
pub(super) fn rule_refusal() -> Rejection {
    Rejection::new(
        StatusCode::FORBIDDEN,
        "inspected",
        "The request is not accepted.",
    )
    .prerendered()
}

/// The refusal of all rules on responses.
///
/// The status is that of a server whose own server gave no usable response (RFC 9110, section
/// 15.6.3).
pub(super) fn response_refusal() -> Rejection {
    Rejection::new(
        StatusCode::BAD_GATEWAY,
        "inspected",
        "The response is not available.",
    )
    .prerendered()
}

/// Why a verdict refuses, for the audit trail. `None`: it does not.
fn refusal_reason(verdict: &Verdict) -> Option<String> {
    match verdict.refused_by {
        Some(id) => Some(format!("rule {id}, score {}", verdict.score)),
        None if verdict.incomplete => Some("a bound of the inspection was reached".to_owned()),
        None => None,
    }
}

/// A request as rules see it.
fn request_view<'r>(
    cx: &SecurityContext,
    head: &'r request::Parts,
    target: &'r str,
    body: &'r [u8],
) -> RequestView<'r> {
    let mut request = RequestView {
        method: head.method.as_str().as_bytes(),
        target: target.as_bytes(),
        version: version_name(head.version),
        headers: header_pairs(&head.headers),
        body,
        client: cx.client().map(palisade_core::ClientInfo::ip),
    };
    // HTTP/2 has the host in the target.
    let authority = head.uri.authority().map(http::uri::Authority::as_str);
    if let (None, Some(authority)) = (request.header(b"host"), authority) {
        request.headers.push((b"host", authority.as_bytes()));
    }
    request
}

/// The headers as names and values.
fn header_pairs(headers: &HeaderMap) -> Vec<(&[u8], &[u8])> {
    headers
        .iter()
        .map(|(name, value)| (name.as_str().as_bytes(), value.as_bytes()))
        .collect()
}

/// The target of the request line: whole over HTTP/1, path and query over HTTP/2.
///
/// HTTP/1 may have an absolute URL in its request line (RFC 9112, section 3.2.2), and rules look
/// at it. In HTTP/2 scheme and authority are separate fields (RFC 9113, section 8.3.1).
fn request_target(head: &request::Parts) -> String {
    match head.version {
        Version::HTTP_2 | Version::HTTP_3 => head
            .uri
            .path_and_query()
            .map_or("/", |path| path.as_str())
            .to_owned(),
        _ => head.uri.to_string(),
    }
}

/// The version as rules know it.
///
/// HTTP/2 and 3 have no minor version, as the Core Rule Set expects.
const fn version_name(version: Version) -> &'static str {
    match version {
        Version::HTTP_09 => "HTTP/0.9",
        Version::HTTP_10 => "HTTP/1.0",
        Version::HTTP_2 => "HTTP/2",
        Version::HTTP_3 => "HTTP/3",
        _ => "HTTP/1.1",
    }
}
