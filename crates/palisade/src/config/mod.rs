//! The whole stack from a TOML file.
