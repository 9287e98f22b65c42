//! The connections to one server, and how many requests are on each.
//!
//! An HTTP/2 connection has at most `streams` requests at a time. The next ones open a further connection, up to
//! [`MOST_CONNECTIONS`]; what fits on none is refused at once. Without that bound requests would wait inside of one
//! connection until others end, and one client with slow streams could hold it for everyone.

use std::sync::Arc;

use palisade::config::ConfigFileError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{client::Client, connect::Connector, section::Section, values};
use crate::problem::Place;

/// Requests on one HTTP/2 connection, if the file does not say it.
///
/// What RFC 9113 section 6.5.2 recommends to servers as the least.
const STREAMS: u32 = 100;
/// The most requests on one connection that may be written. A larger number is a mistake.
const MOST_STREAMS: u64 = 10_000;
/// The most HTTP/2 connections to one server: as many as HTTP/1.1 keeps unused.
const MOST_CONNECTIONS: usize = 64;

/// The connections to one server that ordinary requests are sent on.
#[derive(Debug)]
pub(super) struct Connections(Box<[Connection]>);

/// A client, and how many more requests it takes.
#[derive(Debug)]
struct Connection {
    client: Client,
    /// `None`: HTTP/1.1, which has one connection for each request.
    room: Option<Arc<Semaphore>>,
}

/// A place for one request. It is free again when it is dropped, at the end of the response.
#[derive(Debug)]
pub(super) struct Stream {
    /// What the request is sent with.
    pub(super) client: Client,
    _place: Option<OwnedSemaphorePermit>,
}

impl Connections {
    /// Makes the clients. `streams` is the most requests on one connection. `None`: HTTP/1.1. Nothing is opened.
    pub(super) fn new(connector: &Connector, streams: Option<u32>) -> Self {
        let connection = |_| Connection {
            client: Client::new(connector.clone(), streams.is_some()),
            room: streams.map(|streams| Arc::new(Semaphore::new(streams as usize))),
        };
        let count = streams.map_or(1, |_| MOST_CONNECTIONS);
        Self((0..count).map(connection).collect())
    }

    /// Takes a place on the first connection that has one, so that the others stay closed. `None`: there is none.
    pub(super) fn take_place(&self) -> Option<Stream> {
        let place_on = |connection: &Connection| {
            let room = connection.room.clone();
            let place = room.map(Semaphore::try_acquire_owned).transpose().ok()?;
            Some(Stream {
                client: connection.client.clone(),
                _place: place,
            })
        };
        self.0.iter().find_map(place_on)
    }
}

/// Reads the most requests on one connection of HTTP/2. `None`: HTTP/1.1 is spoken.
///
/// # Errors
///
/// It is out of range, or the upstream does not speak HTTP/2.
pub(super) fn read_streams(
    section: &Section,
    is_http2: bool,
    place: Place<'_>,
) -> Result<Option<u32>, ConfigFileError> {
    match (&section.streams, is_http2) {
        (None, _) => Ok(is_http2.then_some(STREAMS)),
        (Some(written), true) => values::read_number(written, 1, MOST_STREAMS, place).map(Some),
        (Some(written), false) => Err(place.invalid_value(
            written,
            "only connections of HTTP/2 have several requests at a time",
            "write http = \"2\", or remove it",
        )),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::time::Duration;

    use super::*;
    use crate::upstream::address::Address;

    fn connections(streams: Option<u32>) -> Connections {
        let address = Address::parse("http://127.0.0.1:1").unwrap();
        Connections::new(
            &Connector::new(address, None, Duration::from_secs(1)),
            streams,
        )
    }

    #[test]
    fn a_connection_over_http2_has_so_many_requests_and_no_more() {
        let connections = connections(Some(3));
        let most = 3 * MOST_CONNECTIONS;
        let mut taken: Vec<_> = (0..most)
            .map(|_| connections.take_place().unwrap())
            .collect();
        assert!(connections.take_place().is_none());
        taken.pop();
        assert!(
            connections.take_place().is_some(),
            "a place is free at the end of a request"
        );
    }

    #[test]
    fn requests_over_http1_have_connections_of_their_own() {
        let connections = connections(None);
        let taken: Vec<_> = (0..1000).map(|_| connections.take_place()).collect();
        assert!(taken.iter().all(Option::is_some));
    }
}
