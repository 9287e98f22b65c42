//! Overrides in the shared store: one text with all of them, which every node reads at its heartbeat.
//!
//! No request reads it. A server without the text has lost it: it stays, empty, when the last one is removed. While the server cannot be reached, the overrides that were read last apply.

use std::{sync::Arc, time::Duration};

use arrayvec::ArrayVec;
use palisade_core::MaybeReady;
use redis::Cmd;

use super::{RedisStore, StoreState, error_codes, script, subject_calls::SubjectCall};
use crate::{
    policy::Limit,
    store::{
        BucketKey, Charge, ChargeOutcome, LimitOverride, MAX_CHARGES, OverrideError, OwnedCharge,
        StoreDecision, StoreProblem,
        override_error::MAX_OVERRIDES,
        overrides::{OverrideName, from_text, to_line},
    },
};

/// The longest text. 1,024 overrides have lines of at most 130 bytes.
const LONGEST: usize = 256 * 1024;

/// Returns the key of the overrides.
fn key(prefix: &str) -> String {
    format!("{prefix}:{{overrides}}")
}

impl StoreState {
    /// Reads the overrides of the server, as each heartbeat does.
    ///
    /// # Errors
    ///
    /// The server did not reply, or holds something else under their key. Those that are known still apply.
    /// That the server has none where it had some is told once.
    pub(super) async fn read_overrides(&self) -> Result<(), StoreProblem> {
        let connection = self.connections.connection();
        let connection = connection.ok_or(StoreProblem::ConnectionLost)?;
        let mut command = redis::cmd("GET");
        command.arg(key(&self.prefix));
        let text: Option<Vec<u8>> = self.connections.query(connection, command).await?;
        let is_missing = text.is_none();
        let text = text.unwrap_or_default();
        let text = std::str::from_utf8(&text)
            .ok()
            .filter(|text| text.len() <= LONGEST);
        let new = from_text(text.ok_or(StoreProblem::ForeignValue)?);
        let (known, overrides) = (self.overrides.len(), new.len());
        if !self.overrides.replace(new) {
            return Ok(());
        }
        // After the last one was removed, its key is still there.
        if is_missing {
            tracing::warn!(
                target: "palisade",
                overrides = known,
                "the shared store has lost the overrides of limits: set them again, and let the server save its data"
            );
        } else {
            tracing::info!(target: "palisade", overrides, "overrides of limits changed in the store");
        }
        Ok(())
    }

    /// Reads the overrides, and logs once a minute why that failed if it is for a reason that an operator can
    /// change.
    pub(super) async fn refresh_overrides(&self) {
        if let Err(problem) = self.read_overrides().await
            && (error_codes::is_telling(problem) || problem == StoreProblem::ForeignValue)
        {
            self.losses.unread_overrides(problem);
        }
    }

    /// Sets or removes an override in the server, and reads all of them again.
    ///
    /// # Errors
    ///
    /// There are too many, or the server did not confirm it.
    pub(super) async fn write_override(
        &self,
        name: OverrideName,
        value: Option<LimitOverride>,
    ) -> Result<(), OverrideError> {
        let connection = self.connections.connection();
        let connection = connection.ok_or_else(|| {
            self.connections
                .problem()
                .unwrap_or(StoreProblem::ConnectionLost)
        })?;
        let command = set_override(&self.prefix, &name, value);
        let written: i64 = self.connections.run_command(connection, command).await?;
        if written != 1 {
            return Err(OverrideError::TooMany);
        }
        Ok(self.read_overrides().await?)
    }
}

impl RedisStore {
    /// Decides and writes nothing, whatever this node remembers.
    pub(super) fn look_at(
        &self,
        now: Duration,
        charges: &[Charge<'_>],
    ) -> MaybeReady<StoreDecision> {
        let unknown = || StoreDecision::new(ChargeOutcome::Unavailable, []).degraded();
        let Some(connection) = self.0.connections.connection() else {
            return MaybeReady::Ready(unknown());
        };
        let for_each_subject = self.0.connections.is_cluster();
        let calls = SubjectCall::looks(&self.0.prefix, charges, for_each_subject);
        let charges = charges.iter().take(MAX_CHARGES);
        let charges: ArrayVec<OwnedCharge, MAX_CHARGES> = charges.map(OwnedCharge::from).collect();
        let shared = Arc::clone(&self.0);
        MaybeReady::pending(async move {
            let reply = shared.run_calls(now, connection, &calls, &charges).await;
            reply.unwrap_or_else(|_| unknown())
        })
    }

    /// Keeps the used units of a bucket at another price, in one call.
    pub(super) fn rescale_bucket(
        &self,
        before: &Limit,
        after: &Limit,
        bucket: BucketKey,
    ) -> MaybeReady<Result<(), StoreProblem>> {
        self.0.denials.forget(before, bucket);
        let command = script::rescale(&self.0.prefix, before, after, bucket.own);
        let connections = Arc::clone(&self.0.connections);
        MaybeReady::pending(async move {
            let connection = connections.connection();
            let connection = connection.ok_or(StoreProblem::ConnectionLost)?;
            let done = connections.run_command::<i64>(connection, command);
            done.await.map(drop)
        })
    }
}

/// Returns the command that changes one override.
fn set_override(prefix: &str, name: &OverrideName, value: Option<LimitOverride>) -> Cmd {
    let line = to_line(
        name,
        value.unwrap_or(LimitOverride::new(std::num::NonZeroU32::MIN)),
    );
    let (name, numbers) = line.split_once(' ').unwrap_or((&line, ""));
    let numbers = if value.is_some() { numbers } else { "" };
    let mut command = redis::cmd("EVAL");
    command.arg(include_str!("set_override.lua"));
    command.arg(1).arg(key(prefix));
    command.arg(name).arg(numbers).arg(MAX_OVERRIDES);
    command
}
