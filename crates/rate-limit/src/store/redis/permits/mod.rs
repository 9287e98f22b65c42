//! Permits of requests in progress in the shared store: one call to acquire, renewals and deletions behind the
//! requests.
//!
//! The server has a sorted set for each subject. One server decides a client and its network in one call. In a
//! cluster they may be on different nodes and have a call each; if one refuses, the other is deleted behind the
//! request.

mod queue;

use std::{
    hash::RandomState,
    num::NonZeroU32,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use arrayvec::ArrayVec;
use futures_util::future::join_all;
use hashbrown::HashMap;
use palisade_core::MaybeReady;
use redis::{Cmd, ErrorKind, RedisResult, Script, ServerErrorKind, Value};

pub(super) use self::queue::PermitQueue;
use super::{
    RedisStore, StoreState,
    connection::{Connection, DELIVERING},
    error_codes::problem_of,
    permissions::StorePart,
    servers::Handle,
};
use crate::{
    policy::{FailureMode, Subject},
    store::{
        LimitStore as _, StoreProblem,
        permits::{PermitClaim, SharedPermits},
    },
};

/// The script, for a server that does not have it.
const TEXT: &str = include_str!("permits.lua");
/// The script by its digest.
static SCRIPT: LazyLock<Script> = LazyLock::new(|| Script::new(TEXT));

/// The permits of one call, which other calls of the connection wait for.
const AT_ONCE: usize = 64;

/// One call of the script.
#[derive(Clone)]
struct PermitCall {
    /// A sorted set for each subject.
    keys: Vec<String>,
    /// `acquire`, `renew`, `release` or `probe`.
    mode: &'static str,
    /// When the permits expire.
    expiry: Duration,
    /// The name of a permit and the limits, or names of permits.
    arguments: Vec<String>,
}

impl PermitCall {
    /// Returns the command `EVALSHA` or `EVAL`, with the digest or the text of the script.
    fn command(&self, name: &str, script: &str) -> Cmd {
        let mut command = redis::cmd(name);
        command.arg(script).arg(self.keys.len()).arg(&self.keys);
        let expiry = u64::try_from(self.expiry.as_millis()).unwrap_or(u64::MAX);
        command.arg(self.mode).arg(expiry).arg(&self.arguments);
        command
    }

    /// Runs the script by its digest, and with its text if the server does not know it. Returns whether it granted.
    ///
    /// # Errors
    ///
    /// The server did not reply as the script does.
    async fn run(self, mut connection: Handle) -> Result<bool, StoreProblem> {
        let by_digest = self.command("EVALSHA", SCRIPT.get_hash());
        let reply: RedisResult<Value> = match by_digest.query_async(&mut connection).await {
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                let by_text = self.command("EVAL", TEXT);
                by_text.query_async(&mut connection).await
            }
            other => other,
        };
        match reply.map_err(|error| problem_of(&error))? {
            Value::Int(0) => Ok(false),
            Value::Int(1) => Ok(true),
            // Anything else is not the script's, and no permit.
            _ => Err(StoreProblem::MalformedReply),
        }
    }
}

impl StoreState {
    /// Returns the name of a permit in the server.
    fn permit_name(&self, claim: &PermitClaim) -> String {
        format!("{}-{}", self.node, claim.id)
    }

    /// Returns the key of the permits of a subject, such as `palisade:{2f6c…}:voices:permits`. The last part of the
    /// key of a bucket is a number, so none has this one.
    fn permits_key(&self, claim: &PermitClaim, subject: u128) -> String {
        let name = &claim.name;
        format!("{}:{{{subject:032x}}}:{name}:permits", self.prefix)
    }

    /// Runs what permits need, in a key of its own.
    ///
    /// # Errors
    ///
    /// The server refuses it to this user, or cannot be asked.
    pub(super) async fn probe_permits(&self) -> Result<(), StoreProblem> {
        let connection = self.connections.connection();
        let connection = connection.ok_or(StoreProblem::ConnectionLost)?;
        let probe = PermitCall {
            keys: vec![format!("{}:{{probe}}:permits", self.prefix)],
            mode: "probe",
            expiry: DELIVERING,
            arguments: Vec::new(),
        };
        let call = |handle| probe.run(handle);
        let reply = self.connections.call(connection, DELIVERING, call).await;
        reply.map(drop)
    }

    /// Makes one call for all subjects, or one for each.
    fn acquire_calls(&self, claim: &PermitClaim) -> Vec<PermitCall> {
        let call = |subjects: &[(u128, NonZeroU32)]| PermitCall {
            keys: subjects
                .iter()
                .map(|(subject, _)| self.permits_key(claim, *subject))
                .collect(),
            mode: "acquire",
            expiry: claim.expiry,
            arguments: std::iter::once(self.permit_name(claim))
                .chain(subjects.iter().map(|(_, limit)| limit.to_string()))
                .collect(),
        };
        match self.connections.is_cluster() {
            true => claim.subjects.chunks(1).map(call).collect(),
            false => vec![call(&claim.subjects)],
        }
    }

