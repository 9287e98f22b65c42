//! The HTTP client that the upstreams are reached with.

use std::{fmt, time::Duration};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::Incoming;
use hyper_util::{
    client::legacy::{self, Error, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use palisade::core::BoxError;

/// A request body on its way to an upstream.
pub(crate) type UpstreamRequestBody = UnsyncBoxBody<Bytes, BoxError>;

/// How long an unused connection is kept. Less than what common servers keep theirs.
const IDLE: Duration = Duration::from_secs(15);
/// The most unused connections to one upstream.
const IDLE_CONNECTIONS: usize = 64;

/// Sends requests and reuses connections. Clones share them.
#[derive(Clone)]
pub(crate) struct Client(legacy::Client<HttpConnector, UpstreamRequestBody>);

impl Client {
    /// Makes a client. `connect_timeout` bounds the opening of a connection.
    pub(crate) fn new(connect_timeout: Duration) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(connect_timeout));
        connector.set_nodelay(true);
        let client = legacy::Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(IDLE_CONNECTIONS)
            .set_host(false)
            .build(connector);
        Self(client)
    }

    /// Sends a request. Dropping the future ends the request at the upstream too.
    pub(crate) async fn send(
        &self,
        request: Request<UpstreamRequestBody>,
    ) -> Result<Response<Incoming>, Error> {
        self.0.request(request).await
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Client")
    }
}
