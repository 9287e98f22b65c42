//! A client that writes the frames of HTTP/2 itself.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::{Running, within};

/// A frame of HTTP/2 (RFC 9113, 4.1).
pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = length[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const PRIORITY: u8 = 2;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const WINDOW_UPDATE: u8 = 8;
pub(crate) const CONTINUATION: u8 = 9;
/// The flag of HEADERS and DATA that ends a stream, and of PING and SETTINGS that makes them a response.
pub(crate) const END: u8 = 1;
/// The flag of HEADERS and CONTINUATION that ends a head.
pub(crate) const END_HEADERS: u8 = 4;
pub(crate) const ENHANCE_YOUR_CALM: u32 = 11;
/// `:method GET`, `:scheme http`, `:path /`, `:authority a`, from HPACK's static table.
pub(crate) const HEAD: &[u8] = &[0x82, 0x86, 0x84, 0x41, 1, b'a'];

/// The head of a request for a short path.
pub(crate) fn head(method: Method, path: &str) -> Vec<u8> {
    let method = match method {
        Method::Get => 0x82,
        Method::Post => 0x83,
    };
    let length = u8::try_from(path.len()).unwrap();
    [&[method, 0x86, 0x04, length], path.as_bytes(), &HEAD[3..]].concat()
}

#[derive(Clone, Copy)]
pub(crate) enum Method {
    Get,
    Post,
}

pub(crate) fn opening() -> Vec<u8> {
    [PREFACE, &frame(SETTINGS, 0, 0, &[])].concat()
}

/// Settings that close the windows of all streams.
pub(crate) fn no_window() -> Vec<u8> {
    frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 0])
}

pub(crate) fn window_update(stream: u32, bytes: u32) -> Vec<u8> {
    frame(WINDOW_UPDATE, 0, stream, &bytes.to_be_bytes())
}

pub(crate) fn reset(stream: u32) -> Vec<u8> {
    frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes())
}

/// Returns the error code of the last GOAWAY among these frames.
pub(crate) fn goodbye(mut bytes: &[u8]) -> Option<u32> {
    let mut code = None;
    while let [a, b, c, kind, _, _, _, _, _, rest @ ..] = bytes {
        let length = u32::from_be_bytes([0, *a, *b, *c]) as usize;
        let (payload, next) = rest.split_at_checked(length)?;
        if *kind == GOAWAY {
            code = Some(u32::from_be_bytes(payload.get(4..8)?.try_into().unwrap()));
        }
        bytes = next;
    }
    code
}

/// Lists kind, flags and stream of whole frames.
pub(crate) fn kinds(mut bytes: &[u8]) -> Vec<(u8, u8, u32)> {
    let mut kinds = Vec::new();
    while let [a, b, c, kind, flags, s1, s2, s3, s4, rest @ ..] = bytes {
        let length = u32::from_be_bytes([0, *a, *b, *c]) as usize;
        let Some((_, next)) = rest.split_at_checked(length) else {
            break;
        };
        kinds.push((*kind, *flags, u32::from_be_bytes([*s1, *s2, *s3, *s4])));
        bytes = next;
    }
    kinds
}

/// A connection of HTTP/2 in clear.
pub(crate) struct Raw {
    socket: TcpStream,
    pub(crate) received: Vec<u8>,
}

impl Raw {
    /// Forgets the frames that were received whole.
    pub(crate) fn forget(&mut self) {
        let mut whole = 0;
        while let Some([a, b, c, _, _, _, _, _, _]) = self.received[whole..].first_chunk() {
            let end = whole + 9 + u32::from_be_bytes([0, *a, *b, *c]) as usize;
            if end > self.received.len() {
                break;
            }
            whole = end;
        }
        self.received.drain(..whole);
    }

    /// Connects and sends the opening.
    pub(crate) async fn open(running: &Running) -> Self {
        let mut raw = Self {
            socket: running.connect().await,
            received: Vec::new(),
        };
        // Small frames are sent at once, and not kept until the server acknowledges the last one.
        raw.socket.set_nodelay(true).unwrap();
        raw.send(&opening()).await;
        raw
    }

    /// Sends bytes, if the connection still takes them. What is received meanwhile is kept: a client
    /// that does not read would stop the server.
    pub(crate) async fn send(&mut self, bytes: &[u8]) -> bool {
        let (mut reader, mut writer) = self.socket.split();
        let received = &mut self.received;
        let read = async {
            let mut part = [0; 4096];
            while let Ok(count @ 1..) = reader.read(&mut part).await {
                received.extend_from_slice(&part[..count]);
            }
            std::future::pending::<()>().await;
        };
        within(async {
            tokio::select! {
                sent = writer.write_all(bytes) => sent.is_ok(),
                () = read => false,
            }
        })
        .await
    }

    /// Reads until there is such a frame. Returns false when the connection ends before.
    pub(crate) async fn read_until(&mut self, wanted: impl Fn(&(u8, u8, u32)) -> bool) -> bool {
        let mut part = [0; 4096];
        within(async {
            while !kinds(&self.received).iter().any(&wanted) {
                match self.socket.read(&mut part).await {
                    Ok(count @ 1..) => self.received.extend_from_slice(&part[..count]),
                    _ => return false,
                }
            }
            true
        })
        .await
    }

    /// Reads until the connection ends, and returns the code of its GOAWAY.
    pub(crate) async fn ended(&mut self) -> Option<u32> {
        self.read_until(|_| false).await;
        goodbye(&self.received)
    }

    /// Sends a ping of its own number and waits for the response: all that was sent before has been
    /// looked at then. Returns false when the connection ends before.
    pub(crate) async fn gets_a_reply(&mut self) -> bool {
        self.forget();
        self.send(&frame(PING, 0, 0, &[9; 8])).await
            && self
                .read_until(|(kind, flags, _)| (*kind, *flags) == (PING, END))
                .await
    }

    /// Waits for the end of a response.
    pub(crate) async fn response_ends(&mut self, of: u32) -> bool {
        self.read_until(|(kind, flags, stream)| {
            *kind <= HEADERS && flags & END == END && *stream == of
        })
        .await
    }

    /// Waits for the reset of a stream.
    pub(crate) async fn stream_is_reset(&mut self, of: u32) -> bool {
        self.read_until(|(kind, _, stream)| *kind == RST_STREAM && *stream == of)
            .await
    }
}
