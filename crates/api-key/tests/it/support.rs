//! A service behind the layer, and a clock that the test moves.

use std::{convert::Infallible, net::IpAddr, time::Duration};

use bytes::Bytes;
use futures_util::FutureExt;
use http::{HeaderMap, Request, Response, StatusCode, request};
use http_body_util::{BodyExt, Full};
use palisade_api_key::{
    ApiKeyLayer, ApiKeyLayerBuilder, Environment, Grant, KeyId, KeyScheme, MemoryKeyStore,
    MintedKey, Pepper,
};
use palisade_core::{
    ClientInfo, CredentialFailure, Fact, Guard, GuardLayer, Guards, ManualClock, Scheme,
    SecurityContext, Verdict,
};
use tower::{Layer, ServiceExt, service_fn};

/// 2026-11-24T08:00:00Z
pub(crate) const NOW: Duration = Duration::from_secs(1_795_507_200);
pub(crate) const MINUTE: Duration = Duration::from_secs(60);

pub(crate) struct Stand {
    pub(crate) clock: ManualClock,
    pub(crate) scheme: KeyScheme,
    pub(crate) store: MemoryKeyStore,
}

impl Stand {
    pub(crate) fn new() -> Self {
        Self {
            clock: ManualClock::new(NOW),
            scheme: KeyScheme::new(Pepper::generate().unwrap()),
            store: MemoryKeyStore::new(),
        }
    }

    /// Mints a live key and stores its record.
    pub(crate) fn key(&self) -> String {
        self.mint(live()).key().to_owned()
    }

    pub(crate) fn mint(&self, grant: Grant) -> MintedKey {
        let minted = self.scheme.mint(grant, NOW).unwrap();
        self.store.insert(minted.record().clone()).unwrap();
        minted
    }

    pub(crate) fn builder(&self) -> ApiKeyLayerBuilder {
        ApiKeyLayer::builder(self.scheme.clone(), self.store.clone()).clock(self.clock.shared())
    }

    pub(crate) fn layer(&self) -> ApiKeyLayer {
        self.builder().build().unwrap()
    }

    /// Sends a key in `X-API-Key` to a layer with all defaults.
    pub(crate) fn send(&self, key: impl AsRef<[u8]>) -> ReceivedResponse {
        ask(self.layer(), with_header("x-api-key", key))
    }
}

pub(crate) fn live() -> Grant {
    Grant::new(Environment::Live)
}

pub(crate) fn id_of(key: &str) -> KeyId {
    key.split('_').nth(2).unwrap().parse().unwrap()
}

pub(crate) fn plain() -> Request<Full<Bytes>> {
    Request::new(Full::default())
}

pub(crate) fn with_header(name: &str, value: impl AsRef<[u8]>) -> Request<Full<Bytes>> {
    Request::get("/")
        .header(name, value.as_ref())
        .body(Full::default())
        .unwrap()
}

pub(crate) fn with_uri(uri: &str) -> Request<Full<Bytes>> {
    Request::get(uri).body(Full::default()).unwrap()
}

/// The response, and what the handler saw if the request came so far.
#[derive(Debug)]
pub(crate) struct ReceivedResponse {
    pub(crate) body: Bytes,
    pub(crate) facts: Vec<Fact>,
    /// The kinds of the credentials that failed.
    pub(crate) failures: Vec<&'static str>,
    /// What was wrong with each of them.
    pub(crate) failure_kinds: Vec<CredentialFailure>,
    pub(crate) reason: Option<String>,
    pub(crate) would_refuse: Vec<&'static str>,
    pub(crate) headers: HeaderMap,
    pub(crate) saw: Option<request::Parts>,
    pub(crate) status: StatusCode,
}

impl ReceivedResponse {
    /// Everything that the client can tell one response from another by.
    pub(crate) fn public(&self) -> (StatusCode, &HeaderMap, &Bytes) {
        (self.status, &self.headers, &self.body)
    }

    pub(crate) fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    /// Who the handler saw.
    pub(crate) fn who(&self) -> Option<&str> {
        let cx = SecurityContext::of(&self.saw.as_ref()?.extensions)?;
        cx.principal().map(|who| who.id())
    }
}

/// Stands outermost, to read the facts afterwards and to say who the client is.
#[derive(Clone, Debug)]
struct Outermost {
    client: Option<IpAddr>,
    seen: std::sync::Arc<std::sync::Mutex<Option<SecurityContext>>>,
}

impl Guard for Outermost {
    type Pass = ();

    fn name(&self) -> &'static str {
        "outermost"
    }

    fn admit(&self, cx: &SecurityContext, _: &mut request::Parts) -> Verdict<()> {
        if let Some(ip) = self.client {
            cx.set_client(ClientInfo::new(ip, Scheme::Https));
        }
        *self.seen.lock().unwrap() = Some(cx.clone());
        Verdict::Admit(())
    }
}

pub(crate) fn ask(guards: impl Guards + Clone, request: Request<Full<Bytes>>) -> ReceivedResponse {
    ask_from(None, guards, request)
}

/// Sends a request; the layer must answer without waiting for anything.
pub(crate) fn ask_from(
    client: Option<&str>,
    guards: impl Guards + Clone,
    request: Request<Full<Bytes>>,
) -> ReceivedResponse {
    let client = client.map(|text| text.parse().unwrap());
    let outermost = Outermost {
        client,
        seen: std::sync::Arc::default(),
    };
    let layer = GuardLayer((outermost.clone(), guards));
    let saw = std::sync::Arc::new(std::sync::Mutex::new(None));
    let handler = {
        let saw = saw.clone();
        service_fn(move |request: Request<Full<Bytes>>| {
            *saw.lock().unwrap() = Some(request.into_parts().0);
            async { Ok::<_, Infallible>(Response::new(Full::<Bytes>::default())) }
        })
    };
    let response = layer
        .layer(handler)
        .oneshot(request)
        .now_or_never()
        .expect("answered at once")
        .unwrap();
    let (head, body) = response.into_parts();
    let body = body
        .collect()
        .now_or_never()
        .expect("read at once")
        .unwrap()
        .to_bytes();
    let cx = outermost.seen.lock().unwrap().take().unwrap();
    let saw = saw.lock().unwrap().take();
    cx.with_observations(|seen| ReceivedResponse {
        body,
        facts: seen.facts().iter().map(|it| it.value.clone()).collect(),
        failures: seen
            .credential_failures()
            .iter()
            .map(|it| it.kind)
            .collect(),
        failure_kinds: seen
            .credential_failures()
            .iter()
            .map(|it| it.failure)
            .collect(),
        reason: seen
            .refusals()
            .last()
            .and_then(|it| Some(it.reason.as_ref()?.to_string())),
        would_refuse: seen
            .shadow_refusals()
            .iter()
            .map(|it| it.value.code)
            .collect(),
        headers: head.headers,
        saw,
        status: head.status,
    })
}
