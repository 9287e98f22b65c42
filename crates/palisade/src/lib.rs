//! Security middleware for HTTP services in Rust, as tower layers assembled in the one right order.
