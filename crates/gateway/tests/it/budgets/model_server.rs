//! A model server of the tests. The name of the model says how it behaves.
//!
//! | model | what it does |
//! |---|---|
//! | `exact` | says hello, and tells 7 tokens in and 3 out |
//! | `silent` | tells no usage |
//! | `negative`, `huge`, `words` | tells a usage that is none |
//! | `gated` | begins, waits until the gate opens, and tells 7 and 3 |
//! | `endless` | begins, and never ends |
//! | `early` | tells its usage so far in each event of a chat, and never ends |
//! | `lines_end_with_cr`, `unknown_keys` | sends a stream that cannot be read |
//! | `breaks` | begins, and breaks off |
//! | `fails`, `busy` | 500, 429 |
//! | `zipped` | says that its body is encoded |

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody, combinators::UnsyncBoxBody};
use hyper::{body::Incoming, server::conn, service::service_fn};
use hyper_util::rt::TokioIo;
use palisade::core::BoxError;
use serde_json::{Value, json};
use tokio::{
    net::TcpListener,
    sync::{mpsc, watch},
};

type GatewayResponse = Response<UnsyncBoxBody<Bytes, BoxError>>;
type Part = Result<Frame<Bytes>, BoxError>;

/// A server, and what it saw.
#[derive(Clone)]
pub(crate) struct ModelServer {
    pub(crate) address: SocketAddr,
    state: Arc<State>,
}

struct State {
    requests: Mutex<Vec<Value>>,
    media_types: Mutex<Vec<String>>,
    /// How many requests came.
    count: watch::Sender<usize>,
    /// Whether gated streams may end.
    gate: watch::Sender<bool>,
    /// How many responses are being sent.
    open: watch::Sender<usize>,
}

impl ModelServer {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State {
            requests: Mutex::default(),
            media_types: Mutex::default(),
            count: watch::Sender::new(0),
            gate: watch::Sender::new(false),
            open: watch::Sender::new(0),
        });
        let server = Self { address, state };
        let serving = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let server = serving.clone();
                let respond = service_fn(move |request| {
                    let server = server.clone();
                    async move { Ok::<_, Infallible>(server.respond(request).await) }
                });
                let connection =
                    conn::http1::Builder::new().serve_connection(TokioIo::new(stream), respond);
                tokio::spawn(connection);
            }
        });
        server
    }

    /// Returns the bodies of all requests.
    pub(crate) fn requests(&self) -> Vec<Value> {
        self.state.requests.lock().unwrap().clone()
    }

    /// Returns the media types of all requests.
    pub(crate) fn media_types(&self) -> Vec<String> {
        self.state.media_types.lock().unwrap().clone()
    }

    /// Waits until so many requests came.
    pub(crate) async fn has_requests(&self, count: usize) {
        let mut counted = self.state.count.subscribe();
        counted.wait_for(|seen| *seen >= count).await.unwrap();
    }

    /// Waits until no response is being sent.
    pub(crate) async fn is_idle(&self) {
        let mut open = self.state.open.subscribe();
        open.wait_for(|open| *open == 0).await.unwrap();
    }

    /// Lets gated streams end.
    pub(crate) fn open_gate(&self) {
        self.state.gate.send_replace(true);
    }

    async fn respond(&self, request: Request<Incoming>) -> GatewayResponse {
        let path = request.uri().path().to_owned();
        let media_type = request.headers().get("content-type");
        let media_type = media_type.map_or("", |value| value.to_str().unwrap());
        self.state
            .media_types
            .lock()
            .unwrap()
            .push(media_type.to_owned());
        let body = request.into_body().collect().await.unwrap().to_bytes();
        let body: Value = serde_json::from_slice(&body).unwrap_or_default();
        let model = body["model"].as_str().unwrap_or_default().to_owned();
        let streams = match path.starts_with("/api/") {
            true => body["stream"] != json!(false),
            false => body["stream"] == json!(true),
        };
        let asked = body["stream_options"]["include_usage"] == json!(true);
        self.state.requests.lock().unwrap().push(body);
        self.state.count.send_modify(|count| *count += 1);
        let script = Script::of(&path, &model, asked);
        let response = Response::builder();
        let response = match model.as_str() {
            "fails" => response.status(500),
            "busy" => response.status(429),
            "zipped" => response.header("content-encoding", "gzip"),
            _ => response,
        };
        let (sender, receiver) = mpsc::channel::<Part>(1);
        let response = match (streams, path.starts_with("/api/")) {
            (false, _) => response.header("content-type", "application/json"),
            (true, true) => response.header("content-type", "application/x-ndjson"),
            (true, false) => response.header("content-type", "text/event-stream"),
        };
        match streams {
            true => {
                tokio::spawn(self.clone().stream(script, model, sender));
            }
            false => {
                let whole = Bytes::from(script.whole.to_string());
                sender.try_send(Ok(Frame::data(whole))).unwrap();
            }
        }
        let parts = futures_util::stream::unfold(receiver, async |mut receiver| {
            receiver.recv().await.map(|part| (part, receiver))
        });
        let body = StreamBody::new(parts);
        response.body(body.boxed_unsync()).unwrap()
    }

    async fn stream(self, script: Script, model: String, sender: mpsc::Sender<Part>) {
        self.state.open.send_modify(|open| *open += 1);
        for (index, event) in script.events.into_iter().enumerate() {
            if index == 2 {
                match model.as_str() {
                    "gated" => drop(self.state.gate.subscribe().wait_for(|open| *open).await),
                    "endless" | "early" => sender.closed().await,
                    "breaks" => {
                        let _ = sender.send(Err("the server broke".into())).await;
                    }
                    _ => {}
                }
            }
            let sent = sender.send(Ok(Frame::data(event.into()))).await;
            if sent.is_err() {
                break;
            }
        }
        self.state.open.send_modify(|open| *open -= 1);
    }
}

