//! `[server.client_auth]`: each error names the line and the key that names the file.

use std::{fs, path::Path};

use palisade::{
    config::{Config, ConfigFileError},
    core::SystemClock,
    server::{Certificates, ClientAuth},
};

/// Opens what a file with these lines in the section names.
fn open(folder: &Path, lines: &str) -> Result<Option<ClientAuth>, ConfigFileError> {
    let file = folder.join("palisade.toml");
    fs::write(&file, format!("[server.client_auth]\n{lines}")).unwrap();
    Config::read(&file)?.open_client_auth(&SystemClock::shared())
}

#[track_caller]
fn check(folder: &Path, lines: &str, line: usize, key: &str, part: &str) {
    let error = open(folder, lines).unwrap_err();
    let found = (error.line(), error.key());
    assert_eq!(found, (Some(line), Some(key)), "{error}");
    assert!(error.to_string().contains(part), "{error}");
}

#[test]
fn authorities_and_lists_are_opened_and_mistakes_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(["clients".to_owned()]).unwrap();
    fs::write(folder.path().join("clients.pem"), made.cert.pem()).unwrap();
    fs::write(folder.path().join("none.crl"), "no list").unwrap();
    let required = open(folder.path(), "authorities = ['clients.pem']")
        .unwrap()
        .unwrap();
    assert!(required.is_required());
    let optional = open(
        folder.path(),
        "authorities = ['clients.pem']\nrequired = false",
    );
    assert!(!optional.unwrap().unwrap().is_required());

    let authorities = "server.client_auth.authorities";
    check(
        folder.path(),
        "authorities = []",
        2,
        authorities,
        "no authority is named",
    );
    check(
        folder.path(),
        "authorities = ['a.pem']",
        2,
        authorities,
        "a.pem",
    );
    let later = "authorities = ['clients.pem',\n'none.crl']";
    check(
        folder.path(),
        later,
        3,
        authorities,
        "certificates of authorities in PEM",
    );
    let list = "authorities = ['clients.pem']\nrevocation_lists = ['none.crl']";
    let lists = "server.client_auth.revocation_lists";
    check(
        folder.path(),
        list,
        3,
        lists,
        "a certificate revocation list",
    );
    let key = "server.client_auth.require";
    check(
        folder.path(),
        "authorities = []\nrequire = true",
        3,
        key,
        "did you mean `required`?",
    );
}

/// Where no client has a certificate, none is demanded: neither on an address nor on a Unix socket.
#[test]
fn required_certificates_and_plain_http_are_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(["clients".to_owned()]).unwrap();
    fs::write(folder.path().join("clients.pem"), made.cert.pem()).unwrap();
    let file = |required: bool, server: &str| {
        format!("authorities = ['clients.pem']\nrequired = {required}\n[server]\n{server}")
    };
    let serves = "dangerously_accept_plain_http = true\n";
    for http in ["127.0.0.1:80", "0.0.0.0:80", "unix:/run/a.sock", "systemd"] {
        let server = format!("{serves}http = '{http}'");
        let key = "server.dangerously_accept_plain_http";
        let part = "certificates of clients are required";
        check(folder.path(), &file(true, &server), 5, key, part);
        open(folder.path(), &file(false, &server)).unwrap();
        let redirects = format!("http = '{http}'");
        open(folder.path(), &file(true, &redirects)).unwrap();
    }
    open(folder.path(), &file(true, serves)).unwrap();
}

#[test]
fn a_route_that_demands_a_certificate_no_client_is_asked_for_is_a_warning() {
    let made = rcgen::generate_simple_self_signed(["a.example".to_owned()]).unwrap();
    let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    let certificates = Certificates::from_pem(chain.as_bytes(), key.as_bytes()).unwrap();
    let warnings = |more: &str| {
        let text = format!(
            "server.hosts = ['a.example']\n{more}\n[[routes]]\npath = '/a'\naccess = 'public'\n\
             client_certificate = true\n"
        );
        let config = Config::parse(&text).unwrap();
        let settings = config.server().unwrap();
        let https = "127.0.0.1:443".parse().unwrap();
        let found = config
            .check_server(&settings, &[https], Some(&certificates))
            .unwrap();
        found.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let found = warnings("");
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].contains("routes.path") && found[0].contains("[server.client_auth]"),
        "{found:?}"
    );
    let asked = warnings("server.client_auth.authorities = ['a.pem']");
    assert_eq!(asked, Vec::<String>::new());
}

/// Finds the warnings of a file with a section of clients and an entry for one of them.
fn warnings_of_entry(folder: &Path, authorities: &str, name: &str) -> Vec<String> {
    let made = rcgen::generate_simple_self_signed(["a.example".to_owned()]).unwrap();
    let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    let certificates = Certificates::from_pem(chain.as_bytes(), key.as_bytes()).unwrap();
    let text = format!(
        "server.hosts = ['a.example']\n[server.client_auth]\nauthorities = [{authorities}]\n\
         [[client_certificates]]\nid = 'billing'\n{name}\n"
    );
    fs::write(folder.join("palisade.toml"), text).unwrap();
    let config = Config::read(folder.join("palisade.toml")).unwrap();
    let (settings, https) = (config.server().unwrap(), ["127.0.0.1:443".parse().unwrap()]);
    let found = config.check_server(&settings, &https, Some(&certificates));
    found.unwrap().iter().map(ToString::to_string).collect()
}

/// Any of them can issue a certificate with the name of a client of another.
#[test]
fn a_name_that_several_authorities_can_issue_is_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    let [one, two] = ["one", "two"].map(|name| {
        let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
        fs::write(folder.path().join(format!("{name}.pem")), made.cert.pem()).unwrap();
        made.cert.pem()
    });
    fs::write(folder.path().join("both.pem"), one + &two).unwrap();
    let uri = "uri = 'spiffe://example.org/billing'";
    for authorities in ["'one.pem', 'two.pem'", "'both.pem'"] {
        let found = warnings_of_entry(folder.path(), authorities, uri);
        assert_eq!(found.len(), 1, "{found:?}");
        for part in ["several-client-authorities", "2 authorities", "sha256"] {
            assert!(found[0].contains(part), "{found:?}");
        }
    }
    let digest = format!("sha256 = '{}'", "ab".repeat(32));
    for (authorities, name) in [("'one.pem'", uri), ("'one.pem', 'two.pem'", &digest)] {
        let found = warnings_of_entry(folder.path(), authorities, name);
        assert_eq!(found, Vec::<String>::new());
    }
}
