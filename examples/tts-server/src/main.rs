//! Starts the server.

use std::{
    env,
    io::{self, IsTerminal, Write},
    panic,
    path::Path,
    process::ExitCode,
    sync::Arc,
};

use clap::Parser;
use palisade::SystemClock;
use tokio::{
    runtime::Runtime,
    signal::unix::{SignalKind, signal},
};
use tracing_subscriber::EnvFilter;
use tts_server::{
    Args, DataFolder, Ingredients, ModelVoice, Server, Settings, StartError, Voice, new_key,
};

/// Quiet, but for what an operator should know.
const LOGGED: &str = "warn,palisade=info,palisade_transport=info,tts=info";

fn main() -> ExitCode {
    let args = Args::parse();
    log();
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody reads it? Then the exit code has to do.
            let _ = writeln!(io::stderr(), "tts-server: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<(), StartError> {
    let data = DataFolder::open(args.data.clone())?;
    let clock = SystemClock::shared();
    if args.new_key {
        let key = new_key(&data, &clock)?;
        return say(&format!("{key}\n"));
    }
    let settings = Settings::read(args.config.as_deref(), &data)?;
    let voices = voices(args.voice.as_deref(), &settings)?;
    let another_key = args.another_key();
    let with = Ingredients {
        voices,
        data,
        clock,
        another_key,
    };
    let runtime = Runtime::new().map_err(|error| StartError::from_io("no runtime", &error))?;
    runtime.block_on(serve(&settings, with))
}

/// Loads the voices of the command line, or those of the settings, or the one that is built in.
fn voices(named: Option<&Path>, settings: &Settings) -> Result<Vec<Arc<dyn Voice>>, StartError> {
    let named = named.map(Path::to_owned);
    let folders = named.map_or_else(|| settings.voices().to_vec(), |folder| vec![folder]);
    let mut voices: Vec<Arc<dyn Voice>> = Vec::new();
    for folder in &folders {
        for voice in ModelVoice::load(folder)? {
            voices.push(Arc::new(voice));
        }
    }
    if voices.is_empty() {
        voices.push(Arc::new(ModelVoice::demo()?));
    }
    Ok(voices)
}

async fn serve(settings: &Settings, with: Ingredients) -> Result<(), StartError> {
    let server = Server::prepare(settings, with).await?;
    // Signals count before anyone is told that the server is ready.
    let stop = stop().map_err(|error| StartError::from_io("no signals", &error))?;
    say(&server.greeting())?;
    server.serve(stop).await
}

/// Waits for Ctrl-C or for whoever runs the service to end it.
fn stop() -> io::Result<impl Future<Output = ()>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        tracing::info!(target: "tts", "stopping: answers under way are finished first");
    })
}

fn say(text: &str) -> Result<(), StartError> {
    let mut out = io::stdout().lock();
    let said = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    said.map_err(|error| StartError::from_io("nothing can be printed", &error))
}

/// Logs to standard error. A panic's own words stay out of it: they may quote a client's text.
fn log() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(LOGGED));
    let colors = io::stderr().is_terminal() && env::var_os("NO_COLOR").is_none();
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(colors)
        .init();
    panic::set_hook(Box::new(|panic| {
        let place = panic
            .location()
            .map(ToString::to_string)
            .unwrap_or_default();
        tracing::error!(target: "tts", place, "a panic was caught");
    }));
}
