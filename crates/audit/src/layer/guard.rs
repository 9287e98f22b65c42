//! The layer as a guard.

use std::sync::Arc;

use http::{request, response};
use palisade_core::{Ending, Guard, Rejection, SecurityContext, Soon, Verdict};

use super::{AuditLayer, sinks::Begun};
use crate::{
    RequestRecord, SinkUnavailable,
    event::{Seen, Stage},
};

/// What the layer keeps of a request until it is over.
#[derive(Debug, Default)]
pub struct AuditPass {
    /// Nothing where the layer was applied twice: the outer one records.
    seen: Option<Seen>,
    has_head_record: bool,
    begun: Begun,
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
        let begun = match self.0.sinks.begin() {
            Ok(begun) => begun,
            Err(why) => return Verdict::Refuse(self.refuse(why)),
        };
        self.0.open.begin();
        let seen = Seen::of(cx, head, &self.0.redaction, &*self.0.clock);
        Verdict::Admit(AuditPass {
            seen: Some(seen),
            has_head_record: false,
            begun,
        })
    }

    fn finish(
        &self,
        cx: &SecurityContext,
        pass: &mut AuditPass,
        head: &mut response::Parts,
    ) -> Verdict<()> {
        let Some(seen) = pass.seen.as_ref().filter(|_| self.0.requires_head_records) else {
            return Verdict::Admit(());
        };
        let event = self.event(cx, seen.clone(), Stage::Head(head.status), false);
        pass.has_head_record = true;
        let sinks = &self.0.sinks;
        self.verdict(sinks.keep(pass.begun, &event, |sink, event| sink.record_head(event)))
    }

    fn close(&self, cx: &SecurityContext, pass: AuditPass, end: Ending) {
        let Some(seen) = pass.seen else { return };
        let event = self.event(cx, seen, Stage::Over(end), pass.has_head_record);
        self.0.sinks.end(pass.begun, &event);
        self.0.open.end();
    }
}

impl AuditLayer {
    pub(super) fn event(
        &self,
        cx: &SecurityContext,
        seen: Seen,
        stage: Stage,
        has_head_record: bool,
    ) -> Arc<RequestRecord> {
        let duration = self.now().saturating_sub(seen.began);
        Arc::new(RequestRecord::new(
            cx.clone(),
            seen,
            Arc::clone(&self.0.redaction),
            stage,
            duration,
            has_head_record,
        ))
    }

    pub(super) fn verdict(&self, answer: Soon<Result<(), SinkUnavailable>>) -> Verdict<()> {
        match answer {
            Soon::Now(Ok(())) => Verdict::Admit(()),
            Soon::Now(Err(why)) => Verdict::Refuse(self.refuse(why)),
            Soon::Later(answer) => {
                let layer = self.clone();
                Verdict::later(async move {
                    answer
                        .await
                        .map_err(|why| -> Box<Rejection> { layer.refuse(why) })
                })
            }
        }
    }
}
