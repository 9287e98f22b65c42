//! Counters of budgets in the shared store: one call to reserve, one to settle.
//!
//! A reserve is a field of its own in each counter, with a name that no other one has. So a settlement
//! can be sent again until it is confirmed: the second one finds no field. A reserve whose reply was
//! lost, or whose client left, is settled with nothing used.

use std::{sync::LazyLock, time::Duration};

use palisade_core::MaybeReady;
use redis::{Cmd, ErrorKind, RedisResult, Script, ServerErrorKind, Value};
use tokio::runtime;

use super::{
    RedisStore, StoreState,
    connection::{DELIVERING, PATIENT},
    error_codes::problem_of,
    permissions::StorePart,
    servers::Handle,
};
use crate::{
    budget::{
        BudgetCharge, BudgetDecision, BudgetKey, BudgetProblem, BudgetState, BudgetStore,
        Reservation,
    },
    policy::Subject,
    store::{LimitStore as _, StoreProblem},
};

/// The script that decides about all counters of a request in one step.
const TEXT: &str = include_str!("budgets.lua");
/// The script with its digest. The text is sent only to a server that does not know the digest.
static SCRIPT: LazyLock<Script> = LazyLock::new(|| Script::new(TEXT));

/// Larger numbers are not sent by the script.
const LARGEST: i64 = 1 << 53;
/// The first and the longest pause before a settlement is sent again, and how often that is tried: for
/// about an hour.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(5));
/// With the pauses above, about an hour. Then the units stay reserved until the window ends, and a
/// counter tells of it.
const TRIES: u32 = 720;
/// Counters live at least a day, so that clocks of nodes may differ.
const LEAST_LIFE: u64 = 86_400;

/// One call of the script.
#[derive(Clone)]
struct Call {
    /// `reserve`, `settle`, `read` or `probe`.
    mode: &'static str,
    /// The name of the reserve: the node, and a number that it uses once. Empty for `read`.
    id: Box<str>,
    /// The keys of the counters.
    keys: Vec<String>,
    /// For each key the units, the amount of the budget, and how many seconds the counter lives.
    numbers: Vec<u64>,
}

impl Call {
    /// Begins a call without counters.
    fn new(mode: &'static str, id: &str) -> Self {
        Self {
            mode,
            id: id.into(),
            keys: Vec::new(),
            numbers: Vec::new(),
        }
    }

    /// Adds a counter. Its key has a keyed hash in place of the subject. It lives for two windows, so that a request over
    /// midnight is settled where it began.
    fn push(&mut self, store: &RedisStore, key: &BudgetKey, units: u64, amount: u64) {
        let (kind, id) = (key.kind(), key.id());
        let subject = Subject::Named {
            kind,
            id,
            group: None,
        };
        let (hash, span) = (store.bucket_key(&subject).own, key.span());
        let (prefix, budget) = (&store.0.prefix, key.budget());
        let (period, start) = (span.period().name(), span.start());
        self.keys.push(format!(
            "{prefix}:{{budgets}}:{budget}:{hash:032x}:{period}:{start}"
        ));
        let life = (2 * span.seconds()).max(LEAST_LIFE);
        self.numbers.extend([units, amount, life]);
    }

    /// Returns the command `EVALSHA` or `EVAL`, with the digest or the text of the script.
    fn command(&self, name: &str, script: &str) -> Cmd {
        let mut command = redis::cmd(name);
        command.arg(script).arg(self.keys.len()).arg(&self.keys);
        command.arg(self.mode).arg(&*self.id);
        for number in &self.numbers {
            command.arg(*number);
        }
        command
    }

    /// Runs the script by its digest, and with its text if the server does not know it.
    ///
    /// # Errors
    ///
    /// The server did not reply as the script does.
    async fn run(self, mut connection: Handle) -> Result<(bool, Vec<BudgetState>), StoreProblem> {
        let by_digest = self.command("EVALSHA", SCRIPT.get_hash());
        let reply: RedisResult<Value> = match by_digest.query_async(&mut connection).await {
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                let by_text = self.command("EVAL", TEXT);
                by_text.query_async(&mut connection).await
            }
            other => other,
        };
        let reply = reply.map_err(|error| problem_of(&error))?;
        self.read(&reply).ok_or(StoreProblem::MalformedReply)
    }

    /// Reads the reply. `None` for anything that the script cannot have sent.
    fn read(&self, reply: &Value) -> Option<(bool, Vec<BudgetState>)> {
        let Value::Array(items) = reply else {
            return None;
        };
        let number = |item: &Value| match item {
            Value::Int(number) if (0..=LARGEST).contains(number) => u64::try_from(*number).ok(),
            _ => None,
        };
        let numbers: Vec<u64> = items.iter().map(number).collect::<Option<_>>()?;
        let (granted, rest) = numbers.split_first()?;
        let (pairs, odd) = rest.as_chunks::<2>();
        let states = pairs
            .iter()
            .map(|[used, held]| BudgetState::new(*used, *held));
        let possible = *granted <= 1 && odd.is_empty() && pairs.len() == self.keys.len();
        possible.then(|| (*granted == 1, states.collect()))
    }
}

