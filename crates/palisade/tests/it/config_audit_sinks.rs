//! The sinks of `[audit]` beside its file.

use std::{fs, net::UdpSocket, time::Duration};

use palisade::{audit::AuditEvent, config::Config};

const HOSTS: &str = "[server]\nhosts = [\"service.test\"]\n";
const OPEN: &str = "[[routes]]\npath = \"/health\"\naccess = \"public\"\n";
const AUDIT: &str = "[audit]\nfile = \"first.jsonl\"\n";

/// Assembles a configuration with these lines after `[audit]`, and returns the error.
fn refusal(lines: &str) -> String {
    let folder = crate::config::folder(&format!("{HOSTS}{AUDIT}{lines}\n{OPEN}"));
    let config = Config::read(folder.path().join("palisade.toml"));
    let assembled = config.and_then(|config| config.assemble());
    assembled.map(|_| ()).expect_err(lines).to_string()
}

#[tokio::test]
async fn every_sink_of_the_file_gets_each_record() {
    let server = UdpSocket::bind("127.0.0.1:0").unwrap();
    server
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    let udp = server.local_addr().unwrap();
    let text = format!(
        r#"{HOSTS}
[audit]
file = "first.jsonl"
policy = "block"
deadline_seconds = 30
tracing = true

[[audit.files]]
file = "second.jsonl"
policy = "fail-closed"
deadline_seconds = 5
queue = 100
rotate_mib = 1
keep_days = 180
keep_mib = 100
compress_parts = true

[[audit.syslog]]
address = "udp://{udp}"
app_name = "shop"
host_name = "web-1"
facility = 16

[[audit.syslog]]
address = "unix:///nowhere/log"

[[audit.syslog]]
address = "tls://127.0.0.1:6514"
trust_anchors = "ca.pem"

[[audit.otlp]]
url = "https://127.0.0.1:4318/v1/logs"
service_name = "shop"
bearer = {{ file = "token" }}
trust_anchors = "ca.pem"
client_certificate = "client.pem"
client_key = "client.key"

[[audit.webhooks]]
url = "https://127.0.0.1:4319/in"
spool = "spool"
spool_mib = 2
batch_kib = 16
set_aside_hours = 72
signing_key = {{ file = "whsec" }}
policy = "fail-closed"
trust_anchors = "ca.pem"
{OPEN}"#
    );
    let folder = crate::config::folder(&text);
    let key = rcgen::KeyPair::generate().unwrap();
    let params = rcgen::CertificateParams::new(vec!["client.example".to_owned()]).unwrap();
    let certificate = params.self_signed(&key).unwrap().pem();
    for (name, content) in [
        ("ca.pem", certificate.as_str()),
        ("client.pem", &certificate),
        ("client.key", &key.serialize_pem()),
        ("token", "of-the-collector\n"),
        (
            "whsec",
            "whsec_NFpjMG1RMXZYcjdMc1Q5YlloTjJkSzZ3R2pQZlVlQTg=\n",
        ),
    ] {
        fs::write(folder.path().join(name), content).unwrap();
    }
    let config = Config::read(folder.path().join("palisade.toml")).unwrap();
    let audit = config.assemble().unwrap().audit.unwrap();
    assert!(audit.is_fail_closed(), "the second file is");
    audit.record(AuditEvent::new("app.exported"));
    // The collector and two servers are away: their sinks tell it, and the others have the record.
    let _ = audit.handle().close_within(Duration::ZERO).await;
    for file in ["first.jsonl", "second.jsonl"] {
        let text = fs::read_to_string(folder.path().join(file)).unwrap();
        assert!(text.contains("app.exported"), "{file}: {text}");
    }
    let spool = fs::read_dir(folder.path().join("spool")).unwrap();
    // The folder of refused batches is among the entries.
    let spool = spool.filter_map(|entry| fs::read_to_string(entry.unwrap().path()).ok());
    let spool: String = spool.collect();
    assert!(spool.contains("app.exported"), "{spool}");
    let mut message = [0; 2048];
    let length = server.recv(&mut message).unwrap();
    let message = String::from_utf8_lossy(&message[..length]).into_owned();
    assert!(
        message.starts_with("<134>1 ") && message.contains(" web-1 shop "),
        "{message}"
    );
    assert!(message.contains("app.exported"));
}

