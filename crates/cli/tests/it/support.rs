//! Runs the program in a folder that is removed at the end of the test.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _},
    net::{TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
    thread,
};

use serde_json::Value;
use tempfile::TempDir;

/// A process that ends with the test.
pub(crate) struct Running(pub(crate) Child);

impl Running {
    /// Starts a command. Returns it with the lines of its standard output; those on standard error are dropped.
    pub(crate) fn start(mut command: Command) -> (Self, impl Iterator<Item = String>) {
        let piped = command.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = piped.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        (Self(child), lines.map_while(Result::ok))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A service on a loopback address that reads a request, whatever it is, and responds by the function. What the
/// function returns stays open. Returns `http://ADDRESS`.
pub(crate) fn service<T>(respond: impl Fn(TcpStream) -> T + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let mut open = Vec::new();
        for mut stream in listener.incoming().flatten() {
            let mut bytes = [0; 4096];
            let _ = stream.read(&mut bytes);
            open.push(respond(stream));
        }
    });
    format!("http://{address}")
}

pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    pub(crate) fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_palisade"));
        command
            .args(line.split_whitespace())
            .current_dir(self.0.path())
            .stdin(Stdio::null());
        command
    }

    /// Runs a command line; words are split at spaces.
    pub(crate) fn run(&self, line: &str) -> Ran {
        Ran::of(&self.command(line).output().unwrap())
    }

    /// Runs a command line with this standard input.
    pub(crate) fn run_with_input(&self, line: &str, input: &[u8]) -> Ran {
        fs::write(self.path("input"), input).unwrap();
        let mut command = self.command(line);
        command.stdin(fs::File::open(self.path("input")).unwrap());
        Ran::of(&command.output().unwrap())
    }

    /// Runs a command line after a change of the command.
    #[cfg(target_os = "linux")]
    pub(crate) fn run_with(&self, line: &str, change: impl FnOnce(Command) -> Command) -> Ran {
        let mut command = change(self.command(line));
        Ran::of(&command.stdin(Stdio::null()).output().unwrap())
    }

    /// Runs a command line that must succeed, and returns its result.
    pub(crate) fn good(&self, line: &str) -> String {
        let ran = self.run(line);
        assert_eq!(ran.code, Some(0), "{line}: {}", ran.err);
        ran.out.trim_end().to_owned()
    }

    /// Runs a command line that must fail with one clear line.
    pub(crate) fn bad(&self, line: &str) -> String {
        let ran = self.run(line);
        assert_eq!(ran.code, Some(2), "{line}: {}", ran.out);
        assert_eq!(ran.out, "", "{line}");
        ran.err
    }

    pub(crate) fn json(&self, line: &str) -> Value {
        serde_json::from_str(&self.good(line)).unwrap()
    }

    #[cfg(unix)]
    pub(crate) fn mode(&self, name: &str) -> u32 {
        use std::os::unix::fs::PermissionsExt;
        fs::metadata(self.path(name)).unwrap().permissions().mode() & 0o777
    }
}

#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) err: String,
    pub(crate) out: String,
}

impl Ran {
    fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        Self {
            code: output.status.code(),
            err: text(&output.stderr),
            out: text(&output.stdout),
        }
    }
}

/// Returns a port of the loopback that nothing listens on.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}
