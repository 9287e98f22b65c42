//! `palisade limits show`: what a client, principal or owner has left.
//!
//! A bucket that was never charged, or is full again, need not be in the store. It is shown as full, so a
//! wrong name or window looks like a client without requests.

use std::time::Duration;

use clap::Args;
use palisade_rate_limit::BucketState;
use serde_json::{Value, json};

use super::store::{SubjectArgument, Target};
use crate::{failure::Failure, output};

const EXAMPLES: &str = "\
Name and rates must be those of the service: a bucket is found by the name of its limit and its window. For a client
address, the IPv6 network around it is shown too. A tier with other amounts uses the same bucket.

Examples:
  palisade limits show --redis redis://127.0.0.1:6379/2 --hash-key limits.key --limit tts=10/minute --client 203.0.113.7
  palisade limits show --redis-file redis.url --hash-key limits.key --limit 'api=200/day;50/hour' --principal api_key:anna --json";

/// Shows how much of each limit is left
///
/// The columns are: the limit, its rate, the units that are left, and the time until the next unit and
/// until the bucket is full. Looking charges nothing.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Show {
    #[command(flatten)]
    target: Target,
    /// Prints one JSON array
    ///
    /// Each element has the members limit, rate, remaining, next_unit_seconds, full_seconds and override, which is
    /// null or has the members amount and until. Seconds are whole numbers, rounded up.
    #[arg(long)]
    json: bool,
}

impl Show {
    /// Prints one line a limit.
    ///
    /// # Errors
    ///
    /// The store does not reply within five seconds.
    pub(super) fn run(self) -> Result<(), Failure> {
        let Self { target, json } = self;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let states = runtime.block_on(async {
            let buckets = target.connect().await?;
            let states = match &buckets.subject {
                SubjectArgument::Client(ip) => buckets.layer.inspect_client(*ip).get().await,
                SubjectArgument::Named { .. } => match buckets.subject.as_subject() {
                    Some(subject) => buckets.layer.inspect(&subject).get().await,
                    None => None,
                },
            };
            states.ok_or_else(|| Failure::new("the store did not reply in time; try again"))
        })?;
        let text = match json {
            true => Value::from_iter(states.iter().map(bucket_document)).to_string(),
            false => bucket_table(&states),
        };
        Ok(output::print_result(text)?)
    }
}

/// Returns a bucket as JSON. Times are in seconds, rounded up.
///
/// Printed with `--json`, in an array with one element a bucket.
fn bucket_document(state: &BucketState) -> Value {
    json!({
        "limit": &*state.limit,
        "rate": state.rate.to_string(),
        "remaining": state.remaining,
        "next_unit_seconds": whole_seconds(state.next_unit),
        "full_seconds": whole_seconds(state.full),
        "override": state.overridden.map(|overridden| json!({
            "amount": overridden.amount(),
            "until": overridden.ends().map(|ends| ends.as_secs()),
        })),
    })
}

/// Writes the buckets for people.
///
/// The head is printed also if there is only one limit.
fn bucket_table(states: &[BucketState]) -> String {
    let head = ["LIMIT", "RATE", "LEFT", "NEXT UNIT IN", "FULL IN"].map(str::to_owned);
    let row = |state: &BucketState| {
        [
            state.limit.to_string(),
            match state.overridden {
                Some(_) => format!("{} (override)", state.rate),
                None => state.rate.to_string(),
            },
            state.remaining.to_string(),
            format!("{} s", whole_seconds(state.next_unit)),
            format!("{} s", whole_seconds(state.full)),
        ]
    };
    let rows: Vec<[String; 5]> = std::iter::once(head)
        .chain(states.iter().map(row))
        .collect();
    output::format_table(&rows)
}

/// Returns whole seconds, rounded up.
///
/// A client that waits so long is not refused for a fraction of a second.
///
/// Nothing is rounded down, so a script that sleeps this long can try again.
pub(super) fn whole_seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}
