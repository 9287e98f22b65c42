// A sound that may still be growing: its samples as they came (two bytes each) and its outline for the waveform.
import { header } from './wav.js';

/** Points of the outline in a second. */
export const POINTS = 200;

export class Sound {
  length = 0; complete = false; #blocks = []; #outline = []; #step;

  constructor(rate) {
    this.rate = rate;
    this.#step = Math.round(rate / POINTS);
  }

  get seconds() { return this.length / this.rate; }

  get bytes() { return this.length * 2; }

  /** The loudest sample of each two hundredth of a second, from 0 to 1. */
  get outline() { return this.#outline; }

  /** Adds what has arrived. */
  append(samples) {
    for (let taken = 0; taken < samples.length;) {
      // Blocks of a second: a place is found by division, and nothing is copied when more comes.
      const within = this.length % this.rate;
      if (within === 0) this.#blocks.push(new Int16Array(this.rate));
      const part = samples.subarray(taken, taken + this.rate - within);
      this.#blocks.at(-1).set(part, within);
      this.#trace(part);
      this.length += part.length;
      taken += part.length;
    }
  }

  #trace(part) {
    for (let at = 0; at < part.length; at += 1) {
      const point = Math.floor((this.length + at) / this.#step);
      const loud = Math.abs(part[at]) / 32768;
      if (!(this.#outline[point] >= loud)) this.#outline[point] = loud;
    }
  }

  /** Copies samples from a place on, as far as the target reaches. */
  copy(target, from) {
    for (let at = 0; at < target.length; at += 1) {
      const place = from + at;
      target[at] = this.#blocks[Math.floor(place / this.rate)][place % this.rate] / 32768;
    }
  }

  /** The whole as a file. */
  file() {
    const last = this.length % this.rate || this.rate;
    const blocks = this.#blocks.map((block, place) => (place === this.#blocks.length - 1 ? block.subarray(0, last) : block));
    return new Blob([header(this.rate, this.length), ...blocks], { type: 'audio/wav' });
  }
}
