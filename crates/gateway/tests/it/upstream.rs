//! An upstream that answers with given bytes and hands over every byte it gets.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};

pub(crate) const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// An upstream that serves one request a connection.
pub(crate) struct Upstream {
    pub(crate) address: SocketAddr,
    requests: mpsc::UnboundedReceiver<String>,
}

/// Starts an upstream that answers every request with these bytes, then closes.
pub(crate) async fn answering(response: &'static str) -> Upstream {
    answering_by(move |_, _| response.to_owned()).await
}

/// Starts an upstream that makes its response from the request and its own address, then closes.
pub(crate) async fn answering_by(
    response: impl Fn(&str, SocketAddr) -> String + Send + Sync + 'static,
) -> Upstream {
    let response = std::sync::Arc::new(response);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, requests) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (sender, response) = (sender.clone(), std::sync::Arc::clone(&response));
            tokio::spawn(async move {
                let request = read_request(&mut stream).await;
                let response = response(&request, address);
                let _ = sender.send(request);
                let _ = stream.write_all(response.as_bytes()).await;
            });
        }
    });
    Upstream { address, requests }
}

impl Upstream {
    /// Returns the next request.
    pub(crate) async fn request(&mut self) -> String {
        self.requests.recv().await.unwrap()
    }

    /// Returns whether a request came that was not taken yet.
    pub(crate) fn got_more(&mut self) -> bool {
        self.requests.try_recv().is_ok()
    }
}

/// Reads a head, and as much body as it announces.
pub(crate) async fn read_request(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut byte = [0];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let complete = match (
                field(head, "content-length"),
                field(head, "transfer-encoding"),
            ) {
                (Some(length), _) => body.len() >= length.parse().unwrap(),
                (None, Some(_)) => body.ends_with("0\r\n\r\n"),
                (None, None) => true,
            };
            if complete {
                return text;
            }
        }
        match stream.read(&mut byte).await {
            Ok(1) => bytes.push(byte[0]),
            _ => return text,
        }
    }
}

/// The value of a field of a head. Names are compared without case.
pub(crate) fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.split("\r\n").find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then_some(value.trim())
    })
}
