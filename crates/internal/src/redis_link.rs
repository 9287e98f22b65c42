//! One connection to a Redis or Valkey server, which is opened again when it is lost.
//!
//! Each reply has a deadline. Opening a connection has half a second besides, and trying its permissions as much. A call that gets no reply in time ends
//! the connection, and the next one opens another. While the server refuses connections, it is asked ten times a second at most.
//!
//! Errors are codes: the text of the library may repeat the address, and with it the password.

use std::{
    fmt,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use redis::{
    AsyncConnectionConfig, Client, FromRedisValue, IntoConnectionInfo as _, RedisError,
    RedisResult, Script, ScriptInvocation, aio::MultiplexedConnection,
};
use tokio::time::{Instant, timeout};

/// How long opening a connection may take.
const CONNECTING: Duration = Duration::from_millis(500);
/// The pause after a connection that could not be opened.
const PAUSE: Duration = Duration::from_millis(100);
/// The most calls that wait to be written.
const PIPELINE: usize = 1024;

/// Why a call has no result. Each has a code that may be logged.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum RedisProblem {
    /// The connection cannot be opened or was lost.
    Connection,
    /// There was no reply in time.
    Timeout,
    /// The server refused the call, with this code: `NOAUTH`, `OOM`, `READONLY`.
    Refused(String),
    /// The reply is not what was expected.
    Malformed,
}

impl fmt::Display for RedisProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connection => "no connection",
            Self::Timeout => "no reply in time",
            Self::Refused(code) if code == "NOPERM" => {
                "the server refused the call: NOPERM; give its user the permissions that the book lists"
            }
            Self::Refused(code) => return write!(f, "the server refused the call: {code}"),
            Self::Malformed => "an unexpected reply",
        })
    }
}

impl std::error::Error for RedisProblem {}

/// A connection and its number: a late failure must not end the next one.
#[derive(Clone)]
struct Numbered {
    connection: MultiplexedConnection,
    number: u64,
}

/// What changes while the link is used.
#[derive(Default)]
struct State {
    current: Option<Numbered>,
    /// How many connections were opened.
    opened: u64,
    /// No connection is tried before, and why the last one could not be used.
    not_before: Option<(Instant, RedisProblem)>,
}

/// A connection to one server. Clones of an `Arc` share it.
pub struct RedisLink {
    client: Client,
    deadline: Duration,
    state: Mutex<State>,
    /// One try to connect at a time.
    connecting: tokio::sync::Mutex<()>,
    /// Runs over each new connection.
    probe: Option<Probe>,
}

/// A script that runs every command that later calls need.
struct Probe {
    script: Script,
    /// What all keys begin with.
    key: Box<str>,
}

impl RedisLink {
    /// Reads an address, `redis://` or `rediss://`, and a password that replaces the one in it. Opens nothing.
    /// `None` if it is malformed, or this build has no TLS.
    #[must_use]
    pub fn for_url(url: &str, password: Option<&str>, deadline: Duration) -> Option<Self> {
        let mut server = url.into_connection_info().ok()?;
        if let Some(password) = password {
            let settings = server.redis_settings().clone().set_password(password);
            server = server.set_redis_settings(settings);
        }
        Some(Self {
            client: Client::open(server).ok()?,
            deadline,
            state: Mutex::default(),
            connecting: tokio::sync::Mutex::default(),
            probe: None,
        })
    }

    /// Runs a script with this key and the argument `probe` over each new connection. If it fails, the connection is not
    /// used, and the calls fail for the same reason: a user that may not do everything does nothing by halves.
    #[must_use]
    pub fn with_probe(mut self, script: &Script, key: &str) -> Self {
        self.probe = Some(Probe {
            script: script.clone(),
            key: key.into(),
        });
        self
    }

