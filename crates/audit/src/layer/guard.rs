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
//! The rules of the layer may leave out a successful request: then there is neither a head record nor an end. A response
//! whose outcome its head does not decide (a stream, a gRPC status in trailers) has a head record whatever the rules
//! leave out, so that no failure of it can get lost.

use std::{sync::Arc, time::Duration};

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
    /// How much of the request is in its head record, if the fail-closed sinks were given one.
    head_record: Option<Detail>,
    /// The time from arrival to the head of the response.
    head_after: Option<Duration>,
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
            head_record: None,
            head_after: None,
            reserved,
        })
    }

    fn finish(
        &self,
        cx: &SecurityContext,
        pass: &mut AuditPass,
        head: &mut response::Parts,
    ) -> Verdict<()> {
        let Some(snapshot) = pass.snapshot.as_ref() else {
            return Verdict::Admit(());
        };
        pass.head_after = Some(self.now().saturating_sub(snapshot.started));
        if !self.0.requires_head_records {
            return Verdict::Admit(());
        }
        let decided = self.0.rules.decide_at_head(cx, snapshot, head);
        let Some(detail) = decided else {
            return Verdict::Admit(());
        };
        let stage = Stage::Head(head.status);
        let event = self.event(cx, snapshot.clone(), stage, None, detail).into();
        pass.head_record = Some(detail);
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
        let decided = self
            .0
            .rules
            .decide_at_end(cx, &outcome, &snapshot.redaction);
        // What has a head has an end.
        let detail = match pass.head_record {
            Some(head) => Some(decided.map_or(head, |end| end.after_head(head))),
            None => decided,
        };
        match detail {
            Some(detail) => {
                let stage = Stage::Over(outcome);
                let event = self.event(cx, snapshot, stage, pass.head_record, detail);
                let event = event.with_head_after(pass.head_after).into();
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
        head_record: Option<Detail>,
        detail: Detail,
    ) -> RequestRecord {
        let duration = self.now().saturating_sub(snapshot.started);
        RequestRecord::new(cx.clone(), snapshot, stage, duration, head_record, detail)
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
