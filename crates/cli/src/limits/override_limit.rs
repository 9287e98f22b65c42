//! `palisade limits override`: another amount of a limit for one principal, owner or client.
//!
//! Every node over the store applies it within eleven seconds, and writes a line to its log. A record in the audit
//! trail is made by `palisade gateway limits override`, which asks a running gateway.

use std::{num::NonZeroU32, time::Duration};

use clap::Args;
use palisade_internal::rfc3339;
use palisade_rate_limit::LimitOverride;

use super::store::{SubjectArgument, Target};
use crate::{
    failure::Failure,
    moment::{Moment, now},
    output,
};

const EXAMPLES: &str = "\
Name and rates must be those of the service, with one rate. Units that were used stay used. The override takes precedence
over a tier. The wider IPv6 network around a client keeps its quota.

Examples:
  palisade limits override --redis-file redis.url --hash-key limits.key --limit tts=100/day --principal api_key:anna --amount 5000
  palisade limits override --redis-file redis.url --hash-key limits.key --limit tts=100/day --owner acme --amount 5 --until 7d
  palisade limits override --redis-file redis.url --hash-key limits.key --limit tts=100/day --principal api_key:anna --remove";

/// Gives one subject another amount of a limit, or removes that
///
/// For a customer who needs more for a time, or one who may have less. All nodes that share the store apply it within
/// eleven seconds.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Override {
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    value: ValueArguments,
}

/// The amount, or that there is none any more.
#[derive(Args)]
pub(crate) struct ValueArguments {
    /// The units of one window, in place of those of the limit
    ///
    /// The window stays. What may be used at once changes in the same proportion.
    #[arg(long, value_name = "UNITS", required_unless_present = "remove")]
    amount: Option<NonZeroU32>,
    /// When it ends: after a span, as 7d, or at a date, as 2027-01-31T00:00:00Z
    ///
    /// Default: when it is removed.
    #[arg(long, value_name = "WHEN", requires = "amount")]
    until: Option<Moment>,
    /// Removes the override: the limit applies again
    #[arg(long, conflicts_with_all = ["amount", "until"])]
    remove: bool,
}

impl ValueArguments {
    /// Returns the override. `None`: it is removed.
    ///
    /// # Errors
    ///
    /// It would have ended already.
    pub(crate) fn value(&self) -> Result<Option<LimitOverride>, Failure> {
        let Some(amount) = self.amount else {
            return Ok(None);
        };
        let value = LimitOverride::new(amount);
        let Some(until) = self.until else {
            return Ok(Some(value));
        };
        let (now, until) = (now(), until.from(now()));
        if until <= now {
            return Err(Failure::new("--until is in the past; write a later date"));
        }
        Ok(Some(value.until(Duration::from_secs(until.as_secs()))))
    }
}

impl Override {
    /// Sets or removes the override of each limit.
    ///
    /// # Errors
    ///
    /// A limit cannot have the amount, or the store does not confirm it.
    pub(super) fn run(self) -> Result<(), Failure> {
        let value = self.value.value()?;
        let names = self.target.limits().iter();
        let names: Vec<String> = names
            .filter_map(|limit| Some(limit.split_once('=')?.0.to_owned()))
            .collect();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let target = self.target;
        runtime.block_on(async {
            let buckets = target.connect().await?;
            for name in &names {
                match &buckets.subject {
                    SubjectArgument::Client(ip) => {
                        buckets.layer.set_client_override(*ip, name, value).await?;
                    }
                    SubjectArgument::Named { .. } => {
                        if let Some(subject) = buckets.subject.as_subject() {
                            buckets.layer.set_override(&subject, name, value).await?;
                        }
                    }
                }
            }
            buckets.settled().await
        })?;
        Ok(output::print_result(description(value))?)
    }
}

/// What applies now.
pub(crate) fn description(value: Option<LimitOverride>) -> String {
    match value {
        None => "removed: the limit applies again".to_owned(),
        Some(value) => match value.ends() {
            None => format!("set: {} in each window", value.amount()),
            Some(ends) => {
                let ends = rfc3339::write_seconds(ends);
                format!("set: {} in each window, until {ends}", value.amount())
            }
        },
    }
}
