"""Times both models beside the reference in one run, with the same weights, and compares what they make.

    beside_reference.py KAN_TTS TEST COMMAND [THREADS]

KAN_TTS is a checkout of github.com/alibaba-damo-academy/KAN-TTS, TEST the library's test program and COMMAND `sambert`,
both in release mode. The reference saves random weights in full size as its trainer would; both sides read
them. The duration head is fixed to nine frames for every unit. Runs of the two sides take turns.
"""

import multiprocessing
import re
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from statistics import median
from unittest.mock import MagicMock

import numpy
import torch
import yaml

from models import Models

KAN_TTS, TEST, COMMAND = (Path(path).resolve() for path in sys.argv[1:4])
THREADS = int((sys.argv[4:] or ["1"])[0])
CHARACTERS = (10, 30, 60)
LONG = (1000, 10000)
RUNS = 7
SECONDS_PER_FRAME = 200 / 16000

warnings.simplefilter("ignore")  # The reference uses some names that PyTorch has replaced.
sys.path.insert(0, str(KAN_TTS))
for name in ("inflect", "librosa", "numba", "pytorch_wavelets", "ttsfrd", "unidecode"):
    sys.modules[name] = MagicMock(unidecode=str)  # Only training and other languages need them.

from kantts.models.hifigan.hifigan import Generator  # noqa: E402
from kantts.models.sambert.kantts_sambert import KanTtsSAMBERT  # noqa: E402
from kantts.utils.ling_unit.ling_unit import KanTtsLinguisticUnit  # noqa: E402


def configuration(name):
    read = [(KAN_TTS / "kantts/configs" / part).read_text() for part in ("audio_config_16k.yaml", name)]
    return yaml.safe_load("\n".join(read))


class Reference:
    """The unmodified reference, as its own scripts run it."""

    def __init__(self, folder):
        acoustic, vocoder = configuration("sambert_16k.yaml"), configuration("hifigan_noncausal_v1_16k.yaml")
        self.ling_unit = KanTtsLinguisticUnit(acoustic)
        acoustic["Model"]["KanTtsSAMBERT"]["params"].update(self.ling_unit.get_unit_size())
        torch.manual_seed(0)
        self.acoustic_model = KanTtsSAMBERT(acoustic["Model"]["KanTtsSAMBERT"]["params"]).eval()
        head = self.acoustic_model.variance_adaptor.duration_predictor.fc
        torch.nn.init.zeros_(head.weight)
        torch.nn.init.constant_(head.bias, float(numpy.log(10)))
        self.vocoder_model = Generator(**vocoder["Model"]["Generator"]["params"]).eval()
        save(folder / "am", acoustic, self.acoustic_model.state_dict())
        save(folder / "voc", vocoder, {"generator": self.vocoder_model.state_dict()})
        self.vocoder_model.remove_weight_norm()

    def units(self, line):
        columns = self.ling_unit.encode_symbol_sequence(line)
        *text, emotion, speaker = (torch.from_numpy(column[:-1]).long().unsqueeze(0) for column in columns)
        self.inputs = torch.stack(text, dim=-1), emotion, speaker, torch.tensor([emotion.size(1)])

    def acoustic(self):
        with torch.no_grad():
            made = self.acoustic_model(*self.inputs)
        self.mel = made["postnet_outputs"][0, : int(made["LR_length_rounded"][0])]

    def vocoder(self):
        with torch.no_grad():
            self.samples = self.vocoder_model(self.mel.transpose(1, 0).unsqueeze(0)).view(-1)


def save(folder, configuration, state):
    (folder / "ckpt").mkdir(parents=True)
    (folder / "config.yaml").write_text(yaml.safe_dump(configuration))
    torch.save({"model": state, "steps": 1}, folder / "ckpt/checkpoint_1.pth")


