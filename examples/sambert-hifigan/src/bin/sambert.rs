//! `sambert`: speaks from the command line.

use std::{
    error::Error,
    fs::File,
    io::{self, BufWriter},
    path::PathBuf,
    process::ExitCode,
};

use clap::{Parser, Subcommand};
use sambert_hifigan::{Emotion, StopSignal, Style, Voice, wav};

#[derive(Debug, Parser)]
#[command(version, about = "Speaks Mandarin with SAM-BERT and HiFi-GAN")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Speaks a text into a WAV file
    Speak {
        /// What to say
        text: String,
        /// The file to write
        #[arg(short, long)]
        output: PathBuf,
        /// How to say it
        #[arg(short, long, default_value = "neutral")]
        emotion: Emotion,
        /// How fast, 0.5 to 2
        #[arg(short, long, default_value_t = 1.0)]
        speed: f32,
        /// The seed of the noise in the voice
        #[arg(long, default_value_t = 0)]
        seed: u64,
        /// The folder of another voice than the demo voice
        #[arg(long)]
        voice: Option<PathBuf>,
    },
    /// Shows how a text will be read
    Pinyin {
        /// What to read; the lines of the standard input without it
        text: Option<String>,
    },
    /// Loads a voice and tells what it is
    Inspect {
        /// The folder of the voice; the demo voice without it
        voice: Option<PathBuf>,
    },
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<(), Box<dyn Error>> {
    match command {
        Command::Speak {
            text,
            output,
            emotion,
            speed,
            seed,
            voice,
        } => {
            let voice = load(voice)?;
            let style = Style::default()
                .with_emotion(emotion)
                .with_speed(speed)?
                .with_seed(seed);
            let plan = voice.plan(&text, &style)?;
            let mut samples = Vec::new();
            for stretch in voice.speak(&plan, &StopSignal::new()) {
                samples.extend(stretch?);
            }
            Ok(wav::write(
                BufWriter::new(File::create(output)?),
                voice.sample_rate(),
                &samples,
            )?)
        }
        Command::Pinyin { text } => {
            let voice = Voice::demo()?;
            let lines =
                text.map_or_else(|| io::stdin().lines().collect(), |text| Ok(vec![text]))?;
            for line in lines {
                match voice.plan(&line, &Style::default()) {
                    Ok(plan) => say(&plan.pinyin()),
                    Err(error) => say(&format!("# {error}")),
                }
            }
            Ok(())
        }
        Command::Inspect { voice } => {
            let voice = load(voice)?;
            let emotions: Vec<_> = voice.emotions().iter().map(ToString::to_string).collect();
            let [acoustic, vocoder] = voice.parameters();
            say(&format!("voice               {}", voice.name()));
            say(&format!("samples per second  {}", voice.sample_rate()));
            say(&format!("acoustic weights    {acoustic}"));
            say(&format!("vocoder weights     {vocoder}"));
            say(&format!("emotions            {}", emotions.join(" ")));
            Ok(())
        }
    }
}

fn load(folder: Option<PathBuf>) -> Result<Voice, sambert_hifigan::LoadError> {
    folder.map_or_else(Voice::demo, |folder| Voice::load(&folder))
}

#[allow(
    clippy::print_stderr,
    reason = "a command complains on its standard error"
)]
fn complain(error: &str) {
    eprintln!("sambert: {error}");
}

#[allow(
    clippy::print_stdout,
    reason = "a command answers on its standard output"
)]
fn say(line: &str) {
    println!("{line}");
}
