//! Starts chromedriver, the program that drives a browser for a test.

use std::{env, ffi::OsStr, io, net::SocketAddr, process::Stdio, time::Duration};

use tokio::{
    io::{AsyncBufReadExt, BufReader},
    net::unix::pipe,
    process::{Child, Command},
    time::timeout,
};

/// How often the driver is started before a test fails.
const MAX_STARTS: usize = 5;
/// The longest time until the driver listens.
const START_TIMEOUT: Duration = Duration::from_secs(30);

/// A driver that listens. The process ends when this value is dropped.
pub(crate) struct Chromedriver {
    pub(crate) address: SocketAddr,
    _child: Child,
}

impl Chromedriver {
    /// Starts the driver; `None`, with a message, where it is not installed. In CI that is a failure.
    pub(crate) async fn start() -> Option<Self> {
        let driver = Self::start_program("chromedriver").await;
        if driver.is_none() {
            assert!(
                env::var_os("CI").is_none_or(|ci| ci != "true"),
                "chromedriver is not installed, and CI must not skip"
            );
            eprintln!(
                "SKIPPED: no chromedriver here; `apt-get install chromium chromium-driver` to run the browser's tests"
            );
        }
        driver
    }

    /// Starts this program as the driver; `None` where there is no such program.
    ///
    /// The driver chooses a free port on IPv6, and ends if the same port is in use on IPv4. So a driver that ended
    /// before it listened is started again.
    pub(crate) async fn start_program(program: impl AsRef<OsStr>) -> Option<Self> {
        let mut output = String::new();
        for _ in 0..MAX_STARTS {
            match timeout(START_TIMEOUT, launch(program.as_ref())).await {
                Ok(Ok(Launch::Listening(driver))) => return Some(driver),
                Ok(Ok(Launch::Ended(lines))) => output += &lines,
                Ok(Err(error)) if error.kind() == io::ErrorKind::NotFound => return None,
                Ok(Err(error)) => panic!("chromedriver cannot be started: {error}"),
                Err(_) => panic!("chromedriver does not listen after {START_TIMEOUT:?}"),
            }
        }
        panic!("chromedriver ended {MAX_STARTS} times before it listened:\n{output}");
    }
}

enum Launch {
    Listening(Chromedriver),
    /// The driver ended before it listened; this is all that it printed.
    Ended(String),
}

/// Starts the driver once, on a port that it chooses and prints.
async fn launch(program: &OsStr) -> io::Result<Launch> {
    let (printed, output) = io::pipe()?;
    let child = Command::new(program)
        .arg("--port=0")
        .stdout(Stdio::from(output.try_clone()?))
        .stderr(Stdio::from(output))
        .kill_on_drop(true)
        .spawn()?;
    let printed = pipe::Receiver::from_owned_fd(printed.into())?;
    let mut lines = BufReader::new(printed).lines();
    let mut all = String::new();
    while let Some(line) = lines.next_line().await? {
        if let Some(port) = announced_port(&line) {
            // Without a reader the driver would wait as soon as the pipe is full.
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return Ok(Launch::Listening(Chromedriver {
                address: SocketAddr::from(([127, 0, 0, 1], port)),
                _child: child,
            }));
        }
        all = all + &line + "\n";
    }
    Ok(Launch::Ended(all))
}

fn announced_port(line: &str) -> Option<u16> {
    let (_, port) = line.rsplit_once("started successfully on port ")?;
    port.trim_end_matches('.').parse().ok()
}
