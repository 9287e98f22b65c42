//! Values that several sections have: numbers with a range and a unit, and secrets in a file of
//! their own or in a variable of the environment.

pub(in crate::config) mod numbers;
#[cfg(any(
    feature = "jwt",
    feature = "otlp",
    feature = "redis",
    feature = "syslog-tls",
    feature = "webhook"
))]
mod secret;
pub(in crate::config) mod secret_table;
