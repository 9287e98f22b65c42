#!/usr/bin/env python3
"""Has a running speech server speak the sentences of `served.txt`, recognises the sound and counts wrong syllables.

    served.py WHISPER URL KEY CA [VOICE...]

WHISPER is a folder with Whisper base for faster-whisper, URL that of the server, KEY an API key, CA the file of the authority
that the server's certificate is from. Syllables are compared without tones.
"""

import ssl
import sys
import tempfile
import urllib.parse
import urllib.request
from pathlib import Path

from faster_whisper import WhisperModel

import recognise

SENTENCES = Path(__file__).with_name("served.txt").read_text(encoding="utf-8").splitlines()


def speak(url, key, trust, fields):
    query = urllib.parse.urlencode(fields)
    request = urllib.request.Request(f"{url}/tts?{query}", headers={"X-API-Key": key})
    with urllib.request.urlopen(request, context=trust) as response:
        return response.read()


def main(whisper, url, key, authority, *voices):
    model = WhisperModel(whisper, device="cpu", compute_type="int8", cpu_threads=1)
    trust = ssl.create_default_context(cafile=authority)
    for voice in voices or [None]:
        wrong = count = 0
        for sentence in SENTENCES:
            fields = {"text": sentence} | ({"voice": voice} if voice else {})
            with tempfile.NamedTemporaryFile(suffix=".wav") as file:
                Path(file.name).write_bytes(speak(url, key, trust, fields))
                characters = "".join(c for c in sentence if "\u4e00" <= c <= "\u9fff")
                wanted = recognise.readings(characters)
                missed, heard = recognise.errors(model, file.name, wanted)
            wrong += missed
            count += len(wanted)
            print(voice, missed, sentence, heard, sep="\t", file=sys.stderr, flush=True)
        print(voice or "first voice", f"{wrong} of {count} syllables", f"{100 * wrong / count:.1f} %", sep="\t", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
