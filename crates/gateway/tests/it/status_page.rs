//! The status page: what it shows, and to whom.

use palisade_gateway::{Gateway, Settings};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::{
    client::{Running, run, serve, start, start_file, status},
    upstream::{OK, answering, field},
};

/// A gateway with a page, a key, and a limit of two requests a minute for an address.
async fn gateway() -> Running {
    let upstream = answering(OK).await;
    let first = start(upstream.address, |start| start).await;
    let key = first.key.clone();
    let folder = first.stop().await;
    let file = format!(
        "[server]\nhosts = ['localhost:*']\nhttps = '127.0.0.1:0'\n[admin]\npage = '127.0.0.1:0'\n\
         [keys]\nfile = 'data/keys.toml'\npepper = 'data/pepper'\n\
         [[limits]]\nname = 'client'\nrate = '2/minute'\nby = 'client'\n\
         [[routes]]\npath = '/{{*path}}'\naccess = 'authenticated'\n\
         [[upstreams]]\nurl = 'http://{}'\n",
        upstream.address
    );
    let mut gateway = start_file(folder, &file).await;
    gateway.key = key;
    gateway
}

/// Asks for the page. `HOST` is its address.
async fn ask(gateway: &Running, request: &str) -> String {
    let address = gateway.page.unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = request
        .replace("HOST", &format!("Host: {address}\r\n"))
        .replace("PORT", &address.port().to_string());
    let request = format!("{request}Connection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut response = Vec::new();
    let _ = stream.read_to_end(&mut response).await;
    String::from_utf8(response).unwrap()
}

#[tokio::test]
async fn the_page_shows_what_was_served_and_what_was_refused() {
    let gateway = gateway().await;
    assert_eq!(status(&gateway.get("/a").await), 200);
    let unknown = gateway.send("GET /a HTTP/1.1\r\nHOST\r\n").await;
    assert_eq!(status(&unknown), 401);
    assert_eq!(status(&gateway.get("/a").await), 429);
    let page = ask(&gateway, "GET / HTTP/1.1\r\nHOST").await;
    assert_eq!(status(&page), 200, "{page}");
    for part in [
        "<b>1</b> answered",
        "<b>2</b> refused",
        "<b>0</b> failed",
        "<td>unauthenticated</td>",
        "<td>client 127.0.0.1/32</td>",
        "<td class=\"good\">healthy</td>",
        "1 answered, 2 refused, 0 failed",
        "<td>api_key:",
    ] {
        assert!(page.contains(part), "{part} in {page}");
    }
    // The secret of the key is no part of its name.
    assert!(!page.contains(&gateway.key), "{page}");
    let policy = field(&page, "content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'"), "{policy}");
    assert_eq!(field(&page, "cache-control"), Some("no-store"));
    assert_eq!(
        field(&page, "cross-origin-resource-policy"),
        Some("same-origin")
    );
}

/// A page of another site whose name leads to this machine has that name as host.
#[tokio::test]
async fn a_name_that_was_rebound_and_another_site_get_nothing() {
    let gateway = gateway().await;
    for (request, expected) in [
        ("GET / HTTP/1.1\r\nHost: localhost:PORT\r\n", 200),
        ("HEAD / HTTP/1.1\r\nHOST", 200),
        ("GET / HTTP/1.1\r\nHost: rebound.example:PORT\r\n", 421),
        ("GET / HTTP/1.1\r\nHost: localhost\r\n", 421),
        ("GET / HTTP/1.1\r\nHost: 127.0.0.1:1\r\n", 421),
        (
            "GET / HTTP/1.1\r\nHost: localhost:PORT.rebound.example\r\n",
            421,
        ),
        ("GET / HTTP/1.0\r\n", 421),
        ("GET http://rebound.example/ HTTP/1.1\r\nHOST", 421),
        ("GET / HTTP/1.1\r\nHOSTSec-Fetch-Site: none\r\n", 200),
        ("GET / HTTP/1.1\r\nHOSTSec-Fetch-Site: same-origin\r\n", 200),
        ("GET / HTTP/1.1\r\nHOSTSec-Fetch-Site: cross-site\r\n", 403),
        ("GET / HTTP/1.1\r\nHOSTSec-Fetch-Site: same-site\r\n", 403),
        (
            "GET / HTTP/1.1\r\nHOSTSec-Fetch-Site: none\r\nSec-Fetch-Site: cross-site\r\n",
            403,
        ),
        ("POST / HTTP/1.1\r\nHOSTContent-Length: 0\r\n", 405),
        ("GET /other HTTP/1.1\r\nHOST", 404),
    ] {
        let response = ask(&gateway, request).await;
        // hyper refuses some of them itself.
        let got = status(&response);
        assert!(
            got == expected || (expected == 421 && got == 400),
            "{request}: {response}"
        );
        let shows = response.contains("Upstreams");
        assert_eq!(
            shows,
            expected == 200 && request.starts_with("GET"),
            "{request}"
        );
    }
}

