//! Services that attack the check.

use std::time::{Duration, Instant};

use super::{
    Checked,
    service::{Service, good},
};
use crate::support::Folder;

#[test]
fn a_banner_cannot_control_the_terminal_or_the_page() {
    let service = Service::start(|asked| {
        let mut reply = good(asked);
        reply.add("server", "\u{9b}2J<script>alert(1)</script>\u{202e}/1");
        reply
    });
    let folder = Folder::new();
    let ran = folder.run(&format!(
        "check {} --html out.html --verbose",
        service.url()
    ));
    assert!(
        ran.out.contains("<script>alert(1)</script>"),
        "as text: {}",
        ran.out
    );
    for hostile in ['\u{9b}', '\u{202e}', '\u{1b}'] {
        assert!(!ran.out.contains(hostile), "{hostile:?}");
    }
    assert!(!folder.text("out.html").contains("<script"));
}

#[test]
fn an_endless_body_is_read_to_its_bound() {
    let service = Service::raw(|stream| {
        let mut bytes = [0; 1024];
        let _ = stream.read(&mut bytes);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: audio/wav\r\n\r\n");
        while stream.write_all(&[b'a'; 4096]).is_ok() {}
    });
    let started = Instant::now();
    Checked::of(&service, "").assert_found("keyless-access");
    assert!(started.elapsed() < Duration::from_secs(60));
}

#[test]
fn an_endless_head_is_refused() {
    let service = Service::raw(|stream| {
        let mut bytes = [0; 1024];
        let _ = stream.read(&mut bytes);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n");
        while stream
            .write_all(b"x: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n")
            .is_ok()
        {}
    });
    let checked = Checked::of(&service, "");
    assert!(checked.list("not_checked").contains(&"keyless-access"));
}

#[test]
fn what_is_not_http_is_said() {
    for greeting in [
        "SSH-2.0-OpenSSH_9.6\r\n",
        "",
        "HTTP/1.1 99999 X\r\n\r\n",
        "\0\0\0",
    ] {
        let service = Service::raw(move |stream| {
            let _ = stream.write_all(greeting.as_bytes());
        });
        let checked = Checked::of(&service, "");
        assert!(
            checked.list("not_checked").contains(&"keyless-access"),
            "{greeting}"
        );
        let findings = checked.list("findings");
        assert_eq!(findings, ["no-tls"], "{greeting}");
    }
}

#[test]
fn a_service_that_never_responds_costs_its_time_and_no_more() {
    let service = Service::raw(|stream| {
        let mut bytes = [0; 1024];
        while stream.read(&mut bytes).is_ok_and(|read| read > 0) {}
    });
    let started = Instant::now();
    let checked = Checked::of(&service, "--timeout 1");
    assert!(checked.list("not_checked").len() > 40);
    assert!(
        started.elapsed() < Duration::from_secs(30),
        "{:?}",
        started.elapsed()
    );
}
