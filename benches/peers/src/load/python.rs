//! The recipe of a Python service: nginx, gunicorn with two workers, Flask with a key, a limit, cleaning, a log.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use crate::{
    Failure, proxies,
    subject::{Running, free_port, is_installed, wait_for},
};

const APPLICATION: &str = r#"import logging, re
from flask import Flask, abort, request
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address

app = Flask(__name__)
Limiter(get_remote_address, app=app, default_limits=["1000000000 per minute"], storage_uri="memory://")
logging.basicConfig(filename="service.log", level=logging.INFO)
BODY = b"a" * 32768

@app.get("/tts")
def tts():
    if request.headers.get("X-API-Key") != "secret":
        abort(401)
    text = re.sub(r"[\x00-\x1f\x7f]", "", request.args.get("text", ""))[:500]
    app.logger.info("spoke %d characters", len(text))
    return BODY
"#;

/// Starts it in a virtual environment of its own; `None` where Python, nginx or the packages are missing.
pub(crate) fn start(folder: &Path) -> Result<Option<Running>, Failure> {
    if !is_installed("nginx", "-v") || !is_installed("python3", "--version") {
        return Ok(None);
    }
    let environment = folder.join("venv");
    if !make_environment(&environment)? {
        return Ok(None);
    }
    fs::write(folder.join("service.py"), APPLICATION)?;
    let port = free_port()?;
    let gunicorn = Command::new(environment.join("bin/gunicorn"))
        .args([
            "--workers",
            "2",
            "--bind",
            &format!("127.0.0.1:{port}"),
            "service:app",
        ])
        .current_dir(folder)
        .stderr(Stdio::null())
        .spawn()?;
    wait_for(port)?;
    let (front, url) = proxies::start_nginx(folder, "python", port)?;
    Ok(Some(Running {
        url,
        key: proxies::KEY.to_owned(),
        processes: vec![front, gunicorn],
    }))
}

/// Installs the packages; false where that cannot be done.
fn make_environment(folder: &Path) -> Result<bool, Failure> {
    let made = Command::new("python3")
        .args(["-m", "venv"])
        .arg(folder)
        .status()?;
    if !made.success() {
        return Ok(false);
    }
    let installed = Command::new(folder.join("bin/pip"))
        .args(["install", "--quiet", "flask", "flask-limiter", "gunicorn"])
        .status()?;
    Ok(installed.success())
}
