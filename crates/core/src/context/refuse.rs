//! Refusals: written down, and rendered for this request.

use std::sync::{Arc, atomic::Ordering};

use bytes::Bytes;
use http::{HeaderValue, Response, header};

use super::SecurityContext;
use crate::{
    Fact, Rejection, Renderer,
    rejection::{DEFAULT_RENDERER, render_grpc},
};

impl SecurityContext {
    /// Writes a refusal down and returns the answer to it.
    pub(crate) fn refuse(&self, guard: &'static str, rejection: &mut Rejection) {
        let reason = rejection.take_reason();
        let code = rejection.code();
        if code == "misconfigured" {
            let reason = reason.as_deref().unwrap_or_default();
            tracing::error!(target: "palisade", guard, reason, "misconfigured, so every request is refused");
        }
        self.ledger().refuse(guard, code, reason);
    }

    pub(crate) fn would_refuse(&self, guard: &'static str, rejection: &mut Rejection) {
        let reason = rejection.take_reason();
        let code = rejection.code();
        let mut ledger = self.ledger();
        ledger.record(Fact::WouldRefuse { guard, code });
        if let Some(text) = reason {
            ledger.record(Fact::Reason { guard, text });
        }
    }

    pub(crate) fn render(&self, rejection: Rejection) -> Response<Bytes> {
        let exposed = self.0.expose.load(Ordering::Relaxed);
        let exposed = exposed.then(|| rejection.clone());
        let mut answer = match (&self.0.grpc, self.0.renderer.get()) {
            (Some(content_type), _) => render_grpc(rejection, content_type),
            (None, Some(renderer)) => renderer.render(rejection),
            (None, None) => DEFAULT_RENDERER.render(rejection),
        };
        if self.0.close_on_refusal {
            let close = HeaderValue::from_static("close");
            answer.headers_mut().insert(header::CONNECTION, close);
        }
        if self.0.is_head {
            // hyper would send the body over HTTP/2, and the client reset the stream.
            let length = std::mem::take(answer.body_mut()).len();
            answer
                .headers_mut()
                .insert(header::CONTENT_LENGTH, length.into());
        }
        if let Some(rejection) = exposed {
            answer.extensions_mut().insert(rejection);
        }
        answer
    }

    pub(crate) fn render_with(&self, renderer: Arc<dyn Renderer>, expose: bool) {
        let _ = self.0.renderer.set(renderer);
        self.0.expose.fetch_or(expose, Ordering::Relaxed);
    }
}
