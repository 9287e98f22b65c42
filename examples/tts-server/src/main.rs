//! Starts the server.

use std::{
    io::{self, IsTerminal, Write},
    path::Path,
    process::ExitCode,
    sync::Arc,
};

use clap::Parser;
use palisade::core::SystemClock;
use palisade::logging::Log;
use tokio::{
    runtime::Runtime,
    signal::unix::{Signal, SignalKind, signal},
};
use tts_server::{
    Args, DataFolder, ModelVoice, Reloader, Server, ServerParts, Settings, StartError, Voice,
    new_key,
};

fn main() -> ExitCode {
    let args = Args::parse();
    let log = match Log::builder().directives("tts=info").environment().start() {
        Ok(log) => log,
        Err(error) => {
            // No one reads the output? Then the exit code has to do.
            let _ = writeln!(io::stderr(), "tts-server: {error}");
            return ExitCode::FAILURE;
        }
    };
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            log.last_line(format_args!("tts-server: {error}"));
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
    let with = ServerParts {
        voices,
        data,
        clock,
        another_key,
    };
    let runtime = Runtime::new().map_err(|error| StartError::from_io("no runtime", &error))?;
    runtime.block_on(serve(settings, with))
}

/// Loads the voices of the command line, or those of the settings, or the one that is built in.
fn voices(named: Option<&Path>, settings: &Settings) -> Result<Vec<Arc<dyn Voice>>, StartError> {
    let mut voices: Vec<Arc<dyn Voice>> = Vec::new();
    let mut add = |loaded: Vec<ModelVoice>| {
        voices.extend(
            loaded
                .into_iter()
                .map(|voice| Arc::new(settings.prepare_voice(voice)) as Arc<dyn Voice>),
        );
    };
    match named {
        Some(folder) => add(ModelVoice::load(folder)?),
        None => {
            for folder in settings.voices() {
                let loaded = ModelVoice::load(folder);
                add(loaded.map_err(|problem| settings.voice_problem(&problem))?);
            }
        }
    }
    if voices.is_empty() {
        voices.push(Arc::new(settings.prepare_voice(ModelVoice::demo()?)));
    }
    Ok(voices)
}

async fn serve(settings: Settings, with: ServerParts) -> Result<(), StartError> {
    let mut server = Server::prepare(settings, with).await?;
    // Signals are handled before the server says that it is ready.
    let no_signals = |error| StartError::from_io("no signals", &error);
    let stop = stop().map_err(no_signals)?;
    let hangup = signal(SignalKind::hangup()).map_err(no_signals)?;
    let reloading = reload(server.reloader(), hangup);
    say(&server.greeting(io::stdout().is_terminal())?)?;
    tokio::select! {
        served = server.serve(stop) => served,
        () = reloading => Ok(()),
    }
}

/// Reads everything again at each SIGHUP, for ever.
async fn reload(reloader: Arc<Reloader>, mut hangup: Signal) {
    while hangup.recv().await.is_some() {
        match reloader.reload().await {
            Ok(changes) if changes.is_empty() => {
                tracing::info!(target: "tts", "reloaded: the file says the same; keys and certificate were read again");
            }
            Ok(changes) => {
                tracing::info!(target: "tts", changed = changes.join(", "), "reloaded");
            }
            Err(error) => {
                tracing::error!(target: "tts", %error, "not reloaded: everything stays as it was");
            }
        }
    }
    std::future::pending().await
}

/// Waits for Ctrl-C or for the signal that ends a service.
fn stop() -> io::Result<impl Future<Output = ()>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        tracing::info!(target: "tts", "stopping: responses in progress are finished first");
    })
}

fn say(text: &str) -> Result<(), StartError> {
    let mut out = io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    written.map_err(|error| StartError::from_io("nothing can be printed", &error))
}
