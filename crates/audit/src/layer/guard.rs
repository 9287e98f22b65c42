//! The layer as a guard.

use std::sync::Arc;

use http::{request, response};
use palisade_core::{Ending, Guard, Rejection, SecurityContext, Soon, Verdict};

use super::AuditLayer;
use crate::{
    Event, Unavailable,
    event::{Seen, Stage},
};

/// What the layer keeps of a request until it is over.
#[derive(Debug, Default)]
pub struct AuditPass {
    /// Nothing where the layer was applied twice: the outer one records.
    seen: Option<Seen>,
    has_head: bool,
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
        if let Err(why) = self.begin() {
            return Verdict::Refuse(self.refuse(why));
        }
        let seen = Seen::of(cx, head, &self.0.redaction, &*self.0.clock);
        Verdict::Admit(AuditPass {
            seen: Some(seen),
            has_head: false,
        })
    }

    fn finish(
        &self,
        cx: &SecurityContext,
        pass: &mut AuditPass,
        head: &mut response::Parts,
    ) -> Verdict<()> {
        let Some(seen) = pass.seen.as_ref().filter(|_| self.0.demands_heads) else {
            return Verdict::Admit(());
        };
        let event = self.event(cx, seen.clone(), Stage::Head(head.status), false);
        pass.has_head = true;
        self.verdict(self.keep(&event, |sink, event| sink.head(event)))
    }

    fn close(&self, cx: &SecurityContext, pass: AuditPass, end: Ending) {
        let Some(seen) = pass.seen else { return };
        let event = self.event(cx, seen, Stage::Over(end), pass.has_head);
        for sink in &self.0.sinks {
            sink.end(&event);
        }
    }
}

impl AuditLayer {
    /// Lets every sink make room, or none.
    fn begin(&self) -> Result<(), Unavailable> {
        for (index, sink) in self.0.sinks.iter().enumerate() {
            if let Err(why) = sink.begin() {
                self.0.sinks.iter().take(index).for_each(|it| it.forget());
                return Err(why);
            }
        }
        Ok(())
    }

    pub(super) fn event(
        &self,
        cx: &SecurityContext,
        seen: Seen,
        stage: Stage,
        has_head: bool,
    ) -> Arc<Event> {
        let duration = self.now().saturating_sub(seen.began);
        Arc::new(Event::new(
            cx.clone(),
            seen,
            Arc::clone(&self.0.redaction),
            stage,
            duration,
            has_head,
        ))
    }

    pub(super) fn verdict(&self, answer: Soon<Result<(), Unavailable>>) -> Verdict<()> {
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
