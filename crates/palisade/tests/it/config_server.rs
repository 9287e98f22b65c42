//! `[server]`: limits, probes, and what does not fit together.

use std::net::SocketAddr;

use palisade::{
    Shield,
    config::Config,
    server::{Certificates, Server},
};

fn config(server: &str) -> Config {
    Config::parse(&format!("[server]\nhosts = [\"voice.example\"]\n{server}")).unwrap()
}

fn certificates(names: &[&str]) -> Certificates {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    let made = rcgen::generate_simple_self_signed(names).unwrap();
    let key = made.signing_key.serialize_pem();
    Certificates::from_pem(made.cert.pem().as_bytes(), key.as_bytes()).unwrap()
}

fn codes(text: &str, https: &str, names: &[&str]) -> Vec<&'static str> {
    let config = Config::parse(text).unwrap();
    let settings = config.server().unwrap();
    let https: SocketAddr = https.parse().unwrap();
    let warnings = config
        .check_server(&settings, &[https], Some(&certificates(names)))
        .unwrap();
    for warning in &warnings {
        assert!(warning.text.starts_with("configuration:"), "{warning}");
        assert!(warning.text.contains("; "), "no remedy: {warning}");
    }
    warnings.iter().map(|warning| warning.code).collect()
}

#[test]
fn settings_that_work_together_give_no_warning() {
    let good = "[server]\nhosts = [\"voice.example\"]\nredirect_to = \"voice.example\"\nredirect = [\"/\"]\n";
    assert_eq!(codes(good, "0.0.0.0:443", &["voice.example"]), [""; 0]);
    let port = "[server]\nhosts = [\"voice.example:8443\", \"*.voice.example:*\"]\n";
    let names = ["voice.example", "*.voice.example"];
    assert_eq!(codes(port, "0.0.0.0:8443", &names), [""; 0]);
    let proxied = "[server]\nhosts = [\"voice.example\"]\n[client]\nproxies = [\"127.0.0.1\"]\nheader = \"forwarded\"\n";
    assert_eq!(
        codes(proxied, "127.0.0.1:8443", &["voice.example"]),
        [""; 0]
    );
}

#[test]
fn a_host_on_another_port_is_a_warning() {
    let text = "[server]\nhosts = [\"voice.example\"]\n";
    assert_eq!(
        codes(text, "0.0.0.0:8443", &["voice.example"]),
        ["host-port"]
    );
}

#[test]
fn a_certificate_without_a_served_host_is_a_warning() {
    let text = "[server]\nhosts = [\"a.example\", \"*.b.example\"]\n";
    assert_eq!(
        codes(text, "0.0.0.0:443", &["a.example"]),
        ["certificate-hosts"]
    );
    assert_eq!(
        codes(text, "0.0.0.0:443", &["a.example", "*.b.example"]),
        [""; 0]
    );
}

#[test]
fn proxies_that_cannot_reach_the_server_are_a_warning() {
    let text = "[server]\nhosts = [\"a.example\"]\n[client]\nproxies = [\"10.0.0.0/8\"]\nheader = \"forwarded\"\n";
    assert_eq!(
        codes(text, "127.0.0.1:443", &["a.example"]),
        ["proxy-unreachable"]
    );
    assert_eq!(codes(text, "0.0.0.0:443", &["a.example"]), [""; 0]);
}

#[test]
fn redirects_challenges_and_plain_http_that_cannot_work_are_warnings() {
    let hosts = "[server]\nhosts = [\"a.example\"]\n";
    let check = |more: &str, code: &str| {
        let text = format!("{hosts}{more}\n");
        assert_eq!(
            codes(&text, "0.0.0.0:443", &["a.example"]),
            [code],
            "{more}"
        );
    };
    check("redirect_to = \"www.a.example\"", "redirect-host");
    check("acme_webroot = \"/var/www\"", "webroot-without-http");
    check(
        "http = \"0.0.0.0:80\"\ndangerously_accept_plain_http = true",
        "plain-http",
    );
}

