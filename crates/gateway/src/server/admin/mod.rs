//! The admin socket of a running gateway: state of the upstreams, limits, reload, drain.
//!
//! ```toml
//! [admin]
//! socket = "admin.sock"
//! ```
//!
//! It is a Unix socket with mode 0600, so the user of the gateway and root alone can connect. There is
//! no other credential. A client sends one command, a line of words, and closes its sending side;
//! it gets one JSON document:
//!
//! | command | document |
//! |---|---|
//! | `status` | upstreams with their servers, open WebSockets, whether the gateway is stopping, what was served since its start |
//! | `reload` | `changed`: the keys that differ in the file |
//! | `drain` | `draining`: the gateway stops as after SIGTERM |
//! | `limits show SUBJECT` | `limits`: what is left of each |
//! | `limits clear SUBJECT` | `cleared` |
//! | `limits top [COUNT]` | `refused`: the subjects that this process refused most, at most 128 |
//! | `limits override SUBJECT LIMIT AMOUNT [UNTIL]` | `overridden`; `UNTIL` is in seconds since the epoch |
//! | `limits override SUBJECT LIMIT none` | `overridden`: it is removed |
//!
//! `SUBJECT` is `client ADDRESS`, `principal KIND:ID` or `owner ID`. What cannot be done is a document
//! with `error`.
//!
//! Commands that change something are in the audit trail: `reload` as a configuration that was read
//! again, `limits clear` and `limits override` with their subject and outcome. `drain` is in the log.

mod command;
mod limits;
mod socket;
mod status;

use std::{path::Path, sync::Arc, time::Duration};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _},
    net::{UnixListener, UnixStream},
    sync::{Notify, Semaphore},
};

pub(super) use self::status::status_document;
use self::{command::Command, limits::Limits};
use super::reload::Reloader;
use crate::error::GatewayError;

/// The longest command. An identifier of a principal has at most a few hundred bytes.
const LONGEST: u64 = 2 * 1024;
/// What is read of a command that is too long. A client that sent less reads the refusal: closing a socket
/// with unread bytes would reset the connection.
const READ_AT_MOST: u64 = 64 * 1024;
/// How long a connection may take to send its command, and to read the document.
const PATIENCE: Duration = Duration::from_secs(5);
/// Connections at a time. Further ones wait in the backlog.
const AT_A_TIME: usize = 8;

/// An admin socket that is bound.
#[derive(Debug)]
pub(crate) struct AdminSocket {
    /// The bound socket.
    listener: UnixListener,
}

/// Completes when an operator asks the gateway to stop. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Drain(Arc<Notify>);

impl Drain {
    /// Waits until `drain` is asked for.
    pub(crate) async fn until_asked(&self) {
        self.0.notified().await;
    }
}

impl AdminSocket {
    /// Binds the socket of a path.
    ///
    /// # Errors
    ///
    /// Another process listens there, the place is taken by something else, or this user may not write
    /// in the folder.
    pub(crate) fn bind(path: &Path) -> Result<Self, GatewayError> {
        let listener = socket::bind_private(path).map_err(|error| {
            GatewayError::at_path(
                path,
                format_args!("the admin socket cannot be bound: {error}"),
            )
            .with_remedy("name a path in a folder of this user as `socket` of `[admin]`")
        })?;
        Ok(Self { listener })
    }

    /// Responds to commands, for ever. A connection that fails ends alone.
    pub(crate) async fn serve(self, reloader: Arc<Reloader>, drain: Drain) {
        let places = Arc::new(Semaphore::new(AT_A_TIME));
        loop {
            let Ok(place) = Arc::clone(&places).acquire_owned().await else {
                return;
            };
            let stream = match self.listener.accept().await {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!(%error, "the admin socket accepts no connection");
                    tokio::time::sleep(PATIENCE).await;
                    continue;
                }
            };
            let (reloader, drain) = (Arc::clone(&reloader), drain.clone());
            tokio::spawn(async move {
                let _ = respond_to_command(stream, &reloader, &drain).await;
                drop(place);
            });
        }
    }
}

/// Reads one command and writes one document.
///
/// # Errors
///
/// The connection failed. A command that cannot be done is a document, and no error.
async fn respond_to_command(
    mut stream: UnixStream,
    reloader: &Reloader,
    drain: &Drain,
) -> std::io::Result<()> {
    let (read, mut write) = stream.split();
    let bytes = receive_command(read).await?;
    let document = match parse(&bytes) {
        Ok(command) => run(command, reloader, drain).await,
        Err(problem) => failure_document(&problem),
    };
    let document = format!("{document}\n");
    tokio::time::timeout(PATIENCE, write.write_all(document.as_bytes())).await??;
    write.shutdown().await
}

