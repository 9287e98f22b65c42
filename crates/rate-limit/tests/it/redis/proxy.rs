//! A proxy on loopback that holds replies back until a test lets them pass.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, tcp::OwnedReadHalf, tcp::OwnedWriteHalf},
    sync::{Notify, Semaphore},
};

/// More replies than any test waits for.
const MANY: usize = 1_000_000;

/// Passes requests on at once; replies wait while the gate is closed.
pub(super) struct Proxy {
    port: u16,
    gate: Arc<Gate>,
    accepting: tokio::task::JoinHandle<()>,
}

#[derive(Default)]
struct Gate {
    closed: AtomicBool,
    waiting: AtomicUsize,
    changed: Notify,
    permits: Permits,
    connections: AtomicUsize,
}

struct Permits(Semaphore);

impl Default for Permits {
    fn default() -> Self {
        Self(Semaphore::new(0))
    }
}

impl Gate {
    async fn pass(&self) {
        if !self.closed.load(Ordering::SeqCst) {
            return;
        }
        self.waiting.fetch_add(1, Ordering::SeqCst);
        self.changed.notify_one();
        self.permits.0.acquire().await.unwrap().forget();
        self.waiting.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Proxy {
    /// Starts an open proxy before the server at this port.
    pub(super) async fn before(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let gate = Arc::new(Gate::default());
        let passing = Arc::clone(&gate);
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                passing.connections.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(forward(client, server, Arc::clone(&passing)));
            }
        });
        Self {
            port,
            gate,
            accepting,
        }
    }

    pub(super) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port)
    }

    /// Returns how many connections were accepted so far.
    pub(super) fn connections(&self) -> usize {
        self.gate.connections.load(Ordering::SeqCst)
    }

    /// Lets no reply pass from now on.
    pub(super) fn close(&self) {
        self.gate.closed.store(true, Ordering::SeqCst);
        self.gate.permits.0.forget_permits(usize::MAX);
    }

    /// Lets everything pass from now on.
    pub(super) fn open(&self) {
        self.gate.closed.store(false, Ordering::SeqCst);
        self.gate.permits.0.add_permits(MANY);
    }

    /// Waits until replies wait, and lets one lot of them pass: one round trip.
    pub(super) async fn step(&self) {
        while self.gate.waiting.load(Ordering::SeqCst) == 0 {
            self.gate.changed.notified().await;
        }
        self.gate.permits.0.add_permits(1);
        while self.gate.permits.0.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.open();
    }
}

async fn forward(client: TcpStream, server: u16, gate: Arc<Gate>) {
    let Ok(server) = TcpStream::connect(("127.0.0.1", server)).await else {
        return;
    };
    client.set_nodelay(true).unwrap();
    server.set_nodelay(true).unwrap();
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let open = Arc::new(Gate::default());
    tokio::join!(
        copy(from_client, to_server, &open),
        copy(from_server, to_client, &gate)
    );
}

async fn copy(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, gate: &Gate) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        gate.pass().await;
        if to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}
