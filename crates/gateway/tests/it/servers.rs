//! Several servers: who gets a request, and what happens when servers fail.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::{BodyExt as _, Full};
use palisade::{
    config::Config,
    core::{GuardBody, ManualClock},
};
use palisade_gateway::{Forward, UpstreamBody, Upstreams};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};
use tower_service::Service as _;

use crate::upstream::read_request;

type GatewayResponse = Response<GuardBody<UpstreamBody>>;

/// The gateway's innermost service, with a clock of the test.
struct Bench {
    forward: Forward,
    clock: ManualClock,
}

impl Bench {
    fn new(keys: &str) -> Self {
        let config = Config::parse_with(keys, &["upstreams"]).unwrap();
        let clock = ManualClock::new(Duration::from_secs(1_700_000_000));
        let upstreams = Upstreams::builder(&config)
            .clock(clock.shared())
            .build()
            .unwrap();
        Self {
            forward: Forward::new(upstreams),
            clock,
        }
    }

    async fn call(&self, method: Method, body: &'static str) -> GatewayResponse {
        let request = Request::builder().method(method).uri("/");
        let request = request.body(Full::new(Bytes::from_static(body.as_bytes())));
        let mut forward = self.forward.clone();
        forward.call(request.unwrap()).await.unwrap()
    }

    async fn status(&self) -> u16 {
        let response = self.call(Method::GET, "").await;
        response.status().as_u16()
    }
}

/// A port that no one listens on.
async fn closed() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap()
}

/// A server that counts connections and closes each without a response.
async fn breaking() -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            read_request(&mut stream).await;
            counted.fetch_add(1, Ordering::SeqCst);
        }
    });
    (address, count)
}

/// A server that counts requests and answers each.
async fn counting(status: &'static str) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            read_request(&mut stream).await;
            counted.fetch_add(1, Ordering::SeqCst);
            let response =
                format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            let _ = stream.write_all(response.as_bytes()).await;
        }
    });
    (address, count)
}

#[tokio::test]
async fn under_a_total_outage_the_load_grows_by_a_fifth_at_most() {
    let (address, count) = breaking().await;
    // The breaker would end the outage for the server: here it stays closed.
    let bench = Bench::new(&format!(
        "[[upstreams]]\nurl = 'http://{address}'\nretries = 3\n[upstreams.breaker]\nfailures = 1000\n"
    ));
    for _ in 0..200 {
        assert_eq!(bench.status().await, 502);
    }
    let sent = count.load(Ordering::SeqCst);
    assert!((201..=240).contains(&sent), "{sent} requests were sent");
}

#[tokio::test]
async fn only_requests_without_body_and_with_a_safe_method_are_sent_again() {
    let (address, count) = breaking().await;
    let bench = Bench::new(&format!(
        "[[upstreams]]\nurl = 'http://{address}'\nretries = 3\n[upstreams.breaker]\nfailures = 1000\n"
    ));
    for (method, body) in [
        (Method::POST, "x"),
        (Method::POST, ""),
        (Method::PUT, ""),
        (Method::DELETE, ""),
        (Method::GET, "x"),
    ] {
        for _ in 0..10 {
            bench.call(method.clone(), body).await;
        }
    }
    assert_eq!(count.load(Ordering::SeqCst), 50);
}

#[tokio::test]
async fn a_request_that_finds_a_broken_server_gets_its_response_from_another() {
    let (good, _) = counting("200 OK").await;
    let bench = Bench::new(&format!(
        "[[upstreams]]\n[[upstreams.servers]]\nurl = 'http://{good}'\n[[upstreams.servers]]\nurl = 'http://{}'\n",
        closed().await
    ));
    let mut failed = 0;
    for _ in 0..100 {
        failed += usize::from(bench.status().await != 200);
    }
    // The budget is empty at first; the breaker opens after five failures.
    assert!(failed <= 5, "{failed} of 100 failed");
}

#[tokio::test]
async fn after_failures_in_a_row_requests_are_refused_until_one_that_tries_succeeds() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let bench = Bench::new(&format!(
        "[[upstreams]]\nurl = 'http://{address}'\nretries = 0\n"
    ));
    for _ in 0..5 {
        assert_eq!(bench.status().await, 502);
    }
    let refused = bench.call(Method::GET, "").await;
    assert_eq!(refused.status(), 503);
    assert_eq!(refused.headers()["retry-after"], "10");

    // The server is back, but no one asks before the time is over.
    let listener = TcpListener::bind(address).await.unwrap();
    assert_eq!(bench.status().await, 503);
    bench.clock.advance(Duration::from_secs(10));
    let trial = tokio::spawn({
        let mut forward = bench.forward.clone();
        async move {
            let request = Request::get("/").body(Full::new(Bytes::new())).unwrap();
            forward.call(request).await.unwrap()
        }
    });
    let (mut stream, _) = listener.accept().await.unwrap();
    read_request(&mut stream).await;
    assert_eq!(
        bench.status().await,
        503,
        "one request tries, the others wait"
    );
    let ok = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    stream.write_all(ok.as_bytes()).await.unwrap();
    assert_eq!(trial.await.unwrap().status(), 200);
    let next = tokio::spawn(async move {
        read_request(&mut stream).await;
        stream.write_all(ok.as_bytes()).await.unwrap();
        stream
    });
    assert_eq!(bench.status().await, 200);
    next.await.unwrap();
}