    /// Opens a connection for subscriptions, with messages to a function. It is not opened again.
    ///
    /// # Errors
    ///
    /// There is no connection within half a second.
    pub async fn subscribe(&self, channel: &str) -> Result<redis::aio::PubSub, RedisProblem> {
        let subscribing = async {
            let mut messages = self.client.get_async_pubsub().await?;
            messages.subscribe(channel).await?;
            Ok::<_, RedisError>(messages)
        };
        match timeout(CONNECTING, subscribing).await {
            Ok(Ok(messages)) => Ok(messages),
            Ok(Err(error)) => Err(problem_of(&error)),
            Err(_) => Err(RedisProblem::Timeout),
        }
    }

    /// Runs a script. If the connection was lost before, it is opened again and the call is sent once more, so
    /// a script must have the same effect when it runs twice.
    ///
    /// # Errors
    ///
    /// [`RedisProblem`].
    pub async fn run<T: FromRedisValue>(
        &self,
        script: &ScriptInvocation<'_>,
    ) -> Result<T, RedisProblem> {
        let had_connection = self.lock().current.is_some();
        match self.run_once(script).await {
            Err(RedisProblem::Connection) if had_connection => self.run_once(script).await,
            outcome => outcome,
        }
    }

    /// Runs a script as [`run`](Self::run) does, and waits until so many replicas have what it wrote, at most for a time
    /// (`WAIT`). Returns the reply of the script, and how many have it.
    ///
    /// Calls over the same link wait meanwhile: give such scripts a link of their own.
    ///
    /// # Errors
    ///
    /// [`RedisProblem`] of the script. If `WAIT` fails, no replica counts.
    pub async fn run_and_wait<T: FromRedisValue>(
        &self,
        script: &ScriptInvocation<'_>,
        replicas: u32,
        within: Duration,
    ) -> Result<(T, u32), RedisProblem> {
        let had_connection = self.lock().current.is_some();
        let (reply, numbered) = match self.invoke(script).await {
            Err(RedisProblem::Connection) if had_connection => self.invoke(script).await?,
            outcome => outcome?,
        };
        // Over the same connection: the server waits for what was written over this one.
        let Numbered {
            mut connection,
            number,
        } = numbered;
        let mut wait = redis::cmd("WAIT");
        wait.arg(replicas)
            .arg(u64::try_from(within.as_millis()).unwrap_or(u64::MAX));
        let waiting = Box::pin(wait.query_async(&mut connection));
        let confirmed = match timeout(within.saturating_add(self.deadline), waiting).await {
            Ok(Ok(confirmed)) => confirmed,
            _ => {
                self.give_up(number);
                0
            }
        };
        Ok((reply, confirmed))
    }

    async fn run_once<T: FromRedisValue>(
        &self,
        script: &ScriptInvocation<'_>,
    ) -> Result<T, RedisProblem> {
        self.invoke(script).await.map(|(reply, _)| reply)
    }

    /// Runs a script, and returns the connection that it ran over.
    async fn invoke<T: FromRedisValue>(
        &self,
        script: &ScriptInvocation<'_>,
    ) -> Result<(T, Numbered), RedisProblem> {
        let numbered = self.connection().await?;
        let Numbered {
            mut connection,
            number,
        } = numbered.clone();
        // The futures of the library are large: boxed, they do not grow those of callers.
        let call = Box::pin(script.invoke_async(&mut connection));
        let outcome: RedisResult<T> = match timeout(self.deadline, call).await {
            Ok(outcome) => outcome,
            Err(_) => {
                self.give_up(number);
                return Err(RedisProblem::Timeout);
            }
        };
        outcome
            .map_err(|error| {
                let problem = problem_of(&error);
                // A server that became a replica: the address may lead to another one now.
                let is_other =
                    matches!(&problem, RedisProblem::Refused(code) if code == "READONLY");
                if problem == RedisProblem::Connection || is_other {
                    self.give_up(number);
                }
                problem
            })
            .map(|reply| (reply, numbered))
    }

