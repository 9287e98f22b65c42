#!/usr/bin/env python3
"""Compares the readings of sentences with pypinyin's, syllable by syllable.

    pip install pypinyin==0.55.0
    cargo build --release -p sambert-hifigan
    python3 readings.py ../../../target/release/sambert sentences.txt

The file holds a sentence a line; lines with anything but Chinese characters and their punctuation are left out, since
the other side reads no numbers. Running tones are not counted: the other side gives dictionary tones, so a second tone for
its third, and every tone of 一 and 不, is as good. Neutral tones are counted apart: its phrases mark few of them.
"""

import re
import subprocess
import sys
from collections import Counter

from pypinyin import Style, lazy_pinyin

HAN = re.compile("[\u4e00-\u9fff]")
PLAIN = re.compile("[\u4e00-\u9fff，。！？、：；“”]+")


def spelled(syllable: str) -> str:
    """Writes ü as v everywhere, as the voices' phone tables do."""
    syllable = syllable.replace("ü", "v")
    if syllable[0] in "jqxy" and syllable[1] == "u":
        syllable = syllable[0] + "v" + syllable[2:]
    return {"ng2": "en2", "ng4": "en4", "n2": "en2"}.get(syllable, syllable)


def kind(character: str, ours: str, theirs: str) -> str:
    if ours == theirs:
        return "equal"
    if ours[:-1] != theirs[:-1]:
        return "reading"
    tones = ours[-1] + theirs[-1]
    if character in "一不" or tones == "23":
        return "running tone"
    return "neutral tone" if "5" in tones else "reading"


def main() -> None:
    program, file = sys.argv[1:]
    with open(file, encoding="utf-8") as lines:
        sentences = [line.strip() for line in lines if PLAIN.fullmatch(line.strip())]
    shown = subprocess.run([program, "pinyin"], input="\n".join(sentences), capture_output=True, text=True, check=True)
    kinds: Counter[str] = Counter()
    different: Counter[str] = Counter()
    for sentence, line in zip(sentences, shown.stdout.splitlines(), strict=True):
        characters = HAN.findall(sentence)
        ours = re.findall(r"[a-z]+[1-5]", line)
        theirs = lazy_pinyin(sentence, style=Style.TONE3, neutral_tone_with_five=True, errors="ignore")
        theirs = [spelled(syllable) for syllable in theirs]
        if not len(characters) == len(ours) == len(theirs):
            kinds["sentences of other lengths"] += 1
            continue
        for at, (character, our, their) in enumerate(zip(characters, ours, theirs)):
            kinds[kind(character, our, their)] += 1
            if kind(character, our, their) == "reading":
                around = "".join(characters[max(0, at - 3) : at]), "".join(characters[at + 1 : at + 4])
                different[f"{around[0]}[{character}]{around[1]} ours {our}, theirs {their}"] += 1
    print(len(sentences), "sentences;", ", ".join(f"{name}: {count}" for name, count in kinds.items()))
    for line, count in sorted(different.items()):
        print(count, line)


main()
