//! The layer as a guard: reserves, records the head, records the end.
//!
//! On admission the sinks reserve space and the request head is copied. Before the response starts,
//! fail-closed sinks keep a head record. When the request is over, every sink gets the whole
//! record.
//!
//! | Step of the request | Called | Sinks |
//! |---|---|---|
//! | arrival | `admit` | reserve space, or the request is refused |
//! | response head | `finish` | those that require it keep a head record; the response waits |
//! | end, however it comes | `close` | all get the whole record |
//!
//! The rules of the layer may leave out a successful request: then there is neither a head record nor an end.

use std::sync::Arc;

use http::{request, response};
use palisade_core::{Guard, MaybeReady, Outcome, Rejection, SecurityContext, Verdict};

use super::{AuditLayer, sinks::ReservedSinks};
use crate::{
    error::SinkUnavailable,
    record::{Detail, RequestRecord, RequestSnapshot, Stage},
};

/// State of one request between admission and its end.
///
/// It is public only because it is the `Pass` type of the guard; its content is private.
#[derive(Debug, Default)]
pub struct AuditPass {
    /// Nothing where the layer was applied twice: the outer one records.
    snapshot: Option<RequestSnapshot>,
    /// Whether the fail-closed sinks were given a head record.
    has_head_record: bool,
    /// The sinks that reserved space for this request.
    reserved: ReservedSinks,
}

impl Guard for AuditLayer {
    type Pass = AuditPass;

    fn name(&self) -> &'static str {
        "audit"
    }

    fn admit(&self, cx: &SecurityContext, head: &mut request::Parts) -> Verdict<AuditPass> {
        if !cx.first_visit(Arc::as_ptr(&self.0).addr()) {
            return Verdict::Admit(AuditPass::default());
        }
        let reserved = match self.0.sinks.reserve() {
            Ok(reserved) => reserved,
            Err(why) => return Verdict::Refuse(self.refuse(why)),
        };
        self.0.open.begin();
        let snapshot = RequestSnapshot::capture(cx, head, self.0.redaction(), &*self.0.clock);
        Verdict::Admit(AuditPass {
            snapshot: Some(snapshot),
            has_head_record: false,
            reserved,
        })
    }

    fn finish(
        &self,
        cx: &SecurityContext,
        pass: &mut AuditPass,
        head: &mut response::Parts,
    ) -> Verdict<()> {
        let Some(snapshot) = pass
            .snapshot
            .as_ref()
            .filter(|_| self.0.requires_head_records)
        else {
            return Verdict::Admit(());
        };
        let stage = Stage::Head(head.status);
        let Some(detail) = self.0.rules.decide(cx, stage, &snapshot.redaction) else {
            return Verdict::Admit(());
        };
        let event = self.event(cx, snapshot.clone(), stage, false, detail);
        pass.has_head_record = true;
        let sinks = &self.0.sinks;
        self.verdict(
            sinks.record_before_response(pass.reserved, &event, |sink, event| {
                sink.record_head(event)
            }),
        )
    }

    fn close(&self, cx: &SecurityContext, pass: AuditPass, outcome: Outcome) {
        let Some(snapshot) = pass.snapshot else {
            return;
        };
        let stage = Stage::Over(outcome);
        let decided = self.0.rules.decide(cx, stage, &snapshot.redaction);
        // What has a head has an end.
        let detail = decided.or(pass.has_head_record.then_some(Detail::FULL));
        match detail {
            Some(detail) => {
                let event = self.event(cx, snapshot, stage, pass.has_head_record, detail);
                self.0.sinks.record_request(pass.reserved, &event);
            }
            None => self.0.leave_out(pass.reserved),
        }
        self.0.open.end();
    }
}

impl AuditLayer {
    /// Returns the record of a request at a stage, with the duration so far. Nothing is encoded: each sink encodes
    /// what it needs, where it may take the time.
    pub(super) fn event(
        &self,
        cx: &SecurityContext,
        snapshot: RequestSnapshot,
        stage: Stage,
        has_head_record: bool,
        detail: Detail,
    ) -> Arc<RequestRecord> {
        let duration = self.now().saturating_sub(snapshot.started);
        Arc::new(RequestRecord::new(
            cx.clone(),
            snapshot,
            stage,
            duration,
            has_head_record,
            detail,
        ))
    }

    /// Returns the verdict for a result of the sinks: admitted, or refused with 503.
    ///
    /// The reason stays in the trail and the log; a client learns only that the service cannot serve it now.
    pub(super) fn verdict(&self, result: MaybeReady<Result<(), SinkUnavailable>>) -> Verdict<()> {
        match result {
            MaybeReady::Ready(Ok(())) => Verdict::Admit(()),
            MaybeReady::Ready(Err(why)) => Verdict::Refuse(self.refuse(why)),
            MaybeReady::Pending(result) => {
                let layer = self.clone();
                Verdict::later(async move {
                    result
                        .await
                        .map_err(|why| -> Box<Rejection> { layer.refuse(why) })
                })
            }
        }
    }
}