#[test]
fn records_leave_the_machine_in_clear_text_only_by_a_key_that_says_so() {
    for (section, key) in [
        (
            "[[audit.syslog]]\naddress = \"udp://192.0.2.1:514\"\n",
            "dangerously_allow_clear_text",
        ),
        (
            "[[audit.syslog]]\naddress = \"tcp://192.0.2.1:601\"\n",
            "dangerously_allow_clear_text",
        ),
        (
            "[[audit.otlp]]\nurl = \"http://192.0.2.1:4318/v1/logs\"\n",
            "dangerously_allow_http",
        ),
        (
            "[[audit.webhooks]]\nurl = \"http://192.0.2.1/\"\nspool = \"s\"\ndangerously_send_unsigned = true\n",
            "dangerously_allow_http",
        ),
    ] {
        let error = refusal(section);
        assert!(error.contains(":6: audit."), "{error}");
        assert!(
            error.contains("clear text") && error.contains(key),
            "{error}"
        );
        let allowed = format!("{HOSTS}{AUDIT}{section}{key} = true\n{OPEN}");
        let folder = crate::config::folder(&allowed);
        let config = Config::read(folder.path().join("palisade.toml")).unwrap();
        config.assemble().unwrap();
    }
}

#[test]
fn a_sink_that_cannot_work_is_an_error_with_its_line() {
    for (section, problem) in [
        (
            "[[audit.syslog]]\naddress = \"logs.example\"\n",
            "no address",
        ),
        (
            "[[audit.syslog]]\naddress = \"udp://logs.example:514\"\n",
            "no IP address",
        ),
        ("[[audit.syslog]]\naddress = \"unix://log\"\n", "no address"),
        (
            "[[audit.syslog]]\naddress = \"tls://logs.example\"\n",
            "no name with a port",
        ),
        (
            "[[audit.syslog]]\naddress = \"udp://127.0.0.1:514\"\npolicy = \"block\"\n",
            "UDP confirms nothing",
        ),
        (
            "[[audit.syslog]]\naddress = \"udp://127.0.0.1:514\"\nfacility = 24\n",
            "out of range",
        ),
        (
            "[[audit.syslog]]\naddress = \"tls://127.0.0.1:1\"\nclient_key = \"client.key\"\n",
            "needs its key",
        ),
        (
            "[[audit.otlp]]\nurl = \"ftp://127.0.0.1/\"\n",
            "use https://",
        ),
        (
            "[[audit.otlp]]\nurl = \"https://a/v1\"\ntrust_anchors = \"none\"\n",
            "No such file",
        ),
        (
            "[[audit.otlp]]\nurl = \"http://127.0.0.1/\"\ndeadline_seconds = 61\n",
            "out of range",
        ),
        (
            "[[audit.webhooks]]\nurl = \"https://a/\"\nspool = \"s\"\n",
            "signing_key",
        ),
        (
            "[[audit.files]]\nfile = \"first.jsonl\"\n",
            "another process writes",
        ),
        (
            "[[audit.files]]\nfile = \"b\"\nseal_key = \"none\"\n",
            "No such file",
        ),
    ] {
        let error = refusal(section);
        assert!(error.contains(problem), "{section}: {error}");
        assert!(error.contains(": audit."), "{error}");
    }
}

#[cfg(unix)]
#[test]
fn a_secret_that_others_may_write_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;

    let otlp = "[[audit.otlp]]\nurl = \"https://127.0.0.1:4318/v1/logs\"\n";
    let section = format!("{otlp}bearer = {{ file = \"token\" }}\n");
    for (mode, accepted) in [(0o600, true), (0o644, true), (0o620, false), (0o602, false)] {
        let folder = crate::config::folder(&format!("{HOSTS}{AUDIT}{section}{OPEN}"));
        let token = folder.path().join("token");
        fs::write(&token, "of-the-collector").unwrap();
        fs::set_permissions(&token, fs::Permissions::from_mode(mode)).unwrap();
        let config = Config::read(folder.path().join("palisade.toml")).unwrap();
        match config.assemble().map(|_| ()) {
            Ok(()) => assert!(accepted, "{mode:o}"),
            Err(error) => {
                assert!(!accepted, "{mode:o}: {error}");
                assert!(error.to_string().contains("chmod go-w"), "{error}");
            }
        }
    }
}

