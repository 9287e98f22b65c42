//! `https` and `http` of `[server]`: addresses, Unix sockets, sockets of a service manager.

use palisade::config::{Config, ConfigFileError, ListenOn, open_listeners};

fn https(lines: &str) -> Result<Vec<ListenOn>, ConfigFileError> {
    let config = Config::parse(&format!("[server]\nhosts = ['a.example']\n{lines}"))?;
    config.server().map(|settings| settings.https)
}

fn check(written: &str, expected: &[&str]) {
    let found: Vec<String> = https(written)
        .unwrap()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(found, expected, "{written}");
}

#[test]
fn one_address_or_a_list_of_several_kinds_can_be_written() {
    check("", &[]);
    check("https = '0.0.0.0:443'", &["0.0.0.0:443"]);
    check("https = ['[::]:443', 'systemd']", &["[::]:443", "systemd"]);
    check("https = 'systemd:public'", &["systemd:public"]);
    let unix = &https("https = 'unix:/run/a/b.sock'\nunix_mode = '0660'").unwrap()[0];
    let ListenOn::Unix { path, mode } = unix else {
        panic!("{unix}")
    };
    assert_eq!((path.to_str(), *mode), (Some("/run/a/b.sock"), Some(0o660)));
}

#[test]
fn what_is_no_address_is_told_with_its_line() {
    for (lines, line, key, part) in [
        ("https = '8443'", 3, "server.https", "`8443`"),
        (
            "https = 'a.example:443'",
            3,
            "server.https",
            "`a.example:443`",
        ),
        (
            "https = ['127.0.0.1:1', 'unix:']",
            3,
            "server.https",
            "`unix:`",
        ),
        ("https = 'systemd:'", 3, "server.https", "`systemd:`"),
        ("https = []", 3, "server.https", "no address"),
        (
            "https = 'unix:a'\nunix_mode = '0990'",
            4,
            "server.unix_mode",
            "permissions",
        ),
        (
            "https = 'unix:a'\nunix_mode = '7777'",
            4,
            "server.unix_mode",
            "permissions",
        ),
    ] {
        let error = https(lines).unwrap_err();
        let found = (error.line(), error.key());
        assert_eq!(found, (Some(line), Some(key)), "{error}");
        assert!(error.to_string().contains(part), "{error}");
    }
}

#[test]
fn every_socket_is_opened_for_its_own_list() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("http.sock");
    let text = format!(
        "[server]\nhttps = ['127.0.0.1:0', '[::1]:0']\nhttp = 'unix:{}'\nunix_mode = '0666'",
        path.display()
    );
    let settings = Config::parse(&text).unwrap().server().unwrap();
    let [https, http] = open_listeners([&settings.https, &settings.http]).unwrap();
    assert_eq!((https.len(), http.len()), (2, 1));
    assert_eq!(
        http[0].address().to_string(),
        format!("unix:{}", path.display())
    );
    assert!(path.exists());
}

/// Sockets of a service manager are tried in processes of their own, in the tests of the transport.
#[test]
fn a_socket_that_no_service_manager_passed_is_an_error() {
    let settings = Config::parse("server.https = 'systemd:public'").unwrap();
    let settings = settings.server().unwrap();
    let error = open_listeners([&settings.https]).unwrap_err().to_string();
    assert!(
        error.contains("no socket for \"systemd:public\""),
        "{error}"
    );
}
