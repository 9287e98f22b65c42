//! Settings that are refused, and a file that is read again.

use std::fs;

use palisade_gateway::Settings;

use crate::{
    client::{start_file, status},
    upstream::{OK, answering},
};

#[test]
fn a_public_address_without_a_certificate_is_refused_with_the_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let start = Settings::quick_start("http://127.0.0.1:5000")
        .listen(([0, 0, 0, 0], 8443).into())
        .data(folder.path().join("data"));
    let problem = start.settings().unwrap_err().to_string();
    assert!(
        problem.contains("0.0.0.0:8443 is open to the network"),
        "{problem}"
    );
    assert!(problem.contains("--certificate"), "{problem}");
}

#[cfg(unix)]
#[test]
fn a_data_folder_that_others_may_read_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let start = Settings::quick_start("http://127.0.0.1:5000").data(folder.path());
    let problem = start.settings().unwrap_err().to_string();
    assert!(
        problem.contains("755") && problem.contains("chmod 700"),
        "{problem}"
    );
}

#[test]
fn values_of_the_command_line_cannot_add_keys_to_the_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let start = Settings::quick_start("http://127.0.0.1:5000'\"\nhosts = ['x']")
        .data(folder.path().join("data"));
    let problem = start.settings().unwrap_err().to_string();
    assert!(problem.contains("upstreams.url"), "{problem}");
}

#[test]
fn a_certificate_that_cannot_be_read_is_told_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gateway.toml");
    let text = "[server]\nhosts = ['a.example']\nhttps = '127.0.0.1:0'\ncertificate = 'chain.pem'\nkey = 'key.pem'\n\
        [[upstreams]]\nurl = 'http://127.0.0.1:1'\n[[routes]]\npath = '/'\naccess = 'public'\n";
    fs::write(&path, text).unwrap();
    let error = palisade_gateway::explain(&Settings::read(&path).unwrap()).unwrap_err();
    let start = format!("{}:4: server.certificate: ", path.display());
    assert!(error.to_string().starts_with(&start), "{error}");
    assert_eq!(
        error.kind(),
        palisade_gateway::GatewayErrorKind::Configuration
    );
}

#[test]
fn a_file_without_routes_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gateway.toml");
    fs::write(
        &path,
        "[server]\nhosts = ['a.example']\n[[upstreams]]\nurl = 'http://127.0.0.1:1'\n",
    )
    .unwrap();
    let problem = Settings::read(path).unwrap_err().to_string();
    assert!(
        problem.contains("routes") && problem.contains("[[routes]]"),
        "{problem}"
    );
}

#[tokio::test]
async fn a_file_that_is_read_again_is_served_at_once_and_a_broken_one_changes_nothing() {
    let upstream = answering(OK).await;
    let folder = tempfile::tempdir().unwrap();
    let file = |route: &str| {
        format!(
            "[server]\nhosts = ['localhost:*']\nhttps = '127.0.0.1:0'\n\
             [[routes]]\npath = '{route}'\naccess = 'public'\n[[upstreams]]\nurl = 'http://{}'\n",
            upstream.address
        )
    };
    let gateway = start_file(folder, &file("/old")).await;
    let path = gateway.folder.path().join("gateway.toml");
    assert_eq!(status(&gateway.get("/old").await), 200);
    fs::write(&path, file("/new")).unwrap();
    assert_eq!(gateway.reloader.reload().await.unwrap(), ["routes[0].path"]);
    assert_eq!(status(&gateway.get("/old").await), 404);
    assert_eq!(status(&gateway.get("/new").await), 200);
    fs::write(&path, file("/new/{")).unwrap();
    assert!(gateway.reloader.reload().await.is_err());
    assert_eq!(status(&gateway.get("/new").await), 200);
}

#[tokio::test]
async fn a_limit_with_a_lease_is_described_without_its_store_and_refused_without_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gateway.toml");
    fs::write(folder.path().join("hash.key"), [7; 32]).unwrap();
    let explain = |redis: &str| {
        let text = format!(
            "[server]\nhosts = ['a.example']\nhttp = '127.0.0.1:0'\ndangerously_accept_plain_http = true\n{redis}\n\
            [[limits]]\nname = 'a'\nrate = '400/minute'\nlease = 100\n\
            [[upstreams]]\nurl = 'http://127.0.0.1:1'\n[[routes]]\npath = '/'\naccess = 'public'\n"
        );
        fs::write(&path, text).unwrap();
        palisade_gateway::explain(&Settings::read(&path).unwrap())
    };
    let redis = "[redis]\nurl = 'redis://127.0.0.1:1'\nhash_key = 'hash.key'\nlease_millis = 500";
    let text = explain(redis).unwrap();
    assert!(text.contains("leases of 500 ms"), "{text}");
    let problem = explain("").unwrap_err().to_string();
    let start = format!("{}:9: limits.lease: ", path.display());
    assert!(problem.starts_with(&start), "{problem}");
    assert!(problem.contains("a lease needs a store"), "{problem}");
}

#[tokio::test]
async fn writes_of_other_origins_are_refused_before_the_upstream_and_sessions_have_no_page_here() {
    let upstream = answering(OK).await;
    let folder = tempfile::tempdir().unwrap();
    let file = |section: &str| {
        format!(
            "[server]\nhosts = ['localhost:*']\nhttps = '127.0.0.1:0'\n{section}\n\
             [[routes]]\npath = '/'\naccess = 'public'\n[[upstreams]]\nurl = 'http://{}'\n",
            upstream.address
        )
    };
    let path = folder.path().join("refused.toml");
    fs::write(&path, file("[session]")).unwrap();
    let problem = Settings::read(&path).unwrap_err().to_string();
    assert!(
        problem.contains(":4: session.lifetime_minutes: the gateway has no page"),
        "{problem}"
    );

    let trusted = "[cross_origin]\ntrusted_origins = ['https://admin.example']";
    let gateway = start_file(folder, &file(trusted)).await;
    for (origin, expected) in [
        ("https://evil.example", 403),
        ("https://admin.example", 200),
    ] {
        let request = format!(
            "POST / HTTP/1.1\r\nHOSTContent-Length: 0\r\nSec-Fetch-Site: cross-site\r\nOrigin: {origin}\r\n\r\n"
        );
        assert_eq!(status(&gateway.send(&request).await), expected, "{origin}");
    }
}
