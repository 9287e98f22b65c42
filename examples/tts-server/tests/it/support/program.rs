//! The program itself, as it is started from a shell.

use std::{fs, path::Path, process::Stdio, time::Duration};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
};

use super::Client;

/// Far longer than the program needs for anything.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The program with this configuration, and with its data in the folder.
pub(crate) fn program(folder: &Path, config: &str) -> Command {
    let path = folder.join("server.toml");
    fs::write(&path, config).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_tts-server"));
    command
        .arg("--data")
        .arg(folder.join("data"))
        .arg("--config")
        .arg(path)
        .env_remove("RUST_LOG");
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// The program, once it is ready.
pub(crate) struct Started {
    pub(crate) child: Child,
    pub(crate) lines: Lines<BufReader<ChildStdout>>,
    pub(crate) greeting: String,
}

impl Started {
    /// Starts the program, and reads what it says until it is ready.
    pub(crate) async fn ready(mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut greeting = String::new();
        let read = async {
            while let Some(line) = lines.next_line().await.unwrap() {
                greeting = greeting.clone() + &line + "\n";
                // The last line of a greeting, of the first start or of a later one.
                if line.contains("curl ") || line.ends_with("--new-key") && !line.starts_with("   ")
                {
                    return;
                }
            }
            panic!("it ended: {greeting}");
        };
        tokio::time::timeout(PATIENCE, read)
            .await
            .expect("it is ready in time");
        Self {
            child,
            lines,
            greeting,
        }
    }

    pub(crate) fn port(&self) -> u16 {
        let rest = self.greeting.split_once("https://localhost:").unwrap().1;
        rest.split('/').next().unwrap().parse().unwrap()
    }

    /// Reads the first key from the file that the greeting names: no terminal is there.
    pub(crate) fn key(&self) -> Option<String> {
        let line = self
            .greeting
            .lines()
            .find(|line| line.contains("API key"))?;
        let (_, path) = line.split_once(" in ").unwrap();
        Some(fs::read_to_string(path).unwrap().trim().to_owned())
    }

    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().unwrap().to_string();
        let sent = std::process::Command::new("kill")
            .args([name, &id])
            .status();
        assert!(sent.unwrap().success());
    }

    /// Ends it in order, as a service manager does.
    pub(crate) async fn stop(&mut self) {
        self.signal("-TERM");
        let ended = tokio::time::timeout(PATIENCE, self.child.wait());
        let status = ended.await.expect("it ends in time").unwrap();
        assert!(status.success(), "{status}");
    }

    /// Reads the log until a line holds a word, and returns that line.
    pub(crate) async fn logged(&mut self, word: &str) -> String {
        let log = self.child.stderr.as_mut().unwrap();
        let mut line = Vec::new();
        let read = async {
            loop {
                let byte = log.read_u8().await.expect("the log goes on");
                if byte != b'\n' {
                    line.push(byte);
                    continue;
                }
                let text = String::from_utf8(std::mem::take(&mut line)).unwrap();
                if text.contains(word) {
                    return text;
                }
            }
        };
        tokio::time::timeout(PATIENCE, read)
            .await
            .expect("it is logged")
    }

    pub(crate) fn client(&self, folder: &Path) -> Client {
        Client::trusting(
            ([127, 0, 0, 1], self.port()).into(),
            &folder.join("data/tls/ca.pem"),
        )
    }
}
