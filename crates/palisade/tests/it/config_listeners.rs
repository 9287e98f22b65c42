//! `[server]`: which listeners a file asks for, and what one without TLS needs.

use palisade::config::{Config, ListenOn};

const DEFAULT: &str = "127.0.0.1:8443";

/// Reads a file with the listeners of a program; returns them, TLS first, or the error.
fn listeners(more: &str) -> Result<(Vec<String>, Vec<String>), String> {
    let text = format!("[server]\nhosts = [\"a.example\"]\n{more}");
    let http = "127.0.0.1:8080".parse().unwrap();
    let settings = Config::parse(&text)
        .unwrap()
        .server_or(DEFAULT.parse().unwrap(), Some(http))
        .map_err(|error| error.to_string())?;
    let shown = |all: &[ListenOn]| all.iter().map(ToString::to_string).collect();
    Ok((shown(&settings.https), shown(&settings.http)))
}

#[test]
fn the_listeners_of_the_program_are_for_files_that_name_none() {
    let one = |address: &str| vec![address.to_owned()];
    let check = |more: &str, https: Vec<String>, http: Vec<String>| {
        assert_eq!(listeners(more), Ok((https, http)), "{more}");
    };
    check("", one(DEFAULT), one("127.0.0.1:8080"));
    let https = "https = \"0.0.0.0:443\"\n";
    check(https, one("0.0.0.0:443"), Vec::new());
    let both = format!("{https}http = \"0.0.0.0:80\"\n");
    check(&both, one("0.0.0.0:443"), one("0.0.0.0:80"));
    let http = "http = \"127.0.0.1:80\"\n";
    let plain = format!("{http}dangerously_accept_plain_http = true\n");
    check(&plain, Vec::new(), one("127.0.0.1:80"));
    let proxied =
        format!("{http}[client]\nproxies = [\"10.0.0.0/8\"]\nheader = \"X-Forwarded-For\"\n");
    check(&proxied, Vec::new(), one("127.0.0.1:80"));
    let balanced = format!("{http}proxy_protocol = [\"10.0.0.0/8\"]\n");
    check(&balanced, Vec::new(), one("127.0.0.1:80"));
}

#[test]
fn http_alone_is_refused_where_it_serves_nothing_or_where_the_file_is_about_tls() {
    let refused = |more: &str, expected: &str| {
        let text = format!("http = \"127.0.0.1:80\"\n{more}");
        let error = listeners(&text).unwrap_err();
        assert!(error.starts_with(expected), "{more}: {error}");
        assert!(error.contains("; add https = "), "no remedy: {error}");
    };
    let nothing = "configuration:3: server.http: no listener has TLS, and requests without TLS";
    refused("", nothing);
    refused("dangerously_accept_plain_http = false\n", nothing);
    let plain = "dangerously_accept_plain_http = true\n";
    for (more, key) in [
        ("certificate = \"a\"\nkey = \"b\"\n", "certificate"),
        ("tls13_only = true\n", "tls13_only"),
        (
            "acme = { domains = [\"a.example\"], terms = \"accepted\" }\n",
            "acme",
        ),
        (
            "client_auth = { authorities = [\"a\"], required = false }\n",
            "client_auth",
        ),
    ] {
        let text = format!("{plain}{more}");
        refused(
            &text,
            &format!("configuration:5: server.{key}: no listener has TLS"),
        );
    }
}

#[test]
fn the_check_of_the_machine_reports_http_alone_too() {
    let examine = |text: &str| {
        let config = Config::parse(&format!("[server]\nhosts = [\"a.example\"]\n{text}")).unwrap();
        config.examine(&palisade::core::SystemClock::shared())
    };
    let refused = examine("http = \"0.0.0.0:80\"").unwrap_err().to_string();
    assert!(refused.contains("no listener has TLS"), "{refused}");
    let found = examine("http = \"0.0.0.0:80\"\ndangerously_accept_plain_http = true").unwrap();
    let codes: Vec<_> = found.iter().map(|warning| warning.code).collect();
    assert!(codes.contains(&"plain-http"), "{codes:?}");
}

/// HSTS is sent where a header of the PROXY protocol says that the client used TLS.
#[test]
fn hsts_has_an_effect_behind_a_proxy_of_either_kind() {
    let is_useless = |more: &str| {
        let text = format!(
            "[server]\nhosts = [\"a.example\"]\nhttp = \"127.0.0.1:80\"\n{more}\n[headers]\nhsts_days = 30\n"
        );
        let config = Config::parse(&text).unwrap();
        let found = config.examine(&palisade::core::SystemClock::shared());
        let mut found = found.unwrap().into_iter();
        found.any(|warning| warning.code == "hsts-without-tls")
    };
    assert!(is_useless("dangerously_accept_plain_http = true"));
    assert!(!is_useless("proxy_protocol = [\"10.0.0.0/8\"]"));
    let client = "[client]\nproxies = [\"10.0.0.0/8\"]\nheader = \"X-Forwarded-For\"";
    assert!(!is_useless(client));
}

#[test]
fn a_host_on_another_port_is_a_warning_without_tls_too() {
    let check = |hosts: &str, address: &str, expected: &[&str]| {
        let text = format!(
            "[server]\nhosts = [\"{hosts}\"]\nhttp = \"{address}\"\ndangerously_accept_plain_http = true\n"
        );
        let config = Config::parse(&text).unwrap();
        let settings = config.server_or(DEFAULT.parse().unwrap(), None).unwrap();
        let warnings = config.check_server(&settings, &[], None).unwrap();
        let codes: Vec<_> = warnings.iter().map(|warning| warning.code).collect();
        assert_eq!(codes, expected, "{text}");
    };
    check("a.example", "127.0.0.1:80", &[]);
    check("a.example", "127.0.0.1:8080", &["host-port"]);
    check("a.example:8080", "127.0.0.1:8080", &[]);
    check("a.example", "127.0.0.1:0", &[]);
    check("a.example", "0.0.0.0:80", &["plain-http"]);
    check("a.example", "systemd", &["plain-http"]); // its address is not in the file
    check("a.example", "unix:/run/http.sock", &[]);
}
