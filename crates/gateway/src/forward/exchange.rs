//! One request to a server and its response, within the bounds on time.
//!
//! | time | from | to |
//! |---|---|---|
//! | connect | a new connection is needed | it is open, TLS included |
//! | response | the last part of the request body | the head of the response |
//! | idle | a part of the response body | the next one |
//! | total | the request | the end of the response |
//!
//! The response timeout ends with 504 `upstream_timeout`; so does the total timeout before the head.
//! A credential that ends before the head ends the exchange with 401.
//!
//! After the head the status is out, so the other bounds can only cut the body.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use http::{HeaderValue, Request, Response, header::TRANSFER_ENCODING, request::Parts};
use http_body::Body as _;
use hyper::body::Incoming;
use palisade::core::{Secret, SecurityContext};
use tokio::time::Instant;

use super::failure::Failure;
use crate::{
    body::{Bounds, Mask, Progress, SentBody, UpstreamBody},
    credential_watch::{CredentialWatch, Credentials, ended},
    upstream::{Client, Upstream},
};

/// The framing of a body whose length is not known (RFC 9112 section 7.1).
const CHUNKED: HeaderValue = HeaderValue::from_static("chunked");

/// What one request and its response share.
pub(super) struct Exchange {
    /// Held for the whole exchange, so a reload does not take it away.
    upstream: Arc<Upstream>,
    /// When a part of the request moved last.
    progress: Progress,
    /// When all has to be over.
    end: Option<Instant>,
    /// The upstream's credential, which must not come back.
    secret: Option<Arc<Secret>>,
    /// Who decides whether the client's credential is still valid, and its request.
    client: Option<(Credentials, SecurityContext)>,
    /// Whether a server may have read the request.
    may_have_run: AtomicBool,
}

impl Exchange {
    /// Begins now.
    ///
    /// The total timeout begins here, before a connection is opened. Retries do not begin it again.
    pub(super) fn begin_now(
        upstream: Arc<Upstream>,
        secret: Option<Arc<Secret>>,
        client: Option<(Credentials, SecurityContext)>,
    ) -> Self {
        let total = upstream.timeouts.total;
        Self {
            upstream,
            progress: Progress::start(),
            end: total.map(|total| Instant::now() + total),
            secret,
            client,
            may_have_run: AtomicBool::new(false),
        }
    }

    /// Returns whether a server may have read the request, in any attempt: it had a connection.
    pub(super) fn may_have_run(&self) -> bool {
        self.may_have_run.load(Ordering::Relaxed)
    }

    /// Returns the upstream.
    ///
    /// The one that was selected by host and path; it does not change with a retry.
    pub(super) const fn upstream(&self) -> &Arc<Upstream> {
        &self.upstream
    }

    /// Returns what counts the movements of the request body.
    ///
    /// For the body, which notes each of its parts there.
    pub(super) fn progress(&self) -> Progress {
        self.progress.clone()
    }

    /// Sends a request and waits for the head of the response.
    ///
    /// The time for the head begins after the last part of the request body: an upload may be slow.
    ///
    /// Informational responses (1xx) other than 101 are read by the client library and not passed on.
    ///
    /// # Errors
    ///
    /// - [`Failure::Broken`]: no connection, or it broke before the head was complete
    /// - [`Failure::Late`]: the head did not come within `response_timeout_seconds`
    /// - [`Failure::ClientStopped`]: no part of the request body came within that time
    /// - [`Failure::CredentialEnded`]: the client's credential ended
    /// - [`Failure::TooLong`]: the exchange reached `total_timeout_seconds`
    pub(super) async fn send_request(
        &self,
        client: &Client,
        head: Parts,
        body: SentBody,
    ) -> Result<Response<Incoming>, Failure> {
        let sent = self.send_within_bounds(client, head, body).await;
        if !sent.as_ref().is_err_and(Failure::is_before_sending) {
            self.may_have_run.store(true, Ordering::Relaxed);
        }
        sent
    }

    /// Sends a request within the bounds on time. The errors are those of [`send_request`](Self::send_request).
    async fn send_within_bounds(
        &self,
        client: &Client,
        mut head: Parts,
        body: SentBody,
    ) -> Result<Response<Incoming>, Failure> {
        self.progress.note_movement();
        let has_body = !body.is_end_stream();
        if has_body && !self.upstream.is_http2 && body.size_hint().exact().is_none() {
            // The client library sends chunks by itself, but for GET and HEAD it would drop the body.
            head.headers.insert(TRANSFER_ENCODING, CHUNKED);
        }
        let patience = self.upstream.timeouts.response;
        let request = client.send(Request::from_parts(head, body));
        let response = self.progress.while_moving(patience, request);
        let response = async {
            match self.end {
                Some(end) => tokio::time::timeout_at(end, response).await,
                None => Ok(response.await),
            }
        };
        let response = tokio::select! {
            biased;
            response = response => response,
            _ = ended(self.credential_watch()) => return Err(self.credential_ended()),
        };
        let response = response.map_err(|_| Failure::TooLong)?;
        let response = response.map_err(|_| match self.progress.waits_for_client() {
            true => Failure::ClientStopped(patience),
            false => Failure::Late(patience),
        })?;
        response.map_err(|error| Failure::Broken { error, has_body })
    }

    /// Wraps the body of a response.
    ///
    /// It gets the bounds on time, the list of trailers and the mask for the credential.
    pub(super) fn response_body(&self, body: Incoming) -> UpstreamBody {
        let bounds = Bounds {
            idle: self.upstream.timeouts.idle,
            end: self.end,
        };
        UpstreamBody::new(body, bounds, self.upstream.trailers.clone())
            .with_mask(self.credential_mask())
            .with_watch(self.credential_watch())
    }

    /// Returns what checks the client's credential from now on. `None`: there is nothing to check.
    pub(super) fn credential_watch(&self) -> Option<CredentialWatch> {
        let (credentials, cx) = self.client.as_ref()?;
        credentials.watch_request(cx, self.upstream.timeouts.credential_check)
    }

    /// The failure of an exchange whose credential ended, with the challenges for another one.
    fn credential_ended(&self) -> Failure {
        let client = self.client.as_ref();
        Failure::CredentialEnded(client.map(|it| it.0.challenges()).unwrap_or_default())
    }

    /// Returns what removes the upstream's credential, which must not come back. `None`: it has none.
    pub(super) fn credential_mask(&self) -> Option<Mask> {
        self.secret.clone().map(Mask::new)
    }

    /// Returns when all has to be over, also a connection that switched to WebSocket.
    ///
    /// `None` without `total_timeout_seconds`.
    pub(super) const fn latest_end(&self) -> Option<Instant> {
        self.end
    }
}
