//! Calls of the Lua script `decide.lua`: their arguments, and the replies that are accepted.
//!
//! A reply that the script cannot have sent is [`StoreProblem::MalformedReply`], never an
//! admission.

use std::{sync::LazyLock, time::Duration};

use redis::{Cmd, Script, Value};

use super::settlements::PendingUnits;
use crate::{
    error::RateLimitBuildError,
    policy::Limit,
    store::{Charge, ChargeOutcome, LimitState, StoreDecision, StoreProblem},
};

/// The script with its digest. The text is sent only to a server that does not know the digest.
static SCRIPT: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("decide.lua")));

/// A hundred years and a day, in microseconds. A reply with a longer time is malformed.
const LONGEST: i64 = 36_501 * 86_400 * 1_000_000;

/// The ceiling of the bucket that a probe uses, in microseconds.
const PROBE_CEILING: i64 = 1_000_000_000;

/// In nanoseconds. The script counts in microseconds, since numbers of Lua are exact to 2^53 only.
const MICROSECOND: u64 = 1000;

/// A node counts for this long after it registered.
const NODE_LIFE: Duration = Duration::from_secs(60);

/// One call of the script: its keys, one for each bucket, its mode, and six numbers for each bucket.
pub(super) struct ScriptCall {
    /// One for each bucket. In a cluster they all have one hash slot.
    keys: Vec<String>,
    /// The mode, then six numbers for each bucket.
    arguments: Vec<Argument>,
}

