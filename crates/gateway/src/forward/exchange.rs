//! One request to a server and its response, within the bounds on time.
//!
//! | time | from | to |
//! |---|---|---|
//! | connect | a new connection is needed | it is open, TLS included |
//! | response | the last part of the request body | the head of the response |
//! | idle | a part of the response body | the next one |
//! | total | the request | the end of the response |

use std::sync::Arc;

use http::{Request, Response, request::Parts};
use hyper::body::Incoming;
use palisade::core::Secret;
use tokio::time::Instant;

use super::failure::Failure;
use crate::{
    body::{Bounds, Mask, Progress, SentBody, UpstreamBody},
    upstream::{Client, Upstream},
};

/// What one request and its response share.
pub(super) struct Exchange {
    upstream: Arc<Upstream>,
    /// When a part of the request moved last.
    progress: Progress,
    /// When all has to be over.
    end: Option<Instant>,
    /// The upstream's credential, which must not come back.
    secret: Option<Arc<Secret>>,
}

impl Exchange {
    /// Begins now.
    pub(super) fn begin(upstream: Arc<Upstream>, secret: Option<Arc<Secret>>) -> Self {
        let total = upstream.timeouts.total;
        Self {
            upstream,
            progress: Progress::start(),
            end: total.map(|total| Instant::now() + total),
            secret,
        }
    }

    /// Returns the upstream.
    pub(super) const fn upstream(&self) -> &Arc<Upstream> {
        &self.upstream
    }

    /// Returns what counts the movements of the request body.
    pub(super) fn progress(&self) -> Progress {
        self.progress.clone()
    }

    /// Sends a request and waits for the head of the response.
    ///
    /// The time for the head begins after the last part of the request body: an upload may be slow.
    pub(super) async fn send(
        &self,
        client: &Client,
        head: Parts,
        body: SentBody,
    ) -> Result<Response<Incoming>, Failure> {
        self.progress.touch();
        let patience = self.upstream.timeouts.response;
        let request = client.send(Request::from_parts(head, body));
        let response = self.progress.within(patience, request);
        let response = match self.end {
            Some(end) => tokio::time::timeout_at(end, response).await,
            None => Ok(response.await),
        };
        let response = response.map_err(|_| Failure::TooLong)?;
        let response = response.map_err(|_| Failure::Late(patience))?;
        response.map_err(Failure::Broken)
    }

    /// Wraps the body of a response.
    pub(super) fn body(&self, body: Incoming) -> UpstreamBody {
        let bounds = Bounds {
            idle: self.upstream.timeouts.idle,
            end: self.end,
        };
        let mask = self.secret.clone().map(Mask::new);
        UpstreamBody::new(body, bounds, self.upstream.trailers.clone()).masked(mask)
    }

    /// Returns the upstream's credential, which must not come back.
    pub(super) fn secret(&self) -> Option<&Secret> {
        self.secret.as_deref()
    }
}
