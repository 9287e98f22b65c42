//! What is put under load: a name, how it starts, and the processes that it is made of.

use std::{
    env,
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::{Failure, proxies, python};

/// The name of the key that every server of the load has, and of its header.
pub(crate) const KEY_HEADER: &str = "x-api-key";

/// One server to be driven.
pub(crate) struct Subject {
    /// What the rows of the result call it.
    pub(crate) name: &'static str,
    /// What must be installed for it.
    pub(crate) needs: &'static str,
    start: fn(&Path) -> Result<Option<Running>, Failure>,
}

impl Subject {
    /// All of them, the bare ones first.
    pub(crate) fn all() -> [Self; 7] {
        let ours = |name, start| Self {
            name,
            needs: "nothing",
            start,
        };
        [
            ours("axum-server, bare axum", |folder| {
                ours_named("axum-server", folder)
            }),
            ours("palisade, no layer", |folder| ours_named("none", folder)),
            ours("palisade, client address and headers", |folder| {
                ours_named("outer", folder)
            }),
            ours("palisade, whole stack, no trail", |folder| {
                ours_named("stack", folder)
            }),
            ours("palisade, whole stack", |folder| {
                ours_named("trail", folder)
            }),
            Self {
                name: "nginx, limit_req, proxy to bare axum",
                needs: "nginx",
                start: proxies::start,
            },
            Self {
                name: "nginx, gunicorn, Flask recipe",
                needs: "nginx and python3 with venv",
                start: python::start,
            },
        ]
    }

    /// Starts it and waits until it accepts connections; `None` where a program is missing.
    pub(crate) fn start(&self, folder: &Path) -> Result<Option<Running>, Failure> {
        (self.start)(folder)
    }
}

/// A server that runs, and ends when this value is dropped.
pub(crate) struct Running {
    /// Where it is asked.
    pub(crate) url: String,
    /// The key to ask with.
    pub(crate) key: String,
    /// All processes that it is made of, the front first.
    pub(crate) processes: Vec<Child>,
}

impl Drop for Running {
    fn drop(&mut self) {
        for child in &mut self.processes {
            // Asked to end, so that it ends its own children.
            let asked = Command::new("kill").arg(child.id().to_string()).status();
            if !asked.is_ok_and(|status| status.success()) {
                drop(child.kill());
            }
            drop(child.wait());
        }
    }
}

/// This program once more, as one of its servers.
fn ours_named(name: &str, folder: &Path) -> Result<Option<Running>, Failure> {
    let port = free_port()?;
    let child = serve(name, port, folder)?;
    let url = format!("https://127.0.0.1:{port}/tts?text=hello");
    wait_for(port)?;
    let key = std::fs::read_to_string(folder.join(format!("{name}.key"))).unwrap_or_default();
    Ok(Some(Running {
        url,
        key,
        processes: vec![child],
    }))
}

/// Starts a server of this program.
pub(crate) fn serve(name: &str, port: u16, folder: &Path) -> Result<Child, Failure> {
    let mut command = Command::new(env::current_exe()?);
    command.args(["serve", name, &port.to_string()]).arg(folder);
    Ok(command.stdout(Stdio::null()).spawn()?)
}

/// A port that was free a moment ago.
pub(crate) fn free_port() -> Result<u16, Failure> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// Waits until somebody accepts connections there, at most 20 seconds.
pub(crate) fn wait_for(port: u16) -> Result<(), Failure> {
    let deadline = Instant::now() + Duration::from_secs(20);
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        if Instant::now() > deadline {
            return Err(format!("nothing accepts connections on port {port}").into());
        }
        thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// Whether a program is installed.
pub(crate) fn is_installed(program: &str, argument: &str) -> bool {
    let mut command = Command::new(program);
    let quiet = command
        .arg(argument)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}
