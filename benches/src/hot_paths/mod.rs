//! The paths whose instructions and allocations are kept in `benches/baseline.toml`.
//!
//! Each path is a service and the requests that it is measured with. The requests come from 256 addresses, so
//! that no path has all its state in one bucket. They are made before the measurement, and the response is read
//! to its end within it.

mod services;

use std::hint::black_box;

use http::{Request, StatusCode};
use tower::Service;

pub use self::services::all;
use crate::{Body, run};

/// The number of client addresses in the requests of a path.
pub const ADDRESSES: usize = 256;

/// A path, ready to be measured.
#[allow(missing_debug_implementations)] // Closures.
pub struct HotPath {
    /// What `benches/baseline.toml` calls it.
    pub name: &'static str,
    /// The status of every measured answer.
    pub status: StatusCode,
    make: Box<dyn Fn(usize) -> Request<Body>>,
    send: Box<dyn FnMut(Mode, Vec<Request<Body>>) -> StatusCode>,
}

/// How the requests of a batch are sent.
#[derive(Clone, Copy)]
enum Mode {
    Measured,
    Warm,
}

impl HotPath {
    /// Makes a path of a service and its requests, by their number.
    ///
    /// # Panics
    ///
    /// When the number is no status.
    pub fn new<S, B>(
        name: &'static str,
        status: u16,
        mut service: S,
        make: impl Fn(usize) -> Request<Body> + 'static,
    ) -> Self
    where
        S: Service<Request<Body>, Response = http::Response<B>> + 'static,
        S::Error: std::fmt::Debug,
        B: http_body::Body + Unpin,
    {
        Self {
            name,
            status: StatusCode::from_u16(status).expect("a status"),
            make: Box::new(make),
            send: Box::new(move |mode, requests| match mode {
                Mode::Measured => black_box(measured_requests(&mut service, requests)),
                Mode::Warm => send_requests(&mut service, requests),
            }),
        }
    }

    /// Sends so many requests without measuring them.
    pub fn warm(&mut self, requests: usize) {
        let batch = self.batch(requests);
        (self.send)(Mode::Warm, batch);
    }

    /// Sends so many requests. Callgrind counts what happens between first and last.
    ///
    /// # Panics
    ///
    /// When the last response has another status than the path's.
    pub fn measure(&mut self, requests: usize) {
        let batch = self.batch(requests);
        let status = (self.send)(Mode::Measured, batch);
        assert_eq!(status, self.status, "{}", self.name);
    }

    /// Makes a request and returns a function that sends it: for the count of allocations.
    pub fn one(&mut self) -> impl FnOnce() -> StatusCode + '_ {
        let batch = self.batch(1);
        let send = &mut self.send;
        move || send(Mode::Warm, batch)
    }

    fn batch(&self, requests: usize) -> Vec<Request<Body>> {
        (0..requests).map(&self.make).collect()
    }
}

/// Sends the requests that are counted. Callgrind is told this name, so it must be a function of its own:
/// neither inlined, nor merged with `send_requests`, whose code would be the same without `black_box`. Its
/// caller uses `black_box` too, for a call in the last place would be a jump, which callgrind does not see end.
#[inline(never)]
fn measured_requests<S, B>(service: &mut S, requests: Vec<Request<Body>>) -> StatusCode
where
    S: Service<Request<Body>, Response = http::Response<B>>,
    S::Error: std::fmt::Debug,
    B: http_body::Body + Unpin,
{
    black_box(send_requests(service, requests))
}

/// Sends requests one after the other and returns the status of the last response.
#[inline(never)]
fn send_requests<S, B>(service: &mut S, requests: Vec<Request<Body>>) -> StatusCode
where
    S: Service<Request<Body>, Response = http::Response<B>>,
    S::Error: std::fmt::Debug,
    B: http_body::Body + Unpin,
{
    let mut last = StatusCode::default();
    for request in requests {
        last = run(service, request);
    }
    last
}
