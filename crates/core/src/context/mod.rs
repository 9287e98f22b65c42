//! What the stack knows about one request: one `Arc`, the only extension that is inserted.

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

/// The shared notes of all guards about one request. Cheap to clone.
///
/// Made by the machine, handed to every method of a guard. Handlers find it with [`SecurityContext::of`].
/// It may outlive the request in a spawned task; what is recorded after the end is counted, not kept.
#[derive(Clone)]
pub struct SecurityContext(Arc<Inner>);

#[derive(Default)]
struct Inner {
    asked: AtomicBool,
    client: OnceLock<ClientInfo>,
    close_on_refusal: bool,
    expose: AtomicBool,
    grpc: Option<HeaderValue>,
    is_head: bool,
    leases: AtomicUsize,
    ledger: Mutex<Ledger>,
    offered_request_id: OnceLock<RequestId>,
    parked: Mutex<Vec<Box<dyn Hold>>>,
    proven: OnceLock<Proven>,
    renderer: OnceLock<Arc<dyn Renderer>>,
    request_id: OnceLock<RequestId>,
    route: OnceLock<RouteMatch>,
    turned_away: AtomicBool,
}

/// A principal, and the authenticator and credential that proved it. None where a guard identified it otherwise.
pub(crate) struct Proven {
    pub(crate) principal: Principal,
    pub(crate) proof: Option<Proof>,
}

/// Who is asking. `Unknown` means that nobody looked, which is an error of assembly.
#[derive(Clone, Copy, Debug)]
#[allow(clippy::exhaustive_enums)] // Every guard must have an answer for each.
pub enum Identity<'a> {
    /// An authenticator looked and found no credential.
    Anonymous,
    /// Someone proved who they are.
    Known(&'a Principal),
    /// No authenticator ran.
    Unknown,
}

impl SecurityContext {
    /// Finds the context of a request, or makes it. The machine calls this; guards never do.
    pub fn enter(head: &mut request::Parts) -> Self {
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

    /// Finds the context in the extensions of a request.
    #[must_use]
    pub fn of(extensions: &http::Extensions) -> Option<&Self> {
        extensions.get()
    }

    /// Returns this request's identifier. Unless a trusted proxy gave it, no client can foresee it.
    ///
    /// [`RequestIdLayer`](crate::RequestIdLayer) says when a proxy's is accepted, and sends it to the client.
    #[must_use]
    pub fn request_id(&self) -> RequestId {
        *self.0.request_id.get_or_init(RequestId::next)
    }

    /// Keeps an identifier that the request brought, until it is known whether a trusted proxy sent it.
    pub(crate) fn offer_request_id(&self, id: RequestId) {
        let _ = self.0.offered_request_id.set(id);
    }

    /// Returns the client, once `ClientInfoLayer` has decided who that is.
    #[must_use]
    pub fn client(&self) -> Option<&ClientInfo> {
        self.0.client.get()
    }

    /// Decides the client. The first word counts: an outer layer stands nearer to the wire.
    ///
    /// If the client came through a trusted proxy, this also accepts the identifier that
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

    /// Tells who is asking.
    #[must_use]
    pub fn identity(&self) -> Identity<'_> {
        match self.principal() {
            Some(principal) => Identity::Known(principal),
            None if self.0.asked.load(Ordering::Acquire) => Identity::Anonymous,
            None => Identity::Unknown,
        }
    }

    /// Returns the principal, if one is known.
    #[must_use]
    pub fn principal(&self) -> Option<&Principal> {
        Some(&self.0.proven.get()?.principal)
    }

    /// Returns what proved the principal, if that was an authenticator.
    pub(crate) fn proof(&self) -> Option<&Proof> {
        self.0.proven.get()?.proof.as_ref()
    }

    /// Notes that an authenticator looked, whatever it found, also in shadow.
    pub fn asked(&self) {
        self.0.asked.store(true, Ordering::Release);
    }

    /// Notes who is asking, for guards that are no [`Authenticator`](crate::Authenticator).
    ///
    /// An [`AuthenticateLayer`](crate::AuthenticateLayer) further in does not accept this: it asks for a
    /// credential of its own.
    ///
    /// # Errors
    /// A second, different principal is an error of assembly.
    pub fn identify(&self, who: Principal) -> Result<(), Box<Rejection>> {
        self.asked();
        let proven = Proven {
            principal: who,
            proof: None,
        };
        self.prove(proven).map_err(|_| {
            let reason = "a second authenticator found another principal";
            Box::new(Rejection::misconfigured(reason))
        })
    }

    /// Notes who is asking and what proved it. Gives it back if another principal is known already.
    pub(crate) fn prove(&self, proven: Proven) -> Result<(), Proven> {
        match self.0.proven.set(proven) {
            Err(second) if self.principal() != Some(&second.principal) => Err(second),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Returns what the table of routes says about this request; `None` without a table.
    #[must_use]
    pub fn route(&self) -> Option<&RouteMatch> {
        self.0.route.get()
    }

    /// Returns the rule of the route, if one was found.
    #[must_use]
    pub fn rule(&self) -> Option<&Rule> {
        match self.0.route.get()? {
            RouteMatch::Found(rule) => Some(rule),
            _ => None,
        }
    }

    pub(crate) fn set_route(&self, route: RouteMatch) {
        let _ = self.0.route.set(route);
    }

    /// Tells whether the request is a gRPC call.
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
