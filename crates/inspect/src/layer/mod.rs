//! The tower layer: what it is told, its service, and the future of a request.
//!
//! A request goes through four files: `service` decides from the head whether the body is needed,
//! `future` reads it and calls the inner service, `settings` runs the rules and writes the
//! record, `builder` has what the owner set. Responses go through `response`, if they are inspected.
//!
//! All clones of a layer and of its services share one rule set behind an atomic pointer. A
//! reload exchanges it without a lock; a request keeps the set with which its inspection began.

mod builder;
mod watch;
mod service;
mod future;
mod response;
mod settings;
mod record;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tower_layer::Layer;

use self::settings::Settings;
pub use self::{
    builder::InspectLayerBuilder, future::InspectFuture, response::InspectBody,
    service::InspectService,
};
use crate::error::InspectBuildError;
use crate::rules::LoadReport;

/// Inspects requests with firewall rules before the handler sees them.
///
/// It only observes until [`enforce`](InspectLayerBuilder::enforce) is called: what a rule would refuse
/// is in the audit trail as a refusal in shadow. Place it innermost, inside authentication and rate
/// limits, because it reads bodies.
///
/// * The type of the request's body does not change. A body is read whole, up to
///   [`max_body`](InspectLayerBuilder::max_body), and passed on byte for byte.
/// * The audit record has the score, up to 16 ids of rules, their highest severity, and the
///   tags of the attacks. It never has
///   what matched.
/// * A refusal teaches nothing: it is the same for all rules.
/// * Fields that hold what a person wrote ([`PersonText`](crate::PersonText)) are under the rules for code
///   only for the record.
///
/// Two more effects follow from reading the body. The handler is called only after the last byte
/// arrived, so it cannot answer early; and trailers of the request are not passed on. Use
/// [`skip_path`](InspectLayerBuilder::skip_path) for uploads and streams, and
/// [`only_heads_of_grpc`](InspectLayerBuilder::only_heads_of_grpc) in front of gRPC. Of tunnels
/// (`CONNECT`, RFC 8441) only the head is inspected.
///
/// Cost: the body is held in memory once, and the rules run on the thread that polls the request.
/// With the shipped rules that is short; the Core Rule Set takes time that grows with the number
/// and length of the values.
///
/// # Refusals
///
/// | Status | Code | Reason |
/// |---|---|---|
/// | 400 | `body_unreadable` | the connection broke before the end of the body |
/// | 403 | `inspected` | a rule refuses the request |
/// | 413 | `payload_too_large` | the body is longer than the limit |
/// | 502 | `inspected` | a rule refuses the response, see [`response`](InspectLayerBuilder::response) |
///
/// ```no_run
/// use palisade_inspect::{Exclusion, InspectLayer, PersonText};
///
/// let layer = InspectLayer::builder()
///     .rules("/etc/palisade/crs")
///     .paranoia(1)
///     .person_text(PersonText::chat())
///     .exclude(Exclusion::tag("attack-sqli").on_path("/search").for_target("ARGS:q"))
///     .build()?;
/// # let _ = layer;
/// # Ok::<(), palisade_inspect::InspectBuildError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct InspectLayer(Arc<Settings>);

impl InspectLayer {
    /// Returns a builder with the defaults.
    ///
    /// They are: no folder, which uses the rules that are shipped; observe and refuse nothing; bodies of
    /// at most 64 KiB; no person's text; no exclusions.
    ///
    /// Nothing is read from disk before [`build`](InspectLayerBuilder::build).
    pub fn builder() -> InspectLayerBuilder {
        InspectLayerBuilder::default()
    }

    /// Reads the rules again, and uses them from the next request on if all of them load.
    ///
    /// The settings stay as they were built: paranoia level, setup, exclusions, limits and
    /// enforcement. Only the files are read again. If two threads reload at the same time, the
    /// one that finishes last wins.
    ///
    /// It reads files: call it from a thread that may block. Requests go on with the rules from before
    /// until it returns.
    ///
    /// # Errors
    ///
    /// As of [`InspectLayerBuilder::build`]. The rules from before stay.
    pub fn reload(&self) -> Result<LoadReport, InspectBuildError> {
        self.0.reload()
    }

    /// What was loaded.
    ///
    /// After a [`reload`](Self::reload) it is the report of the new rules. It is a copy.
    #[must_use]
    pub fn report(&self) -> LoadReport {
        self.0.rules().report().clone()
    }

    /// Reads the rules again if a file in their folder has changed since they were read last.
    ///
    /// `None`: nothing has changed, or the rules are those that are shipped. A set that does not
    /// load is tried again only after the next change. Compared are names, lengths and times of
    /// change, of the folder and up to three levels below it; files that `Include` names elsewhere
    /// are not watched. It reads files, as [`reload`](Self::reload) does.
    ///
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// # std::fs::create_dir(folder.path().join("rules"))?;
    /// # let file = folder.path().join("rules/a.conf");
    /// # std::fs::write(&file, "SecAction \"id:1,phase:1,pass\"")?;
    /// use palisade_inspect::InspectLayer;
    ///
    /// let layer = InspectLayer::builder().rules(folder.path()).build()?;
    /// assert!(layer.reload_if_changed().is_none());
    /// std::fs::write(&file, "SecAction \"id:1,phase:1,pass\"\nSecAction \"id:2,phase:1,pass\"")?;
    /// let report = layer.reload_if_changed().expect("a file has changed")?;
    /// assert_eq!(report.rules, 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn reload_if_changed(&self) -> Option<Result<LoadReport, InspectBuildError>> {
        self.0.reload_if_changed()
    }

    /// Starts a thread that calls [`reload_if_changed`](Self::reload_if_changed) at an interval,
    /// and tells `tell` of each reload and of each set that does not load.
    ///
    /// The thread ends within an interval after the last clone of the layer and the last of its
    /// services were dropped. Without a folder it is not started.
    ///
    /// # Errors
    ///
    /// The system starts no more threads.
    pub fn watch(
        &self,
        interval: Duration,
        tell: impl Fn(Result<LoadReport, InspectBuildError>) + Send + 'static,
    ) -> std::io::Result<()> {
        match self.0.folder() {
            Some(_) => watch::start(Arc::downgrade(&self.0), interval, tell),
            None => Ok(()),
        }
    }

    /// Describes the rules and what is done with them, in one line for people.
    ///
    /// ```
    /// let layer = palisade_inspect::InspectLayer::builder().build()?;
    /// assert_eq!(layer.explain(), "13 rules that are shipped; only recorded; bodies up to 64 KiB");
    /// # Ok::<(), palisade_inspect::InspectBuildError>(())
    /// ```
    #[must_use]
    pub fn explain(&self) -> String {
        self.0.explain()
    }

    /// The folder of the rules. `None`: the rules that are shipped.
    ///
    /// It is as it was configured, for a task that watches the folder and calls
    /// [`reload`](Self::reload).
    #[must_use]
    pub fn folder(&self) -> Option<PathBuf> {
        self.0.folder().cloned()
    }
}

impl<S> Layer<S> for InspectLayer {
    type Service = InspectService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        InspectService::new(Some(Arc::clone(&self.0)), inner)
    }
}