#[tokio::test]
async fn overload_counts_as_a_failure_and_an_error_of_the_application_does_not() {
    for (status, opens) in [
        ("503 Busy", true),
        ("502 Bad", true),
        ("500 Oops", false),
        ("404 No", false),
    ] {
        let (address, count) = counting(status).await;
        let bench = Bench::new(&format!("[[upstreams]]\nurl = 'http://{address}'\n"));
        for _ in 0..8 {
            bench.status().await;
        }
        let expected = if opens { 5 } else { 8 };
        assert_eq!(count.load(Ordering::SeqCst), expected, "{status}");
    }
}

#[tokio::test]
async fn a_client_that_leaves_says_nothing_about_the_server() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = silent.local_addr().unwrap();
    let bench = Bench::new(&format!("[[upstreams]]\nurl = 'http://{address}'\n"));
    for _ in 0..10 {
        let call = bench.status();
        let gone = tokio::time::timeout(Duration::from_millis(5), call).await;
        assert!(gone.is_err());
    }
    drop(silent);
    assert_eq!(bench.status().await, 502, "the breaker would answer 503");
}

/// The response is lost, and the break looks like that of a server that died. A client could provoke it.
#[tokio::test]
async fn a_server_that_closes_before_it_has_read_a_body_gets_further_requests() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut begin = [0; 4];
            stream.read_exact(&mut begin).await.unwrap();
            if &begin == b"GET " {
                read_request(&mut stream).await;
                let ok = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
                stream.write_all(ok.as_bytes()).await.unwrap();
            }
        }
    });
    let bench = Bench::new(&format!("[[upstreams]]\nurl = 'http://{address}'\n"));
    for _ in 0..10 {
        let response = bench.call(Method::POST, "a body that no one reads").await;
        assert_eq!(response.status(), 502);
    }
    assert_eq!(bench.status().await, 200, "the breaker would answer 503");
}

#[tokio::test]
async fn a_client_that_stops_in_its_body_is_408_and_says_nothing_about_the_server() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let bench = Bench::new(&format!(
        "[[upstreams]]\nurl = 'http://{}'\nresponse_timeout_seconds = 1\n[upstreams.breaker]\nfailures = 1\n",
        silent.local_addr().unwrap()
    ));
    let body = futures_util::stream::pending::<Result<http_body::Frame<Bytes>, Infallible>>();
    let request = Request::post("/").body(http_body_util::StreamBody::new(body));
    let stopped = bench.forward.clone().call(request.unwrap()).await.unwrap();
    assert_eq!(stopped.status(), 408);
    assert_eq!(bench.status().await, 504, "the breaker would answer 503");
    assert_eq!(bench.status().await, 503);
}

#[tokio::test]
async fn a_client_that_leaves_before_the_head_ends_the_request_at_the_upstream() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let bench = Bench::new(&format!("[[upstreams]]\nurl = 'http://{address}'\n"));
    let call = tokio::spawn(async move { bench.status().await });
    let (mut stream, _) = listener.accept().await.unwrap();
    read_request(&mut stream).await;
    call.abort();
    let read = tokio::time::timeout(Duration::from_secs(1), stream.read(&mut [0; 8])).await;
    assert!(matches!(read.unwrap(), Ok(0) | Err(_)));
}

#[tokio::test]
async fn a_server_whose_health_check_fails_gets_no_requests() {
    let (good, _) = counting("200 OK").await;
    let (sick, asked) = counting("500 Oops").await;
    let config = format!(
        "[[upstreams]]\n[upstreams.health]\npath = '/health'\ninterval_seconds = 1\nunhealthy_after = 1\n\
         [[upstreams.servers]]\nurl = 'http://{good}'\n[[upstreams.servers]]\nurl = 'http://{sick}'\n"
    );
    let config = Config::parse_with(&config, &["upstreams"]).unwrap();
    let upstreams = Upstreams::of(&config).unwrap();
    upstreams.start_health_checks();
    let forward = Forward::new(upstreams);
    while asked.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    // The response of the check is on its way; requests decide when it has arrived.
    let bench = Bench {
        forward,
        clock: ManualClock::new(Duration::ZERO),
    };
    let mut in_a_row = 0;
    while in_a_row < 20 {
        in_a_row = if bench.status().await == 200 {
            in_a_row + 1
        } else {
            0
        };
    }
}

#[tokio::test]
async fn a_body_that_stops_is_cut_and_one_that_moves_is_not() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let bench = Bench::new(&format!(
        "[[upstreams]]\nurl = 'http://{address}'\nidle_timeout_seconds = 1\n"
    ));
    let served = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        read_request(&mut stream).await;
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n";
        stream.write_all(head.as_bytes()).await.unwrap();
        let cut = stream.read(&mut [0; 8]).await;
        assert!(matches!(cut, Ok(0) | Err(_)));
    });
    let mut body = bench.call(Method::GET, "").await.into_body();
    assert!(body.frame().await.unwrap().is_ok());
    let late = body.frame().await.unwrap().unwrap_err().to_string();
    assert_eq!(late, "the upstream was silent for 1s");
    drop(body);
    served.await.unwrap();
}

#[tokio::test]
async fn a_request_that_takes_too_long_in_all_is_cut() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let bench = Bench::new(&format!(
        "[[upstreams]]\nurl = 'http://{}'\ntotal_timeout_seconds = 1\n",
        silent.local_addr().unwrap()
    ));
    assert_eq!(bench.status().await, 504);
}
