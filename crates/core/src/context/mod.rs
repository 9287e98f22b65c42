//! What the guards know about one request: one `Arc`, the only extension that is inserted.
//!
//! [`SecurityContext::find_or_create`] creates it in the outermost [`GuardService`](crate::GuardService);
//! inner ones find it. Values that are decided once (client, principal, route) are set once; a
//! later write is ignored or an error. Everything that is counted is in the [`Ledger`], behind one
//! lock that is held for a moment.

mod ledger;
mod notes;
mod observations;
mod refuse;
mod request_id;
mod wire;

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use http::{HeaderValue, Method, request};

use self::{
    ledger::Ledger,
    wire::{grpc_content_type, leaves_much_unread},
};
pub use self::{
    observations::{Counted, FirstAndLast, Observations},
    request_id::RequestId,
};
use crate::{
    ClientInfo, Principal, Rejection, Renderer, RouteMatch, Rule, authenticate::Proof,
    machine::Hold,
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
/// - Which request: [`request_id`](Self::request_id).
///
/// It may outlive the request in a spawned task. What is recorded after the audit record was
/// written does not reach it.
#[derive(Clone)]
pub struct SecurityContext(Arc<Inner>);

/// All fields that clones share. `OnceLock` fields are set once and never change.
#[derive(Default)]
struct Inner {
    /// An authenticator looked for a credential.
    asked: AtomicBool,
    /// Set by the client address layer.
    client: OnceLock<ClientInfo>,
    /// A refusal must close the HTTP/1 connection: much of the request body is unread.
    close_on_refusal: bool,
    /// Refusals are also put into the extensions of their responses.
    expose: AtomicBool,
    /// The content type of a gRPC request, which its refusal must repeat.
    grpc: Option<HeaderValue>,
    /// The request is `HEAD`: a refusal has no body.
    is_head: bool,
    /// How many [`Lease`](crate::Lease)s exist.
    leases: AtomicUsize,
    /// Observations and settlements.
    ledger: Mutex<Ledger>,
    /// The id that a proxy sent, until it is known whether the proxy is trusted.
    offered_request_id: OnceLock<RequestId>,
    /// Passes that wait for the last lease.
    parked: Mutex<Vec<Box<dyn Hold>>>,
    /// The principal and its proof.
    proven: OnceLock<Proven>,
    /// The renderer of refusals. Unset: the default one.
    renderer: OnceLock<Arc<dyn Renderer>>,
    /// Created at the first read.
    request_id: OnceLock<RequestId>,
    /// Set by [`RouteLayer`](crate::RouteLayer).
    route: OnceLock<RouteMatch>,
    /// A guard refused before the handler.
    refused_before_handler: AtomicBool,
}

/// A principal, and the authenticator and credential that proved it. None where a guard identified it otherwise.
pub(crate) struct Proven {
    pub(crate) principal: Principal,
    pub(crate) proof: Option<Proof>,
}

/// Whether the identity of the client is known.
///
/// `Unknown` means that no authenticator ran, which is an error of assembly: refuse.
#[derive(Clone, Copy, Debug)]
#[allow(clippy::exhaustive_enums)] // Every guard must handle each.
pub enum Identity<'a> {
    /// An authenticator ran and found no credential.
    Anonymous,
    /// A credential was verified.
    Known(&'a Principal),
    /// No authenticator ran. Never treat it as anonymous.
    Unknown,
}

impl SecurityContext {
    /// Finds the context of a request, or creates it. The core calls this; guards must not.
    pub fn find_or_create(head: &mut request::Parts) -> Self {
        if let Some(found) = head.extensions.get::<Self>() {
            return found.clone();
        }
        let made = Self(Arc::new(Inner {
            close_on_refusal: leaves_much_unread(head),
            grpc: grpc_content_type(head),
            is_head: head.method == Method::HEAD,
            ..Inner::default()
        }));
        head.extensions.insert(made.clone());
        made
    }

    /// Finds the context in the extensions of a request. `None`: no guard is outside the caller.
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
        *self.0.request_id.get_or_init(RequestId::next)
    }

    /// Stores an inbound id until it is known whether a trusted proxy sent it.
    pub(crate) fn offer_request_id(&self, id: RequestId) {
        let _ = self.0.offered_request_id.set(id);
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
            let _ = self.0.request_id.set(*id);
        }
    }

    /// Tells whether the client is known, anonymous, or was never authenticated.
    #[must_use]
    pub fn identity(&self) -> Identity<'_> {
        match self.principal() {
            Some(principal) => Identity::Known(principal),
            None if self.0.asked.load(Ordering::Acquire) => Identity::Anonymous,
            None => Identity::Unknown,
        }
    }

    /// Returns the principal, if one is known. To distinguish the other two cases use
    /// [`identity`](Self::identity).
    #[must_use]
    pub fn principal(&self) -> Option<&Principal> {
        Some(&self.0.proven.get()?.principal)
    }

    /// Returns what proved the principal, if an authenticator did.
    pub(crate) fn proof(&self) -> Option<&Proof> {
        self.0.proven.get()?.proof.as_ref()
    }

    /// Records that an authenticator ran, whatever it found, also in shadow. Without it the
    /// identity is `Unknown`.
    pub fn mark_authentication_attempted(&self) {
        self.0.asked.store(true, Ordering::Release);
    }

    /// Sets the principal, for guards that are not an [`Authenticator`](crate::Authenticator).
    ///
    /// An [`AuthenticateLayer`](crate::AuthenticateLayer) further in does not accept this: it
    /// requires a credential that it can verify.
    ///
    /// # Errors
    /// 500 `misconfigured` if another principal is set already. The same principal again is no
    /// error.
    pub fn set_principal(&self, who: Principal) -> Result<(), Box<Rejection>> {
        self.mark_authentication_attempted();
        let proven = Proven {
            principal: who,
            proof: None,
        };
        self.prove(proven).map_err(|_| {
            let reason = "a second authenticator found another principal";
            Box::new(Rejection::misconfigured(reason))
        })
    }

    /// Sets the principal and its proof. Returns them if another principal is set already.
    pub(crate) fn prove(&self, proven: Proven) -> Result<(), Proven> {
        match self.0.proven.set(proven) {
            Err(second) if self.principal() != Some(&second.principal) => Err(second),
            Ok(()) | Err(_) => Ok(()),
        }
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
    }

    /// Tells whether the request is a gRPC call: its `Content-Type` is `application/grpc`,
    /// `application/grpc+…` or `application/grpc-web…`. Refusals then take the gRPC form.
    #[must_use]
    pub fn is_grpc(&self) -> bool {
        self.0.grpc.is_some()
    }

    pub(crate) fn leases(&self) -> &AtomicUsize {
        &self.0.leases
    }

    pub(crate) fn parked(&self) -> MutexGuard<'_, Vec<Box<dyn Hold>>> {
        self.0.parked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        // A poisoned ledger is still the best record there is.
        self.0.ledger.lock().unwrap_or_else(PoisonError::into_inner)
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
