// WAV files, read while they arrive and written when they are kept: 16 bits, one channel.

/** Reads the beginning of a file, then turns whatever arrives into samples. Bytes may come in pieces of any size. */
export class WavReader {
  rate = 0; #head = new Uint8Array(0); #left = Infinity; #odd = null;

  /** Takes some bytes; returns the samples that became whole, which may be none. */
  read(bytes) {
    if (this.rate) return this.#samples(bytes);
    this.#head = joined(this.#head, bytes);
    const rest = this.#beginning();
    return rest ? this.#samples(rest) : new Int16Array(0);
  }

  /** Tells whether all samples came that the file promised. A stream promises none. */
  get whole() { return this.rate > 0 && (this.#left === 0 || this.#left === Infinity); }

  /** Walks the chunks up to the samples; returns what follows, or nothing while there is too little. */
  #beginning() {
    const view = new DataView(this.#head.buffer, this.#head.byteOffset, this.#head.length);
    const name = (at) => String.fromCharCode(...this.#head.subarray(at, at + 4));
    if (view.byteLength >= 12 && (name(0) !== 'RIFF' || name(8) !== 'WAVE')) throw new TypeError('no WAV file');
    let rate = 0;
    for (let at = 12; at + 8 <= view.byteLength;) {
      const size = view.getUint32(at + 4, true);
      if (name(at) === 'data') return this.#open(rate, size, at + 8);
      if (at + 8 + size > view.byteLength) break;
      if (name(at) === 'fmt ') rate = format(view, at + 8);
      at += 8 + size + (size % 2);
    }
    if (view.byteLength > 65536) throw new TypeError('no samples in sight');
    return null;
  }

  #open(rate, size, at) {
    if (!rate) throw new TypeError('samples of an unknown form');
    this.rate = rate;
    // The writer of a stream cannot know its length, and writes 0 or the largest number.
    if (size > 0 && size < 0x7fff0000) this.#left = size;
    const rest = this.#head.slice(at);
    this.#head = new Uint8Array(0);
    return rest;
  }

  #samples(bytes) {
    let all = bytes.subarray(0, Math.min(bytes.length, this.#left));
    this.#left -= all.length;
    if (this.#odd) all = joined(this.#odd, all);
    const count = Math.floor(all.length / 2);
    this.#odd = all.length % 2 ? all.slice(-1) : null;
    const view = new DataView(all.buffer, all.byteOffset, count * 2);
    return Int16Array.from({ length: count }, (_, at) => view.getInt16(at * 2, true));
  }
}

function format(view, at) {
  const [kind, channels, bits] = [view.getUint16(at, true), view.getUint16(at + 2, true), view.getUint16(at + 14, true)];
  if (kind !== 1 || channels !== 1 || bits !== 16) throw new TypeError('samples of an unknown form');
  return view.getUint32(at + 4, true);
}

function joined(first, second) {
  const all = new Uint8Array(first.length + second.length);
  all.set(first);
  all.set(second, first.length);
  return all;
}

/** The beginning of a file with so many samples. */
export function header(rate, samples) {
  const view = new DataView(new ArrayBuffer(44));
  const word = (at, text) => [...text].forEach((letter, place) => view.setUint8(at + place, letter.charCodeAt(0)));
  word(0, 'RIFF');
  view.setUint32(4, 36 + samples * 2, true);
  word(8, 'WAVEfmt ');
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, rate, true);
  view.setUint32(28, rate * 2, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  word(36, 'data');
  view.setUint32(40, samples * 2, true);
  return view.buffer;
}
