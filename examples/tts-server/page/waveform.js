// Draws a sound as a fence of bars, with the part already heard in the accent color. A sound that still arrives
// grows from the left, over the length that it is expected to have.
import { POINTS } from './sound.js';

const BAR = 3;
const GAP = 2;
/** Softer sounds are not blown up to the full height. */
const FLOOR = 0.15;

/** Whether less motion was asked for. */
export const calm = matchMedia('(prefers-reduced-motion: reduce)');

/** How loud each of `count` equal slices of `seconds` is, between its mean and its peak: peaks alone make a wall of a
    long text. Nothing where the sound has not come yet. */
export function bars({ outline }, seconds, count) {
  const slice = (seconds * POINTS) / count;
  const found = Array.from({ length: count }, (_, bar) => {
    const from = Math.floor(bar * slice);
    const points = outline.slice(from, Math.max(from + 1, Math.ceil((bar + 1) * slice)));
    if (points.length === 0) return undefined;
    const mean = points.reduce((sum, point) => sum + point, 0) / points.length;
    return (Math.max(...points) + mean) / 2;
  });
  const scale = Math.max(FLOOR, ...found.filter((bar) => bar !== undefined));
  return found.map((bar) => bar && bar / scale);
}

export class Waveform {
  #canvas; #sound = null; #span = 0; #expected = 0; #heard = 0; #count = 1; #frame = 0;

  constructor(canvas) {
    this.#canvas = canvas;
    new ResizeObserver(() => this.#measure()).observe(canvas);
  }

  /** How many seconds the whole width stands for. */
  get span() { return this.#span; }

  /** Shows a sound, or the bare line when there is none. One that still arrives is drawn over the seconds it may take. */
  show(sound, expected = 0) {
    cancelAnimationFrame(this.#frame);
    this.#sound = sound;
    this.#expected = expected;
    this.#span = sound ? this.#goal() : 0;
    this.#heard = 0;
    this.draw();
  }

  /** Moves the playhead. Returns whether the picture is still on the move by itself. */
  heard(seconds) {
    this.#heard = seconds;
    const goal = this.#goal();
    const near = Math.abs(goal - this.#span) < 0.002 * goal;
    this.#span = near || calm.matches ? goal : this.#span + (goal - this.#span) * 0.14;
    this.draw();
    return !near;
  }

  /** Breathes while the first sound is awaited. Stands still for those who asked for less motion. */
  wait() {
    this.show(null);
    if (calm.matches) return;
    const step = (now) => {
      this.#draw((bar) => 0.1 + 0.08 * (1 + Math.sin(now / 280 - bar / 5)) * (1 + Math.sin(now / 1900 + bar / 11)));
      this.#frame = requestAnimationFrame(step);
    };
    this.#frame = requestAnimationFrame(step);
  }

  #goal() {
    const { seconds, complete } = this.#sound;
    return complete ? seconds : Math.max(this.#expected, seconds * 1.06);
  }

  #measure() {
    const ratio = Math.min(devicePixelRatio || 1, 3);
    const { clientWidth, clientHeight } = this.#canvas;
    this.#canvas.width = Math.round(clientWidth * ratio);
    this.#canvas.height = Math.round(clientHeight * ratio);
    this.#count = Math.max(1, Math.floor((clientWidth + GAP) / (BAR + GAP)));
    this.draw();
  }

  draw() {
    const found = this.#sound && this.#span > 0 ? bars(this.#sound, this.#span, this.#count) : [];
    this.#draw((bar) => found[bar]);
  }

  #draw(tallness) {
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    const pen = this.#canvas.getContext('2d');
    // The style sheet decides: text color for what was heard, border color for the rest, the decoration's for what is to come.
    const { color, borderTopColor, outlineColor, textDecorationColor } = getComputedStyle(this.#canvas);
    pen.setTransform(this.#canvas.width / Math.max(width, 1), 0, 0, this.#canvas.height / Math.max(height, 1), 0, 0);
    pen.clearRect(0, 0, width, height);
    const head = this.#span > 0 ? Math.min(1, this.#heard / this.#span) * width : 0;
    for (let bar = 0; bar < this.#count; bar += 1) {
      const left = bar * (BAR + GAP);
      const part = tallness(bar);
      const tall = Math.max(BAR, Math.min(1, part ?? 0) * (height - 8));
      pen.fillStyle = part === undefined ? textDecorationColor : left + BAR / 2 <= head ? color : borderTopColor;
      pen.beginPath();
      pen.roundRect(left, (height - tall) / 2, BAR, tall, BAR / 2);
      pen.fill();
    }
    if (this.#sound && this.#heard > 0) {
      pen.fillStyle = outlineColor;
      pen.fillRect(Math.min(Math.max(head - 0.75, 0), width - 1.5), 0, 1.5, height);
    }
  }
}
