//! What the stack knows about one request: one `Arc`, the only extension that is inserted.

mod ledger;
mod request_id;

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use bytes::Bytes;
use http::{HeaderValue, Method, Response, Version, header, request};

use self::ledger::Ledger;
pub use self::request_id::RequestId;
use crate::{
    ClientInfo, Fact, Principal, Rejection, Renderer, RouteMatch, Rule,
    machine::Hold,
    rejection::{DEFAULT_RENDERER, render_grpc},
};

/// An unread body up to this length is left to the server; a longer one closes an HTTP/1 connection.
const SMALL_BODY: u64 = 8 * 1024;

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
    parked: Mutex<Vec<Box<dyn Hold>>>,
    principal: OnceLock<Principal>,
    renderer: OnceLock<Arc<dyn Renderer>>,
    request_id: OnceLock<RequestId>,
    route: OnceLock<RouteMatch>,
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

    /// Returns this request's identifier, unique in this process and unguessable from outside.
    #[must_use]
    pub fn request_id(&self) -> RequestId {
        *self.0.request_id.get_or_init(RequestId::next)
    }

    /// Returns the client, once `ClientInfoLayer` has decided who that is.
    #[must_use]
    pub fn client(&self) -> Option<&ClientInfo> {
        self.0.client.get()
    }

    /// Decides the client. The first word counts: an outer layer stands nearer to the wire.
    pub fn set_client(&self, client: ClientInfo) {
        let _ = self.0.client.set(client);
    }

    /// Tells who is asking.
    #[must_use]
    pub fn identity(&self) -> Identity<'_> {
        match self.0.principal.get() {
            Some(principal) => Identity::Known(principal),
            None if self.0.asked.load(Ordering::Acquire) => Identity::Anonymous,
            None => Identity::Unknown,
        }
    }

    /// Returns the principal, if one is known.
    #[must_use]
    pub fn principal(&self) -> Option<&Principal> {
        self.0.principal.get()
    }

    /// Notes that an authenticator looked, whatever it found, also in shadow.
    pub fn asked(&self) {
        self.0.asked.store(true, Ordering::Release);
    }

    /// Notes who is asking.
    ///
    /// # Errors
    /// A second, different principal is an error of assembly.
    pub fn identify(&self, who: Principal) -> Result<(), Box<Rejection>> {
        self.asked();
        match self.0.principal.set(who) {
            Err(other) if self.principal() != Some(&other) => {
                let reason = "a second authenticator found another principal";
                Err(Box::new(Rejection::misconfigured(reason)))
            }
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

    /// Tells whether a layer sees this request for the first time, so that one that is applied twice
    /// charges once. `layer` is the address of its shared state.
    #[must_use]
    pub fn first_visit(&self, layer: usize) -> bool {
        self.ledger().visit(layer)
    }

    /// Adds a fact. At most 16 are kept, the rest counted.
    pub fn record(&self, fact: Fact) {
        self.ledger().record(fact);
    }

    /// Returns the facts so far.
    #[must_use]
    pub fn facts(&self) -> Vec<Fact> {
        self.ledger().facts().to_vec()
    }

    /// Looks at the facts without copying them.
    pub fn with_facts<T>(&self, look: impl FnOnce(&[Fact]) -> T) -> T {
        look(self.ledger().facts())
    }

    /// Returns how many facts found no room.
    #[must_use]
    pub fn facts_lost(&self) -> u32 {
        self.ledger().lost()
    }

    /// Returns the code of the last refusal.
    #[must_use]
    pub fn refusal(&self) -> Option<&'static str> {
        self.ledger().refusal
    }

    /// Reports what a request really cost, from the handler. Limits that reserved an estimate settle
    /// by this word alone; nothing is given back because a client left or an inner guard refused.
    /// The last word counts; at most four units are kept.
    pub fn settle(&self, unit: &'static str, amount: u64) {
        self.ledger().settle(unit, amount);
    }

    /// Returns what the handler reported for a unit.
    #[must_use]
    pub fn settled(&self, unit: &str) -> Option<u64> {
        self.ledger().settled(unit)
    }

    /// Returns everything that the handler reported.
    #[must_use]
    pub fn settlements(&self) -> Vec<(&'static str, u64)> {
        self.ledger().settlements().to_vec()
    }

    /// Tells whether the request is a gRPC call.
    #[must_use]
    pub fn is_grpc(&self) -> bool {
        self.0.grpc.is_some()
    }

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

/// Tells whether a refusal would leave a body on an HTTP/1 connection that is not worth reading.
fn leaves_much_unread(head: &request::Parts) -> bool {
    if head.version >= Version::HTTP_2 {
        return false;
    }
    if head.headers.contains_key(header::TRANSFER_ENCODING) {
        return true;
    }
    let Some(length) = head.headers.get(header::CONTENT_LENGTH) else {
        return false;
    };
    let length = length.to_str().ok().and_then(|text| text.parse().ok());
    length.is_none_or(|length: u64| length > SMALL_BODY)
}

fn grpc_content_type(head: &request::Parts) -> Option<HeaderValue> {
    let value = head.headers.get(header::CONTENT_TYPE)?;
    let rest = value.as_bytes().strip_prefix(b"application/grpc")?;
    let whole = matches!(rest.first(), None | Some(b'+' | b';' | b'-'));
    whole.then(|| value.clone())
}
