//! The check that is made before the authority is asked: whether it would reach this server.

use std::net::IpAddr;

use super::AcmeBuilder;

impl AcmeBuilder {
    /// Asks the authority without a check of our own before. Default: the check is made before the
    /// first order of a process.
    ///
    /// For networks in which this machine cannot reach its own public address. A wrong setting then
    /// costs failed validations at the authority.
    pub fn without_self_check(mut self) -> Self {
        self.self_check = false;
        self
    }

    /// Sets the port at which the authority reaches this server. Public authorities always use 443
    /// for `tls-alpn-01` and 80 for `http-01`, the defaults; private ones may not.
    ///
    /// Only the self-check connects to it.
    pub fn validation_port(mut self, port: u16) -> Self {
        self.validation_port = Some(port);
        self
    }

    /// Sets the public addresses of a name for the self-check, in place of DNS.
    ///
    /// For networks in which the name resolves to an internal address.
    pub fn resolve(
        mut self,
        name: impl Into<String>,
        addresses: impl IntoIterator<Item = IpAddr>,
    ) -> Self {
        self.addresses
            .insert(name.into(), addresses.into_iter().collect());
        self
    }
}
