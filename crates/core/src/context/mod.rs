//! What the guards know about one request: one `Arc`, the only extension that is inserted.
//!
//! [`SecurityContext::find_or_create`] creates it in the outermost [`GuardService`](crate::GuardService);
//! inner ones find it. Values that are decided once (client, principal, route) are set once; a
//! later write is ignored or an error. Everything that is counted is in the [`Records`], behind one
//! lock that is held for a moment.

mod identity;
mod refuse;
mod records;
mod observations;
mod lease;
mod request_bytes;
mod trace;
mod request_id;
mod arrival;

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use http::{HeaderValue, Method, request};

use self::{arrival::Arrival, records::Records, refuse::BodyHeaders, request_id::StoredRequestId};
pub use self::{
    identity::Identity,
    lease::Lease,
    observations::{Counted, Fact, FailedCredential, FirstAndLast, Observations, Refusal},
    request_bytes::RequestBytes,
    request_id::RequestId,
    trace::TraceContext,
};
pub(crate) use self::{
    identity::ProvenPrincipal,
    lease::ParkedPasses,
    trace::{InboundTrace, Trace},
};
use crate::{
    client::ClientInfo,
    rejection::Renderer,
    routes::{RouteMatch, Rule},
};

/// What all guards know about one request. Cheap to clone (one `Arc`).
///
/// Made by the core and passed to every method of a guard. Handlers find it with
/// [`SecurityContext::of`], or as an axum extractor (feature `axum`).
///
/// - Who: [`client`](Self::client), [`identity`](Self::identity), [`principal`](Self::principal).
/// - Which route: [`route`](Self::route), [`rule`](Self::rule).
/// - What happened: [`record`](Self::record), [`with_observations`](Self::with_observations).
/// - What it cost: [`settle`](Self::settle), [`settled`](Self::settled).
/// - Which request: [`request_id`](Self::request_id), [`trace`](Self::trace).
///
/// It may outlive the request in a spawned task. What is recorded after the audit record was
/// written does not reach it.
///
/// # Examples
///
/// In a service without axum's extractors:
///
/// ```
/// use http::Request;
/// use palisade_core::{Identity, SecurityContext};
///
/// fn greeting<B>(request: &Request<B>) -> String {
///     let Some(cx) = SecurityContext::of(request.extensions()) else {
///         return "no guard is outside this service".to_owned();
///     };
///     match cx.identity() {
///         Identity::Known(who) => format!("hello {}", who.id()),
///         Identity::Anonymous => "hello".to_owned(),
///         Identity::Unknown => "no authenticator is outside this service".to_owned(),
///     }
/// }
/// assert_eq!(greeting(&Request::new(())), "no guard is outside this service");
/// ```
///
/// In a unit test of a guard, which needs a context without a service:
///
/// ```
/// use http::Request;
/// use palisade_core::{Principal, SecurityContext};
///
/// let (mut head, ()) = Request::new(()).into_parts();
/// let cx = SecurityContext::find_or_create(&mut head);
/// cx.set_principal(Principal::builder("test", "ann").build())?;
/// cx.settle("characters", 120);
/// assert_eq!(cx.principal().unwrap().id(), "ann");
/// assert_eq!(cx.settled("characters"), Some(120));
/// # Ok::<(), Box<palisade_core::Rejection>>(())
/// ```
#[derive(Clone)]
pub struct SecurityContext(Arc<Inner>);

/// All fields that clones share. `OnceLock` fields are set once and never change.
#[derive(Default)]
struct Inner {
    /// The time at which the guards decide, read once for all of them.
    arrival: Arrival,
    /// An authenticator looked for a credential.
    authentication_attempted: AtomicBool,
    /// Set by the client address layer.
    client: OnceLock<ClientInfo>,
    /// A refusal must close the HTTP/1 connection: much of the request body is unread.
    close_on_refusal: bool,
    /// Refusals are also put into the extensions of their responses.
    expose: AtomicBool,
    /// The content type of a gRPC request, which its refusal must repeat.
    grpc: Option<Box<HeaderValue>>,
    /// The request is `HEAD`: a refusal has no body.
    is_head: bool,
    /// How many [`Lease`](crate::Lease)s exist.
    leases: AtomicUsize,
    /// Observations, settlements and visited layers.
    records: Mutex<Records>,
    /// The id that a proxy sent, until it is known whether the proxy is trusted.
    offered_request_id: OnceLock<Box<RequestId>>,
    /// Passes that wait for the last lease.
    parked: Mutex<Vec<Box<dyn ParkedPasses>>>,
    /// The principal and its proof.
    proven: OnceLock<ProvenPrincipal>,
    /// The renderer of refusals. Unset: the default one.
    renderer: OnceLock<Arc<dyn Renderer>>,
    /// Bytes of the body that were read. `None`: the server does not count them.
    request_bytes: Option<RequestBytes>,
    /// The body of the response has a known length.
    response_length_known: AtomicBool,
    /// Created at the first read.
    request_id: OnceLock<StoredRequestId>,
    /// Set by [`RouteLayer`](crate::RouteLayer).
    route: OnceLock<RouteMatch>,
    /// A guard refused before the handler.
    refused_before_handler: AtomicBool,
    /// Set by [`TraceLayer`](crate::TraceLayer). Unset: the request has no trace.
    trace: OnceLock<Box<Trace>>,
}

