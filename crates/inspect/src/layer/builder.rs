//! The settings of the layer, and their defaults.
//!
//! Nothing here fails or reads a file until [`InspectLayerBuilder::build`], so the order of the
//! calls does not matter. The source of the rules is kept in the layer, because a reload needs it
//! again.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use arc_swap::ArcSwap;

use super::InspectLayer;
use super::settings::{Settings, response_refusal, rule_refusal};
use super::watch::Fingerprint;
use crate::error::InspectBuildError;
use crate::matched_text_key::MatchedTextKey;
use crate::rules::{Exclusion, READINGS, RuleSet, most_work};
use crate::words::PersonText;

/// The first id of the rules that exclusions become.
///
/// The next exclusions have the ids after it. The range is below that of the Core Rule Set, which
/// starts at 900000, and above the two ids of [`RuleSetBuilder`](crate::RuleSetBuilder).
const FIRST_EXCLUSION: u64 = 899_100;

/// Configures an [`InspectLayer`].
///
/// | Setting | Default |
/// |---|---|
/// | Rules | those that are shipped |
/// | Enforcement | none: what would be refused is recorded |
/// | Paranoia level | that of the setup, else 1 |
/// | Body | at most 64 KiB |
/// | Work for one request | 256 times the reading of the longest body |
/// | Text of persons | no field |
/// | Codes of what matched | none |
/// | Responses | not inspected; with [`response`](Self::response) the first 64 KiB of text |
/// | Exclusions, paths that are not inspected | none |
/// | Rules that do not load | an error of [`build`](Self::build) |
///
/// The defaults are safe to add to a running service: nothing is refused by a rule, and a body that
/// is too long to be inspected passes as it was. Only a body that breaks off is refused (400), which
/// its handler could not read either.
///
/// # Examples
///
/// First observe, with the rules that are shipped:
///
/// ```
/// use palisade_inspect::InspectLayer;
///
/// let layer = InspectLayer::builder().build()?;
/// # let _ = layer; Ok::<(), palisade_inspect::InspectBuildError>(())
/// ```
///
/// Then enforce, for larger bodies, except the path of the health check:
///
/// ```
/// use palisade_inspect::{InspectLayer, PersonText};
///
/// let layer = InspectLayer::builder()
///     .enforce()
///     .max_body(256 * 1024)
///     .person_text(PersonText::chat())
///     .skip_path("/health")
///     .build()?;
/// # let _ = layer; Ok::<(), palisade_inspect::InspectBuildError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct InspectLayerBuilder {
    /// Where rules come from, for `build` and for each reload.
    source: Source,
    /// Whether the client sees refusals.
    enforce: bool,
    /// In bytes. It bounds the memory of one request.
    max_body: usize,
    /// How many times the rules may read the longest body.
    max_readings: usize,
    /// Whether responses are inspected.
    response: bool,
    /// In bytes.
    max_response: usize,
    /// Whether clients may ask for a coding or a range of a response that is inspected.
    pass_accept_encoding_and_range: bool,
    /// Whether bodies of gRPC stay unread.
    only_heads_of_grpc: bool,
    /// Fields in which rules for code decide nothing.
    person_text: PersonText,
    /// For codes of what matched.
    text_key: Option<MatchedTextKey>,
    /// Prefixes of paths, compared at the borders of segments.
    skipped_paths: Vec<String>,
}

/// Where the rules come from.
///
/// Loading it twice gives the same rules as long as the files are the same.
#[derive(Clone, Debug, Default)]
pub(super) struct Source {
    /// `None`: the shipped rules.
    pub(super) folder: Option<PathBuf>,
    /// 1 to 4, checked when the rules are loaded. The shipped rules have only one level, so it is
    /// an error with them.
    paranoia: Option<u8>,
    /// Directives of the owner, one a line.
    setup: String,
    /// They are written after the setup, as rules with ids from [`FIRST_EXCLUSION`] on.
    exclusions: Vec<Exclusion>,
    /// Whether a layer may be built although a directive did not load.
    accept_not_loaded: bool,
}

impl Default for InspectLayerBuilder {
    fn default() -> Self {
        Self {
            source: Source::default(),
            enforce: false,
            max_body: 64 * 1024,
            max_readings: READINGS,
            response: false,
            max_response: 64 * 1024,
            pass_accept_encoding_and_range: false,
            only_heads_of_grpc: false,
            person_text: PersonText::default(),
            text_key: None,
            skipped_paths: Vec::new(),
        }
    }
}

impl InspectLayerBuilder {
    /// Reads the rules of a folder, with `crs-setup.conf` and `rules/`. Default: the rules that are
    /// shipped.
    ///
    /// The last call counts. A relative path is relative to the working folder of the process.
    /// See [`RuleSetBuilder`](crate::RuleSetBuilder) for what is read and in which order.
    pub fn rules(mut self, folder: impl Into<PathBuf>) -> Self {
        self.source.folder = Some(folder.into());
        self
    }

