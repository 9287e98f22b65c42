//! Both models under the orders of the scripts in `measure`, which compare them with their reference.

use std::{
    env, fs,
    io::{self, BufRead},
    path::PathBuf,
};

use crate::{
    StopSignal, Voice,
    acoustic::Mel,
    probe::Probe,
    speech::{PIECE, Sentence},
    units::Unit,
    vocoder::Seeded,
};

/// A voice and what it made last.
struct Bench {
    voice: Voice,
    units: Vec<Unit>,
    mel: Option<Mel>,
    samples: Vec<f32>,
    seed: u64,
}

impl Bench {
    fn obey(&mut self, order: &str, path: &str) {
        match order {
            "units" => self.units = Unit::parse_line(&fs::read_to_string(path).unwrap()).unwrap(),
            "acoustic" => self.acoustic(),
            "vocoder" => self.vocoder(),
            "threads" => self.voice = self.voice.clone().with_threads(path.parse().unwrap()),
            "seed" => self.seed = path.parse().unwrap(),
            "durations" => write(path, &self.durations()),
            "mel" => write(path, &self.mel.as_ref().unwrap().values),
            "samples" => write(path, &self.samples),
            _ => panic!("no such order: {order}"),
        }
    }

    fn acoustic(&mut self) {
        let model = &self.voice.handle.model;
        let sentence = Sentence::of_units(self.units.clone());
        let ids = sentence.encode(&model.tables).unwrap();
        let stop = StopSignal::new();
        let mel = model.acoustic.run(&ids, 1.0, &stop, &mut Probe::none());
        self.mel = Some(mel.unwrap());
    }

    fn durations(&self) -> Vec<f32> {
        let durations = &self.mel.as_ref().unwrap().durations;
        durations.iter().map(|frames| *frames as f32).collect()
    }

    /// Vocodes what the acoustic model made, in the pieces that speech takes.
    fn vocoder(&mut self) {
        let mel = self.mel.as_ref().unwrap();
        let stop = StopSignal::new();
        let (vocoder, team) = (&self.voice.handle.model.vocoder, &self.voice.handle.team);
        let mut stream = vocoder.start(Box::new(Seeded::new(self.seed)));
        self.samples.clear();
        let mut pieces = mel.values.chunks(PIECE * mel.channels).peekable();
        while let Some(piece) = pieces.next() {
            let (end, probe) = (pieces.peek().is_none(), &mut Probe::none());
            let samples = vocoder.push(&mut stream, piece, end, team, &stop, probe);
            self.samples.extend(samples.unwrap());
        }
    }
}

fn write(path: &str, values: &[f32]) {
    let bytes: Vec<u8> = values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect();
    fs::write(path, bytes).unwrap();
}

#[test]
#[ignore = "a measurement: see measure/README.md"]
fn both_models_obey_orders() {
    let folder = PathBuf::from(env::var_os("VOICE").expect("VOICE names a folder"));
    let mut bench = Bench {
        voice: Voice::load(&folder).unwrap(),
        units: Vec::new(),
        mel: None,
        samples: Vec::new(),
        seed: 0,
    };
    println!("\nready");
    for line in io::stdin().lock().lines() {
        let line = line.unwrap();
        let (order, path) = line.split_once(' ').unwrap_or((&line, ""));
        bench.obey(order, path);
        println!("ready");
    }
}
