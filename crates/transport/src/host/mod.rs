//! The hosts that are served. Requests for other hosts are refused.
//!
//! [`HostLayer`] reads the client from the [`SecurityContext`]; without one it refuses with
//! 500.

mod builder;
mod name;
mod allow_list;
mod target;

use std::sync::Arc;

use http::{StatusCode, header::HOST, request};
use palisade_core::{ClientInfo, Guard, Mode, Rejection, Scheme, SecurityContext, Verdict, layer};

use self::target::Problem;
pub use self::{allow_list::AllowedHosts, builder::HostLayerBuilder};
pub(crate) use self::{
    name::{HostName, default_port},
    target::host,
};
use crate::path::ExactPath;

/// Refuses requests for hosts that are not served, and requests that do not name exactly one
/// host.
///
/// Protects against DNS rebinding, cache poisoning, and links that a handler builds from a
/// forged host. Must be inside [`ClientInfoLayer`](crate::ClientInfoLayer), whose scheme and
/// forwarded host it uses.
///
/// # Refusals
///
/// | status | code | when |
/// |---|---|---|
/// | 400 | `host_ambiguous` | several `Host` lines (RFC 9112, section 3.2) |
/// | 400 | `host_invalid` | the host is malformed |
/// | 400 | `host_mismatch` | target and `Host` name different hosts |
/// | 400 | `host_missing` | the request names no host |
/// | 421 | `host_not_served` | the host is not allowed (RFC 9110, section 7.4) |
/// | 500 | `misconfigured` | there is no `ClientInfoLayer` outside |
///
/// # Examples
///
/// ```
/// use palisade_transport::{AllowedHosts, HostLayer};
///
/// let layer = HostLayer::builder(AllowedHosts::parse(["tts.example.com", "localhost:*"])?)
///     .except_path("/health") // a load balancer uses the address as host
///     .build()?;
/// # let _ = layer;
/// # Ok::<(), palisade_transport::TransportBuildError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct HostLayer {
    config: Arc<Config>,
}

layer!(HostLayer);

/// The settings of the layer, shared by its clones.
#[derive(Clone, Debug)]
struct Config {
    allowed: AllowedHosts,
    /// Paths that are served under every valid host.
    exempt: Vec<ExactPath>,
    mode: Mode,
    refusals: Refusals,
}

impl HostLayer {
    /// Serves these hosts. Others are refused with 421.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_transport::{AllowedHosts, HostLayer};
    ///
    /// let layer = HostLayer::new(AllowedHosts::parse(["tts.example.com"])?);
    /// # let _ = layer;
    /// # Ok::<(), palisade_transport::TransportBuildError>(())
    /// ```
    pub fn new(allowed: AllowedHosts) -> Self {
        Self::with(allowed, Vec::new(), Mode::Enforce)
    }

    /// Starts to configure a layer that serves these hosts.
    pub fn builder(allowed: AllowedHosts) -> HostLayerBuilder {
        HostLayerBuilder::new(allowed)
    }

    /// Builds the layer from checked choices.
    fn with(allowed: AllowedHosts, exempt: Vec<ExactPath>, mode: Mode) -> Self {
        let config = Config {
            allowed,
            exempt,
            mode,
            refusals: Refusals::new(),
        };
        Self {
            config: Arc::new(config),
        }
    }

    /// Returns the hosts that are served.
    pub fn allowed(&self) -> &AllowedHosts {
        &self.config.allowed
    }
}

impl Guard for HostLayer {
    type Pass = ();

    fn name(&self) -> &'static str {
        "host"
    }

    fn mode(&self) -> Mode {
        self.config.mode
    }

    fn admit(&self, cx: &SecurityContext, head: &mut request::Parts) -> Verdict<()> {
        let Some(client) = cx.client() else {
            return Rejection::misconfigured("HostLayer needs ClientInfoLayer outside it").into();
        };
        match self.config.check(client, head) {
            Ok(()) => Verdict::Admit(()),
            Err(refusal) => refusal.clone().into(),
        }
    }
}

impl Config {
    /// Checks the host of a request. The error is the refusal to send.
    fn check(&self, client: &ClientInfo, head: &request::Parts) -> Result<(), &Rejection> {
        let scheme = client.scheme();
        if client.forwarded_host().is_none() && self.is_served_as_written(head, scheme) {
            return Ok(());
        }
        let host = host(head, scheme).map_err(|problem| self.refusals.of(problem))?;
        let served = match client.forwarded_host() {
            // The client sent this host to the proxy; the one in the request is the proxy's own.
            Some(forwarded) => self.serves(forwarded.as_str(), scheme),
            None => self.allowed.admits(&host, scheme),
        };
        let exempt = || self.exempt.iter().any(|path| path.is(head.uri.path()));
        if served || exempt() {
            return Ok(());
        }
        Err(&self.refusals.foreign)
    }

    /// Tells whether the request names one host, once, exactly as it is listed: most requests do, and their host need
    /// not be parsed.
    fn is_served_as_written(&self, head: &request::Parts, scheme: Scheme) -> bool {
        let mut lines = head.headers.get_all(HOST).iter();
        match (head.uri.authority(), lines.next(), lines.next()) {
            (None, Some(line), None) => self.allowed.lists(line.as_bytes(), scheme),
            (Some(authority), None, None) => {
                self.allowed.lists(authority.as_str().as_bytes(), scheme)
            }
            _ => false,
        }
    }

    /// Returns whether a forwarded host is served.
    fn serves(&self, forwarded: &str, scheme: Scheme) -> bool {
        self.allowed.allow(forwarded, scheme)
    }
}

/// The refusals of this layer, rendered once: scanners cause many of them.
#[derive(Clone, Debug)]
struct Refusals {
    ambiguous: Rejection,
    foreign: Rejection,
    invalid: Rejection,
    mismatch: Rejection,
    missing: Rejection,
}

impl Refusals {
    fn new() -> Self {
        let bad =
            |code, detail| Rejection::new(StatusCode::BAD_REQUEST, code, detail).prerendered();
        Self {
            ambiguous: bad(
                "host_ambiguous",
                "The request names its host several times.",
            ),
            foreign: Rejection::new(
                StatusCode::MISDIRECTED_REQUEST,
                "host_not_served",
                "This host is not served here.",
            )
            .prerendered(),
            invalid: bad("host_invalid", "The host of the request is not valid."),
            mismatch: bad("host_mismatch", "The request names two different hosts."),
            missing: bad("host_missing", "The request does not name its host."),
        }
    }

    /// Returns the refusal for a problem.
    fn of(&self, problem: Problem) -> &Rejection {
        match problem {
            Problem::Ambiguous => &self.ambiguous,
            Problem::Invalid => &self.invalid,
            Problem::Mismatch => &self.mismatch,
            Problem::Missing => &self.missing,
        }
    }
}
