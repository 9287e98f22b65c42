//! Programs of Python that the tests drive: servers behind the gateway, and clients before it.
//!
//! A test whose program is not on the path skips its part and says so.

use std::{
    env,
    io::{BufRead as _, BufReader, Read},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    thread,
};

use tokio::sync::mpsc;

/// A server of Python that runs until it is dropped.
pub(crate) struct PythonServer {
    pub(crate) address: SocketAddr,
    process: Child,
}

/// Returns the path of a program. `None`: it is not on the path.
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    let folders = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&folders)
        .map(|folder| folder.join(name))
        .find(|program| program.is_file());
    if found.is_none() {
        #[allow(clippy::print_stderr)] // The reason why a test does nothing.
        {
            eprintln!("SKIPPED: {name} is not on the path");
        }
    }
    found
}

/// Returns the Python beside a program, which has the packages of that program.
pub(crate) fn python_of(program: &str) -> Option<PathBuf> {
    let python = find_program(program)?.with_file_name("python3");
    python.is_file().then_some(python)
}

/// A file of this folder's `python`.
pub(crate) fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/it/python")
        .join(name)
}

impl PythonServer {
    /// Starts a Flask application of a file, with Flask's own server.
    pub(crate) async fn flask(file: &str) -> Option<Self> {
        let mut command = Command::new(find_program("flask")?);
        command
            .arg("--app")
            .arg(script(file))
            .args(["run", "--port", "0"]);
        Some(Self::start(command).await)
    }

    /// Starts the application `app` of a file with uvicorn.
    pub(crate) async fn uvicorn(file: &str) -> Option<Self> {
        let mut command = Command::new(find_program("uvicorn")?);
        let file = script(file);
        command.arg("--app-dir").arg(file.parent().unwrap());
        let module = file.file_stem().unwrap().to_str().unwrap();
        command.args([&format!("{module}:app"), "--port", "0"]);
        Some(Self::start(command).await)
    }

    /// Waits for the line with the address: `Running on http://127.0.0.1:5000`.
    async fn start(mut command: Command) -> Self {
        let mut process = command
            .env("PYTHONUNBUFFERED", "1")
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = read_lines(process.stderr.take().unwrap());
        let mut seen = String::new();
        let address = loop {
            let line = lines.recv().await;
            let line = line.unwrap_or_else(|| panic!("the server ended: {seen}"));
            if let Some((_, rest)) = line.split_once("unning on http://") {
                let address = rest.split_whitespace().next().unwrap_or_default();
                break address.parse().unwrap();
            }
            seen.push_str(&line);
        };
        Self { address, process }
    }
}

impl Drop for PythonServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Reads lines in a thread, until the end: what a program writes must not fill its pipe.
pub(crate) fn read_lines(from: impl Read + Send + 'static) -> mpsc::UnboundedReceiver<String> {
    let (sender, receiver) = mpsc::unbounded_channel();
    thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            let _ = sender.send(line);
        }
    });
    receiver
}

/// Runs a program to its end, while the gateway of the test goes on.
pub(crate) async fn run_program(mut command: Command) -> Output {
    let run = tokio::task::spawn_blocking(move || command.output().unwrap());
    run.await.unwrap()
}
