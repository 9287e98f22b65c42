//! A terminal in an empty folder: runs the commands of a page one after another.

use std::{
    env,
    ffi::OsString,
    fs,
    io::{BufRead as _, BufReader},
    os::unix::fs::symlink,
    process::{Child, Command, Stdio},
};

use tempfile::TempDir;

use crate::{
    markdown::{Step, root},
    mask::mask,
    programs,
};

/// A folder, a server that may run in it, and the settings of curl.
pub struct Session {
    folder: TempDir,
    path: OsString,
    server: Option<Child>,
}

impl Drop for Session {
    fn drop(&mut self) {
        if let Some(server) = &mut self.server {
            let _ = server.kill();
            let _ = server.wait();
        }
    }
}

impl Session {
    /// Opens a session in which the command `palisade` is found. `None` if curl is not installed.
    pub fn open() -> Option<Self> {
        if Command::new("curl").arg("--version").output().is_err() {
            eprintln!("SKIPPED: curl is not installed");
            return None;
        }
        let sources = ["crates/cli/src", "crates/api-key/src", "crates/audit/src"];
        let command = programs::of_package("palisade-cli", "palisade", &sources);
        let mut folders = vec![command.parent().unwrap().to_path_buf()];
        folders.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()));
        let folder = tempfile::tempdir().unwrap();
        // A reader's copy of the repository.
        symlink(root(), folder.path().join("palisade")).unwrap();
        Some(Self {
            folder,
            path: env::join_paths(folders).unwrap(),
            server: None,
        })
    }

    /// Runs a command and compares what it prints with the page.
    pub fn check(&mut self, page: &str, step: &Step) {
        let printed = match step.command.strip_prefix("cargo run") {
            Some(package) => self.start(package.trim(), step.output.len()),
            None => self.run(&step.command),
        };
        let (printed, shown) = (mask(&printed), mask(&step.output.join("\n")));
        assert!(
            printed == shown,
            "{page}:{}: `{}` prints\n{printed}\n\nThe page shows\n{shown}",
            step.line,
            step.command
        );
    }

    /// Starts a server and returns the first lines that it prints.
    fn start(&mut self, package: &str, lines: usize) -> String {
        let program = match package {
            "" => programs::tutorial(),
            "-p quickstart" => programs::of_package(
                "quickstart",
                "quickstart",
                &["examples/quickstart/src", "crates/palisade/src"],
            ),
            other => panic!("unknown program: cargo run {other}"),
        };
        let mut server = Command::new(program);
        server.arg("127.0.0.1:0").current_dir(self.folder.path());
        let mut server = server
            .env_remove("RUST_LOG")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(server.stdout.take().unwrap());
        self.server = Some(server);
        let printed: Vec<String> = output.lines().take(lines).map(Result::unwrap).collect();
        let printed = printed.join("\n");
        let port = port_of(&printed);
        self.send_curl_to(&port);
        printed.replace(&format!("localhost:{port}"), "localhost:8443")
    }

    /// Lets curl connect to the port that the server got where a page says 8443.
    fn send_curl_to(&self, port: &str) {
        let settings = format!(
            "silent\nshow-error\nmax-time = 20\nconnect-to = localhost:8443:127.0.0.1:{port}\n"
        );
        fs::write(self.folder.path().join(".curlrc"), settings).unwrap();
    }

    /// Runs a command in a shell and returns what it prints to both outputs.
    fn run(&mut self, command: &str) -> String {
        if command.starts_with("palisade audit verify") {
            self.stop();
        }
        let mut shell = Command::new("bash");
        shell.arg("-c").arg(format!("exec 2>&1\n{command}"));
        shell
            .current_dir(self.folder.path())
            .env("PATH", &self.path);
        shell
            .env("CURL_HOME", self.folder.path())
            .env_remove("RUST_LOG");
        shell.env("CARGO_NET_OFFLINE", "true");
        let output = shell.stdin(Stdio::null()).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    /// Ends the server as Ctrl-C does: its audit trail is complete after that.
    fn stop(&mut self) {
        let Some(mut server) = self.server.take() else {
            return;
        };
        let id = server.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-INT", &id])
                .status()
                .unwrap()
                .success()
        );
        assert!(
            server.wait().unwrap().success(),
            "the server ends by itself"
        );
    }
}

/// Returns the port in a line such as `https://localhost:8443/notes`.
fn port_of(printed: &str) -> String {
    let after = printed.split("localhost:").nth(1);
    let after = after.unwrap_or_else(|| panic!("the server printed no address: {printed:?}"));
    after.chars().take_while(char::is_ascii_digit).collect()
}
