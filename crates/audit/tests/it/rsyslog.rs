//! rsyslog, the server of most Linux systems, reads whole what the sink sends.

use std::{
    fs,
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
};

use http::StatusCode;
use palisade_audit::{
    AuditEvent, AuditLayer, MemorySink, Sink, SyslogAddress, SyslogSink, event_id,
};
use palisade_core::{GuardLayer, Principal, Rejection, SecurityContext, Verdict};
use palisade_internal::polling;
use tempfile::TempDir;
use tower::service_fn;

use crate::support::{Does, get, hello, send};

/// A server with its files in a folder, ended with the test.
struct Server {
    child: Child,
    folder: TempDir,
    port: u16,
}

impl Server {
    /// Starts a server that listens on TCP, UDP and a local socket. `None` where it is not installed.
    fn start() -> Option<Self> {
        let Some(program) = ["/usr/sbin/rsyslogd", "/sbin/rsyslogd"]
            .into_iter()
            .find(|it| Path::new(it).exists())
        else {
            say_that_it_is_skipped();
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        let port = palisade_internal::free_port::choose([127, 0, 0, 1].into()).unwrap();
        let at = folder.path().display();
        let template = "%pri% %timestamp:::date-rfc3339% %hostname% %app-name% %procid% %msgid% %structured-data% %msg%\\n";
        let configuration = format!(
            r#"
global(workDirectory="{at}" maxMessageSize="64k")
module(load="imtcp")
module(load="imudp")
module(load="imuxsock" sysSock.use="off")
input(type="imtcp" address="127.0.0.1" port="{port}" ruleset="tcp")
input(type="imudp" address="127.0.0.1" port="{port}" ruleset="udp")
input(type="imuxsock" socket="{at}/socket" useSpecialParser="off" parseHostname="on" ruleset="unix")
template(name="parts" type="string" string="{template}")
ruleset(name="tcp") {{ action(type="omfile" file="{at}/tcp" template="parts") }}
ruleset(name="udp") {{ action(type="omfile" file="{at}/udp" template="parts") }}
ruleset(name="unix") {{ action(type="omfile" file="{at}/unix" template="parts") }}
"#
        );
        fs::write(folder.path().join("rsyslog.conf"), configuration).unwrap();
        let child = Command::new(program)
            .args(["-n", "-C", "-x", "-f"])
            .arg(folder.path().join("rsyslog.conf"))
            .arg("-i")
            .arg(folder.path().join("pid"))
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let server = Self {
            child,
            folder,
            port,
        };
        let listens =
            || server.path("socket").exists() && TcpStream::connect(("127.0.0.1", port)).is_ok();
        wait_for("rsyslogd listens", listens);
        Some(server)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The messages that arrived on a way, as the server took them apart.
    fn arrived(&self, way: &str, count: usize) -> Vec<String> {
        let read = || fs::read_to_string(self.path(way)).unwrap_or_default();
        wait_for(way, || read().lines().count() >= count);
        read().lines().map(str::to_owned).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[allow(clippy::print_stderr, clippy::disallowed_methods)] // says that it is skipped
fn say_that_it_is_skipped() {
    assert!(
        std::env::var("CI").as_deref() != Ok("true"),
        "rsyslogd is not installed, and CI must not skip"
    );
    eprintln!("SKIPPED: rsyslogd is not installed (apt-get install rsyslog)");
}

/// Waits for rsyslogd, which tells nothing when it listens or when it has written a message.
fn wait_for(what: &str, done: impl FnMut() -> bool) {
    assert!(polling::holds_in_time(done), "{what}");
}

/// Sends requests with hostile texts, a long record and an event. Returns the records.
async fn sent(address: SyslogAddress) -> Vec<String> {
    let memory = MemorySink::new();
    let syslog = SyslogSink::builder(address).host_name("web-1.example");
    let syslog = Arc::new(syslog.app_name("shop").facility(16).build().unwrap());
    let layer = AuditLayer::builder()
        .sink(memory.clone())
        .sink(Arc::clone(&syslog))
        .build()
        .unwrap();
    let names = [
        "anna".to_owned(),
        "\"]\\ [x@1 a=\"b\"] <13>1 - - -".to_owned(),
        "two\nlines\r\n\u{1b}[31m\u{0}\u{202e}".to_owned(),
        "语音合成 ü 🎧".to_owned(),
        "n".repeat(120),
    ];
    for name in names {
        let refuses = Does(move |cx: &SecurityContext, _: &mut http::request::Parts| {
            let principal = Principal::builder("api_key", name.as_str());
            cx.set_principal(principal.build()).unwrap();
            let rejection = Rejection::new(StatusCode::FORBIDDEN, "forbidden", "No.");
            Verdict::<()>::from(rejection.with_reason("é] \"quoted\" \\ %00 ".repeat(50)))
        });
        let stack = GuardLayer((layer.clone(), refuses));
        send(stack, service_fn(hello), get("/hello?q=%22%5D")).await;
    }
    for _ in 0..40 {
        send(layer.clone(), service_fn(hello), get("/hello")).await;
    }
    layer.record(AuditEvent::new(event_id::CONFIGURATION_RELOADED).text("file", "a\tb"));
    syslog.flush().get().await.unwrap();
    assert_eq!(syslog.lost_records(), 0);
    memory.lines()
}

#[tokio::test]
async fn rsyslog_reads_whole_what_is_sent_on_every_way() {
    let Some(server) = Server::start() else {
        return;
    };
    let address = std::net::SocketAddr::from(([127, 0, 0, 1], server.port));
    let ways = [
        ("tcp", SyslogAddress::Tcp(address)),
        ("udp", SyslogAddress::Udp(address)),
        ("unix", SyslogAddress::Unix(server.path("socket"))),
    ];
    for (way, address) in ways {
        let records = sent(address).await;
        let messages = server.arrived(way, records.len());
        assert_eq!(messages.len(), records.len(), "{way}");
        for (place, (message, record)) in messages.iter().zip(&records).enumerate() {
            let parts: Vec<&str> = message.splitn(7, ' ').collect();
            let kind = match record.contains("\"type\":\"event\"") {
                true => "event",
                false => "request",
            };
            let process = std::process::id().to_string();
            assert_eq!(
                &parts[2..6],
                ["web-1.example", "shop", &process, kind],
                "{way}: {message}"
            );
            let rest = format!(
                "[meta sequenceId=\"{}\"][origin software=\"palisade-audit\" swVersion=\"{}\"] {record}",
                place + 1,
                env!("CARGO_PKG_VERSION")
            );
            assert_eq!(parts[6], rest, "{way}");
        }
        let priorities: Vec<&str> = messages.iter().map(|it| &it[..4]).collect();
        assert_eq!((priorities[0], priorities[5]), ("133 ", "134 "), "{way}");
    }
}
