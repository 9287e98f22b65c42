//! The parts that need nothing but HTTP: hosts, TLS, headers, the form of refusals, identifiers, traces and CORS.

use palisade_core::{RenderLayer, Renderer, RequestIdLayer, TraceLayer};
use palisade_transport::{AllowedHosts, HeadersLayer, HostLayer, HttpsLayer};

use super::ShieldBuilder;
use crate::shield::parts::RequestId;

impl ShieldBuilder {
    /// Adds security headers to every response, refusals included. Default: [`HeadersLayer::api`].
    pub fn headers(mut self, headers: HeadersLayer) -> Self {
        self.headers = Some(headers);
        self
    }

    /// Serves these hosts only. Required: a service that accepts any host is open to DNS rebinding
    /// and to forged redirects.
    ///
    /// Other hosts get status 421. For exceptions, use [`host_layer`](Self::host_layer).
    pub fn hosts(self, allowed: AllowedHosts) -> Self {
        self.host_layer(HostLayer::new(allowed))
    }

    /// Serves the hosts of a layer that has exceptions. Replaces [`hosts`](Self::hosts).
    pub fn host_layer(mut self, hosts: HostLayer) -> Self {
        self.hosts = Some(hosts);
        self
    }

    /// Decides what happens to requests without TLS. Default: they are refused,
    /// [`HttpsLayer::new`].
    pub fn https(mut self, https: HttpsLayer) -> Self {
        self.https = Some(https);
        self
    }

    /// Renders refusals in a custom form. Default: the form of the core crate.
    ///
    /// Requests that an [`observe`](Self::observe) guard refuses are outside it and keep the
    /// default form.
    pub fn render(mut self, renderer: impl Renderer) -> Self {
        self.render = Some(RenderLayer::new(renderer));
        self
    }

    /// Does not catch panics of the handler: an HTTP/1 server then closes the connection without a
    /// response. Default: a panic before the response begins becomes status 500 `internal_error`;
    /// see [`GuardService::catch_panics`](palisade_core::GuardService::catch_panics).
    ///
    /// For applications that catch panics outside the shield. The audit record says `panicked` in
    /// both cases.
    pub fn propagate_panics(mut self) -> Self {
        self.propagate_panics = true;
        self
    }

    /// Sends the request identifier in another header, or accepts the one that a proxy sends.
    /// Default: `X-Request-Id` on every response; an identifier in a request is removed.
    ///
    /// ```
    /// use palisade::core::RequestIdLayer;
    /// use palisade::Shield;
    ///
    /// let from_nginx = RequestIdLayer::builder().accept_from_proxies().build();
    /// let shield = Shield::builder().request_id(from_nginx);
    /// ```
    pub fn request_id(mut self, layer: RequestIdLayer) -> Self {
        self.request_id = RequestId::Sent(layer);
        self
    }

    /// Sends no request identifier. The header of a request reaches the handler unchanged.
    pub fn without_request_id(mut self) -> Self {
        self.request_id = RequestId::Off;
        self
    }

    /// Gives each request a place in a trace (W3C Trace Context), and a `tracing` span. Default: no trace, and
    /// `traceparent` of a request reaches the handler unchanged.
    ///
    /// The audit record has `trace_id`, and spans are exported by `OtlpSinkBuilder::send_spans` of the audit crate.
    ///
    /// ```
    /// use palisade::core::TraceLayer;
    /// use palisade::{AllowedHosts, Rule, Rules, Shield};
    ///
    /// let shield = Shield::builder()
    ///     .hosts(AllowedHosts::parse(["api.example"])?)
    ///     .rules(Rules::new().get("/notes", Rule::public()))
    ///     .trace(TraceLayer::new())
    ///     .build()?;
    /// assert_eq!(shield.order()[1], "trace");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn trace(mut self, trace: TraceLayer) -> Self {
        self.trace = Some(trace);
        self
    }

    /// Lets scripts of other origins call the service (CORS, Fetch standard). Default: none, and a
    /// preflight gets status 405.
    ///
    /// The shield responds to the preflight of a known route with status 204, without a credential.
    /// Every response has the CORS headers, so scripts can read refusals too. Preflights are
    /// recorded, and limited by client address; guards of the application do not see them.
    ///
    /// Scripts read only a few headers by default: name others, such as `Retry-After`, with
    /// `CorsLayer::expose_headers`. Headers of a CORS layer of the handler are replaced.
    ///
    /// [`build`](Self::build) fails if the layer combines credentials with a wildcard.
    ///
    /// # Examples
    ///
    /// ```
    /// use http::{HeaderValue, Method, header};
    /// use palisade::Shield;
    /// use tower_http::cors::CorsLayer;
    ///
    /// let cors = CorsLayer::new()
    ///     .allow_origin(HeaderValue::from_static("https://app.example"))
    ///     .allow_methods([Method::GET, Method::POST])
    ///     .allow_headers([header::AUTHORIZATION, header::CONTENT_TYPE])
    ///     .expose_headers([header::RETRY_AFTER]);
    /// let shield = Shield::builder().cors(cors);
    /// ```
    #[cfg(feature = "cors")]
    pub fn cors(mut self, cors: tower_http::cors::CorsLayer) -> Self {
        self.cors = Some(cors);
        self
    }
}