/// Assembles a webhook with these lines, and files with this content.
fn webhook(lines: &str, files: &[(&str, &[u8])]) -> Result<(), String> {
    let section = format!("[[audit.webhooks]]\nspool = \"spool\"\n{lines}\n");
    let folder = crate::config::folder(&format!("{HOSTS}{AUDIT}{section}{OPEN}"));
    for (name, content) in files {
        fs::write(folder.path().join(name), content).unwrap();
    }
    let config = Config::read(folder.path().join("palisade.toml"));
    let assembled = config.and_then(|config| config.assemble());
    assembled.map(|_| ()).map_err(|error| error.to_string())
}

#[test]
fn the_address_of_a_webhook_can_be_a_secret() {
    let lines = "url_from = { file = \"address\" }\ndangerously_send_unsigned = true";
    let address = "https://127.0.0.1:4319/s3cret-path?key=s3cret\n";
    webhook(lines, &[("address", address.as_bytes())]).unwrap();
    for address in ["http://192.0.2.1/s3cret", "s3cret path", "ftp://a/s3cret"] {
        let error = webhook(lines, &[("address", address.as_bytes())]).unwrap_err();
        assert!(error.contains("audit.webhooks.url_from"), "{error}");
        assert!(!error.contains("s3cret"), "{error}");
    }
    let error = webhook(lines, &[]).unwrap_err();
    assert!(error.contains("No such file"), "{error}");
    for lines in [
        "dangerously_send_unsigned = true".to_owned(),
        format!("{lines}\nurl = \"https://127.0.0.1/\""),
    ] {
        let files: &[(&str, &[u8])] = &[("address", b"https://127.0.0.1/")];
        let error = webhook(&lines, files).unwrap_err();
        assert!(error.contains("write url or url_from"), "{error}");
    }
    let error = webhook("url_from = \"https://a/s3cret\"", &[]).unwrap_err();
    assert!(!error.contains("s3cret"), "{error}");
}

/// Assembles a collector with these lines, and a file `address` with this content.
fn collector(lines: &str, address: &str) -> Result<(), String> {
    let section = format!("[[audit.otlp]]\n{lines}\n");
    let folder = crate::config::folder(&format!("{HOSTS}{AUDIT}{section}{OPEN}"));
    fs::write(folder.path().join("address"), address).unwrap();
    let config = Config::read(folder.path().join("palisade.toml"));
    let assembled = config.and_then(|config| config.assemble());
    assembled.map(|_| ()).map_err(|error| error.to_string())
}

#[test]
fn the_address_of_a_collector_can_be_a_secret() {
    let lines = "url_from = { file = \"address\" }";
    collector(lines, "https://127.0.0.1:4318/s3cret/v1/logs\n").unwrap();
    for address in ["http://192.0.2.1/s3cret", "s3cret path", "ftp://a/s3cret"] {
        let error = collector(lines, address).unwrap_err();
        assert!(error.contains("audit.otlp.url_from"), "{error}");
        assert!(!error.contains("s3cret"), "{error}");
    }
    for lines in [
        "",
        "url = \"https://a/v1\"\nurl_from = { file = \"address\" }",
    ] {
        let error = collector(lines, "https://127.0.0.1/").unwrap_err();
        assert!(error.contains("write url or url_from"), "{error}");
    }
}

#[test]
fn a_signing_key_of_random_bytes_is_not_trimmed() {
    let lines = "url = \"https://127.0.0.1:4319/\"\nsigning_key = { file = \"key\" }";
    // 32 bytes, of which the outer ones look like white space: trimmed it would be too short.
    let key = b" 123456789abcdef0123456789abcde\t";
    webhook(lines, &[("key", key)]).unwrap();
    let text = b"\n whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY= \n";
    webhook(lines, &[("key", text)]).unwrap();
    let error = webhook(lines, &[("key", &key[1..])]).unwrap_err();
    assert!(error.contains("32 random bytes"), "{error}");
}
