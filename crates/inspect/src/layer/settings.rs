//! What the layer is told, and how one request is inspected.

use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;
use http::{StatusCode, Version, request};
use palisade_core::{Fact, Rejection, SecurityContext};

use super::builder::Source;
use crate::engine::{self, RequestView};
use crate::error::InspectBuildError;
use crate::rules::{LoadReport, RuleSet};
use crate::verdict::Verdict;
use crate::words::PersonText;

/// The name of the layer in the audit trail.
pub(super) const NAME: &str = "inspect";

/// How many ids of rules a record has.
const MOST_IDS: usize = 16;

/// The configuration of a layer.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) source: Source,
    pub(super) rules: ArcSwap<RuleSet>,
    pub(super) enforce: bool,
    pub(super) max_body: usize,
    pub(super) person_text: PersonText,
    pub(super) skipped_paths: Vec<String>,
    pub(super) refusal: Rejection,
}

impl Settings {
    /// The rules of this moment.
    pub(super) fn rules(&self) -> Arc<RuleSet> {
        self.rules.load_full()
    }

    /// The folder of the rules.
    pub(super) const fn folder(&self) -> Option<&PathBuf> {
        self.source.folder.as_ref()
    }

    /// Reads the rules again.
    pub(super) fn reload(&self) -> Result<LoadReport, InspectBuildError> {
        let rules = self.source.load()?;
        let report = rules.report().clone();
        self.rules.store(Arc::new(rules));
        Ok(report)
    }

    /// Whether a path is not inspected.
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
    /// # Errors
    ///
    /// The refusal, if the layer enforces.
    pub(super) fn inspect(
        &self,
        cx: &SecurityContext,
        head: &request::Parts,
        body: &[u8],
    ) -> Result<(), Box<Rejection>> {
        let verdict = self.verdict(cx, head, body);
        record(cx, &verdict);
        let Some(id) = verdict.refused_by else {
            return Ok(());
        };
        self.refuse(
            cx,
            self.refusal
                .clone()
                .with_reason(format!("rule {id}, score {}", verdict.score)),
        )
    }

    /// Refuses, or records that it would.
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
    fn verdict(&self, cx: &SecurityContext, head: &request::Parts, body: &[u8]) -> Verdict {
        let target = target(head);
        let mut request = RequestView {
            method: head.method.as_str().as_bytes(),
            target: target.as_bytes(),
            version: version(head.version),
            headers: head
                .headers
                .iter()
                .map(|(name, value)| (name.as_str().as_bytes(), value.as_bytes()))
                .collect(),
            body,
            client: cx.client().map(palisade_core::ClientInfo::ip),
        };
        // HTTP/2 has the host in the target.
        let authority = head.uri.authority().map(http::uri::Authority::as_str);
        if let (None, Some(authority)) = (request.header(b"host"), authority) {
            request.headers.push((b"host", authority.as_bytes()));
        }
        let is_words = |name: &[u8], value: &[u8]| self.person_text.contains(name, value);
        let settings = engine::Settings {
            is_words: &is_words,
            see_all: !self.enforce,
        };
        self.rules().inspect_with(&request, None, &settings)
    }
}

/// The refusal of all rules.
pub(super) fn refusal() -> Rejection {
    Rejection::new(
        StatusCode::FORBIDDEN,
        "inspected",
        "The request is not accepted.",
    )
    .prerendered()
}

/// The target of the request line: whole over HTTP/1, path and query over HTTP/2.
fn target(head: &request::Parts) -> String {
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
const fn version(version: Version) -> &'static str {
    match version {
        Version::HTTP_09 => "HTTP/0.9",
        Version::HTTP_10 => "HTTP/1.0",
        Version::HTTP_2 => "HTTP/2",
        Version::HTTP_3 => "HTTP/3",
        _ => "HTTP/1.1",
    }
}

/// Writes what was found into the record of the request: ids, tags and scores, never what matched.
fn record(cx: &SecurityContext, verdict: &Verdict) {
    let note = |key, value: String| {
        if !value.is_empty() {
            cx.record(Fact::Noted {
                key,
                value: value.into(),
            });
        }
    };
    if !verdict.matched.is_empty() {
        note("inspect_score", verdict.score.to_string());
        note("inspect_rules", join(verdict.ids()));
        note("inspect_attacks", attacks(verdict));
    }
    if !verdict.words.is_empty() {
        note("inspect_text_score", verdict.words_score.to_string());
        note("inspect_text_rules", join(verdict.words.iter().copied()));
    }
}

/// Ids with commas between them, and how many more there are.
fn join(ids: impl Iterator<Item = u64>) -> String {
    let ids: Vec<String> = ids.map(|id| id.to_string()).collect();
    let shown = ids.get(..MOST_IDS).unwrap_or(&ids).join(",");
    match ids.len().checked_sub(MOST_IDS) {
        Some(more @ 1..) => format!("{shown},+{more}"),
        _ => shown,
    }
}

/// The tags that name an attack, each once.
fn attacks(verdict: &Verdict) -> String {
    let tags = verdict.matched.iter().flat_map(|matched| &matched.tags);
    let mut attacks: Vec<&str> = tags.filter_map(|tag| tag.strip_prefix("attack-")).collect();
    attacks.sort_unstable();
    attacks.dedup();
    attacks.truncate(MOST_IDS);
    attacks.join(",")
}