    /// Acquires the permits of a claim, all or none.
    ///
    /// # Errors
    ///
    /// The server cannot be asked, or did not reply in time. It may have granted then.
    async fn acquire_permits(&self, claim: &Arc<PermitClaim>) -> Result<bool, StoreProblem> {
        let Some(connection) = self.connections.connection() else {
            let problem = self.connections.problem();
            return Err(problem.unwrap_or(StoreProblem::ConnectionLost));
        };
        self.parts.permitted(StorePart::Permits)?;
        claim.is_sent.store(true, Ordering::Relaxed);
        let running = self.acquire_calls(claim).into_iter().map(|call| {
            let deadline = self.connections.deadline();
            self.connections
                .call(connection.clone(), deadline, |handle| call.run(handle))
        });
        let replies = join_all(running).await;
        let granted: Vec<bool> = replies.into_iter().collect::<Result<_, _>>()?;
        let all = granted.iter().all(|granted| *granted);
        if !all && granted.contains(&true) {
            self.permits.end(claim);
        }
        Ok(all)
    }

    /// Renews the permits of all running requests. Returns whether the server did.
    pub(super) async fn renew_permits(&self, connection: &Connection) -> bool {
        let held = self.permits.held();
        let calls = self.calls_about("renew", held.iter());
        self.send_permit_calls(connection, calls).await
    }

    /// Deletes the permits of requests that ended. Returns whether the server did.
    pub(super) async fn delete_permits(&self, connection: &Connection) -> bool {
        let ended = self.permits.take_ended();
        let calls = self.calls_about("release", ended.iter().map(|ended| &ended.claim));
        let deleted = self.send_permit_calls(connection, calls).await;
        if !deleted {
            // Those that were deleted are deleted again, which changes nothing.
            self.permits.keep_ended(ended);
        }
        deleted
    }

    /// Makes calls about claims, for each key at most a number of them.
    fn calls_about<'a>(
        &self,
        mode: &'static str,
        claims: impl Iterator<Item = &'a Arc<PermitClaim>>,
    ) -> Vec<PermitCall> {
        let mut permits: HashMap<(String, Duration), Vec<String>, RandomState> = HashMap::default();
        for claim in claims {
            for (subject, _) in &claim.subjects {
                let key = (self.permits_key(claim, *subject), claim.expiry);
                permits
                    .entry(key)
                    .or_default()
                    .push(self.permit_name(claim));
            }
        }
        let calls = |((key, expiry), names): ((String, Duration), Vec<String>)| {
            let call = move |names: &[String]| PermitCall {
                keys: vec![key.clone()],
                mode,
                expiry,
                arguments: names.to_vec(),
            };
            names.chunks(AT_ONCE).map(call).collect::<Vec<_>>()
        };
        permits.into_iter().flat_map(calls).collect()
    }

    /// Sends calls, a bounded number at the same time. Stops at the first that fails.
    async fn send_permit_calls(&self, connection: &Connection, calls: Vec<PermitCall>) -> bool {
        for batch in calls.chunks(AT_ONCE) {
            let running = batch.iter().map(|call| {
                let call = call.clone();
                self.connections
                    .call(connection.clone(), DELIVERING, |handle| call.run(handle))
            });
            let replies = join_all(running).await;
            // A key with a value of another program is not repeated for ever.
            let failed = |reply: &Result<bool, StoreProblem>| matches!(reply, Err(problem) if *problem != StoreProblem::ForeignValue);
            if replies.iter().any(failed) {
                return false;
            }
        }
        true
    }
}

impl SharedPermits for RedisStore {
    fn hash(&self, subject: &Subject<'_>) -> u128 {
        self.bucket_key(subject).own
    }

    fn claim(
        &self,
        name: &Arc<str>,
        expiry: Duration,
        subjects: ArrayVec<(u128, NonZeroU32), 2>,
    ) -> Arc<PermitClaim> {
        Arc::new(PermitClaim {
            id: self.0.permits.number(),
            name: Arc::clone(name),
            subjects,
            expiry,
            is_sent: AtomicBool::new(false),
        })
    }

    fn acquire(&self, claim: &Arc<PermitClaim>) -> MaybeReady<Result<bool, StoreProblem>> {
        let (shared, claim) = (Arc::clone(&self.0), Arc::clone(claim));
        MaybeReady::pending(async move { shared.acquire_permits(&claim).await })
    }

    fn hold(&self, claim: &Arc<PermitClaim>) {
        self.0.permits.hold(claim);
    }

    fn release(&self, claim: &Arc<PermitClaim>) {
        self.0.permits.end(claim);
    }

    fn register_expiry(&self, expiry: Duration) {
        self.0.permits.register_expiry(expiry);
    }

    fn failure_mode(&self) -> FailureMode {
        self.0.failure
    }

    fn nodes(&self) -> NonZeroU32 {
        self.0.node_count()
    }
}