impl RedisStore {
    /// Makes the call about charges, with these units for each.
    fn call(&self, mode: &'static str, id: &str, charges: &[BudgetCharge], units: &[u64]) -> Call {
        let mut call = Call::new(mode, id);
        for (charge, units) in charges.iter().zip(units) {
            call.push(self, charge.key(), *units, charge.amount());
        }
        call
    }
}

impl StoreState {
    /// Makes one call. `patience` is how long a reply may take.
    ///
    /// # Errors
    ///
    /// The server cannot be asked, or did not reply in time.
    async fn run_budget_call(
        &self,
        call: Call,
        patience: Duration,
    ) -> Result<(bool, Vec<BudgetState>), StoreProblem> {
        let Some(connection) = self.connections.connection() else {
            let problem = self.connections.problem();
            return Err(problem.unwrap_or(StoreProblem::ConnectionLost));
        };
        self.connections
            .call(connection, patience, |handle| call.run(handle))
            .await
    }

    /// Runs what budgets need, in a key of its own.
    ///
    /// # Errors
    ///
    /// The server refuses it to this user, or cannot be asked.
    pub(super) async fn probe_budgets(&self) -> Result<(), StoreProblem> {
        let mut probe = Call::new("probe", "probe");
        probe
            .keys
            .push(format!("{}:{{budgets}}:probe", self.prefix));
        probe.numbers.extend([0, 0, 1]);
        self.run_budget_call(probe, DELIVERING).await.map(drop)
    }

    /// Sends a settlement until it is confirmed, for about an hour. Then it is counted as lost, and the reserve stays
    /// charged until its window ends.
    async fn deliver_settlement(&self, call: Call) {
        let (mut pause, longest) = PAUSES;
        for _ in 0..TRIES {
            match self.run_budget_call(call.clone(), DELIVERING).await {
                Ok(_) | Err(StoreProblem::ForeignValue) => return,
                Err(_) => tokio::time::sleep(pause).await,
            }
            pause = (2 * pause).min(longest);
        }
        self.losses.unsettled_budget();
    }
}

/// Gives a reserve back if its request ends before the reply.
struct Unanswered {
    /// The store that may have reserved.
    store: RedisStore,
    /// What has to be given back. `None`: the reply arrived, and the request has it.
    reservation: Option<Reservation>,
}

impl Drop for Unanswered {
    fn drop(&mut self) {
        if let Some(reservation) = self.reservation.take() {
            let nothing = vec![0; reservation.charges().len()];
            self.store.settle(reservation, &nothing);
        }
    }
}

impl BudgetStore for RedisStore {
    fn reserve(
        &self,
        charges: Vec<BudgetCharge>,
    ) -> MaybeReady<Result<BudgetDecision, BudgetProblem>> {
        let number = self
            .0
            .reserves
            .fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        self.use_part(StorePart::Budgets);
        if let Err(problem) = self.0.parts.permitted(StorePart::Budgets) {
            return MaybeReady::Ready(Err(away(problem)));
        }
        let id = format!("{}-{number}", self.0.node);
        let units: Vec<u64> = charges.iter().map(BudgetCharge::units).collect();
        let call = self.call("reserve", &id, &charges, &units);
        let mut unanswered = Unanswered {
            store: self.clone(),
            reservation: Some(Reservation::new(id, charges)),
        };
        MaybeReady::pending(async move {
            let store = unanswered.store.clone();
            let patience = store.0.connections.deadline().max(PATIENT);
            let reply = store.0.run_budget_call(call, patience).await;
            let (granted, states) = match reply {
                Ok(reply) => reply,
                Err(problem) if problem.may_have_been_applied() => return Err(away(problem)),
                Err(problem) => {
                    drop(unanswered.reservation.take());
                    return Err(away(problem));
                }
            };
            let reservation = unanswered.reservation.take();
            Ok(match reservation.filter(|_| granted) {
                Some(reservation) => BudgetDecision::granted(states, reservation),
                None => BudgetDecision::refused(states),
            })
        })
    }

    fn settle(&self, reservation: Reservation, units: &[u64]) {
        let used: Vec<u64> = reservation.settled(units).collect();
        let call = self.call("settle", reservation.id(), reservation.charges(), &used);
        // Outside a runtime nothing can be sent. The reserve stays charged.
        let Ok(runtime) = runtime::Handle::try_current() else {
            return;
        };
        let shared = std::sync::Arc::clone(&self.0);
        runtime.spawn(async move { shared.deliver_settlement(call).await });
    }

    fn read(&self, keys: Vec<BudgetKey>) -> MaybeReady<Result<Vec<BudgetState>, BudgetProblem>> {
        let mut call = Call::new("read", "");
        for key in &keys {
            call.push(self, key, 0, 0);
        }
        let shared = std::sync::Arc::clone(&self.0);
        MaybeReady::pending(async move {
            let patience = shared.connections.deadline().max(PATIENT);
            let reply = shared.run_budget_call(call, patience).await;
            reply.map(|(_, states)| states).map_err(away)
        })
    }

    fn explain(&self) -> String {
        "the store of the limits, in Redis".to_owned()
    }
}

/// Returns the error of a store that did not decide.
const fn away(problem: StoreProblem) -> BudgetProblem {
    BudgetProblem::Away {
        code: problem.code(),
    }
}
