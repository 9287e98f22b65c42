//! Which methods and tools of an MCP server pass.

use std::fs;

use crate::{
    client::{Running, start, start_file, status},
    upstream::{OK, Upstream, answering, answering_by},
};

const RULES: &str = "[[mcp]]\npath = '/mcp'\nmethods = ['initialize', 'notifications/*', 'tools/*']\n\
    [[mcp.tools]]\nname = 'search*'\n[[mcp.tools]]\nname = 'delete'\nscopes = ['admin']\n";

/// A gateway with a key without scopes.
async fn gateway(upstream: &Upstream, rules: &str) -> Running {
    let first = start(upstream.address, |start| start).await;
    let key = first.key.clone();
    let folder = first.stop().await;
    let file = format!(
        "[server]\nhosts = ['localhost:*']\nhttps = '127.0.0.1:0'\n[audit]\nfile = 'audit.jsonl'\n\
         [keys]\nfile = 'data/keys.toml'\npepper = 'data/pepper'\n\
         [[routes]]\npath = '/{{*path}}'\naccess = 'authenticated'\n\
         [[upstreams]]\nurl = 'http://{}'\nupgrade = ['websocket']\n{rules}",
        upstream.address
    );
    let mut gateway = start_file(folder, &file).await;
    gateway.key = key;
    gateway
}

fn post(path: &str, body: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHOSTKEYContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn tool(name: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"{name}"}}}}"#)
}

#[tokio::test]
async fn methods_and_tools_that_are_not_named_never_reach_the_server() {
    let mut upstream = answering(OK).await;
    let gateway = gateway(&upstream, RULES).await;
    let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    for (path, body, expected, code) in [
        ("/mcp", tool("search_web"), 200, ""),
        (
            "/mcp",
            r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#.to_owned(),
            200,
            "",
        ),
        (
            "/mcp",
            r#"{"jsonrpc":"2.0","id":7,"result":{}}"#.to_owned(),
            200,
            "",
        ),
        ("/other", ping.to_owned(), 200, ""),
        ("/mcp", ping.to_owned(), 403, "mcp_method_not_allowed"),
        ("/mcp", tool("write"), 403, "mcp_tool_not_allowed"),
        ("/mcp", tool("delete"), 403, "insufficient_scope"),
        ("/MCP", tool("write"), 403, "mcp_tool_not_allowed"),
        ("/mcp/", tool("write"), 403, "mcp_tool_not_allowed"),
        ("/mcp/x", tool("write"), 403, "mcp_tool_not_allowed"),
        (
            "/mcp",
            format!("[{},{}]", tool("search"), tool("write")),
            403,
            "mcp_tool_not_allowed",
        ),
        (
            "/mcp",
            r#"{"method":"tools/call","params":{"name":"search","NAME":"write"}}"#.to_owned(),
            400,
            "mcp_message_unreadable",
        ),
        ("/mcp", "write".to_owned(), 400, "mcp_message_unreadable"),
    ] {
        let response = gateway.send(&post(path, &body)).await;
        assert_eq!(status(&response), expected, "{path} {body}: {response}");
        assert!(response.contains(code), "{body}: {response}");
        if expected == 200 {
            upstream.request().await;
        }
    }
    let switched = "GET /mcp HTTP/1.1\r\nHost: localhost:PORT\r\nKEYConnection: Upgrade\r\nUpgrade: websocket\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    let switched = switched.replace("PORT", &gateway.address.port().to_string());
    let response = gateway.send(&switched).await;
    assert_eq!(status(&response), 400, "{response}");
    assert!(!upstream.got_more());
}

