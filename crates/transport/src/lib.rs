//! Client address, host allow-list, HTTPS redirect, security headers and a hardened TLS server.
