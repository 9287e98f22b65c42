"""Compares voices with the sequences that the makers of the demo voice recorded from it.

    recorded.py TEST RECORDED VOICE...

TEST is the library's test program in release mode, RECORDED a folder with `sequences.json` and its WAV files, each VOICE the folder
of a voice. Log-mel distances are mean differences in decibels over 80 bands; that of two seeds of the same
voice is what the noise in the voice makes, and so the least that can be expected.
"""

import json
import sys
import tempfile
import wave
from pathlib import Path

import numpy

from models import Models

TRANSFORM, HOP, WINDOW, BANDS, RATE = 2048, 200, 1000, 80, 16000


def mel_filters():
    mel = numpy.linspace(0, 2595 * numpy.log10(1 + RATE / 2 / 700), BANDS + 2)
    edges = 700 * (10 ** (mel / 2595) - 1)
    frequencies = numpy.fft.rfftfreq(TRANSFORM, 1 / RATE)
    rising = (frequencies - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - frequencies) / (edges[2:] - edges[1:-1])[:, None]
    return numpy.maximum(0, numpy.minimum(rising, falling))


FILTERS = mel_filters()


def log_mel(samples):
    padded = numpy.pad(samples, WINDOW // 2)
    frames = numpy.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP] * numpy.hanning(WINDOW)
    return 20 * numpy.log10(numpy.maximum(1e-3, numpy.abs(numpy.fft.rfft(frames, TRANSFORM)) @ FILTERS.T))


def distance(samples, others):
    return float(numpy.abs(log_mel(samples) - log_mel(others)).mean())


def recording(path):
    with wave.open(str(path)) as file:
        return numpy.frombuffer(file.readframes(file.getnframes()), dtype="<i2") / 32768


class Voice:
    def __init__(self, test, voice, folder):
        self.models, self.folder = Models(test, voice), Path(folder)

    def get(self, kind):
        self.models.order(f"{kind} {self.folder / kind}")
        return numpy.fromfile(self.folder / kind, dtype="<f4")

    def speak(self, units):
        (self.folder / "units").write_text(units)
        for order in (f"units {self.folder / 'units'}", "acoustic", "seed 0", "vocoder"):
            self.models.order(order)
        self.durations, self.mel, self.samples = map(self.get, ("durations", "mel", "samples"))
        self.frequency = self.mel.reshape(int(self.durations.sum()), -1)[:, -2]
        self.models.order("seed 1")
        self.models.order("vocoder")
        self.other_samples = self.get("samples")


def main(test, recorded, *voices):
    sequences = json.loads(Path(recorded, "sequences.json").read_text())
    with tempfile.TemporaryDirectory() as folder:
        voices = [Voice(test, voice, folder) for voice in voices]
        print("sequence", "voice", "durations off", "first F0 off, Hz", "all F0 off from first voice, Hz",
              "dB from recording", "dB of two seeds", "dB from first voice", sep="\t")
        for sequence in sequences:
            recorded_samples = recording(Path(recorded, sequence["id"] + ".wav"))
            first_frequencies = numpy.array(sequence["f0_hz_first20"])
            for number, voice in enumerate(voices):
                voice.speak(sequence["symbols"])
                wrong = int((voice.durations != sequence["predicted_durations"]).sum())
                off = numpy.abs(voice.frequency[: len(first_frequencies)] - first_frequencies).max()
                from_first = numpy.abs(voice.frequency - voices[0].frequency).max()
                decibels = [distance(voice.samples, others) for others in
                            (recorded_samples, voice.other_samples, voices[0].samples)]
                print(sequence["id"], number, wrong, f"{off:.3f}", f"{from_first:.3f}",
                      *(f"{value:.2f}" for value in decibels), sep="\t")
        for voice in voices:
            voice.models.end()


if __name__ == "__main__":
    main(*sys.argv[1:])
