//! Limits of connections: how many, how old, and how long the server waits for a request.

use std::time::Duration;

use super::Limits;

impl Limits {
    /// Sets the most connections in total. Default: 10,000.
    ///
    /// If as many are open, the longest idle one is closed for a new one. If none is idle, the
    /// new one is closed. The server also stays under three quarters of the limit of file
    /// descriptors (`ulimit -n`), which it first raises to the hard limit. Connections of all
    /// servers of the process, and those to upstreams, leave an eighth of it for files.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_transport::server::Limits;
    ///
    /// // A small machine: at most 500 connections, and 50 of one address.
    /// let limits = Limits::default().connections(500).connections_per_address(50);
    /// # let _ = limits;
    /// ```
    pub fn connections(mut self, most: usize) -> Self {
        self.connections = most;
        self
    }

    /// Sets the most connections of one client address (IPv6: one /64). Default: 512.
    ///
    /// A large office behind one address fits, and one attacker cannot use all connections.
    /// Trusted proxies have no such limit: see [`ServerBuilder::trusted_proxies`](crate::server::ServerBuilder::trusted_proxies).
    pub fn connections_per_address(mut self, most: usize) -> Self {
        self.connections_per_address = most;
        self
    }

    /// Sets how many connections the system queues until they are accepted. Default: 1,024.
    ///
    /// The system may allow less (`net.core.somaxconn`). Not applied to sockets of
    /// other processes ([`Listener::inherited`](crate::server::Listener::inherited)).
    pub fn backlog(mut self, most: u16) -> Self {
        self.backlog = most;
        self
    }

    /// Sets the longest life of a connection. Default: no limit.
    ///
    /// Then the client is told to open a new one (`GOAWAY`, `Connection: close`), and open
    /// requests finish. So clients spread over new servers behind a load balancer, and a
    /// certificate is checked again. Connections end up to 10 % earlier, by the port of the
    /// client, so that clients that began together do not come back together. Upgraded
    /// connections are not affected.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_transport::server::Limits;
    ///
    /// use std::time::Duration;
    ///
    /// // A new server behind the load balancer gets its share of long-lived clients within an hour.
    /// let limits = Limits::default().connection_age(Duration::from_secs(3600));
    /// # let _ = limits;
    /// ```
    pub fn connection_age(mut self, most: Duration) -> Self {
        self.connection_age = Some(most);
        self
    }

    /// Sets the longest time for a PROXY header. Default: 5 s; a proxy sends it at once.
    ///
    /// Only for peers of
    /// [`ServerBuilder::proxy_protocol`](crate::server::ServerBuilder::proxy_protocol).
    pub fn proxy_header_timeout(mut self, time: Duration) -> Self {
        self.proxy_header = time;
        self
    }

    /// Sets the longest time for the TLS handshake. Default: 10 s; a slow mobile line needs two
    /// or three.
    pub fn handshake_timeout(mut self, time: Duration) -> Self {
        self.handshake = time;
        self
    }

    /// Sets the longest time from the first byte of a request head to its last. Default: 10 s.
    ///
    /// Then the connection is closed. Also applies to a new connection that sends nothing.
    pub fn header_timeout(mut self, time: Duration) -> Self {
        self.header = time;
        self
    }

    /// Sets the time without any request after which a connection is closed. Default: 60 s.
    ///
    /// Only requests and their bodies count. HTTP/2 control frames do not keep a connection
    /// open.
    pub fn idle_timeout(mut self, time: Duration) -> Self {
        self.idle = time;
        self
    }

    /// Sets the largest size of a request head, in bytes. Default: 32 KiB. Smallest value: 8
    /// KiB.
    ///
    /// Larger heads are refused with 431 (414 if the target alone is too long).
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_transport::server::Limits;
    ///
    /// // Single sign-on puts long tickets into headers.
    /// let limits = Limits::default().header_bytes(64 * 1024);
    /// # let _ = limits;
    /// ```
    pub fn header_bytes(mut self, most: u32) -> Self {
        self.header_bytes = most.max(8 * 1024);
        self
    }
}