    /// Returns the connection, or opens one.
    async fn connection(&self) -> Result<Numbered, RedisProblem> {
        if let Some(current) = self.lock().current.clone() {
            return Ok(current);
        }
        let _one_at_a_time = self.connecting.lock().await;
        if let Some(current) = self.lock().current.clone() {
            return Ok(current);
        }
        let not_before = self.lock().not_before.clone();
        if let Some((moment, problem)) = not_before
            && Instant::now() < moment
        {
            return Err(problem);
        }
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(None)
            .set_response_timeout(None)
            .set_pipeline_buffer_size(PIPELINE);
        let opening = self
            .client
            .get_multiplexed_async_connection_with_config(&config);
        let opened = match timeout(CONNECTING, Box::pin(opening)).await {
            Ok(Ok(connection)) => self.try_probe(connection).await,
            Ok(Err(error)) => Err(problem_of(&error)),
            Err(_) => Err(RedisProblem::Connection),
        };
        let problem = match opened {
            Ok(connection) => return Ok(self.opened(connection)),
            Err(problem) => problem,
        };
        self.lock().not_before = Some((Instant::now() + PAUSE, problem.clone()));
        Err(problem)
    }

    /// Runs the probe over a new connection, and returns the connection.
    ///
    /// # Errors
    ///
    /// The server refuses a command, or does not reply within half a second.
    async fn try_probe(
        &self,
        mut connection: MultiplexedConnection,
    ) -> Result<MultiplexedConnection, RedisProblem> {
        let Some(Probe { script, key }) = &self.probe else {
            return Ok(connection);
        };
        let mut probe = script.key(&**key);
        let running = probe.arg("probe").invoke_async::<()>(&mut connection);
        match timeout(CONNECTING, Box::pin(running)).await {
            Ok(Ok(())) => Ok(connection),
            Ok(Err(error)) => Err(problem_of(&error)),
            Err(_) => Err(RedisProblem::Timeout),
        }
    }

    fn opened(&self, connection: MultiplexedConnection) -> Numbered {
        let mut state = self.lock();
        state.opened += 1;
        let numbered = Numbered {
            connection,
            number: state.opened,
        };
        state.current = Some(numbered.clone());
        numbered
    }

    /// Ends a connection, if it is still the current one.
    fn give_up(&self, number: u64) {
        let mut state = self.lock();
        state.current.take_if(|current| current.number == number);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for RedisLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // No address: it may hold a password.
        f.debug_struct("RedisLink")
            .field("connected", &self.lock().current.is_some())
            .finish_non_exhaustive()
    }
}

fn problem_of(error: &RedisError) -> RedisProblem {
    use redis::ErrorKind;
    match error.kind() {
        ErrorKind::Io => RedisProblem::Connection,
        ErrorKind::Parse | ErrorKind::UnexpectedReturnType => RedisProblem::Malformed,
        ErrorKind::AuthenticationFailed => RedisProblem::Refused("WRONGPASS".to_owned()),
        _ => RedisProblem::Refused(code_of(error)),
    }
}

/// Returns the code of the server. A script that may not run one of its commands ends with `ERR` and a text.
fn code_of(error: &RedisError) -> String {
    let code = error.code().unwrap_or("ERR");
    let text = if code == "ERR" {
        error.to_string().to_ascii_lowercase()
    } else {
        String::new()
    };
    let refused = [
        "can't run this command",
        "can't access at least one of the keys",
        "has no permissions",
        // Redis 7.2 and Valkey, for a key of a script.
        "acl failure in script",
    ];
    match refused.iter().any(|words| text.contains(words)) {
        true => "NOPERM".to_owned(),
        false => code.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_password() {
        let link = RedisLink::for_url("redis://:hunter2@127.0.0.1:1", None, PAUSE).unwrap();
        assert!(!format!("{link:?}").contains("hunter2"));
        assert!(RedisLink::for_url("http://127.0.0.1", None, PAUSE).is_none());
    }
}
