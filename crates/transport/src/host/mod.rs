//! Which hosts are served.

mod name;
mod pattern;
mod target;

use std::sync::Arc;

use http::{StatusCode, request};
use palisade_core::{ClientInfo, Guard, Mode, Rejection, Scheme, SecurityContext, Verdict, layer};

pub use self::pattern::AllowedHosts;
use self::target::Problem;
pub(crate) use self::{
    name::{HostName, default_port},
    target::host,
};
use crate::path::ExactPath;

/// Turns away requests for hosts that are not served, and requests that do not name exactly one host.
///
/// 400 for a missing, doubled, malformed or contradicting host (RFC 9112, 3.2), 421 for a foreign one
/// (RFC 9110, 7.4). Stands inside [`ClientInfoLayer`](crate::ClientInfoLayer), whose scheme and
/// forwarded host it uses.
///
/// ```
/// use palisade_transport::{AllowedHosts, HostLayer};
///
/// let layer = HostLayer::new(AllowedHosts::parse(["tts.example.com", "localhost:*"])?)
///     .except_path("/health")?; // a load balancer asks by address
/// # Ok::<(), palisade_transport::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct HostLayer {
    config: Arc<Config>,
}

layer!(HostLayer);

#[derive(Clone, Debug)]
struct Config {
    allowed: AllowedHosts,
    exempt: Vec<ExactPath>,
    mode: Mode,
    refusals: Refusals,
}

impl HostLayer {
    /// Serves these hosts.
    pub fn new(allowed: AllowedHosts) -> Self {
        let config = Config {
            allowed,
            exempt: Vec::new(),
            mode: Mode::Enforce,
            refusals: Refusals::new(),
        };
        Self {
            config: Arc::new(config),
        }
    }

    /// Serves one exact path under every well-formed host, for probes that know only an address.
    ///
    /// # Errors
    /// The path is none.
    pub fn except_path(mut self, path: &str) -> Result<Self, crate::ConfigError> {
        let path = ExactPath::parse(path)?;
        Arc::make_mut(&mut self.config).exempt.push(path);
        Ok(self)
    }

    /// Records what would be refused and lets it pass. For the days in which the list is gathered.
    pub fn dangerously_only_shadow(mut self) -> Self {
        Arc::make_mut(&mut self.config).mode = Mode::Shadow;
        self
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
        match self.config.judge(client, head) {
            Ok(()) => Verdict::Admit(()),
            Err(refusal) => refusal.clone().into(),
        }
    }
}

impl Config {
    fn judge(&self, client: &ClientInfo, head: &request::Parts) -> Result<(), &Rejection> {
        let scheme = client.scheme();
        let host = host(head, scheme).map_err(|problem| self.refusals.of(problem))?;
        let served = match client.forwarded_host() {
            // A proxy was asked for this host; the one in the request is the proxy's name for us.
            Some(forwarded) => self.serves(forwarded.as_str(), scheme),
            None => self.allowed.admits(&host, scheme),
        };
        let exempt = || self.exempt.iter().any(|path| path.is(head.uri.path()));
        if served || exempt() {
            return Ok(());
        }
        Err(&self.refusals.foreign)
    }

    fn serves(&self, forwarded: &str, scheme: Scheme) -> bool {
        self.allowed.allow(forwarded, scheme)
    }
}

/// Rendered once: these are sent to scanners all day.
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

    fn of(&self, problem: Problem) -> &Rejection {
        match problem {
            Problem::Ambiguous => &self.ambiguous,
            Problem::Invalid => &self.invalid,
            Problem::Mismatch => &self.mismatch,
            Problem::Missing => &self.missing,
        }
    }
}
