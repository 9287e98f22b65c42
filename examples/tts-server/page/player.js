// Plays one sound at a time through WebAudio, and shows where it is.
import { $, clock, download, show } from './dom.js';
import { onLanguage, t } from './i18n.js';
import { onTheme } from './theme.js';
import { Waveform } from './waveform.js';

let context = null;

/** Makes sound possible. To be called in answer to a click or a key, before anything is awaited: browsers demand that. */
export function wake() {
  context ??= new AudioContext();
  context.resume().catch(() => {});
}

/** Decodes a WAV file. The decoder takes what it is given away, so it gets a copy. */
export async function decode(bytes) {
  wake();
  return context.decodeAudioData(bytes.slice(0));
}

export class Player {
  #waveform = new Waveform($('waveform')); #sound = null; #source = null; #offset = 0; #started = 0;

  constructor() {
    $('play').addEventListener('click', () => this.toggle());
    $('download').addEventListener('click', () => download(this.#sound.bytes, this.#sound.name));
    $('seek').addEventListener('keydown', (event) => this.#key(event));
    $('seek').addEventListener('pointerdown', (event) => this.#drag(event));
    onTheme(() => this.#waveform.draw());
    onLanguage(() => this.#tell());
  }

  get playing() { return this.#source !== null; }

  get position() {
    if (!this.playing) return this.#offset;
    return Math.min(this.#offset + context.currentTime - this.#started, this.#sound.buffer.duration);
  }

  /** Takes a sound `{ bytes, name }` and what `decode` made of it, ready to be played. */
  load({ bytes, name }, buffer) {
    this.pause();
    this.#sound = { bytes, name, buffer };
    this.#show();
  }

  /** Shows that a sound is on its way. */
  wait() {
    this.pause();
    this.#waveform.wait();
    this.#state('waiting');
  }

  /** Shows again what was there before waiting. */
  settle() {
    if (this.#sound) this.#show();
    else this.empty();
  }

  empty() {
    this.pause();
    this.#sound = null;
    this.#offset = 0;
    this.#waveform.show(null);
    this.#state('empty');
  }

  toggle() {
    if (this.playing) this.pause();
    else this.play();
  }

  play() {
    if (!this.#sound || this.playing) return;
    if (this.#offset >= this.#sound.buffer.duration - 0.01) this.#offset = 0;
    wake();
    const source = new AudioBufferSourceNode(context, { buffer: this.#sound.buffer });
    source.connect(context.destination);
    // Also called after `stop`, when another source may already be playing.
    source.onended = () => { if (this.#source === source) this.#finish(); };
    this.#source = source;
    this.#started = context.currentTime;
    source.start(0, this.#offset);
    this.#state('playing');
    requestAnimationFrame(() => this.#follow());
  }

  pause() {
    if (!this.playing) return;
    this.#offset = this.position;
    this.#source.stop();
    this.#source = null;
    this.#state('ready');
  }

  seek(seconds) {
    const again = this.playing;
    this.pause();
    this.#offset = Math.min(Math.max(seconds, 0), this.#sound.buffer.duration);
    this.#tell();
    if (again) this.play();
  }

  #show() {
    this.#offset = 0;
    this.#waveform.show(this.#sound.buffer.getChannelData(0));
    this.#state('ready');
  }

  #finish() {
    this.#source = null;
    this.#offset = this.#sound.buffer.duration;
    this.#state('ready');
  }

  #follow() {
    if (!this.playing) return;
    this.#tell();
    requestAnimationFrame(() => this.#follow());
  }

  #state(state) {
    $('player').dataset.state = state;
    const idle = state === 'empty' || state === 'waiting';
    $('play').disabled = idle;
    $('download').disabled = idle;
    $('seek').tabIndex = idle ? -1 : 0;
    $('seek').setAttribute('aria-disabled', String(idle));
    show($('wave-empty'), state === 'empty');
    this.#tell();
  }

  #tell() {
    const duration = this.#sound?.buffer.duration ?? 0;
    const position = this.position;
    $('play').setAttribute('aria-label', t(this.playing ? 'pause' : 'play'));
    $('position').textContent = clock(position);
    $('duration').textContent = clock(duration);
    $('player').dataset.seconds = duration.toFixed(3);
    const seek = $('seek');
    seek.setAttribute('aria-valuemax', duration.toFixed(1));
    seek.setAttribute('aria-valuenow', position.toFixed(1));
    seek.setAttribute('aria-valuetext', t('positionText', { a: position.toFixed(1), b: duration.toFixed(1) }));
    if (this.#sound && $('player').dataset.state !== 'waiting') this.#waveform.heard(duration ? position / duration : 0);
  }

  #key(event) {
    if (!this.#sound || $('play').disabled) return;
    const { duration } = this.#sound.buffer;
    const targets = { ArrowLeft: this.position - 0.5, ArrowRight: this.position + 0.5, Home: 0, End: duration, PageUp: this.position + 2, PageDown: this.position - 2 };
    if (event.key === ' ') this.toggle();
    else if (event.key in targets) this.seek(targets[event.key]);
    else return;
    event.preventDefault();
  }

  #drag(event) {
    if (!this.#sound || $('play').disabled) return;
    const seek = $('seek');
    const move = ({ clientX }) => {
      const box = seek.getBoundingClientRect();
      this.seek(((clientX - box.left) / box.width) * this.#sound.buffer.duration);
    };
    seek.setPointerCapture(event.pointerId);
    seek.addEventListener('pointermove', move);
    const release = () => seek.removeEventListener('pointermove', move);
    seek.addEventListener('pointerup', release, { once: true });
    seek.addEventListener('pointercancel', release, { once: true });
    move(event);
  }
}