#[tokio::test]
async fn a_message_under_another_method_is_checked_too() {
    let mut upstream = answering(OK).await;
    let gateway = gateway(&upstream, RULES).await;
    for (method, name, expected, code) in [
        ("PUT", "write", 403, "mcp_tool_not_allowed"),
        ("PATCH", "write", 403, "mcp_tool_not_allowed"),
        ("post", "write", 403, "mcp_tool_not_allowed"),
        ("get", "write", 403, "mcp_tool_not_allowed"),
        ("QUERY", "write", 403, "mcp_tool_not_allowed"),
        ("GET", "search", 400, "mcp_message_unreadable"),
        ("DELETE", "search", 400, "mcp_message_unreadable"),
        ("OPTIONS", "search", 400, "mcp_message_unreadable"),
    ] {
        let request = post("/mcp", &tool(name)).replacen("POST", method, 1);
        let response = gateway.send(&request).await;
        assert_eq!(status(&response), expected, "{method}: {response}");
        assert!(response.contains(code), "{method}: {response}");
    }
    assert!(!upstream.got_more());
    // The end of a session has no message. An empty body in chunks is none.
    for more in ["", "Transfer-Encoding: chunked\r\n"] {
        let end = if more.is_empty() { "" } else { "0\r\n\r\n" };
        let request = format!(
            "DELETE /mcp HTTP/1.1\r\nHOSTKEYX-HTTP-Method-Override: POST\r\n\
             X-Method-Override: POST\r\nX-HTTP-Method: POST\r\n{more}\r\n{end}"
        );
        let response = gateway.send(&request).await;
        assert_eq!(status(&response), 200, "{response}");
        let got = upstream.request().await.to_ascii_lowercase();
        assert!(
            got.starts_with("delete /mcp ") && !got.contains("post"),
            "{got}"
        );
    }
}

#[tokio::test]
async fn parameters_in_the_path_do_not_leave_the_rules() {
    let mut upstream = answering(OK).await;
    let gateway = gateway(&upstream, RULES).await;
    for path in [
        "/mcp;a=1",
        "/mcp;/x",
        "/mcp;",
        "/mcp%3Ba=1",
        "/mcp%3b",
        "/;a/mcp",
    ] {
        let response = gateway.send(&post(path, &tool("write"))).await;
        assert_eq!(status(&response), 400, "{path}: {response}");
        assert!(response.contains("ambiguous_path"), "{path}: {response}");
    }
    assert!(!upstream.got_more());
}

#[tokio::test]
async fn the_server_gets_what_was_checked_and_the_trail_names_the_tool() {
    let mut upstream = answering(OK).await;
    let gateway = gateway(&upstream, RULES).await;
    let twice = r#"{"method":"tools/call","params":{"name":"write","name":"search","arguments":{"q":"secret"}}}"#;
    let response = gateway.send(&post("/mcp", twice)).await;
    assert_eq!(status(&response), 200, "{response}");
    let got = upstream.request().await;
    assert!(got.contains("secret") && !got.contains("write"), "{got}");
    let stream = gateway.get("/mcp").await;
    assert_eq!(status(&stream), 200, "{stream}");
    gateway.send(&post("/mcp", &tool("write"))).await;
    let folder = gateway.stop().await;
    let trail = fs::read_to_string(folder.path().join("audit.jsonl")).unwrap();
    for part in [
        r#""key":"mcp_method","value":"tools/call""#,
        r#""key":"mcp_tool","value":"search""#,
        r#""key":"mcp_tool","value":"write""#,
        "mcp_tool_not_allowed",
    ] {
        assert!(trail.contains(part), "{part} in {trail}");
    }
    assert!(!trail.contains("secret"), "{trail}");
}

#[tokio::test]
async fn without_a_list_of_tools_all_pass_and_an_empty_list_allows_none() {
    for (rules, expected) in [
        ("[[mcp]]\npath = '/mcp'\n", 200),
        ("[[mcp]]\npath = '/mcp'\ntools = []\n", 403),
    ] {
        let upstream = answering(OK).await;
        let gateway = gateway(&upstream, rules).await;
        let response = gateway.send(&post("/mcp", &tool("any"))).await;
        assert_eq!(status(&response), expected, "{rules}: {response}");
    }
}

