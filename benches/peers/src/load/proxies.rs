//! nginx with TLS, a limit by address and a log, as a proxy to bare axum.

use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
};

use crate::{
    Failure,
    subject::{Running, free_port, is_installed, serve, wait_for},
};

/// The key that the recipe of Python compares with.
pub(crate) const KEY: &str = "secret";

/// Starts both; `None` without nginx.
pub(crate) fn start(folder: &Path) -> Result<Option<Running>, Failure> {
    if !is_installed("nginx", "-v") {
        return Ok(None);
    }
    let behind = free_port()?;
    let upstream = serve("clear", behind, folder)?;
    wait_for(behind)?;
    let (front, url) = start_nginx(folder, "proxy", behind)?;
    Ok(Some(Running {
        url,
        key: KEY.to_owned(),
        processes: vec![front, upstream],
    }))
}

/// nginx in front of a port: TLS, `limit_req` by address, connections upstream kept, a log.
pub(crate) fn start_nginx(
    folder: &Path,
    name: &str,
    behind: u16,
) -> Result<(Child, String), Failure> {
    let port = free_port()?;
    let file = folder.join(format!("{name}.conf"));
    fs::write(&file, configuration(folder, port, behind))?;
    let child = Command::new("nginx")
        .arg("-c")
        .arg(&file)
        .stderr(Stdio::null())
        .spawn()?;
    wait_for(port)?;
    Ok((child, format!("https://127.0.0.1:{port}/tts?text=hello")))
}

fn configuration(folder: &Path, port: u16, behind: u16) -> String {
    let folder = folder.display();
    format!(
        "daemon off; master_process on; worker_processes 2; pid {folder}/nginx-{port}.pid; error_log /dev/null;
events {{ worker_connections 2048; }}
http {{
  access_log {folder}/access-{port}.log;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  limit_req_zone $binary_remote_addr zone=client:10m rate=1000000r/s;
  upstream behind {{ server 127.0.0.1:{behind}; keepalive 64; }}
  server {{
    listen 127.0.0.1:{port} ssl; keepalive_requests 1000000;
    ssl_certificate {folder}/cert.pem; ssl_certificate_key {folder}/key.pem;
    add_header Strict-Transport-Security max-age=63072000; add_header X-Content-Type-Options nosniff;
    location / {{
      limit_req zone=client burst=100000 nodelay;
      proxy_pass http://behind; proxy_max_temp_file_size 0; proxy_http_version 1.1; proxy_set_header Connection \"\";
    }}
  }}
}}
"
    )
}
