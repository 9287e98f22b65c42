"""Recognises what `sentences_are_spoken_from_text_and_from_their_readings` wrote and counts wrong syllables.

    recognise.py WHISPER SPOKEN...

WHISPER is a folder with Whisper base for faster-whisper, each SPOKEN the folder of one seed.
Syllables are compared without tones, so that homophones and traditional characters are no errors.
"""

import re
import sys
from pathlib import Path

from faster_whisper import WhisperModel
from pypinyin import lazy_pinyin

SENTENCES = Path(__file__).with_name("sentences.tsv")
DIGITS = "零一二三四五六七八九"
SIGNS = {"%": "百分之", "℃": "摄氏度", "°C": "摄氏度", "-": "零下"}


def given_syllables():
    lines = SENTENCES.read_text(encoding="utf-8").splitlines()
    readings = [line.split("\t")[1] for line in lines if not line.startswith("#")]
    return [re.findall(r"[a-z]+", reading) for reading in readings]


def cardinal(number):
    """Writes a number below 10,000 as it is said."""
    if len(number) > 4 or (len(number) > 1 and number[0] == "0"):
        return digit_by_digit(number)
    said = ""
    for place, digit in enumerate(reversed(number)):
        if digit != "0":
            said = DIGITS[int(digit)] + ["", "十", "百", "千"][place] + said
        elif said and said[0] != "零":
            said = "零" + said
    return re.sub("^一十", "十", said) or "零"


def digit_by_digit(number):
    return "".join(DIGITS[int(digit)] for digit in number)


def written_out(heard, say_number):
    heard = re.sub(r"(\d+):(\d\d)", r"\1点\2分", heard)
    heard = re.sub(r"(\d)\.(\d)", r"\1点\2", re.sub(r"(\d),(\d{3})", r"\1\2", heard))
    heard = re.sub(r"\d{4}(?=年)", lambda year: digit_by_digit(year[0]), heard)
    for sign, said in SIGNS.items():
        heard = heard.replace(sign, said)
    heard = re.sub(r"\d+", lambda number: say_number(number[0]), heard)
    return "".join(character for character in heard if "\u4e00" <= character <= "\u9fff")


def readings(characters):
    """Reads characters where they stand, spelled as in the sentences: with v after j, q, x and y."""
    return [re.sub("^([jqxy])u", r"\1v", syllable) for syllable in lazy_pinyin(characters, v_to_u=False)]


def distance(wanted, heard):
    row = list(range(len(heard) + 1))
    for place, syllable in enumerate(wanted, 1):
        above, row[0] = row[:], place
        for index, other in enumerate(heard, 1):
            changed = above[index - 1] + (syllable != other)
            row[index] = min(above[index] + 1, row[index - 1] + 1, changed)
    return row[-1]


def errors(model, path, wanted):
    segments, _ = model.transcribe(str(path), language="zh", beam_size=5, temperature=0)
    heard = "".join(segment.text for segment in segments)
    ways = [written_out(heard, say) for say in (cardinal, digit_by_digit)]
    # Where it says the same over and over, the sentence is wholly wrong and no more.
    return min(len(wanted), *(distance(wanted, readings(way)) for way in ways)), heard


def main(whisper, *folders):
    model = WhisperModel(whisper, device="cpu", compute_type="int8", cpu_threads=1)
    sentences = given_syllables()
    count = sum(map(len, sentences)) * len(folders)
    totals = {"text": 0, "given": 0}
    emotions = sorted(path.name for path in Path(folders[0]).iterdir() if path.is_dir())
    print("emotion\tfrom text\tfrom given readings")
    for emotion in emotions:
        wrong = {"text": 0, "given": 0}
        for folder in folders:
            for number, wanted in enumerate(sentences):
                for kind in wrong:
                    path = Path(folder, emotion, f"{number:02}.{kind}.wav")
                    missed, heard = errors(model, path, wanted)
                    wrong[kind] += missed
                    print(path, missed, heard, sep="\t", file=sys.stderr, flush=True)
        print(emotion, *(f"{100 * missed / count:.1f} %" for missed in wrong.values()), sep="\t", flush=True)
        for kind in totals:
            totals[kind] += wrong[kind] / len(emotions)
    print("all", *(f"{100 * missed / count:.1f} %" for missed in totals.values()), sep="\t")


if __name__ == "__main__":
    main(*sys.argv[1:])