const LIST: &str = r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"search_web"},{"name":"delete"},{"name":"write"},{"title":"no name"}],"nextCursor":"a"}}"#;

/// A server whose query says in which form it sends the list.
async fn lister() -> Upstream {
    answering_by(|request, _| {
        let (media_type, more, body) = match request {
            _ if request.contains("?stream") => (
                "text/event-stream",
                "",
                format!(": ping\n\nid: 7\ndata: {LIST}\n\nevent: message\ndata: {{\"id\":2,\"result\":{{}}}}\n\n"),
            ),
            _ if request.contains("?batch") => ("application/json", "", format!("[{LIST},{LIST}]")),
            _ if request.contains("?zipped") => ("application/json", "Content-Encoding: gzip\r\n", LIST.to_owned()),
            _ if request.contains("?text") => ("text/plain", "", LIST.to_owned()),
            _ if request.contains("?broken") => ("application/json", "", "{\"tools\":".to_owned()),
            _ if request.contains("?long") => {
                ("application/json", "", format!("{{\"a\":\"{}\"}}", "a".repeat(4 << 20)))
            }
            _ => ("application/json; charset=utf-8", "", LIST.to_owned()),
        };
        let length = body.len();
        format!("HTTP/1.1 200 OK\r\nContent-Type: {media_type}\r\n{more}Content-Length: {length}\r\n\r\n{body}")
    })
    .await
}

fn list(query: &str) -> String {
    post(
        &format!("/mcp{query}"),
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#,
    )
}

#[tokio::test]
async fn a_list_of_tools_has_only_those_that_the_client_may_call() {
    let upstream = lister().await;
    let gateway = gateway(&upstream, RULES).await;
    for query in ["", "?stream", "?batch"] {
        let response = gateway.send(&list(query)).await;
        assert_eq!(status(&response), 200, "{response}");
        assert!(response.contains(r#"{"name":"search_web"}"#), "{response}");
        assert!(response.contains("nextCursor"), "{response}");
        for hidden in ["delete", "write", "no name"] {
            assert!(!response.contains(hidden), "{query} {hidden}: {response}");
        }
    }
    let stream = gateway.send(&list("?stream")).await;
    for kept in [": ping\n", "id: 7\n", "event: message\n", "\"id\":2"] {
        assert!(stream.contains(kept), "{kept}: {stream}");
    }
    // A stream that is resumed repeats responses.
    let resumed = gateway.get("/mcp?stream").await;
    assert!(
        resumed.contains("search_web") && !resumed.contains("delete"),
        "{resumed}"
    );
}

#[tokio::test]
async fn a_list_of_tools_that_cannot_be_read_does_not_pass() {
    let upstream = lister().await;
    let gateway = gateway(&upstream, RULES).await;
    let encoded = gateway.send(&list("?zipped")).await;
    assert_eq!(status(&encoded), 502, "{encoded}");
    assert!(encoded.contains("mcp_response_unreadable"), "{encoded}");
    let long = gateway.send(&list("?long")).await;
    assert!(
        !long.contains("aaaa") && !long.ends_with("0\r\n\r\n"),
        "it breaks off"
    );
    // What has no list of tools passes as it is.
    let broken = gateway.send(&list("?broken")).await;
    assert!(broken.contains("{\"tools\":"), "{broken}");
    let text = gateway.send(&list("?text")).await;
    assert!(text.contains("no name"), "{text}");
}

#[tokio::test]
async fn lists_of_tools_are_whole_without_rules_of_tools_and_where_the_file_says_so() {
    let shown = "[[mcp]]\npath = '/mcp'\nhide_tools = false\ntools = []\n";
    for rules in ["[[mcp]]\npath = '/mcp'\n", shown] {
        let upstream = lister().await;
        let gateway = gateway(&upstream, rules).await;
        let response = gateway.send(&list("")).await;
        assert!(response.contains(LIST), "{response}");
    }
}
