//! The tower layer: what it is told, its service, and the future of a request.

mod builder;
mod service;
mod future;
mod settings;

use std::path::PathBuf;
use std::sync::Arc;

use tower_layer::Layer;

use self::settings::Settings;
pub use self::{builder::InspectLayerBuilder, future::InspectFuture, service::InspectService};
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
/// * The audit record has the score, up to 16 ids of rules, and the tags of the attacks. It never has
///   what matched.
/// * A refusal teaches nothing: it is the same for all rules.
/// * Fields that hold what a person wrote ([`PersonText`](crate::PersonText)) are under the rules for code
///   only for the record.
///
/// # Refusals
///
/// | Status | Code | Reason |
/// |---|---|---|
/// | 400 | `body_unreadable` | the connection broke before the end of the body |
/// | 403 | `inspected` | a rule refuses the request |
/// | 413 | `payload_too_large` | the body is longer than the limit |
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
    pub fn builder() -> InspectLayerBuilder {
        InspectLayerBuilder::default()
    }

    /// Reads the rules again, and uses them from the next request on if all of them load.
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
    #[must_use]
    pub fn report(&self) -> LoadReport {
        self.0.rules().report().clone()
    }

    /// The folder of the rules. `None`: the rules that are shipped.
    #[must_use]
    pub fn folder(&self) -> Option<PathBuf> {
        self.0.folder().cloned()
    }
}

impl<S> Layer<S> for InspectLayer {
    type Service = InspectService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        InspectService::new(Arc::clone(&self.0), inner)
    }
}