/// Reads to the end of a command, or until it is much too long.
///
/// # Errors
///
/// The client does not end it in time, or the connection fails.
async fn receive_command(read: impl AsyncRead + Unpin) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut read = read.take(READ_AT_MOST);
    tokio::time::timeout(PATIENCE, read.read_to_end(&mut bytes)).await??;
    Ok(bytes)
}

/// Parses a command. One that is too long is not run, whatever its begin says.
///
/// # Errors
///
/// It is too long, not text, or no command.
fn parse(bytes: &[u8]) -> Result<Command, String> {
    if bytes.len() as u64 > LONGEST {
        return Err(format!(
            "the command has more than {LONGEST} bytes; it was not run"
        ));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| "the command is not UTF-8".to_owned())?;
    Command::parse(text)
}

/// Does what a command says.
async fn run(command: Command, reloader: &Reloader, drain: &Drain) -> Value {
    match command {
        Command::Drain => {
            tracing::info!("stopping: the admin socket was told to drain");
            drain.0.notify_one();
            json!({ "draining": true })
        }
        Command::LimitsClear(subject) => {
            let cleared = Limits::new(reloader.current_limits()).clear(&subject).await;
            reloader.record(limits::cleared_event(&subject, &cleared));
            document_of(cleared, json!({ "cleared": true }))
        }
        Command::LimitsOverride(command) => {
            let changed = Limits::new(reloader.current_limits())
                .set_override(&command)
                .await;
            reloader.record(limits::override_event(&command, &changed));
            document_of(changed, json!({ "overridden": true }))
        }
        Command::LimitsTop(most) => {
            json!({ "refused": Limits::new(reloader.current_limits()).most_refused(most) })
        }
        Command::LimitsShow(subject) => match Limits::new(reloader.current_limits())
            .state_of(&subject)
            .await
        {
            Ok(limits) => json!({ "limits": limits }),
            Err(problem) => failure_document(&problem),
        },
        Command::Reload => match reloader.reload().await {
            Ok(changed) => json!({ "changed": changed }),
            Err(error) => failure_document(&error.to_string()),
        },
        Command::Status => status_document(reloader).await,
    }
}

/// The document of what was done, or about why it could not be.
fn document_of(outcome: Result<(), String>, done: Value) -> Value {
    match outcome {
        Ok(()) => done,
        Err(problem) => failure_document(&problem),
    }
}

/// A document about what could not be done.
fn failure_document(problem: &str) -> Value {
    json!({ "error": problem })
}

/// Sends a command to the admin socket of a running gateway, and returns the document.
///
/// For commands and for programs in other languages see the [table](https://docs.rs/palisade-gateway)
/// of the page about the admin socket.
///
/// # Errors
///
/// No gateway listens there, this user may not connect, or no response comes within 30 seconds.
///
/// # Examples
///
/// ```no_run
/// let status = palisade_gateway::ask_admin("/run/palisade/admin.sock", "status")?;
/// println!("{status}");
/// # Ok::<(), palisade_gateway::GatewayError>(())
/// ```
pub fn ask_admin(path: impl AsRef<Path>, command: &str) -> Result<String, GatewayError> {
    let path = path.as_ref();
    socket::send_command(path, command).map_err(|error| {
        GatewayError::at_path(path, format_args!("no gateway answers: {error}"))
            .with_remedy("start it with `[admin]` in its file, and use its user or root")
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_command_that_is_too_long_is_not_run() {
        let longest = format!("{:<1$}", "drain", LONGEST as usize);
        assert_eq!(parse(longest.as_bytes()), Ok(Command::Drain));
        let problem = parse(format!("{longest}x").as_bytes()).unwrap_err();
        assert!(problem.contains("2048"), "{problem}");
        assert!(parse(b"drain\xff").unwrap_err().contains("UTF-8"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_says_nothing_is_closed() {
        let (_silent, server) = UnixStream::pair().unwrap();
        let error = receive_command(server).await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn of_a_command_without_end_64_kib_are_read() {
        let (mut endless, server) = UnixStream::pair().unwrap();
        let sent = tokio::spawn(async move { while endless.write_all(b"drain ").await.is_ok() {} });
        let bytes = receive_command(server).await.unwrap();
        assert_eq!(bytes.len() as u64, READ_AT_MOST);
        assert!(parse(&bytes).is_err());
        sent.await.unwrap(); // The connection is closed.
    }
}
