// Plays one sound at a time, also while it still arrives, and shows where it is.
import { $, clock, show } from './dom.js';
import { onLanguage, t } from './i18n.js';
import { Playback } from './playback.js';
import { Scrubber } from './scrubber.js';
import { onTheme } from './theme.js';
import { Transcript } from './transcript.js';
import { Waveform, calm } from './waveform.js';

export class Player {
  #waveform = new Waveform($('waveform')); #transcript = new Transcript((seconds) => this.seek(seconds)); #entry = null; #playback = null; #offset = 0; #waiting = false; #moving = false; #kept;

  /** `kept` is told what can be taken along: the entry in the player once it is complete, else nothing. */
  constructor(kept) {
    this.#kept = kept;
    $('play').addEventListener('click', () => this.toggle());
    new Scrubber($('seek'), this);
    onTheme(() => this.#waveform.draw());
    onLanguage(() => this.#tell());
  }

  get playing() { return this.#playback !== null; }

  get idle() { return this.#waiting || !this.#sound; }

  get #sound() { return this.#entry?.sound ?? null; }

  get seconds() { return this.#sound?.seconds ?? 0; }

  /** How many seconds the waveform's width stands for. */
  get span() { return this.#waveform.span; }

  get position() { return Math.min(this.#playback?.position ?? this.#offset, this.seconds); }

  /** Shows that a sound is on its way. */
  wait() {
    this.pause();
    this.#waiting = true;
    this.#waveform.wait();
    this.#transcript.show([]);
    this.#show();
    // Below a long text, or on a phone, it would be out of sight.
    $('player').scrollIntoView({ block: 'nearest', behavior: calm.matches ? 'auto' : 'smooth' });
  }

  /** Shows again what was there before waiting. */
  settle() {
    if (this.#entry) this.load(this.#entry);
    else this.empty();
  }

  /** Takes a sound, ready to be played. One that still arrives is expected to take so many seconds. */
  load(entry, expected = 0) {
    this.pause();
    this.#waiting = false;
    this.#entry = entry;
    this.#offset = 0;
    this.#waveform.show(entry.sound, expected);
    this.#transcript.show(entry.words);
    this.#show();
  }

  /** Notices that more of the sound has arrived, or that it is complete. */
  grown() {
    this.#playback?.feed();
    this.#transcript.grow();
    this.#show();
  }

  empty() {
    this.pause();
    this.#waiting = false;
    this.#entry = null;
    this.#offset = 0;
    this.#waveform.show(null);
    this.#transcript.show([]);
    this.#show();
  }

  toggle() {
    if (this.playing) this.pause();
    else this.play();
  }

  play() {
    if (this.idle || this.playing) return;
    if (this.#sound.complete && this.#offset >= this.seconds - 0.01) this.#offset = 0;
    this.#playback = new Playback(this.#sound, this.#offset, () => this.#finish());
    this.#show();
  }

  pause() {
    if (!this.playing) return;
    this.#offset = this.position;
    this.#playback.stop();
    this.#playback = null;
    this.#show();
  }

  seek(seconds) {
    const again = this.playing;
    this.pause();
    this.#offset = Math.min(Math.max(seconds, 0), this.seconds);
    if (again) this.play();
    else this.#show();
  }

  #finish() {
    this.#playback = null;
    this.#offset = this.seconds;
    this.#show();
  }

  /** The state in one word, for the style sheet. */
  get #state() {
    if (this.#waiting) return 'waiting';
    if (!this.#sound) return 'empty';
    return this.playing ? 'playing' : 'ready';
  }

  #show() {
    const { idle } = this;
    $('player').dataset.state = this.#state;
    $('player').dataset.live = String(!idle && !this.#sound.complete);
    $('play').disabled = idle;
    this.#kept(idle || !this.#sound.complete ? null : this.#entry);
    $('seek').tabIndex = idle ? -1 : 0;
    $('seek').setAttribute('aria-disabled', String(idle));
    show($('wave-empty'), this.#state === 'empty');
    this.#tell();
    if (!this.#moving && !idle) this.#follow();
  }

  /** Moves the picture, frame by frame, as long as something in it moves. */
  #follow() {
    const settling = !this.idle && this.#waveform.heard(this.position);
    this.#tell();
    this.#moving = !this.idle && (this.playing || settling || !this.#sound.complete);
    if (this.#moving) requestAnimationFrame(() => this.#follow());
  }

  #tell() {
    const { position, seconds } = this;
    $('play').setAttribute('aria-label', t(this.playing ? 'pause' : 'play'));
    $('position').textContent = clock(position);
    // Before anything was heard no word is marked.
    this.#transcript.heard(this.playing || position > 0 ? position : -1);
    $('duration').textContent = clock(seconds);
    $('player').dataset.seconds = seconds.toFixed(3);
    $('player').dataset.position = position.toFixed(3);
    const seek = $('seek');
    seek.setAttribute('aria-valuemax', seconds.toFixed(1));
    seek.setAttribute('aria-valuenow', position.toFixed(1));
    seek.setAttribute('aria-valuetext', t('positionText', { a: position.toFixed(1), b: seconds.toFixed(1) }));
  }
}
