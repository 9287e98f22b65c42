// Plays a sound through WebAudio while it may still be arriving: short pieces, each scheduled to begin with the
// very sample at which the one before ends. Only the next few seconds are ever decoded.

const PIECE = 0.5;
const AHEAD = 3;
/** How much must be there before a sound that still arrives begins. Twice as much each time that it has run dry. */
const CUSHION = 0.2;
const MOST = 2;
const SOON = 0.04;

let context = null;

/** Makes sound of a rate possible. To be called in response to a click or a key, before anything is awaited: browsers demand that. */
export function wake(rate) {
  if (context && context.sampleRate !== rate) {
    context.close().catch(() => {});
    context = null;
  }
  // At the rate of the sound, so that no piece is resampled by itself: that would click at the seams.
  context ??= new AudioContext({ sampleRate: rate });
  context.resume().catch(() => {});
  return context;
}

export class Playback {
  #context; #sound; #next; #at = 0; #cushion = CUSHION; #sources = new Set(); #timer; #ended;

  /** Begins at a place in seconds. `ended` is called when all was heard. */
  constructor(sound, from, ended) {
    this.#sound = sound;
    this.#next = Math.round(from * sound.rate);
    this.#ended = ended;
    this.#context = wake(sound.rate);
    this.#timer = setInterval(() => this.feed(), 100);
    this.feed();
  }

  /** The place that is heard now, in seconds. */
  get position() {
    return Math.max(0, this.#next / this.#sound.rate - Math.max(0, this.#at - this.#context.currentTime));
  }

  /** Whether it waits for more to arrive. */
  get dry() { return this.#at <= this.#context.currentTime; }

  stop() {
    clearInterval(this.#timer);
    for (const source of this.#sources) {
      source.onended = null;
      source.stop();
    }
    this.#sources.clear();
  }

  /** Schedules what is there. Called when samples have arrived, when a piece has ended, and by a timer. */
  feed() {
    const sound = this.#sound;
    const { currentTime: now } = this.#context;
    if (this.dry && !this.#begin(sound, now)) return;
    while (this.#next < sound.length && this.#at < now + AHEAD) this.#piece();
  }

  /** Begins, or goes on after it ran dry; tells whether it can. */
  #begin(sound, now) {
    const there = sound.length - this.#next;
    if (sound.complete && there <= 0) this.#finish();
    if (there <= 0 || (!sound.complete && there < this.#cushion * sound.rate)) return false;
    if (this.#at > 0) this.#cushion = Math.min(MOST, this.#cushion * 2);
    this.#at = now + SOON;
    return true;
  }

  #piece() {
    const { rate, length } = this.#sound;
    const count = Math.min(Math.round(PIECE * rate), length - this.#next);
    const buffer = new AudioBuffer({ length: count, sampleRate: rate });
    this.#sound.copy(buffer.getChannelData(0), this.#next);
    const source = new AudioBufferSourceNode(this.#context, { buffer });
    source.connect(this.#context.destination);
    // Heard also where timers are slow, as in a tab that is not seen.
    source.onended = () => { this.#sources.delete(source); this.feed(); };
    source.start(this.#at);
    this.#sources.add(source);
    this.#next += count;
    this.#at += count / rate;
  }

  #finish() {
    this.stop();
    this.#ended();
  }
}
