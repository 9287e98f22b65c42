// From the button to the sound: one text at a time, with progress, cancelling and the wait after a refusal.
import { $, announce, show } from './dom.js';
import { onLanguage, t } from './i18n.js';
import { Refusal, speak } from './api.js';
import { graphemes } from './composer.js';
import { Notice } from './notice.js';
import { decode, wake } from './player.js';

/** A file name made of the first characters of the text, without anything a file system minds. */
function fileName({ text, emotion }) {
  const start = text.replace(/[^\p{L}\p{N}]+/gu, '').slice(0, 16) || 'speech';
  return `${start}-${emotion}.wav`;
}

export class Speaker {
  #composer; #player; #history; #expired;
  #notice = new Notice('notice'); #work = null; #timer = 0; #left = 0;
  // Seconds a character takes, learned from what was measured: only for the look of the bar.
  #pace = 0.06;

  constructor(composer, player, history, expired) {
    this.#composer = composer;
    this.#player = player;
    this.#history = history;
    this.#expired = expired;
    $('composer').addEventListener('submit', (event) => { event.preventDefault(); this.start(); });
    $('cancel').addEventListener('click', () => this.cancel());
    // A refusal of the old text says nothing about the new one; a limit that is still shut does.
    $('composer').addEventListener('input', () => { if (this.#left === 0) this.#notice.hide(); });
    onLanguage(() => this.#label());
  }

  get busy() { return this.#work !== null; }

  /** Stops the work, or failing that closes the notice, or pauses the sound. */
  escape() {
    if (this.busy) this.cancel();
    else if (this.#notice.visible) this.#notice.hide();
    else this.#player.pause();
  }

  cancel() { this.#work?.abort(); }

  /** Forgets everything that was said to the user, at sign-out. */
  reset() {
    this.cancel();
    this.#notice.clear();
    $('status').textContent = '';
  }

  async start() {
    if (this.busy || this.#left > 0) return;
    const request = this.#composer.request();
    if (!request) return this.#notice.hide();
    wake();
    this.#begin(request);
    const since = performance.now();
    try {
      const { bytes } = await speak(request, this.#work.signal, (part) => this.#arrived(part));
      const buffer = await decode(bytes).catch(() => { throw new Refusal({ code: 'unreadable' }); });
      const took = (performance.now() - since) / 1000;
      this.#pace = took / Math.max(1, graphemes(request.text));
      this.#end();
      this.#finished({ ...request, bytes, name: fileName(request), seconds: buffer.duration }, buffer, took);
    } catch (error) {
      this.#end();
      this.#failed(error);
    }
  }

  #begin(request) {
    this.#work = new AbortController();
    this.#notice.clear();
    this.#player.wait();
    this.#label();
    announce(t('speaking'));
    const since = performance.now();
    const expected = Math.max(0.4, this.#pace * graphemes(request.text));
    const step = () => {
      const s = (performance.now() - since) / 1000;
      $('status').textContent = t('progressText', { s: s.toFixed(1) });
      // Approaches nine tenths and never claims to be done: only the answer says that.
      this.#bar(0.9 * (1 - Math.exp(-1.6 * s / expected)));
    };
    step();
    this.#timer = setInterval(step, 100);
    show($('progress'), true);
  }

  #arrived(part) {
    clearInterval(this.#timer);
    $('status').textContent = t('receiving');
    this.#bar(0.9 + 0.1 * part);
  }

  #bar(part) {
    $('progress-bar').style.setProperty('--done', part.toFixed(3));
    $('progress').setAttribute('aria-valuenow', String(Math.round(part * 100)));
  }

  #end() {
    clearInterval(this.#timer);
    show($('progress'), false);
    $('status').textContent = '';
    this.#work = null;
    this.#label();
  }

  #finished(entry, buffer, took) {
    this.#history.add(entry);
    this.#player.load(entry, buffer);
    this.#player.play();
    $('status').textContent = t('madeIn', { s: took.toFixed(1) });
    announce(t('ready', { s: entry.seconds.toFixed(1) }));
  }

  #failed(error) {
    this.#player.settle();
    if (error.name === 'AbortError') return announce(t('cancelled'));
    if (error.status === 401) return this.#expired();
    if (!(error instanceof Refusal)) throw error;
    this.refuse(error);
  }

  /** Explains a refusal, and waits with the button until the limit opens. */
  refuse(refusal) {
    this.#notice.refuse(refusal, (left) => { this.#left = left; this.#label(); });
  }

  #label() {
    const waiting = this.#left > 0;
    $('speak').disabled = this.busy || waiting;
    $('speak-label').textContent = waiting ? t('wait', { s: this.#left }) : t(this.busy ? 'speaking' : 'speak');
    $('speak').dataset.busy = String(this.busy);
    show($('cancel'), this.busy);
  }
}
