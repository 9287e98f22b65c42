//! A service of a test: a few lines of HTTP/1.1 over threads, with or without TLS.
//!
//! It is written by hand because a library would not send what a bad service sends.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// The only key that the good service accepts.
pub(super) const KEY: &str = "right-key-7Q";

/// A request.
pub(super) struct Asked {
    pub(super) method: String,
    /// The path with its query, as sent.
    pub(super) target: String,
    head: String,
}

impl Asked {
    pub(super) fn path(&self) -> &str {
        self.target.split('?').next().unwrap()
    }

    /// A header, or an empty text.
    pub(super) fn header(&self, name: &str) -> &str {
        let lines = self.head.lines().skip(1);
        let mut values = lines.filter_map(|line| {
            let (this, value) = line.split_once(':')?;
            this.eq_ignore_ascii_case(name).then(|| value.trim())
        });
        values.next().unwrap_or_default()
    }

    /// The parameter `text`, decoded.
    pub(super) fn text(&self) -> Vec<u8> {
        let query = self.target.split_once('?').map_or("", |(_, query)| query);
        let text = query.split('&').find_map(|pair| pair.strip_prefix("text="));
        decoded(text.unwrap_or_default())
    }

    pub(super) fn head(&self) -> &str {
        &self.head
    }
}

/// Decodes percent-encoding.
pub(super) fn decoded(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, others @ ..] = rest {
        match (first, others) {
            (b'%', [high, low, after @ ..]) => {
                let pair = [*high, *low];
                let pair = std::str::from_utf8(&pair).unwrap();
                out.push(u8::from_str_radix(pair, 16).unwrap());
                rest = after;
            }
            _ => {
                out.push(*first);
                rest = others;
            }
        }
    }
    out
}

/// A response.
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Reply {
    pub(super) fn new(status: u16, media_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let mut reply = Self {
            status,
            headers: Vec::new(),
            body: body.into(),
        };
        reply.set("content-type", media_type);
        reply
    }

    /// Adds a header.
    pub(super) fn add(&mut self, name: &str, value: &str) {
        self.headers.push((name.to_owned(), value.to_owned()));
    }

    /// Replaces a header.
    pub(super) fn set(&mut self, name: &str, value: &str) {
        self.remove(name);
        self.add(name, value);
    }

    pub(super) fn remove(&mut self, name: &str) {
        self.headers.retain(|(this, _)| this != name);
    }

    /// Replaces the whole response and keeps the headers of the good service.
    pub(super) fn respond(&mut self, status: u16, media_type: &str, body: &str) {
        self.status = status;
        self.set("content-type", media_type);
        self.body = body.as_bytes().to_vec();
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = format!("HTTP/1.1 {} X\r\nconnection: close\r\n", self.status).into_bytes();
        for (name, value) in &self.headers {
            bytes.extend(format!("{name}: {value}\r\n").into_bytes());
        }
        bytes.extend(format!("content-length: {}\r\n\r\n", self.body.len()).into_bytes());
        bytes.extend(&self.body);
        bytes
    }
}

/// A service in which nothing is to be found, apart from TLS.
///
/// `/tts` speaks for a key, `/` is a page, and nothing else is there.
pub(super) fn good(asked: &Asked) -> Reply {
    let mut reply = content(asked);
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("x-robots-tag", "noindex, nofollow"),
        ("cache-control", "no-store"),
        ("strict-transport-security", "max-age=63072000"),
        (
            "content-security-policy",
            "default-src 'none'; script-src 'self'; frame-ancestors 'none'",
        ),
        (
            "set-cookie",
            "__Host-session=x; Secure; HttpOnly; SameSite=Lax; Path=/",
        ),
    ] {
        reply.add(name, value);
    }
    reply
}

fn content(asked: &Asked) -> Reply {
    let problem = |status| Reply::new(status, "application/problem+json", "{\"code\":\"refused\"}");
    let host = asked.header("host");
    let has_key = asked.header("x-api-key") == KEY
        || asked.header("authorization") == format!("Bearer {KEY}");
    let text = String::from_utf8(asked.text());
    match (asked.method.as_str(), asked.path()) {
        _ if !(host.starts_with("127.0.0.1") || host.starts_with("localhost")) => problem(421),
        ("GET", "/") => Reply::new(200, "text/html; charset=utf-8", "<h1>Voice</h1>"),
        ("GET", "/tts") if !has_key => problem(401),
        ("GET", "/tts") => match text {
            Ok(text) if text.len() <= 500 && text.chars().any(|one| !one.is_control()) => {
                Reply::new(200, "audio/wav", "RIFF")
            }
            _ => problem(422),
        },
        ("GET" | "HEAD", _) => problem(404),
        _ => problem(405),
    }
}

/// A service on loopback, until the end of the test.
pub(super) struct Service {
    address: SocketAddr,
    tls: bool,
    connections: Arc<AtomicUsize>,
}

impl Service {
    /// Serves without TLS.
    pub(super) fn start(handler: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        Self::serve(None, move |stream| respond(stream, &handler))
    }

    /// Serves over TLS.
    pub(super) fn start_tls(
        config: ServerConfig,
        handler: impl Fn(&Asked) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::serve(Some(Arc::new(config)), move |stream| {
            respond(stream, &handler)
        })
    }

    /// Gives each connection to a function, without reading anything.
    pub(super) fn raw(handler: impl Fn(&mut dyn Stream) + Send + Sync + 'static) -> Self {
        Self::serve(None, handler)
    }

    fn serve(
        tls: Option<Arc<ServerConfig>>,
        handler: impl Fn(&mut dyn Stream) + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let (handler, count) = (Arc::new(handler), connections.clone());
        let is_tls = tls.is_some();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                count.fetch_add(1, Ordering::Relaxed);
                let (handler, tls) = (handler.clone(), tls.clone());
                thread::spawn(move || connection(stream, tls, &*handler));
            }
        });
        Self {
            address,
            tls: is_tls,
            connections,
        }
    }

    pub(super) fn url(&self) -> String {
        let scheme = if self.tls { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    pub(super) fn port(&self) -> u16 {
        self.address.port()
    }

    pub(super) fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }
}

/// What a connection is read from and written to.
pub(super) trait Stream: Read + Write {}
impl<S: Read + Write> Stream for S {}

fn connection(
    mut stream: TcpStream,
    tls: Option<Arc<ServerConfig>>,
    handler: &dyn Fn(&mut dyn Stream),
) {
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    match tls {
        None => handler(&mut stream),
        Some(config) => {
            let session = ServerConnection::new(config).unwrap();
            let mut stream = StreamOwned::new(session, stream);
            handler(&mut stream);
            stream.conn.send_close_notify();
            let _ = stream.flush();
        }
    }
}

/// Reads one request and writes its response.
fn respond(stream: &mut dyn Stream, handler: &dyn Fn(&Asked) -> Reply) {
    let mut head = Vec::new();
    let mut byte = [0; 1];
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) if head.len() < 32 * 1024 => head.push(byte[0]),
            _ => return,
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let mut words = head.split(' ');
    let mut next = || words.next().unwrap_or_default().to_owned();
    let asked = Asked {
        method: next(),
        target: next(),
        head: head.clone(),
    };
    let length: u64 = asked.header("content-length").parse().unwrap_or_default();
    let mut body = Vec::new();
    let _ = stream.take(length).read_to_end(&mut body);
    let _ = stream.write_all(&handler(&asked).bytes());
    let _ = stream.flush();
}
