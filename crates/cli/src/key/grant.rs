//! What a key may do, as options of `key new` and `key import`.

use clap::Args;
use palisade_api_key::{Environment, Grant, Network};

use crate::{failure::Failure, moment::Moment};

/// The grant of a key.
///
/// Without a scope the key proves who the client is, and allows only routes that need no scope.
#[derive(Args)]
pub(super) struct GrantOptions {
    /// The environment of the key: live or test
    ///
    /// A service accepts keys of the environments that it is configured for: a test key does not open the
    /// live service.
    #[arg(long, default_value = "live", value_name = "ENVIRONMENT")]
    env: Environment,
    /// When the key expires: 90d, 12h, or a date as 2027-01-31T00:00:00Z
    ///
    /// Default: never. A moment in the past is an error. Keys that expire limit the damage of a leak that no one noticed.
    #[arg(long, value_name = "WHEN")]
    expires: Option<Moment>,
    /// When the key becomes valid, in the same forms
    ///
    /// Default: at once. Until then the key is refused, and the refusal does not count as a guess.
    #[arg(long, value_name = "WHEN")]
    not_before: Option<Moment>,
    /// A network that the key may be used from, as 203.0.113.0/24; may be given several times
    ///
    /// Default: from everywhere. The address is the one that the service derives from its trusted proxies.
    #[arg(long = "network", value_name = "NETWORK")]
    networks: Vec<Network>,
    /// An amount of its own for a rate limit, as NAME=AMOUNT; may be given up to eight times
    ///
    /// The name is that of a limit of the service, such as speak=500. A lower amount always applies, a higher one only up
    /// to `own_amounts_up_to` of the limit.
    #[arg(long = "limit", value_name = "NAME=AMOUNT")]
    limits: Vec<String>,
    /// A value for the application, as NAME=VALUE; may be given several times
    ///
    /// Handlers read it as the attribute metadata.NAME of the principal. It may be logged, so it is no place for secrets.
    #[arg(long = "metadata", value_name = "NAME=VALUE")]
    metadata: Vec<String>,
    /// A note for operators: what the key is for
    ///
    /// Shown by `palisade key list` only. Clients and handlers do not see it.
    #[arg(long)]
    note: Option<String>,
    /// The owner of the key
    ///
    /// A tenant or an account. Several keys may have one owner; they can be limited and revoked together.
    #[arg(long)]
    owner: Option<String>,
    /// A scope that the key grants; may be given several times
    ///
    /// Names are compared in full and with case. There are no wildcards.
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// The tier of the key, which selects among rate limits
    ///
    /// A name of the configuration, such as gold. Default: the limits without a tier.
    #[arg(long)]
    tier: Option<String>,
}

impl GrantOptions {
    /// Makes the grant from the arguments; times are relative to `now`. A begin in the past is accepted: it means at once.
    ///
    /// # Errors
    ///
    /// The end is in the past, or a value cannot be used.
    pub(super) fn make_grant(&self, now: std::time::Duration) -> Result<Grant, Failure> {
        let mut grant = Grant::new(self.env)
            .scopes(self.scopes.clone())
            .networks(self.networks.clone());
        if let Some(end) = self.expires.map(|moment| moment.from(now)) {
            if end <= now {
                return Err(Failure::new(
                    "--expires lies in the past: the key would never count",
                ));
            }
            grant = grant.expires(end);
        }
        if let Some(start) = self.not_before {
            grant = grant.not_before(start.from(now));
        }
        for written in &self.limits {
            let amount = written.split_once('=');
            let amount = amount.and_then(|(name, amount)| Some((name, amount.parse().ok()?)));
            let (name, amount) = amount
                .ok_or_else(|| Failure::new("--limit: write NAME=AMOUNT, such as speak=500"))?;
            grant = grant.limit(name, amount);
        }
        for written in &self.metadata {
            let (name, value) = written.split_once('=').ok_or_else(|| {
                Failure::new("--metadata: write NAME=VALUE, such as project=atlas")
            })?;
            grant = grant.metadata(name, value);
        }
        if let Some(note) = &self.note {
            grant = grant.note(note);
        }
        if let Some(owner) = &self.owner {
            grant = grant.owner(owner);
        }
        if let Some(tier) = &self.tier {
            grant = grant.tier(tier);
        }
        Ok(grant)
    }
}