    /// Adds directives after the setup and before the rules.
    ///
    /// Several calls add up. Use it for what the setup of the Core Rule Set leaves to the owner,
    /// such as thresholds. It applies to the shipped rules too.
    ///
    /// ```text
    /// SecAction "id:1000,phase:1,pass,nolog,setvar:tx.inbound_anomaly_score_threshold=10"
    /// ```
    pub fn setup(mut self, directives: &str) -> Self {
        self.source.setup.push_str(directives);
        self.source.setup.push('\n');
        self
    }

    /// Sets the paranoia level, 1 to 4. Default: that of the setup, else 1.
    ///
    /// Level 1 is made for all services, 4 for those that need the most and can maintain many
    /// exclusions. It needs [`rules`](Self::rules); without a folder it is an error of
    /// [`build`](Self::build).
    pub const fn paranoia(mut self, level: u8) -> Self {
        self.source.paranoia = Some(level);
        self
    }

    /// Adds an exclusion.
    ///
    /// May be called again for more. See [`Exclusion`] for how to keep one narrow.
    pub fn exclude(mut self, exclusion: Exclusion) -> Self {
        self.source.exclusions.push(exclusion);
        self
    }

    /// Uses the rules that load and leaves out the others. Default: a rule that does not load is an
    /// error of [`build`](Self::build).
    ///
    /// The rules that are left out are in [`InspectLayer::report`]. What they would find is not found.
    ///
    /// The reason to use it is a set of rules that was written for another engine, of which a few
    /// patterns need look-around. Read the report and decide whether those rules matter for the
    /// service.
    pub const fn dangerously_accept_rules_not_loaded(mut self) -> Self {
        self.source.accept_not_loaded = true;
        self
    }

    /// Refuses what the rules refuse. Default: it is only recorded.
    ///
    /// Observe a new set of rules first, exclude what ordinary requests match, then enforce.
    ///
    /// What is refused gets status 403 with the code `inspected` for every rule. The audit record
    /// tells which.
    pub const fn enforce(mut self) -> Self {
        self.enforce = true;
        self
    }

    /// Limits the body, in bytes. Default: 64 KiB. A longer one is refused with 413.
    ///
    /// While the layer only observes, a longer body passes without inspection and is recorded as one
    /// that would be refused.
    ///
    /// 0 refuses every body. A larger limit costs memory for each request in flight, and time:
    /// each value is read by the rules.
    pub const fn max_body(mut self, bytes: usize) -> Self {
        self.max_body = bytes;
        self
    }

    /// Limits the work for one request: how many times the rules may read the longest body.
    /// Default: 256.
    ///
    /// Most rules read nothing of an ordinary request. A hostile one can make each of them read it
    /// whole. With the defaults the rules read at most 16 MiB in all.
    /// Beyond it no further rule runs, and the request counts as one that a rule refuses: refused if
    /// the layer enforces, else recorded (`inspect_incomplete`).
    ///
    /// The same amount is allowed for a response, and for rules that decide nothing in a
    /// [person's text](Self::person_text).
    pub const fn max_readings(mut self, times: usize) -> Self {
        self.max_readings = times;
        self
    }

    /// Inspects responses too: for error messages, source code and secrets that should not leave.
    /// Default: off.
    ///
    /// The rules see the status, the headers, and the first
    /// [`max_response`](Self::max_response) bytes of a body of text, JSON, XML or JavaScript. The
    /// client gets the response after those were read, or after the first part of a body whose length
    /// is not known, if the next one has to be waited for. Of streams only the head is inspected:
    /// events (`text/event-stream`), gRPC, Connect, `application/stream+json`, plain text without a
    /// `Content-Length`, and all other types. So it is with compressed bodies. On paths that are
    /// [skipped](Self::skip_path) nothing is inspected.
    ///
    /// The handler gets the request with `Accept-Encoding: identity` and without `Range` and
    /// `If-Range`: else a client could keep a response from the rules. See
    /// [`dangerously_pass_accept_encoding_and_range`](Self::dangerously_pass_accept_encoding_and_range).
    /// The rules see the headers that the client sent.
    ///
    /// What is refused becomes status 502 with the code `inspected`. The layer only observes until
    /// [`enforce`](Self::enforce). The record tells what was not seen: `inspect_response` is
    /// `stream`, `encoded` or `cut`.
    pub const fn response(mut self, on: bool) -> Self {
        self.response = on;
        self
    }

    /// Passes on `Accept-Encoding`, `Range` and `If-Range` although [`response`](Self::response) is
    /// set. Default: they do not reach the handler.
    ///
    /// With it each client chooses whether rules see the body: a compressed one they do not see, and
    /// of a range only that part. The reason to use it is large media whose players need ranges; there
    /// [`skip_path`](Self::skip_path) is the better choice if they have paths of their own.
    pub const fn dangerously_pass_accept_encoding_and_range(mut self) -> Self {
        self.pass_accept_encoding_and_range = true;
        self
    }