def unit_line(characters):
    """Two phones a character and a break after every fourth, from the reference's own tables."""
    units = []
    for place in range(characters):
        phones = ["zh_c", "ong_c"] if place % 2 else ["t_c", "ian_c"]
        flags = ["s_begin$word_begin", "s_end$word_end"]
        units += [f"{{{phone}$tone{place % 4 + 1}${flag}" for phone, flag in zip(phones, flags)]
        if place % 4 == 3:
            units.append("{#1$tone_none$s_none$word_none")
    return " ".join(unit + "$emotion_neutral$F7}" for unit in units)


def timed(clock, run):
    start = time.perf_counter(), clock()
    run()
    return time.perf_counter() - start[0], clock() - start[1]


def in_turns(reference, ours, part):
    """Gives the medians of wall and processor time: of the reference, then ours."""
    sides = [
        (time.process_time, getattr(reference, part)),
        (ours.processor_time, lambda: ours.order(part)),
    ]
    for _, run in sides:
        run()
    times = [[timed(*side) for side in sides] for _ in range(RUNS)]
    return [[median(run[side][kind] for run in times) for kind in (0, 1)] for side in (0, 1)]


def difference(ours, kind, wanted, folder):
    ours.order(f"{kind} {folder / kind}")
    made = numpy.fromfile(folder / kind, dtype="<f4")
    return float(numpy.abs(made - wanted.numpy().reshape(-1)).max()), float(wanted.std())


def high_water(process):
    """Gives the most memory a process has had so far, in megabytes."""
    status = Path("/proc", str(process), "status").read_text()
    return int((re.findall(r"VmHWM:\s+(\d+)", status) or [0])[0]) / 1024


def reference_peak(characters):
    with tempfile.TemporaryDirectory() as folder:
        reference = Reference(Path(folder))
        reference.units(unit_line(characters))
        reference.acoustic()
        reference.vocoder()
        return high_water("self")


def our_peak(characters, folder):
    text = "今天天气很好，" * (characters // 6) + "好" * (characters % 6)
    speak = [COMMAND, "speak", text, "--voice", folder, "--output", "-"]
    process, peak = subprocess.Popen(speak, stdout=subprocess.DEVNULL), 0
    while process.poll() is None:
        peak = max(peak, high_water(process.pid))
        time.sleep(0.01)
    return peak


def speed(folder):
    reference = Reference(folder)
    ours = Models(TEST, folder)
    ours.order(f"threads {THREADS}")
    for characters in CHARACTERS:
        line = unit_line(characters)
        (folder / "units").write_text(line)
        reference.units(line)
        ours.order(f"units {folder / 'units'}")
        for part in ("acoustic", "vocoder"):
            times = in_turns(reference, ours, part)
            seconds = len(reference.mel) * SECONDS_PER_FRAME
            (wall, busy), (our_wall, our_busy) = [[time / seconds for time in side] for side in times]
            print(f"{characters} characters, {part}: reference {wall:.3f} ({busy:.3f}), "
                  f"ours {our_wall:.3f} ({our_busy:.3f})", flush=True)
        for kind in ("mel", "samples"):
            worst, deviation = difference(ours, kind, getattr(reference, kind), folder)
            print(f"{characters} characters: {kind} within {worst:.1e} (deviation {deviation:.2f})", flush=True)
    ours.end()


def memory(folder):
    for characters in CHARACTERS:
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            theirs = pool.apply(reference_peak, [characters])
        print(f"{characters} characters: reference {theirs:.0f} MB, ours {our_peak(characters, folder):.0f} MB", flush=True)
    for characters in LONG:
        print(f"{characters} characters: ours {our_peak(characters, folder):.0f} MB", flush=True)


def main():
    torch.set_num_threads(THREADS)
    print(f"PyTorch {torch.__version__}, {THREADS} thread(s). Seconds computed per second spoken, processor time in brackets:")
    with tempfile.TemporaryDirectory() as folder:
        speed(Path(folder))
        print("Most memory of one process with both models:")
        memory(folder)


if __name__ == "__main__":
    main()
