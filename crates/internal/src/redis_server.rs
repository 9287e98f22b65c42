//! A Redis server on a loopback port, started by a test and stopped with it.

use std::{
    io::{self, BufRead as _, BufReader},
    net::Ipv4Addr,
    process::{Child, Command, Stdio},
};

use crate::free_port;

/// A running server without a password, which keeps nothing on a disk.
#[derive(Debug)]
pub struct RedisServer {
    child: Child,
    port: u16,
}

impl RedisServer {
    /// Starts a server, and returns when it listens. `None` if the program is not installed, but for tests
    /// with `CI=true`, which must not skip.
    ///
    /// # Errors
    ///
    /// It cannot be started.
    ///
    /// # Panics
    ///
    /// The program is not installed, and `CI` is `true`.
    #[allow(clippy::disallowed_methods, clippy::print_stderr)] // A helper of tests.
    pub fn start() -> io::Result<Option<Self>> {
        let found = Command::new("redis-server").arg("--version").output();
        if !found.is_ok_and(|output| output.status.success()) {
            let required = std::env::var("CI").is_ok_and(|ci| ci == "true");
            assert!(
                !required,
                "redis-server is not installed, and CI must not skip"
            );
            eprintln!("skipped: redis-server is not installed (apt-get install redis-server)");
            return Ok(None);
        }
        let port = free_port::choose(Ipv4Addr::LOCALHOST.into())?;
        let child = spawn(port)?;
        Ok(Some(Self { child, port }))
    }

    /// Returns the address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port)
    }

    /// Ends the process, as a crash does.
    ///
    /// # Errors
    ///
    /// It has ended already.
    pub fn kill(&mut self) -> io::Result<()> {
        self.child.kill()?;
        self.child.wait().map(drop)
    }

    /// Starts it again on the same port, empty.
    ///
    /// # Errors
    ///
    /// It cannot be started.
    pub fn restart(&mut self) -> io::Result<()> {
        self.child = spawn(self.port)?;
        Ok(())
    }

    /// Stops the process where it stands, as a hung host would, or lets it go on. It still accepts connections.
    ///
    /// # Errors
    ///
    /// The signal cannot be sent.
    pub fn freeze(&self, freeze: bool) -> io::Result<()> {
        let signal = if freeze { "-STOP" } else { "-CONT" };
        let id = self.child.id().to_string();
        Command::new("kill").args([signal, &id]).status().map(drop)
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts the program, and waits until it listens.
fn spawn(port: u16) -> io::Result<Child> {
    let port = port.to_string();
    let keeps_nothing = ["--save", "", "--appendonly", "no"];
    // A replica stores what it gets from the other server.
    let dump = format!("palisade-redis-{port}.rdb");
    let mut child = Command::new("redis-server")
        .args(["--port", &port, "--bind", "127.0.0.1"])
        .args(keeps_nothing)
        .args(["--dbfilename", &dump, "--dir"])
        .arg(std::env::temp_dir())
        .stdout(Stdio::piped())
        .spawn()?;
    let log = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
    for line in BufReader::new(log).lines() {
        if line?.contains("Ready to accept connections") {
            return Ok(child);
        }
    }
    let _ = child.kill();
    let _ = child.wait();
    Err(io::Error::other("redis-server ended before it listened"))
}