    /// Limits how much of a response's body is inspected, in bytes. Default: 64 KiB.
    ///
    /// The rest is sent without inspection. Held in memory is that much, and what the last frame
    /// has beyond it.
    pub const fn max_response(mut self, bytes: usize) -> Self {
        self.max_response = bytes;
        self
    }

    /// Inspects only the heads of requests of gRPC, and does not read their bodies. Default: off.
    ///
    /// A message of gRPC can be a stream that has no end before its response, so a layer that reads
    /// it first would wait forever. The media type decides (`application/grpc…`), and a client
    /// chooses it: set this only if what is behind the layer accepts nothing else.
    pub const fn only_heads_of_grpc(mut self) -> Self {
        self.only_heads_of_grpc = true;
        self
    }

    /// Names the fields that hold what a person wrote. Default: none.
    ///
    /// The last call counts. Use [`PersonText::chat`] in front of a model server; without it, a
    /// user who asks about SQL matches the rules against injection.
    pub fn person_text(mut self, fields: PersonText) -> Self {
        self.person_text = fields;
        self
    }

    /// Writes a code of what matched into the record, as `inspect_matched`. Default: none.
    ///
    /// The value is up to 16 pairs of the id of a rule and the code, `942100=5f2a…`, with commas.
    /// Equal texts have equal codes under one key. A rule that counts values has none.
    pub fn matched_text_key(mut self, key: MatchedTextKey) -> Self {
        self.text_key = Some(key);
        self
    }

    /// Does not inspect a path and what is below it. May be called again for more paths.
    ///
    /// `/upload` means `/upload` and `/upload/a`, not `/uploads`. A request whose path has `..`
    /// or `%` is always inspected, because the handler may read such a path differently. Neither
    /// the head nor the body of a skipped request is looked at, and no size limit applies.
    pub fn skip_path(mut self, path: impl Into<String>) -> Self {
        self.skipped_paths.push(path.into());
        self
    }

    /// Loads the rules.
    ///
    /// It reads files: call it at start-up, before requests are served.
    ///
    /// # Errors
    ///
    /// As of [`RuleSetBuilder::load`](crate::RuleSetBuilder::load);
    /// [`InspectBuildError::NotLoaded`] if a rule does not load,
    /// [`InspectBuildError::Exclusion`] if an exclusion has a character that is syntax, and
    /// [`InspectBuildError::ParanoiaWithoutRules`] if a level was set without a folder of rules.
    pub fn build(self) -> Result<InspectLayer, InspectBuildError> {
        // Looked at before the files are read, so that no change is missed.
        let folder = self.source.folder.as_deref();
        let read = folder.map(Fingerprint::of).unwrap_or_default();
        let rules = self.source.load()?;
        Ok(InspectLayer(Arc::new(Settings {
            source: self.source,
            rules: ArcSwap::from_pointee(rules),
            read: Mutex::new(read),
            enforce: self.enforce,
            max_body: self.max_body,
            max_work: most_work(self.max_readings, self.max_body),
            responses: self.response.then_some(self.max_response),
            pass_accept_encoding_and_range: self.pass_accept_encoding_and_range,
            only_heads_of_grpc: self.only_heads_of_grpc,
            person_text: self.person_text,
            text_key: self.text_key,
            skipped_paths: self.skipped_paths,
            refusal: rule_refusal(),
            response_refusal: response_refusal(),
        })))
    }
}

impl Source {
    /// Loads the rules.
    ///
    /// Exclusions are written as directives first. A layer with a directive that did not load is
    /// an error unless that was accepted.
    ///
    /// # Errors
    ///
    /// An exclusion has no directive, or the rules cannot be read.
    pub(super) fn load(&self) -> Result<RuleSet, InspectBuildError> {
        let mut setup = self.setup.clone();
        for (exclusion, id) in self.exclusions.iter().zip(FIRST_EXCLUSION..) {
            let directive = exclusion.directive(id);
            setup.push_str(
                &directive.ok_or_else(|| InspectBuildError::Exclusion(format!("{exclusion:?}")))?,
            );
        }
        let rules = match &self.folder {
            Some(folder) => {
                let builder = RuleSet::builder(folder).setup(&setup);
                self.paranoia
                    .map_or(builder.clone(), |level| builder.paranoia(level))
                    .load()?
            }
            None if self.paranoia.is_some() => {
                return Err(InspectBuildError::ParanoiaWithoutRules);
            }
            None => RuleSet::shipped_with(&setup)?,
        };
        match rules.report().not_loaded.first() {
            Some(first) if !self.accept_not_loaded => Err(InspectBuildError::NotLoaded {
                first: first.to_string(),
                count: rules.report().not_loaded.len(),
            }),
            _ => Ok(rules),
        }
    }
}
