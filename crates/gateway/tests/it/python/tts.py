"""The recipe: a speech service in Flask behind an open port. Nothing here knows of a gateway."""

from flask import Flask, Response, request

app = Flask(__name__)


def synthesize(text):
    samples = b"\0\0" * (2400 * max(1, len(text)))
    sizes = (36 + len(samples)).to_bytes(4, "little"), len(samples).to_bytes(4, "little")
    rate = (24000).to_bytes(4, "little") + (48000).to_bytes(4, "little")
    return b"RIFF" + sizes[0] + b"WAVEfmt \x10\0\0\0\x01\0\x01\0" + rate + b"\x02\0\x10\0data" + sizes[1] + samples


@app.route("/tts")
def tts():
    text = request.args.get("text", "")
    print("spoken:", ascii(text), flush=True)
    return Response(synthesize(text), mimetype="audio/wav", headers={"X-Spoken": ascii(text)})