impl SecurityContext {
    /// Finds the context of a request, or creates it. The core calls this; guards must not.
    pub fn find_or_create(head: &mut request::Parts) -> Self {
        if let Some(found) = head.extensions.get::<Self>() {
            let found = found.clone();
            // Between the outer guards and these the request may have waited.
            found.forget_arrival();
            return found;
        }
        let body = BodyHeaders::of(head);
        let made = Self(Arc::new(Inner {
            close_on_refusal: body.leave_much_unread(head.version),
            grpc: body.grpc_content_type().map(Box::new),
            is_head: head.method == Method::HEAD,
            request_bytes: head.extensions.get().cloned(),
            ..Inner::default()
        }));
        head.extensions.insert(made.clone());
        made
    }

    /// Makes a context with the same client and protected resource and nothing else, for a decision that
    /// is made again later.
    pub(crate) fn for_recheck(&self) -> Self {
        let new = Self(Arc::default());
        if let Some(client) = self.client() {
            new.set_client(client.clone());
        }
        if let Some(resource) = self.resource() {
            new.set_resource(resource);
        }
        new
    }

    /// Finds the context in the extensions of a request. `None`: no guard is outside the caller, nor a server that makes
    /// one.
    #[must_use]
    pub fn of(extensions: &http::Extensions) -> Option<&Self> {
        extensions.get()
    }

    /// Returns the id of this request. Unless a trusted proxy sent it, no client can predict it.
    ///
    /// [`RequestIdLayer`](crate::RequestIdLayer) decides whether a proxy's id is accepted, and
    /// sends it to the client.
    #[must_use]
    pub fn request_id(&self) -> RequestId {
        let stored = self.0.request_id.get_or_init(StoredRequestId::next);
        stored.get()
    }

    /// Stores an inbound id until it is known whether a trusted proxy sent it.
    pub(crate) fn offer_request_id(&self, id: RequestId) {
        let _ = self.0.offered_request_id.set(Box::new(id));
    }

    /// Returns the client, once the client address layer has set it. `None`: that layer is missing
    /// outside; refuse.
    #[must_use]
    pub fn client(&self) -> Option<&ClientInfo> {
        self.0.client.get()
    }

    /// Sets the client. The first call wins: an outer layer is nearer to the network. Later calls
    /// are ignored.
    ///
    /// If the client came through a trusted proxy, this also accepts the id that
    /// [`RequestIdLayer`](crate::RequestIdLayer) read.
    pub fn set_client(&self, client: ClientInfo) {
        let trusted = client.is_through_proxy();
        let offered = self.0.offered_request_id.get().filter(|_| trusted);
        if self.0.client.set(client).is_ok()
            && let Some(id) = offered
        {
            let _ = self.0.request_id.set(StoredRequestId::Inbound(id.clone()));
        }
        // Now it is known who sent the identifiers of a trace.
        let _ = self.trace();
    }

    /// Returns what the route table says about this request. `None`: no
    /// [`RouteLayer`](crate::RouteLayer) is outside.
    #[must_use]
    pub fn route(&self) -> Option<&RouteMatch> {
        self.0.route.get()
    }

    /// Returns the rule of the route, if the table has one for path and method.
    #[must_use]
    pub fn rule(&self) -> Option<&Rule> {
        match self.0.route.get()? {
            RouteMatch::Found(rule) => Some(rule),
            _ => None,
        }
    }

    /// Sets the route. The first call wins.
    pub(crate) fn set_route(&self, route: RouteMatch) {
        let _ = self.0.route.set(route);
        self.note_route();
    }

    /// Tells whether the request is a gRPC call: its `Content-Type` is `application/grpc`,
    /// `application/grpc+…` or `application/grpc-web…`. Refusals then take the gRPC form.
    #[must_use]
    pub fn is_grpc(&self) -> bool {
        self.0.grpc.is_some()
    }

    /// Tells whether the length of the response's body is known, for [`Guard::finish`](crate::Guard::finish).
    ///
    /// False for a stream, whose end is not decided when its head goes out: it may fail at any time, and a gRPC
    /// response has its status there. True for a body in memory, for others whose `size_hint` is exact, and for all
    /// responses to `HEAD`.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_core::SecurityContext;
    ///
    /// let (mut head, ()) = http::Request::new(()).into_parts();
    /// let cx = SecurityContext::find_or_create(&mut head);
    /// assert!(!cx.is_response_length_known(), "there is no response yet");
    /// ```
    #[must_use]
    pub fn is_response_length_known(&self) -> bool {
        self.0.is_head || self.0.response_length_known.load(Ordering::Relaxed)
    }

    /// Notes it for the guards that see the head next.
    pub(crate) fn set_response_length_known(&self, is_known: bool) {
        self.0
            .response_length_known
            .store(is_known, Ordering::Relaxed);
    }

    fn records(&self) -> MutexGuard<'_, Records> {
        // The records are still usable if another thread panicked while it held the lock.
        self.0
            .records
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for SecurityContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecurityContext")
            .field("client", &self.client())
            .field("identity", &self.identity())
            .field("route", &self.route())
            .field("facts", &self.facts())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every request makes one. What few requests need is boxed.
    #[test]
    fn a_context_is_small() {
        let size = size_of::<Inner>();
        assert!(size <= 376, "{size} bytes");
    }
}