/// What is sent: one document, or events.
struct Script {
    whole: Value,
    events: Vec<String>,
}

impl Script {
    fn of(path: &str, model: &str, asked: bool) -> Self {
        let (tokens_in, tokens_out) = match model {
            "silent" | "unknown_keys" | "fails" | "busy" => (Value::Null, Value::Null),
            "negative" => (json!(-7), json!(-3)),
            "huge" => (json!(1_u64 << 60), json!(1_u64 << 60)),
            "words" => (json!("seven"), json!("three")),
            _ => (json!(7), json!(3)),
        };
        let is_told = !tokens_in.is_null();
        let (whole, events) = match path {
            "/v1/chat/completions" => {
                let usage = json!({"prompt_tokens": tokens_in, "completion_tokens": tokens_out});
                let so_far = match model {
                    "early" => json!({"prompt_tokens": 7, "completion_tokens": 1}),
                    _ => Value::Null,
                };
                let key = match model {
                    "unknown_keys" => "words",
                    _ => "content",
                };
                let chunk =
                    |delta: &str| json!({"choices": [{"delta": {key: delta}}], "usage": so_far});
                let mut events = vec![chunk("hel"), chunk("lo")];
                if is_told && asked {
                    events.push(json!({"choices": [], "usage": usage}));
                }
                let whole = json!({"choices": [{"message": {"content": "hello"}}], "usage": usage});
                (whole, events)
            }
            "/v1/responses" => {
                let usage = json!({"input_tokens": tokens_in, "output_tokens": tokens_out});
                let delta =
                    |delta: &str| json!({"type": "response.output_text.delta", "delta": delta});
                let end = json!({"type": "response.completed", "response": {"usage": usage}});
                let whole = json!({"output": [{"content": [{"text": "hello"}]}], "usage": usage});
                (whole, vec![delta("hel"), delta("lo"), end])
            }
            "/v1/messages" => {
                let usage = json!({"input_tokens": tokens_in, "output_tokens": tokens_out});
                let start = json!({"type": "message_start", "message": {"usage": {"input_tokens": tokens_in, "output_tokens": 1}}});
                let delta = json!({"type": "content_block_delta", "delta": {"text": "hello"}});
                let end = json!({"type": "message_delta", "usage": {"output_tokens": tokens_out}});
                let whole = json!({"content": [{"text": "hello"}], "usage": usage});
                (whole, vec![start, delta, end])
            }
            _ => {
                let line = |text: &str| json!({"message": {"content": text}, "done": false});
                let end =
                    json!({"done": true, "prompt_eval_count": tokens_in, "eval_count": tokens_out});
                let mut whole = end.clone();
                whole["message"] = json!({"content": "hello"});
                (whole, vec![line("hel"), line("lo"), end])
            }
        };
        let is_ollama = path.starts_with("/api/");
        let event = |event: Value| match is_ollama {
            true => format!("{event}\n"),
            false if model == "lines_end_with_cr" => format!("data: {event}\r\r"),
            false => format!("data: {event}\n\n"),
        };
        let mut events: Vec<String> = events.into_iter().map(event).collect();
        if path == "/v1/chat/completions" {
            let end = if model == "lines_end_with_cr" {
                "\r\r"
            } else {
                "\n\n"
            };
            events.push(format!("data: [DONE]{end}"));
        }
        Self { whole, events }
    }
}
