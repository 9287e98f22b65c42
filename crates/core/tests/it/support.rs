//! A guard that logs the calls to it, and small services to put inside it.

use std::{
    convert::Infallible,
    future::{poll_fn, ready},
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, Response, StatusCode, request, response};
use http_body::{Body, Frame};
use http_body_util::{BodyExt as _, Full};
use palisade_core::{
    ClientInfo, Guard, GuardBody, Mode, Outcome, Rejection, Scheme, SecurityContext, Verdict, layer,
};
use tower::util::BoxCloneService;

pub(crate) type TestBody = Full<Bytes>;
pub(crate) type Log = Arc<Mutex<Vec<String>>>;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Behavior {
    Admit,
    AdmitLater,
    FinishLater,
    FinishRefuses,
    FinishRefusesLater,
    Never,
    PanicInAdmit,
    PanicInAdmitLater,
    PanicInClose,
    PanicInFinish,
    PanicInFinishLater,
    Refuse,
    RefuseLater,
}

/// Logs each call and does what its [`Behavior`] says.
#[derive(Clone, Debug)]
pub(crate) struct LoggingGuard {
    pub(crate) name: &'static str,
    pub(crate) behavior: Behavior,
    pub(crate) mode: Mode,
    pub(crate) log: Log,
}

layer!(LoggingGuard);

impl LoggingGuard {
    pub(crate) fn new(name: &'static str, behavior: Behavior, log: &Log) -> Self {
        Self {
            name,
            behavior,
            mode: Mode::Enforce,
            log: Arc::clone(log),
        }
    }

    pub(crate) fn shadow(mut self) -> Self {
        self.mode = Mode::Shadow;
        self
    }

    fn note(&self, what: &str) {
        self.log
            .lock()
            .unwrap()
            .push(format!("{}:{what}", self.name));
    }

    fn refusal(&self) -> Box<Rejection> {
        let rejection = Rejection::new(StatusCode::IM_A_TEAPOT, self.name, "No.");
        Box::new(rejection.with_reason("private"))
    }
}

/// Comes back once before it is ready, so that the sequence must really be suspended.
pub(crate) async fn yield_once() {
    let mut yielded = false;
    poll_fn(|task| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        task.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

impl Guard for LoggingGuard {
    type Pass = &'static str;

    fn name(&self) -> &'static str {
        self.name
    }

    fn mode(&self) -> Mode {
        self.mode
    }

    fn admit(&self, _: &SecurityContext, _: &mut request::Parts) -> Verdict<&'static str> {
        self.note("admit");
        let (name, refusal) = (self.name, self.refusal());
        match self.behavior {
            Behavior::PanicInAdmit => panic!("admit"),
            Behavior::PanicInAdmitLater => Verdict::later(async {
                yield_once().await;
                panic!("admit")
            }),
            Behavior::Refuse => refusal.into(),
            Behavior::RefuseLater => Verdict::later(async {
                yield_once().await;
                Err(refusal)
            }),
            Behavior::AdmitLater => Verdict::later(async move {
                yield_once().await;
                Ok(name)
            }),
            Behavior::Never => Verdict::later(std::future::pending()),
            _ => Verdict::Admit(name),
        }
    }

    fn finish(
        &self,
        _: &SecurityContext,
        pass: &mut &'static str,
        head: &mut response::Parts,
    ) -> Verdict<()> {
        assert_eq!(*pass, self.name, "the pass of another guard");
        self.note(&format!("finish {}", head.status.as_u16()));
        let refusal = self.refusal();
        match self.behavior {
            Behavior::PanicInFinish => panic!("finish"),
            Behavior::PanicInFinishLater => Verdict::later(async {
                yield_once().await;
                panic!("finish")
            }),
            Behavior::FinishRefuses => refusal.into(),
            Behavior::FinishRefusesLater => Verdict::later(async {
                yield_once().await;
                Err(refusal)
            }),
            Behavior::FinishLater => Verdict::later(async {
                yield_once().await;
                Ok(())
            }),
            _ => Verdict::Admit(()),
        }
    }

    fn close(&self, _: &SecurityContext, pass: &'static str, outcome: Outcome) {
        assert_eq!(pass, self.name, "the pass of another guard");
        self.note(&format!(
            "close {} {}",
            outcome.kind.as_str(),
            outcome.bytes
        ));
        assert!(self.behavior != Behavior::PanicInClose, "close");
    }
}

pub(crate) type Service = BoxCloneService<Request<TestBody>, Response<TestBody>, Infallible>;

/// Responds with a text.
pub(crate) fn responds_with(text: &'static str) -> Service {
    BoxCloneService::new(tower::service_fn(move |_| {
        ready(Ok(Response::new(TestBody::from(text))))
    }))
}

pub(crate) fn get(path: &str) -> Request<TestBody> {
    Request::get(path).body(TestBody::default()).unwrap()
}

/// Decides the client as a client address layer does, and writes down with what identifier each request ended.
#[derive(Clone, Debug, Default)]
pub(crate) struct ClientGuard {
    pub(crate) through_proxy: bool,
    pub(crate) ids: Log,
}

impl ClientGuard {
    pub(crate) fn new(through_proxy: bool) -> Self {
        let ids = Log::default();
        Self { through_proxy, ids }
    }
}

impl Guard for ClientGuard {
    type Pass = ();

    fn name(&self) -> &'static str {
        "client"
    }

    fn admit(&self, cx: &SecurityContext, _: &mut request::Parts) -> Verdict<()> {
        let client = ClientInfo::new([203, 0, 113, 7].into(), Scheme::Https);
        cx.set_client(match self.through_proxy {
            true => client.with_proxy(),
            false => client,
        });
        Verdict::Admit(())
    }

    fn close(&self, cx: &SecurityContext, (): (), _: Outcome) {
        self.ids.lock().unwrap().push(cx.request_id().to_string());
    }
}

pub(crate) fn log() -> Log {
    Log::default()
}

pub(crate) fn take_events(log: &Log) -> Vec<String> {
    std::mem::take(&mut *log.lock().unwrap())
}

pub(crate) async fn text<B>(response: Response<GuardBody<B>>) -> (StatusCode, String)
where
    B: Body<Error: std::fmt::Debug>,
    B::Data: From<Bytes>,
{
    let (head, body) = response.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    (head.status, String::from_utf8(bytes.to_vec()).unwrap())
}

/// A body of frames that a test prepares.
#[derive(Default)]
pub(crate) struct Frames {
    frames: std::collections::VecDeque<Result<Frame<Bytes>, &'static str>>,
    pub(crate) panics: bool,
}

impl Frames {
    pub(crate) fn of(frames: impl IntoIterator<Item = Result<Frame<Bytes>, &'static str>>) -> Self {
        Self {
            frames: frames.into_iter().collect(),
            panics: false,
        }
    }
}

impl Body for Frames {
    type Data = Bytes;
    type Error = &'static str;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, &'static str>>> {
        assert!(!self.panics, "the body panics");
        Poll::Ready(self.frames.pop_front())
    }
}