#[tokio::test]
async fn what_rules_in_shadow_would_refuse_is_on_the_page() {
    let upstream = answering(OK).await;
    let file = format!(
        "[server]\nhosts = ['localhost:*']\nhttps = '127.0.0.1:0'\n[admin]\npage = '127.0.0.1:0'\n\
         [[limits]]\nname = 'client'\nrate = '1/hour'\nby = 'client'\ndangerously_only_shadow = true\n\
         [[routes]]\npath = '/{{*path}}'\naccess = 'public'\n\
         [[upstreams]]\nurl = 'http://{}'\n",
        upstream.address
    );
    let gateway = start_file(tempfile::tempdir().unwrap(), &file).await;
    for _ in 0..3 {
        let response = gateway.send("GET /a HTTP/1.1\r\nHOST\r\n").await;
        assert_eq!(status(&response), 200, "{response}");
    }
    let page = ask(&gateway, "GET / HTTP/1.1\r\nHOST").await;
    let (_, table) = page.split_once("Would be refused without shadow").unwrap();
    let (table, _) = table.split_once("</section>").unwrap();
    for part in [
        "<td>quota_exceeded</td>",
        "<td>/{*path}</td>",
        "<td class=\"number\">2</td>",
    ] {
        assert!(table.contains(part), "{part} in {table}");
    }
    assert!(page.contains("<b>3</b> answered"), "{page}");
}

#[tokio::test]
async fn in_shadow_mode_the_page_shows_what_would_be_refused() {
    let upstream = answering(OK).await;
    let file = format!(
        "[server]\nhosts = ['localhost:*']\nhttps = '127.0.0.1:0'\n[admin]\npage = '127.0.0.1:0'\n\
         [[routes]]\npath = '/known'\naccess = 'public'\n[[upstreams]]\nurl = 'http://{}'\n",
        upstream.address
    );
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gateway.toml");
    std::fs::write(&path, file).unwrap();
    let settings = Settings::read(path).unwrap().dangerously_only_shadow();
    let gateway = run(folder, settings, "tls").await;
    let response = gateway.send("GET /unknown HTTP/1.1\r\nHOST\r\n").await;
    assert_eq!(status(&response), 200, "{response}");
    let page = ask(&gateway, "GET / HTTP/1.1\r\nHOST").await;
    let (_, table) = page.split_once("Would be refused without shadow").unwrap();
    assert!(table.contains("<td>not_found</td>"), "{table}");
    assert!(table.contains("<td>(no route)</td>"), "{table}");
}

#[tokio::test]
async fn metrics_are_beside_the_page_and_for_this_machine_alone() {
    let gateway = gateway().await;
    assert_eq!(
        status(&ask(&gateway, "GET /metrics HTTP/1.1\r\nHOST").await),
        404,
        "no one renders them"
    );
    let file = gateway.folder.path().join("gateway.toml");
    let folder = gateway.stop().await;
    let settings = Settings::read(file).unwrap();
    assert!(settings.has_status_page());
    let prepared = Gateway::builder(settings)
        .metrics(|| "a_total 5\n".to_owned())
        .prepare();
    let gateway = serve(folder, prepared.await.unwrap(), "tls");
    let metrics = ask(&gateway, "GET /metrics HTTP/1.1\r\nHOST").await;
    assert_eq!(status(&metrics), 200, "{metrics}");
    assert!(metrics.ends_with("\r\n\r\na_total 5\n"), "{metrics}");
    let media_type = "text/plain; version=0.0.4; charset=utf-8";
    assert_eq!(
        field(&metrics, "content-type"),
        Some(media_type),
        "{metrics}"
    );
    let rebound = "GET /metrics HTTP/1.1\r\nHost: rebound.example:PORT\r\n";
    assert_eq!(status(&ask(&gateway, rebound).await), 421);
    let page = ask(&gateway, "GET / HTTP/1.1\r\nHOST").await;
    assert_eq!(
        field(&page, "content-type"),
        Some("text/html; charset=utf-8")
    );
}
