//! The program itself, as it is started from a shell.

use std::{
    fs,
    net::{SocketAddr, TcpListener},
    path::Path,
};

use http::StatusCode;
use tempfile::TempDir;
use tokio::{io::AsyncReadExt, process::Command};

use crate::support::{CONFIG, PATIENCE, Started, TestRequest, Trail, program};

/// Runs the program until it ends by itself, and returns the one line of its error.
async fn start_error(mut command: Command) -> String {
    let output = tokio::time::timeout(PATIENCE, command.output())
        .await
        .unwrap()
        .unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success(), "it succeeded: {message}");
    let mut lines = message.lines();
    let first = lines.next().unwrap_or_default();
    assert!(
        first.starts_with("tts-server: ") && lines.next().is_none(),
        "{message}"
    );
    assert!(
        !String::from_utf8(output.stdout).unwrap().contains("psk_"),
        "a key was shown by a start that failed"
    );
    message
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_start_shows_a_key_once_and_what_it_shows_works() {
    let folder = tempfile::tempdir().unwrap();
    let mut first = Started::ready(program(folder.path(), CONFIG)).await;
    let key = first.key().expect("a first start shows a key");
    assert!(
        first.greeting.contains("curl --cacert '") && first.greeting.contains("SHA-256 "),
        "{}",
        first.greeting
    );
    let client = first.client(folder.path());
    let response = client
        .send(TestRequest::speak("你好").header("x-api-key", &key))
        .await;
    assert_eq!(response.status, StatusCode::OK, "{:?}", response.body);
    crate::speech::samples(&response);

    assert!(!first.greeting.contains("psk_"), "{}", first.greeting);

    // An orderly end, by the signal of a service manager.
    first.stop().await;
    assert_eq!(Trail::read(&folder.path().join("data")).requests.len(), 1);
    let mut log = String::new();
    first
        .child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut log)
        .await
        .unwrap();
    assert!(!log.contains(&key) && !log.contains('你'), "{log}");

    let later = Started::ready(program(folder.path(), CONFIG)).await;
    assert_eq!(later.key(), None, "{}", later.greeting);
    let response = later
        .client(folder.path())
        .send(TestRequest::get("/voices").header("x-api-key", &key))
        .await;
    assert_eq!(response.status, StatusCode::OK);
    drop(later.lines);
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn what_a_first_start_makes_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let _server = Started::ready(program(folder.path(), CONFIG)).await;
    let mode = |name: &str| {
        fs::metadata(folder.path().join("data").join(name))
            .unwrap()
            .permissions()
            .mode()
            & 0o777
    };
    assert_eq!(
        (mode(""), mode("tls"), mode("audit")),
        (0o700, 0o700, 0o700)
    );
    for name in [
        "first-key",
        "pepper",
        "keys.toml",
        "audit.key",
        "tls/ca.key",
        "tls/server.key",
        "audit/audit.jsonl",
    ] {
        assert_eq!(mode(name), 0o600, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn probes_get_responses_in_clear_and_503_when_the_server_drains() {
    let folder = tempfile::tempdir().unwrap();
    let more = "health = \"/ready\"\ndrain_seconds = 60\n[tts]";
    let config = CONFIG.replace("[tts]", more);
    let server = Started::ready(program(folder.path(), &config)).await;
    let (_, redirect) = server.greeting.split_once("http://").unwrap();
    let address: SocketAddr = redirect.split('/').next().unwrap().parse().unwrap();
    let probe = async || {
        let mut socket = tokio::net::TcpStream::connect(address).await.unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut socket, b"GET /ready HTTP/1.0\r\n\r\n")
            .await
            .unwrap();
        let mut response = String::new();
        socket.read_to_string(&mut response).await.unwrap();
        response
    };
    let ready = probe().await;
    assert!(
        ready.contains(" 200 OK") && ready.ends_with("ok\n"),
        "{ready}"
    );
    server.signal("-TERM");
    let drained = async { while !probe().await.contains(" 503 ") {} };
    tokio::time::timeout(PATIENCE, drained)
        .await
        .expect("probes get 503");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_contradicts_itself_is_warned_of_and_the_certificate_names_its_hosts() {
    let folder = tempfile::tempdir().unwrap();
    let config = CONFIG.replace("[\"localhost:*\"]", "[\"localhost:*\", \"voice.example\"]");
    let config = config.replace(
        "[tts]",
        "redirect_to = \"www.example\"\nredirect = [\"/\"]\n[tts]",
    );
    let mut server = Started::ready(program(folder.path(), &config)).await;
    let warning = server.logged("redirect-host").await;
    assert!(
        warning.contains("server.redirect_to") && warning.contains("server.toml:"),
        "{warning}"
    );
    let pem = folder.path().join("data/tls/server.pem");
    let key = folder.path().join("data/tls/server.key");
    let certificates = palisade::server::Certificates::from_pem_files(pem, key).unwrap();
    assert!(certificates.covers("voice.example") && certificates.covers("localhost"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_cannot_be_says_why_in_one_line() {
    let folder = || -> TempDir { tempfile::tempdir().unwrap() };

    let busy = TcpListener::bind("127.0.0.1:0").unwrap();
    let config = CONFIG.replace(
        "https = \"127.0.0.1:0\"",
        &format!("https = \"{}\"", busy.local_addr().unwrap()),
    );
    let message = start_error(program(folder().path(), &config)).await;
    assert!(
        message.contains(&busy.local_addr().unwrap().to_string())
            && message.contains("another program"),
        "{message}"
    );

    let message = start_error(program(folder().path(), &format!("{CONFIG}speeed = 3\n"))).await;
    assert!(message.contains("server.toml:10: tts.speeed"), "{message}");

    let message = start_error(program(folder().path(), "[server\n")).await;
    assert!(message.contains("server.toml:1"), "{message}");

    let shared = format!("{CONFIG}[redis]\nurl = \"redis://127.0.0.1:1\"\nhash_key = \"none\"\n");
    let message = start_error(program(folder().path(), &shared)).await;
    assert!(message.contains("redis."), "{message}");

    let place = folder();
    fs::write(place.path().join("data"), "a file").unwrap();
    let message = start_error(program(place.path(), CONFIG)).await;
    assert!(
        message.contains("data folder cannot be used") && message.contains("--data"),
        "{message}"
    );

    let place = folder();
    drop(Started::ready(program(place.path(), CONFIG)).await);
    fs::write(
        place.path().join("data/pepper"),
        "0123456789abcdef".repeat(4),
    )
    .unwrap();
    let message = start_error(program(place.path(), CONFIG)).await;
    assert!(
        message.contains("pepper") && message.contains("Put the old one back"),
        "{message}"
    );

    let place = folder();
    fs::create_dir(place.path().join("voice")).unwrap();
    let mut command = program(place.path(), CONFIG);
    let message = start_error({
        command.arg("--voice").arg(place.path().join("voice"));
        command
    })
    .await;
    assert!(message.contains("voice"), "{message}");

    let place = folder();
    fs::write(place.path().join("c.pem"), "no certificate").unwrap();
    let key = place.path().join("k.pem");
    fs::write(&key, "no key").unwrap();
    make_private(&key);
    let config = CONFIG.replace("[tts]", "certificate = \"c.pem\"\nkey = \"k.pem\"\n[tts]");
    let message = start_error(program(place.path(), &config)).await;
    assert!(message.contains(".pem"), "{message}");
}

/// Another mode would be printed too, on its own line.
fn make_private(path: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    }
    #[cfg(not(unix))]
    let _ = path;
}

#[tokio::test(flavor = "multi_thread")]
async fn help_says_where_things_are() {
    let message = Command::new(env!("CARGO_BIN_EXE_tts-server"))
        .arg("--help")
        .output()
        .await
        .unwrap();
    let message = String::from_utf8(message.stdout).unwrap();
    for word in [
        "--data",
        "--config",
        "--new-key",
        "keys.toml",
        "audit",
        "8443",
    ] {
        assert!(message.contains(word), "{word} is missing in:\n{message}");
    }
}