/// One argument of the script.
enum Argument {
    Mode(&'static str),
    Number(i64),
}

impl ScriptCall {
    /// Makes a call that decides and charges: all buckets grant, or nothing is written.
    pub(super) fn take(prefix: &str, charges: &[&Charge<'_>]) -> Self {
        Self::asking("take", prefix, charges)
    }

    /// Makes a call that decides and writes nothing, for an operator.
    pub(super) fn look(prefix: &str, charges: &[&Charge<'_>]) -> Self {
        Self::asking("look", prefix, charges)
    }

    /// Makes a call that decides. `mode` says whether it also writes.
    fn asking(mode: &'static str, prefix: &str, charges: &[&Charge<'_>]) -> Self {
        let mut call = Self::new(mode, charges.len());
        for charge in charges {
            call.push(
                prefix,
                charge.limit,
                charge.bucket.own,
                charge.required.into(),
                charge.consumed.into(),
            );
        }
        call
    }

    /// Makes a call that refunds and charges without a decision, in this order.
    ///
    /// The refund comes first, because the charge may be what the refund corrects: the other order could stop at the
    /// debt and then refund too much.
    pub(super) fn settle(prefix: &str, limit: &Limit, bucket: u128, amount: PendingUnits) -> Self {
        let mut call = Self::new("add", 1);
        // No charge of this limit leaves more than there is. Units of another price can be more, and go back all.
        let most = i64::from(limit.gcra.granted()) + i64::from(limit.debt());
        let bounded = |units: u64, most: i64| i64::try_from(units).unwrap_or(most).min(most);
        call.push(
            prefix,
            limit,
            bucket,
            bounded(amount.refund, u32::MAX.into()),
            bounded(amount.charge, most),
        );
        call
    }

    /// Makes a call that charges a bucket of its own, which is full again at once. It shows that
    /// the server runs the script and accepts writes.
    pub(super) fn probe(prefix: &str) -> Self {
        Self::on_probe_key(prefix, "take", [1000, 1_000_000, 1, 1, 0, PROBE_CEILING])
    }

    /// Makes a call that refunds what [`probe`](Self::probe) charged. It shows that buckets can be
    /// deleted.
    pub(super) fn probe_back(prefix: &str) -> Self {
        Self::on_probe_key(prefix, "add", [1000, 1_000_000, 2, 0, 0, PROBE_CEILING])
    }

    /// Makes a call for the bucket of probes, which no request uses.
    fn on_probe_key(prefix: &str, mode: &'static str, numbers: [i64; 6]) -> Self {
        let mut call = Self::new(mode, 1);
        call.keys.push(format!("{prefix}:{{probe}}:probe"));
        call.arguments.extend(numbers.map(Argument::Number));
        call
    }

    /// Makes a call without buckets, with memory for so many.
    fn new(mode: &'static str, buckets: usize) -> Self {
        let mut arguments = Vec::with_capacity(1 + 6 * buckets);
        arguments.push(Argument::Mode(mode));
        Self {
            keys: Vec::with_capacity(buckets),
            arguments,
        }
    }

    /// Adds a bucket with its six numbers: interval, units granted, required, consumed, debt and ceiling. Times are in
    /// microseconds.
    fn push(&mut self, prefix: &str, limit: &Limit, bucket: u128, required: i64, consumed: i64) {
        self.keys.push(key(prefix, limit, bucket));
        let microseconds = |time: u64| i64::try_from(time / MICROSECOND).unwrap_or(i64::MAX);
        let numbers = [
            microseconds(limit.gcra.emission()),
            limit.gcra.granted().into(),
            required,
            consumed,
            limit.debt().into(),
            microseconds(limit.gcra.ceiling()),
        ];
        self.arguments.extend(numbers.map(Argument::Number));
    }

    /// Returns the command with the digest of the script, which the server usually knows.
    pub(super) fn by_digest(&self) -> Cmd {
        self.command("EVALSHA", SCRIPT.get_hash())
    }

    /// Returns the command with the text of the script, for a server that lost it by a restart or
    /// failover.
    pub(super) fn by_text(&self) -> Cmd {
        self.command("EVAL", include_str!("decide.lua"))
    }

    /// Makes the command with the script or its digest, the keys and the arguments.
    fn command(&self, name: &str, script: &str) -> Cmd {
        let mut command = redis::cmd(name);
        command.arg(script).arg(self.keys.len()).arg(&self.keys);
        for argument in &self.arguments {
            match argument {
                Argument::Mode(mode) => command.arg(*mode),
                Argument::Number(number) => command.arg(*number),
            };
        }
        command
    }

    /// Reads the reply.
    ///
    /// # Errors
    ///
    /// [`StoreProblem::MalformedReply`] for anything that the script cannot have sent: another number of buckets,
    /// times that are negative or longer than a hundred years, or an outcome that contradicts the waits.
    pub(super) fn read(&self, reply: &Value) -> Result<StoreDecision, StoreProblem> {
        let Value::Array(items) = reply else {
            return Err(StoreProblem::MalformedReply);
        };
        let numbers: Vec<i64> = items
            .iter()
            .map(number)
            .collect::<Option<_>>()
            .ok_or(StoreProblem::MalformedReply)?;
        let (given, rest) = numbers.split_first().ok_or(StoreProblem::MalformedReply)?;
        let (pairs, odd) = rest.as_chunks::<2>();
        let possible = |n: &i64| (0..=LONGEST).contains(n);
        if !odd.is_empty() || pairs.len() != self.keys.len() || !rest.iter().all(possible) {
            return Err(StoreProblem::MalformedReply);
        }
        let refused = pairs.iter().any(|[_, wait]| *wait > 0);
        let outcome = match (given, refused) {
            (1, false) => ChargeOutcome::Admitted,
            (0, true) => ChargeOutcome::Refused,
            _ => return Err(StoreProblem::MalformedReply),
        };
        let limit_state = |[backlog, wait]: &[i64; 2]| LimitState {
            backlog: backlog.unsigned_abs() * MICROSECOND,
            wait: wait.unsigned_abs() * MICROSECOND,
        };
        Ok(StoreDecision::new(outcome, pairs.iter().map(limit_state)))
    }
}

/// Returns the key of a bucket in the server, such as `palisade:{2f6c…}:tts:60`.
///
/// The braces keep all limits of one subject in one slot of a cluster. The window in seconds is part
/// of the key: two nodes may have different versions of the configuration, and would lower each other's backlogs.
/// Tiers have the window of their policy there. The amount is not part of it, so a changed quota keeps its state.
pub(super) fn key(prefix: &str, limit: &Limit, bucket: u128) -> String {
    let window = limit.bucket_window.as_secs();
    format!("{prefix}:{{{bucket:032x}}}:{}:{window}", limit.name)
}

/// Keeps the used units of a bucket at the price of another limit of its name.
pub(super) fn rescale(prefix: &str, before: &Limit, after: &Limit, bucket: u128) -> Cmd {
    let microseconds = |limit: &Limit| (limit.gcra.emission() / MICROSECOND).max(1);
    let mut command = redis::cmd("EVAL");
    command.arg(include_str!("rescale.lua"));
    command.arg(1).arg(key(prefix, before, bucket));
    command.arg(microseconds(before)).arg(microseconds(after));
    command
}

/// Registers a node and counts those that registered lately.
pub(super) fn count_nodes(prefix: &str, node: &str) -> Cmd {
    let mut command = redis::cmd("EVAL");
    command.arg(include_str!("count_nodes.lua"));
    command.arg(1).arg(format!("{prefix}:nodes"));
    command.arg(node).arg(NODE_LIFE.as_secs());
    command
}

/// Reads an integer of a reply. `None`: it is of another type, so the reply is malformed.
fn number(value: &Value) -> Option<i64> {
    match value {
        Value::Int(number) => Some(*number),
        _ => None,
    }
}

/// Checks whether the script can count a limit exactly: in whole microseconds.
///
/// # Errors
///
/// The limit is finer. The error names the next lower count that would fit.
pub(super) fn accepts(limit: &Limit) -> Result<(), RateLimitBuildError> {
    let interval = limit.gcra.emission();
    if interval.is_multiple_of(MICROSECOND) {
        return Ok(());
    }
    let slower = limit.rate.window().as_micros() / u128::from(interval.div_ceil(MICROSECOND));
    let reason = format!(
        "{} is a unit every {interval} ns, but the shared store counts whole microseconds; a count of {slower} would fit",
        limit.rate
    );
    Err(RateLimitBuildError::UnsupportedByStore {
        policy: limit.policy.clone(),
        reason: reason.into(),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{policy::Policy, store::BucketKey};

    fn call() -> ScriptCall {
        let limits = Policy::named("a")
            .rate("1/second")
            .unwrap()
            .limits()
            .unwrap();
        let limit = Arc::new(limits.into_iter().next().unwrap());
        ScriptCall::take("p", &[&Charge::new(&limit, BucketKey::new(255, 0), 1)])
    }

    fn numbers(numbers: &[i64]) -> Value {
        Value::Array(numbers.iter().copied().map(Value::Int).collect())
    }

    #[test]
    fn only_replies_that_the_script_can_send_are_accepted() {
        let read = |reply: &Value| call().read(reply).ok().map(|decision| decision.outcome());
        assert_eq!(read(&numbers(&[1, 5, 0])), Some(ChargeOutcome::Admitted));
        assert_eq!(read(&numbers(&[0, 5, 3])), Some(ChargeOutcome::Refused));
        for wrong in [
            numbers(&[]),
            numbers(&[1]),
            numbers(&[1, 5]),
            numbers(&[1, 5, 0, 0]),
            numbers(&[1, 5, 0, 5, 0]),
            numbers(&[1, 5, 3]),
            numbers(&[0, 5, 0]),
            numbers(&[2, 5, 0]),
            numbers(&[1, -5, 0]),
            numbers(&[0, 5, i64::MAX]),
            Value::Int(1),
            Value::Okay,
            Value::Nil,
            Value::Array(vec![Value::Int(1), Value::Int(5), Value::Nil]),
            Value::Array(vec![
                Value::Int(1),
                Value::Int(5),
                Value::BulkString(b"0".to_vec()),
            ]),
        ] {
            assert_eq!(read(&wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn a_key_holds_a_hash_and_the_name_and_window_of_the_limit() {
        assert_eq!(call().keys, ["p:{000000000000000000000000000000ff}:a:1"]);
    }

    #[test]
    fn a_rate_that_would_be_rounded_is_refused_with_one_that_would_not() {
        let check =
            |rate: &str| accepts(&Policy::named("a").rate(rate).unwrap().limits().unwrap()[0]);
        assert!(check("5000/second").is_ok());
        assert!(check("1000000/second").is_ok());
        assert!(check("7/minute").is_ok());
        assert!(
            check("3000/second")
                .unwrap_err()
                .to_string()
                .contains("2994")
        );
        assert!(
            check("2000000/second")
                .unwrap_err()
                .to_string()
                .contains("1000000")
        );
    }
}
