//! A Redis server on a loopback port, started by the test and stopped with it.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use redis::Client;
use tempfile::TempDir;

use super::PATIENCE;

pub(super) struct Server {
    child: Child,
    port: u16,
    folder: TempDir,
}

impl Server {
    /// Starts a server, or says why the test is skipped.
    pub(super) async fn start() -> Option<Self> {
        Self::start_with(|_| Vec::new()).await
    }

    /// Starts a server with more arguments; the function may put files into its folder.
    pub(super) async fn start_with(more: impl FnOnce(&Path) -> Vec<String>) -> Option<Self> {
        let found = Command::new("redis-server")
            .arg("--version")
            .stdout(Stdio::null())
            .status();
        if !found.is_ok_and(|status| status.success()) {
            let required = std::env::var("CI").is_ok_and(|ci| ci == "true");
            assert!(
                !required,
                "redis-server is not installed, and CI must not skip"
            );
            eprintln!("skipped: redis-server is not installed (apt-get install redis-server)");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        let child = spawn(port, &folder, &more(folder.path())).await;
        Some(Self {
            child,
            port,
            folder,
        })
    }

    pub(super) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port)
    }

    pub(super) const fn port(&self) -> u16 {
        self.port
    }

    /// The address for a user of the server.
    pub(super) fn url_of(&self, user: &str, password: &str) -> String {
        format!("redis://{user}:{password}@127.0.0.1:{}/0", self.port)
    }

    /// Sends one command.
    pub(super) async fn command<T: redis::FromRedisValue>(&self, words: &[&str]) -> T {
        self.try_command(words).await.unwrap()
    }

    pub(super) async fn try_command<T: redis::FromRedisValue>(
        &self,
        words: &[&str],
    ) -> redis::RedisResult<T> {
        let mut connection = Client::open(self.url())?
            .get_multiplexed_async_connection()
            .await?;
        let (name, arguments) = words.split_first().unwrap();
        redis::cmd(name)
            .arg(arguments)
            .query_async(&mut connection)
            .await
    }

    /// Stops the process where it stands, as a hung host would. It still accepts connections.
    pub(super) fn freeze(&self) {
        self.signal("-STOP");
    }

    pub(super) fn thaw(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let sent = Command::new("kill")
            .arg(signal)
            .arg(self.child.id().to_string())
            .status();
        assert!(sent.unwrap().success());
    }

    pub(super) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts it again on the same port, empty.
    pub(super) async fn restart(&mut self) {
        self.child = spawn(self.port, &self.folder, &[]).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port that was free a moment ago.
pub(super) fn free_port() -> u16 {
    palisade_internal::free_port::choose(std::net::Ipv4Addr::LOCALHOST.into()).unwrap()
}

/// Starts the program, and waits until it is ready.
async fn spawn(port: u16, folder: &TempDir, more: &[String]) -> Child {
    let mut child = Command::new("redis-server")
        .args([
            "--port",
            &port.to_string(),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--appendonly",
            "no",
        ])
        .args(["--dir".as_ref(), folder.path().as_os_str()])
        .args(more)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    logged(&mut child, "Ready to accept connections").await;
    child
}

/// Reads the log of a server on its standard output until a line contains a word.
pub(super) async fn logged(child: &mut Child, word: &'static str) {
    let log = BufReader::new(child.stdout.take().unwrap());
    let reading = tokio::task::spawn_blocking(move || {
        let mut read = Vec::new();
        for line in log.lines() {
            read.push(line.unwrap());
            if read.last().is_some_and(|line| line.contains(word)) {
                return;
            }
        }
        panic!("the server ended before `{word}`: {read:#?}");
    });
    tokio::time::timeout(PATIENCE, reading)
        .await
        .expect("it is logged in time")
        .unwrap();
}
