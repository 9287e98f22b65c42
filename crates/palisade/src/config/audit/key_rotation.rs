//! Another correlation key that a reload brings, used when nothing can fail any more.

use palisade_audit::{AuditHandle, AuditKey};

/// A correlation key that a reload brings for the running trail: [`Assembled::key_rotation`](crate::config::Assembled::key_rotation).
///
/// Nothing is changed until [`apply`](Self::apply) is called. A reload that is refused after the assembly drops it, and
/// the trail keeps its key.
///
/// # Examples
///
/// ```
/// use palisade::config::{Config, ConfigFileError, Running};
/// use palisade::{Routes, Rule, server::Reloadable};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let text = "server.hosts = ['a.example']";
/// let parts = Config::parse(text)?.assemble_with(Running::new())?;
/// let routes = Routes::new().get("/health", Rule::public(), async || "ok");
/// let stack = parts.shield.protect(routes)?;
/// // From here on nothing can fail.
/// if let Some(rotation) = parts.key_rotation {
///     rotation.apply();
/// }
/// # let _ = stack; Ok(()) }
/// ```
#[derive(Clone, Debug)]
#[must_use = "apply it when the new stack is used"]
pub struct KeyRotation {
    trail: AuditHandle,
    key: AuditKey,
}

impl KeyRotation {
    pub(in crate::config) fn new(trail: AuditHandle, key: AuditKey) -> Self {
        Self { trail, key }
    }

    /// Uses the key for codes from now on, and records that with the public identifiers of both keys. If the trail uses
    /// it already, nothing happens.
    pub fn apply(self) {
        self.trail.rotate_correlation_key(self.key);
    }
}
