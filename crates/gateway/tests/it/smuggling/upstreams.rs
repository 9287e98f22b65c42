//! Servers that write down each request that they see: hyper, gunicorn and Node.

use std::{
    convert::Infallible,
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use palisade_internal::free_port;
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};

/// Responds with a line for each request, and appends it to the file of `SEEN`.
const WSGI: &str = r#"
import os

def application(environ, start_response):
    body = environ["wsgi.input"].read()
    line = f"{environ['REQUEST_METHOD']} {environ['RAW_URI']} {len(body)}\n"
    with open(os.environ["SEEN"], "a") as seen:
        seen.write(line)
    start_response("200 OK", [("Content-Length", str(len(line)))])
    return [line.encode()]
"#;

/// The same for Node.
const NODE: &str = r#"
const http = require("http"), fs = require("fs");
http.createServer((request, response) => {
  let length = 0;
  request.on("data", (part) => { length += part.length; });
  request.on("end", () => {
    const line = `${request.method} ${request.url} ${length}\n`;
    fs.appendFileSync(process.env.SEEN, line);
    response.end(line);
  });
}).listen(Number(process.env.PORT), "127.0.0.1");
"#;

/// A server that keeps its connections open, and the requests that it has seen.
pub(super) struct Recorder {
    pub(super) address: SocketAddr,
    seen: Seen,
    /// Ended with the test.
    child: Option<Child>,
}

/// Where the lines are: method, target and length of the body of each request.
enum Seen {
    Memory(Arc<Mutex<Vec<String>>>),
    /// The folder is removed with the test.
    File {
        path: PathBuf,
        _folder: TempDir,
    },
}

impl Drop for Recorder {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Recorder {
    /// Returns the requests that were seen so far.
    pub(super) fn seen(&self) -> Vec<String> {
        match &self.seen {
            Seen::Memory(lines) => lines.lock().unwrap().clone(),
            Seen::File { path, .. } => {
                let text = fs::read_to_string(path).unwrap_or_default();
                text.lines().map(str::to_owned).collect()
            }
        }
    }

    /// Starts hyper, the server library of axum.
    pub(super) async fn hyper() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let lines = Arc::new(Mutex::new(Vec::new()));
        let seen = Seen::Memory(Arc::clone(&lines));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let lines = Arc::clone(&lines);
                let respond = service_fn(move |request| note(request, Arc::clone(&lines)));
                let served = http1::Builder::new().serve_connection(TokioIo::new(stream), respond);
                tokio::spawn(served);
            }
        });
        Self {
            address,
            seen,
            child: None,
        }
    }

    /// Starts gunicorn: `PALISADE_GUNICORN`, or the one of the path. `None`, with a message, if there is
    /// none.
    #[allow(clippy::disallowed_methods)] // The environment names the program.
    pub(super) async fn gunicorn() -> Option<Self> {
        let named = std::env::var("PALISADE_GUNICORN");
        let program = named.unwrap_or_else(|_| "gunicorn".to_owned());
        Self::program(&program, "app.py", WSGI, |command, address, folder| {
            // Threads keep connections open; the default worker does not.
            command
                .args(["--worker-class", "gthread", "--threads", "4", "--bind"])
                .args([&address.to_string(), "app:application"])
                .current_dir(folder);
        })
        .await
    }

    /// Starts Node with its lenient parser, which takes more for a request than the default one.
    pub(super) async fn node() -> Option<Self> {
        Self::program("node", "app.js", NODE, |command, address, folder| {
            command
                .arg("--insecure-http-parser")
                .arg(folder.join("app.js"))
                .env("PORT", address.port().to_string());
        })
        .await
    }

    /// Starts a program and waits until it accepts connections.
    async fn program(
        program: &str,
        file: &str,
        text: &str,
        arguments: impl FnOnce(&mut Command, SocketAddr, &Path),
    ) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(file), text).unwrap();
        let loopback = std::net::Ipv4Addr::LOCALHOST.into();
        let address = SocketAddr::new(loopback, free_port::choose(loopback).unwrap());
        let seen = folder.path().join("seen");
        let mut command = Command::new(program);
        command.env("SEEN", &seen);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        arguments(&mut command, address, folder.path());
        let Ok(child) = command.spawn() else {
            eprintln!("SKIPPED: {program} is not installed");
            return None;
        };
        let mut recorder = Self {
            address,
            seen: Seen::File {
                path: seen,
                _folder: folder,
            },
            child: Some(child),
        };
        while TcpStream::connect(address).await.is_err() {
            let ended = recorder.child.as_mut().unwrap().try_wait().unwrap();
            assert!(ended.is_none(), "{program} ended");
            tokio::task::yield_now().await;
        }
        Some(recorder)
    }
}

/// Writes a request down, and responds with the line.
async fn note(
    request: Request<Incoming>,
    lines: Arc<Mutex<Vec<String>>>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let Ok(body) = body.collect().await else {
        // A body that breaks off is no request: the gateway ended it.
        return Ok(Response::new(Full::default()));
    };
    let length = body.to_bytes().len();
    let line = format!("{} {} {length}", head.method, head.uri);
    lines.lock().unwrap().push(line.clone());
    Ok(Response::new(Full::from(format!("{line}\n"))))
}
