//! Large bodies through the real program, up and down: its memory does not grow with them.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    process::{Command, Stdio},
    thread,
};

use crate::support::{Folder, Running};

/// The most by which the peak of memory may grow, in KiB: buffers of two connections with TLS, with a margin.
const GROWTH: u64 = 32 * 1024;

/// Reads a chunked body to its end, and returns a response with as many bytes as the path says.
fn respond(mut stream: TcpStream, head: &str) {
    let path = head.split(' ').nth(1).unwrap_or_default();
    let mut part = vec![0; 64 * 1024];
    if head.starts_with("PUT") {
        let mut tail = Vec::new();
        while !tail.ends_with(b"\r\n0\r\n\r\n") {
            let length = stream.read(&mut part).unwrap();
            assert!(length > 0, "the body ends");
            tail.extend_from_slice(&part[..length]);
            tail.drain(..tail.len().saturating_sub(7));
        }
    }
    let mut left: usize = path.trim_start_matches('/').parse().unwrap();
    let head = format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {left}\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    part.fill(0);
    while left > 0 {
        let length = left.min(part.len());
        stream.write_all(&part[..length]).unwrap();
        left -= length;
    }
}

/// The highest memory that the process had so far, in KiB.
fn peak(running: &Running) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", running.0.id())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().nth(1));
    number.unwrap().parse().unwrap()
}

/// Sends so many bytes up, and gets so many down. Returns how many bytes curl got. `None`: it is not installed.
fn exchange(folder: &Folder, address: &str, up: u64, down: u64) -> Option<u64> {
    let mut command = Command::new("curl");
    command.args(["--silent", "--fail", "--output", "/dev/null", "--cacert"]);
    command.arg(folder.path("tls/ca.pem"));
    command.args(["--write-out", "%{size_download}"]);
    command.arg(format!("{address}{down}"));
    if up > 0 {
        command.args(["--upload-file", "-", "-H", "Expect:"]);
    }
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let Ok(mut curl) = piped.spawn() else {
        eprintln!("SKIPPED: curl is not installed");
        return None;
    };
    let mut stdin = curl.stdin.take().unwrap();
    let part = vec![0; 64 * 1024];
    for _ in 0..up / part.len() as u64 {
        stdin.write_all(&part).unwrap();
    }
    drop(stdin);
    let output = curl.wait_with_output().unwrap();
    assert!(output.status.success(), "{:?}", output.status);
    Some(String::from_utf8(output.stdout).unwrap().parse().unwrap())
}

/// Passes bodies of this length in both directions, and checks the peak of the gateway's memory.
fn check(length: u64) {
    let upstream = upstream();
    let folder = Folder::new();
    let file = format!(
        "[server]\nhosts = ['localhost:*']\nhttps = '127.0.0.1:0'\n[text]\nmax_unread_body_kib = 4194304\n\
         [[routes]]\npath = '/{{*path}}'\naccess = 'public'\n[[upstreams]]\nurl = '{upstream}'\n"
    );
    fs::write(folder.path("gateway.toml"), file).unwrap();
    let (running, mut lines) = Running::start(folder.command("gateway --config gateway.toml"));
    let address =
        lines.find_map(|line| Some(line.trim().strip_prefix("Address")?.trim().to_owned()));
    let address = address.unwrap();
    // What the first requests need is not counted.
    if exchange(&folder, &address, 1 << 20, 1 << 20).is_none() {
        return;
    }
    let before = peak(&running);
    assert_eq!(exchange(&folder, &address, length, 5), Some(5));
    assert_eq!(exchange(&folder, &address, 0, length), Some(length));
    let growth = peak(&running) - before;
    println!("{length} bytes each way: {growth} KiB more than {before} KiB");
    assert!(growth < GROWTH, "{growth} KiB");
}

/// An upstream that serves one request a connection, each in a thread.
fn upstream() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            thread::spawn(move || {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    let mut byte = [0];
                    stream.read_exact(&mut byte).unwrap();
                    head.push(byte[0]);
                }
                respond(stream, &String::from_utf8(head).unwrap());
            });
        }
    });
    format!("http://{address}")
}

#[test]
fn bodies_of_64_mib_pass_in_constant_memory() {
    check(64 << 20);
}

#[test]
#[ignore = "a minute: cargo nextest run -p palisade-cli --run-ignored only gib"]
fn bodies_of_a_gib_pass_in_constant_memory() {
    check(1 << 30);
}
