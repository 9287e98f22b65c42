//! Sends script calls over a connection: one for a request, or a batch of settlements.
//!
//! A server that does not know the script (it was restarted, or another node became the primary)
//! gets its text once. [`connection`](super::connection) adds deadlines and the circuit breaker.

use futures_util::future::join_all;
use redis::{Cmd, ErrorKind, RedisResult, ServerErrorKind, Value};
use tokio::time::timeout;

use super::{
    connection::{DELIVERING, DeliveryOutcome},
    error_codes::{self, problem_of},
    script::ScriptCall,
    servers::Handle,
};
use crate::store::{StoreDecision, StoreProblem};

/// The outcome of each call, and the error of the server, if it may be temporary.
pub(super) type Deliveries = (Vec<DeliveryOutcome>, Option<StoreProblem>);

/// Runs the script by its digest, and with its text if the server does not know it.
///
/// # Errors
///
/// The server did not reply as the script does.
pub(super) async fn evaluate(
    mut connection: Handle,
    call: &ScriptCall,
) -> Result<StoreDecision, StoreProblem> {
    let reply: RedisResult<Value> = match call.by_digest().query_async(&mut connection).await {
        Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
            call.by_text().query_async(&mut connection).await
        }
        other => other,
    };
    call.read(&reply.map_err(|error| problem_of(&error))?)
}

/// Sends all calls of a batch and reads each reply.
///
/// # Errors
///
/// The connection ended before all replies were there.
pub(super) async fn send_all(
    connection: Handle,
    calls: &[ScriptCall],
) -> Result<Deliveries, StoreProblem> {
    let outcomes = match connection {
        Handle::Cluster(_) => send_each(connection, calls).await,
        Handle::Single(_) => send_together(connection, calls).await?,
    };
    let mut complaint = None;
    let deliveries = outcomes.into_iter().map(|outcome| match outcome {
        Ok(_) => DeliveryOutcome::Done,
        Err(StoreProblem::ForeignValue) => DeliveryOutcome::Rejected,
        Err(problem) => {
            complaint = Some(problem);
            match problem.may_have_been_applied() {
                true => DeliveryOutcome::Unknown,
                false => DeliveryOutcome::NotApplied,
            }
        }
    });
    let deliveries = deliveries.collect();
    Ok((deliveries, complaint))
}

/// Sends each call on its own, at the same time: in a cluster they go to different nodes. Each has
/// its own deadline, so that one node that cannot be reached delays and repeats no call of another.
async fn send_each(
    connection: Handle,
    calls: &[ScriptCall],
) -> Vec<Result<StoreDecision, StoreProblem>> {
    let send = |call| {
        let evaluating = evaluate(connection.clone(), call);
        async {
            timeout(DELIVERING, evaluating)
                .await
                .unwrap_or(Err(StoreProblem::Timeout))
        }
    };
    join_all(calls.iter().map(send)).await
}

/// Sends all calls in one pipeline, and those whose script the server does not know in a second one.
///
/// # Errors
///
/// The connection ended.
async fn send_together(
    mut connection: Handle,
    calls: &[ScriptCall],
) -> Result<Vec<Result<StoreDecision, StoreProblem>>, StoreProblem> {
    let by_digest = calls.iter().map(ScriptCall::by_digest);
    let mut replies = pipeline(&mut connection, by_digest).await?;
    let unknown_script: Vec<usize> = replies
        .iter()
        .enumerate()
        .filter(|(_, reply)| error_codes::is_no_script(reply))
        .map(|(index, _)| index)
        .collect();
    if !unknown_script.is_empty() {
        let again = unknown_script.iter().filter_map(|index| calls.get(*index));
        let second = pipeline(&mut connection, again.map(ScriptCall::by_text)).await?;
        for (index, reply) in unknown_script.into_iter().zip(second) {
            if let Some(place) = replies.get_mut(index) {
                *place = reply;
            }
        }
    }
    let read = |(index, call): (usize, &ScriptCall)| match replies.get(index) {
        Some(Value::ServerError(error)) => Err(problem_of(&error.clone().into())),
        Some(reply) => call.read(reply),
        None => Err(StoreProblem::MalformedReply),
    };
    Ok(calls.iter().enumerate().map(read).collect())
}

/// Sends several commands together. An error of one is its own reply and does not hide the others.
///
/// # Errors
///
/// The server cannot be asked, or the connection ended.
async fn pipeline(
    connection: &mut Handle,
    commands: impl Iterator<Item = Cmd>,
) -> Result<Vec<Value>, StoreProblem> {
    let mut pipeline = redis::pipe();
    pipeline.ignore_errors();
    for command in commands {
        pipeline.add_command(command);
    }
    let replies = pipeline.query_async(connection).await;
    replies.map_err(|error| problem_of(&error))
}