#[test]
fn every_limit_of_the_server_is_reached_from_the_file_and_checked() {
    let all = "[server.limits]\nconnections = 7\nconnections_per_address = 3\nbacklog = 11\n\
        connection_age_seconds = 77\nproxy_header_seconds = 9\n\
        handshake_seconds = 1\nheader_seconds = 2\nheader_kib = 16\nidle_seconds = 3\n\
        body_seconds = 4\nbody_total_seconds = 40\nbody_minimum_rate = 400\n\
        write_seconds = 5\nresponse_total_seconds = 50\nresponse_minimum_rate = 0\n\
        rate_grace_seconds = 6\nstreams = 60\ngrace_seconds = 8\n\
        control_frames = { burst = 90, per_second = 9 }\nresets = { burst = 80, per_second = 2 }\n";
    let limits = format!("{:?}", config(all).server_limits().unwrap());
    for part in [
        "connections: 7",
        "connections_per_address: 3",
        "backlog: 11",
        "Some(77s)",
        "proxy_header: 9s",
        "handshake: 1s",
        "header: 2s",
        "idle: 3s",
        "Some(4s)",
        "Some(40s)",
        "rate: 400",
        "Some(5s)",
        "Some(50s)",
        "rate: 0",
        "grace: 6s",
        "header_bytes: 16384",
        "streams: 60",
        "grace: 8s",
        "burst: 90, per_second: 9",
        "burst: 80, per_second: 2",
    ] {
        assert!(limits.contains(part), "{part} is not in {limits}");
    }
    let untouched = format!("{:?}", config("").server_limits().unwrap());
    assert_eq!(
        untouched,
        format!("{:?}", palisade::server::Limits::default())
    );

    for (wrong, expected) in [
        (
            "limits = { streams = 0 }",
            "3: server.limits.streams: 0 is out of range",
        ),
        (
            "limits.idle_seconds = 90000",
            "3: server.limits.idle_seconds",
        ),
        ("limits.idle_second = 9", "did you mean `idle_seconds`?"),
    ] {
        let error = Config::parse(&format!("[server]\nhosts = [\"a\"]\n{wrong}\n"));
        let error = error.and_then(|config| config.server_limits()).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[test]
fn health_checks_are_served_to_loopback_and_proxies_by_default() {
    let at = |config: &Config, address: &str| {
        let health = config.server().unwrap().health.unwrap();
        health.from.contains(address.parse().unwrap())
    };
    assert_eq!(config("").server().unwrap().health, None);
    assert!(config("").server().unwrap().drain.is_zero());
    let plain = config("health = \"/health\"");
    assert!(at(&plain, "127.0.0.1") && !at(&plain, "10.0.0.1"));
    assert_eq!(plain.server().unwrap().drain.as_secs(), 5);
    let named = config("health = \"/health\"\nhealth_from = [\"10.0.0.0/8\"]\ndrain_seconds = 20");
    assert!(at(&named, "10.0.0.1") && !at(&named, "127.0.0.1"));
    assert_eq!(named.server().unwrap().drain.as_secs(), 20);

    for (wrong, key) in [
        ("health = \"health\"", "server.health: "),
        ("health_from = [\"10.0.0.0/8\"]", "server.health_from: "),
        (
            "health = \"/h\"\nhealth_from = [\"all\"]",
            "server.health_from: ",
        ),
    ] {
        let error = config(wrong).server().unwrap_err().to_string();
        assert!(error.contains(key), "{error}");
    }
}

#[tokio::test]
async fn a_server_is_configured_with_the_limits_of_the_file() {
    let server = Server::builder().listen("127.0.0.1:0".parse().unwrap());
    let server = config("limits.connections = 7").configure(server).unwrap();
    assert!(
        format!("{server:?}").contains("connections: 7"),
        "{server:?}"
    );
}

#[test]
fn tls_1_2_is_refused_where_the_file_says_so() {
    for (line, expected) in [
        ("", "tls13_only: false"),
        ("tls13_only = true", "tls13_only: true"),
    ] {
        let server = config(line).configure(Server::builder()).unwrap();
        assert!(format!("{server:?}").contains(expected), "{server:?}");
    }
}

#[test]
fn the_peers_that_send_proxy_headers_are_named_in_the_file() {
    let named = config("proxy_protocol = [\"10.0.0.0/8\", \"192.0.2.7\"]");
    let server = named.configure(Server::builder()).unwrap();
    let shown = format!("{server:?}");
    let expected = r#"proxy_protocol: ["10.0.0.0/8", "192.0.2.7/32"]"#;
    assert!(shown.contains(expected), "{shown}");
    let wrong = config("proxy_protocol = [\"balancer\"]");
    let error = wrong.configure(Server::builder()).unwrap_err().to_string();
    assert!(error.contains("server.proxy_protocol: "), "{error}");
}

#[tokio::test]
async fn connection_events_are_recorded_and_counted() {
    use metrics_exporter_prometheus::PrometheusBuilder;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    let recorder = PrometheusBuilder::new().build_recorder();
    let figures = recorder.handle();
    let _local = metrics::set_default_local_recorder(&recorder);
    let memory = palisade::audit::MemorySink::new();
    let audit = palisade::AuditLayer::builder()
        .sink(memory.clone())
        .build()
        .unwrap();
    let server = Server::builder().listen("127.0.0.1:0".parse().unwrap());
    let server = palisade::server::record_connections(server, Some(audit.handle()));
    let server = server.build().unwrap();
    let address = server.local_addr();
    let service = tower::service_fn(async |_: http::Request<_>| {
        let body = http_body_util::Empty::<axum::body::Bytes>::new();
        Ok::<_, std::convert::Infallible>(http::Response::new(body))
    });
    tokio::spawn(server.serve(service, std::future::pending()));
    let mut socket = tokio::net::TcpStream::connect(address).await.unwrap();
    socket
        .write_all(b"canary canary canary\r\n\r\n")
        .await
        .unwrap();
    let mut response = String::new();
    let _ = socket.read_to_string(&mut response).await;
    assert!(response.starts_with("HTTP/1.1 400"), "{response}");

    let events = memory.events();
    assert_eq!(events.len(), 1, "{events:?}");
    let event = events[0].to_json();
    for part in [
        "connection.protocol_error",
        "malformed_request",
        "127.0.0.0/24",
    ] {
        assert!(event.contains(part), "{part} is not in {event}");
    }
    assert!(!event.contains("canary"), "{event}");
    let key = palisade::audit::AuditKey::generate().unwrap();
    let pseudonyms = palisade::AuditLayer::builder()
        .sink(memory.clone())
        .correlation_key(key)
        .pseudonymize_client_address()
        .build()
        .unwrap();
    pseudonyms.record(palisade::audit::AuditEvent::clone(&events[0]));
    let line = memory.lines().pop().unwrap();
    assert!(line.contains("network") && !line.contains("127."), "{line}");
    let line = "palisade_connection_events_total{kind=\"malformed_request\"} 1";
    assert!(figures.render().contains(line), "{}", figures.render());
}

#[test]
fn changes_are_reported_by_key_without_values() {
    let one = "[server]\nhosts = [\"a.example\"]\n[[limits]]\nname = \"x\"\nrate = \"1/minute\"\n";
    let two = "server = { hosts = [\"a.example\", \"b.example\"] }\n[[limits]]\nname = \"x\"\nrate = \"2/minute\"\n[headers]\nindex = true\n";
    let (one, two) = (Config::parse(one).unwrap(), Config::parse(two).unwrap());
    let changes = two.changes(&one);
    assert_eq!(changes, ["headers.index", "limits[0].rate", "server.hosts"]);
    assert!(one != two);

    let fixed: &[&[&str]] = &[&["server", "https"], &["audit"]];
    two.refuse_changes(&one, fixed).unwrap();
    for change in [
        "server.tls13_only = true",
        "server.dangerously_accept_plain_http = true",
        "server.limits.streams = 7",
        "audit.file = 'a'",
    ] {
        let new = Config::parse(&format!("{change}\nserver.hosts = ['a.example']")).unwrap();
        let error = new.refuse_changes(&one, &[]).unwrap_err().to_string();
        let key = change.split([' ', '=']).next().unwrap();
        let section = key.split('.').next().unwrap();
        assert!(
            error.contains(section) && error.contains("restart"),
            "{error}"
        );
    }
    let error = two
        .refuse_changes(&one, &[&["server", "hosts"]])
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("configuration:1: server.hosts: ") && error.contains("restart"),
        "{error}"
    );
    let removed = one
        .refuse_changes(&two, &[&["headers"]])
        .unwrap_err()
        .to_string();
    assert!(removed.contains("configuration: headers: "), "{removed}");
}

/// A section without keys switches something on.
#[test]
fn an_empty_section_is_a_change() {
    let without = Config::parse("server.hosts = ['a.example']").unwrap();
    for section in ["cross_origin", "dpop", "session", "trace"] {
        let text = format!("[server]\nhosts = ['a.example']\n[{section}]\n");
        let with = Config::parse(&text).unwrap();
        assert_eq!(with.changes(&without), [section]);
        assert_eq!(without.changes(&with), [section]);
        let fixed: &[&[&str]] = &[&[section]];
        assert!(with.refuse_changes(&without, fixed).is_err());
        assert!(without.refuse_changes(&with, fixed).is_err());
    }
}

#[test]
fn a_stack_from_a_file_warns_of_a_limit_that_no_rule_names() {
    let text = "[server]\nhosts = [\"a.example\"]\n[[limits]]\nname = \"x\"\nrate = \"1/minute\"\nroutes = \"named\"\n";
    let assembled = Config::parse(text).unwrap().assemble().unwrap();
    let table = palisade::Rules::new();
    let shield: Shield = assembled.shield.rules(table).build().unwrap();
    assert!(
        shield
            .warnings()
            .iter()
            .any(|warning| warning.code == "unused-limit")
    );
}
