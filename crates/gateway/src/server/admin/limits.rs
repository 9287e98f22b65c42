//! Shows and clears limits of a running gateway: the same counters that decide about requests.
//!
//! A subject that never sent a request has full limits: there is no list of subjects, only counters by name. Clearing is
//! not recorded in the audit trail of requests; the gateway logs it.

use std::sync::Arc;

use palisade::{
    config::LimitLayers,
    rate_limit::{BucketState, RateLimitLayer, Subject},
};
use serde_json::{Value, json};

use super::command::LimitSubject;

/// The limits of the stack that serves. A reload replaces it.
#[derive(Debug)]
pub(super) struct Limits(Arc<LimitLayers>);

impl Limits {
    /// Takes the limits of the stack that serves now.
    pub(super) const fn new(layers: Arc<LimitLayers>) -> Self {
        Self(layers)
    }

    /// Returns what is left of each limit. Looking charges nothing.
    ///
    /// # Errors
    ///
    /// There are no limits of this kind, or the store does not reply.
    pub(super) async fn state_of(&self, subject: &LimitSubject) -> Result<Vec<Value>, String> {
        let layer = self.layer(subject)?;
        let states = match subject {
            LimitSubject::Client(ip) => layer.inspect_client(*ip).get().await,
            LimitSubject::Named { kind, id } => layer.inspect(&subject_named(kind, id)).get().await,
        };
        let states = states.ok_or("the store did not reply in time")?;
        Ok(states.iter().map(state_document).collect())
    }

    /// Makes the limits full again.
    ///
    /// # Errors
    ///
    /// There are no limits of this kind, or the store does not reply.
    pub(super) async fn clear(&self, subject: &LimitSubject) -> Result<(), String> {
        let layer = self.layer(subject)?;
        let cleared = match subject {
            LimitSubject::Client(ip) => layer.reset_client(*ip).get().await,
            LimitSubject::Named { kind, id } => layer.reset(&subject_named(kind, id)).get().await,
        };
        cleared.map_err(|problem| problem.to_string())
    }

    /// Returns the layer that counts a subject.
    ///
    /// # Errors
    ///
    /// The file has no limit of this kind.
    fn layer(&self, subject: &LimitSubject) -> Result<&RateLimitLayer, String> {
        let (layer, by) = match subject {
            LimitSubject::Client(_) => (&self.0.clients, "client"),
            LimitSubject::Named { .. } => (&self.0.principals, "principal"),
        };
        layer
            .as_ref()
            .ok_or_else(|| format!("the file has no `[[limits]]` with by = \"{by}\""))
    }
}

/// The subject of a principal or an owner.
const fn subject_named<'a>(kind: &'a str, id: &'a str) -> Subject<'a> {
    Subject::Named {
        kind,
        id,
        group: None,
    }
}

/// One limit, with the members of `palisade limits show --json`.
fn state_document(state: &BucketState) -> Value {
    let seconds = |time: std::time::Duration| time.as_secs() + u64::from(time.subsec_nanos() > 0);
    json!({
        "limit": &*state.limit,
        "rate": state.rate.to_string(),
        "remaining": state.remaining,
        "next_unit_seconds": seconds(state.next_unit),
        "full_seconds": seconds(state.full),
    })
}
