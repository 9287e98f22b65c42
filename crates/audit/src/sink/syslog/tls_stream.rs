//! A stream over TLS (RFC 5425), on the thread of the sink.

use std::{
    fmt,
    io::{self, Write as _},
    net::{TcpStream, ToSocketAddrs as _},
    sync::Arc,
};

use rustls::{ClientConfig, ClientConnection, StreamOwned, pki_types::ServerName};

use super::tcp::open_stream;
use crate::{error::AuditBuildError, sink::tls::TlsSettings};

/// A server, and how the connection to it is protected.
pub(super) struct TlsServer {
    /// Resolved at each connection, so that a new address is found.
    host: Box<str>,
    /// The port, from the address.
    port: u16,
    /// The name that the certificate must have.
    name: ServerName<'static>,
    /// The authorities, and the certificate of this client.
    config: Arc<ClientConfig>,
}

/// An open connection.
pub(super) struct TlsStream(StreamOwned<ClientConnection, TcpStream>);

impl TlsServer {
    /// Prepares connections. Nothing is opened.
    ///
    /// # Errors
    ///
    /// The host is no name, or certificates cannot be read.
    pub(super) fn new(
        host: &str,
        port: u16,
        settings: &TlsSettings,
    ) -> Result<Self, AuditBuildError> {
        let name = ServerName::try_from(host.to_owned());
        let name = name.map_err(|_| AuditBuildError::InvalidSetting {
            setting: "SyslogSink::builder",
            problem: "use the name or the address of a server",
        })?;
        Ok(Self {
            host: host.into(),
            port,
            name,
            config: settings.config(&[])?,
        })
    }

    /// Opens a connection and completes the handshake.
    ///
    /// # Errors
    ///
    /// No address accepts the connection, or the server is not the one that its certificate must name.
    pub(super) fn connect(&self) -> io::Result<TlsStream> {
        let mut problem = io::Error::from(io::ErrorKind::NotFound);
        for address in (&*self.host, self.port).to_socket_addrs()? {
            match open_stream(&address) {
                Ok(stream) => return self.begin(stream),
                Err(error) => problem = error,
            }
        }
        Err(problem)
    }

    /// Completes the handshake before the first message, so that no record is given to a wrong
    /// server.
    ///
    /// # Errors
    ///
    /// The certificate is not that of the server, or the server does not use TLS.
    fn begin(&self, mut stream: TcpStream) -> io::Result<TlsStream> {
        let config = Arc::clone(&self.config);
        let connection = ClientConnection::new(config, self.name.clone());
        let mut connection = connection.map_err(io::Error::other)?;
        while connection.is_handshaking() {
            connection.complete_io(&mut stream)?;
        }
        Ok(TlsStream(StreamOwned::new(connection, stream)))
    }
}

impl TlsStream {
    /// Sends bytes.
    ///
    /// # Errors
    ///
    /// The server has closed the connection, or does not read for too long.
    pub(super) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes)?;
        self.0.flush()
    }

    /// Tells the server that nothing follows.
    pub(super) fn close(&mut self) {
        self.0.conn.send_close_notify();
        // A server that is gone needs not be told.
        let _ = self.0.flush();
    }
}

impl fmt::Debug for TlsServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TlsServer({}:{})", self.host, self.port)
    }
}

impl fmt::Debug for TlsStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TlsStream")
    }
}
