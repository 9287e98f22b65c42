// Draws a sound as a fence of bars, with the part already heard in the accent color.

const BAR = 3;
const GAP = 2;

/** The loudest sample of each of `count` equal slices, scaled so that the loudest of all is 1. */
export function peaks(samples, count) {
  const found = new Float32Array(count);
  const slice = samples.length / count;
  for (let bar = 0; bar < count; bar += 1) {
    const end = Math.min(samples.length, Math.ceil((bar + 1) * slice));
    for (let at = Math.floor(bar * slice); at < end; at += 1) found[bar] = Math.max(found[bar], Math.abs(samples[at]));
  }
  const loudest = Math.max(...found, 1e-4);
  return found.map((peak) => peak / loudest);
}

export class Waveform {
  #canvas; #samples = null; #bars = new Float32Array(0); #heard = 0; #frame = 0;

  constructor(canvas) {
    this.#canvas = canvas;
    new ResizeObserver(() => this.#measure()).observe(canvas);
  }

  /** Shows a sound, or the bare line when there is none. */
  show(samples) {
    cancelAnimationFrame(this.#frame);
    this.#samples = samples;
    this.#heard = 0;
    this.#measure();
  }

  /** Moves the playhead to a fraction of the whole. */
  heard(fraction) {
    this.#heard = fraction;
    this.draw();
  }

  /** Breathes while a text is being synthesized. Stands still for those who asked for less motion. */
  wait() {
    this.show(null);
    if (matchMedia('(prefers-reduced-motion: reduce)').matches) return;
    const step = (now) => {
      this.#bars = this.#bars.map((_, bar) => 0.1 + 0.16 * (1 + Math.sin(now / 280 - bar / 5)) * (1 + Math.sin(now / 1900 + bar / 11)) / 2);
      this.draw();
      this.#frame = requestAnimationFrame(step);
    };
    this.#frame = requestAnimationFrame(step);
  }

  #measure() {
    const ratio = Math.min(devicePixelRatio || 1, 3);
    const { clientWidth, clientHeight } = this.#canvas;
    this.#canvas.width = Math.round(clientWidth * ratio);
    this.#canvas.height = Math.round(clientHeight * ratio);
    const count = Math.max(1, Math.floor((clientWidth + GAP) / (BAR + GAP)));
    this.#bars = this.#samples ? peaks(this.#samples, count) : new Float32Array(count);
    this.draw();
  }

  draw() {
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    const pen = this.#canvas.getContext('2d');
    // The style sheet decides: text color for what was heard, border color for the rest.
    const { color, borderTopColor, outlineColor } = getComputedStyle(this.#canvas);
    pen.setTransform(this.#canvas.width / Math.max(width, 1), 0, 0, this.#canvas.height / Math.max(height, 1), 0, 0);
    pen.clearRect(0, 0, width, height);
    const head = this.#heard * width;
    this.#bars.forEach((peak, bar) => {
      const left = bar * (BAR + GAP);
      const tall = Math.max(BAR, peak * (height - 8));
      pen.fillStyle = left + BAR / 2 <= head && this.#samples ? color : borderTopColor;
      pen.beginPath();
      pen.roundRect(left, (height - tall) / 2, BAR, tall, BAR / 2);
      pen.fill();
    });
    if (this.#samples && this.#heard > 0) {
      pen.fillStyle = outlineColor;
      pen.fillRect(Math.min(Math.max(head - 0.75, 0), width - 1.5), 0, 1.5, height);
    }
  }
}
