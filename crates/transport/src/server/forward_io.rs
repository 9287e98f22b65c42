//! One implementation of `AsyncWrite` for streams that have several kinds inside.
//!
//! Both are enumerations of sockets: TCP or Unix, and with TLS or without. Each has a macro `either!`
//! that selects the inner socket. Vectored writes stay vectored, so that head and body of a response
//! go out together.

/// Forwards every write of `$stream` to the socket that `$either!` selects.
macro_rules! forward_writes {
    ($stream:ty, $either:ident) => {
        impl tokio::io::AsyncWrite for $stream {
            fn poll_write(
                self: std::pin::Pin<&mut Self>,
                cx: &mut std::task::Context<'_>,
                bytes: &[u8],
            ) -> std::task::Poll<std::io::Result<usize>> {
                $either!(self, inner => inner.poll_write(cx, bytes))
            }

            fn poll_write_vectored(
                self: std::pin::Pin<&mut Self>,
                cx: &mut std::task::Context<'_>,
                slices: &[std::io::IoSlice<'_>],
            ) -> std::task::Poll<std::io::Result<usize>> {
                $either!(self, inner => inner.poll_write_vectored(cx, slices))
            }

            fn is_write_vectored(&self) -> bool {
                true
            }

            fn poll_flush(
                self: std::pin::Pin<&mut Self>,
                cx: &mut std::task::Context<'_>,
            ) -> std::task::Poll<std::io::Result<()>> {
                $either!(self, inner => inner.poll_flush(cx))
            }

            fn poll_shutdown(
                self: std::pin::Pin<&mut Self>,
                cx: &mut std::task::Context<'_>,
            ) -> std::task::Poll<std::io::Result<()>> {
                $either!(self, inner => inner.poll_shutdown(cx))
            }
        }
    };
}

pub(crate) use forward_writes;
