//! An event as an observer gets it.

use std::time::Duration;

use crate::server::events::{kind::ConnectionEventKind, network::ClientNetwork};

/// Events of one kind from one network, as reported to an observer.
///
/// The first event is reported at once. Those that follow are counted, and reported together
/// once per minute. [`ServerBuilder::on_connection_event`](crate::server::ServerBuilder::on_connection_event)
/// registers an observer.
///
/// At most 1,024 pairs of kind and network are counted separately. If there are more, the
/// others share one event per kind, without a network. So an observer is called at most about
/// 1,040 times per minute. Counts that are left are reported when the server stops.
///
/// ```
/// use palisade_transport::server::{ConnectionEvent, Server};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let server = Server::builder().listen("127.0.0.1:0".parse()?).on_connection_event(
///     |event: &ConnectionEvent| {
///         let network = event.network.map_or("many".to_owned(), |network| network.to_string());
///         println!("{} from {network}: {}", event.kind.as_str(), event.count);
///     },
/// );
/// # drop(server);
/// # Ok(()) }
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct ConnectionEvent {
    /// What happened.
    pub kind: ConnectionEventKind,
    /// The network of the peer. `None` if too many networks are being counted.
    ///
    /// Behind a proxy it is the network of the proxy: the client is not known before a request
    /// is read.
    pub network: Option<ClientNetwork>,
    /// The number of events: 1 in the first report, then those since the last report.
    ///
    /// The counts of all reports add up to the number of events.
    pub count: u64,
    /// The time in which they happened; zero in the first report.
    pub interval: Duration,
}
