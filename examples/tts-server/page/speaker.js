// From the button to the sound: one text at a time, heard while it arrives, with stopping and the wait after a refusal.
import { $, announce, clock, show } from './dom.js';
import { onLanguage, t } from './i18n.js';
import { Refusal, speak } from './api.js';
import { graphemes } from './composer.js';
import { Notice } from './notice.js';
import { wake } from './playback.js';
import { Progress } from './progress.js';
import { Sound } from './sound.js';

/** A file name made of the first characters of the text, without anything a file system minds. */
function fileName(text, emotion) {
  const start = text.replace(/<[^>]*>/g, '').replace(/[^\p{L}\p{N}]+/gu, '').slice(0, 16) || 'speech';
  return `${start}-${emotion}.wav`;
}

export class Speaker {
  #composer; #player; #history; #expired;
  #notice = new Notice('notice'); #progress = new Progress(); #work = null; #left = 0;
  // Seconds of sound of a character, learned from what came: only for the look of the waveform.
  #pace = 0.22;

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

  cancel() { this.#work?.stop.abort(); }

  /** Removes every message to the user, at sign-out. */
  reset() {
    if (this.#work) this.#work.forgotten = true;
    this.cancel();
    this.#notice.clear();
    $('status').textContent = '';
  }

  async start() {
    if (this.busy || this.#left > 0) return;
    const request = this.#composer.request();
    if (!request) return this.#notice.hide();
    wake(this.#composer.voice.sample_rate);
    const work = this.#begin(request);
    try {
      for await (const piece of speak(request.asked, work.stop.signal)) this.#arrived(work, piece);
      if (!work.sound) throw new Refusal({ code: 'unreadable' });
      this.#end(work);
      this.#finished(work);
    } catch (error) {
      this.#end(work);
      this.#failed(work, error instanceof TypeError ? new Refusal({ code: 'unreadable' }) : error);
    }
  }

  #begin(request) {
    const length = graphemes(request.text);
    const work = { ...request, length, name: fileName(request.text, request.emotion), stop: new AbortController(), since: performance.now(), sound: null, words: [], first: 0 };
    this.#work = work;
    this.#notice.clear();
    this.#player.wait();
    this.#label();
    announce(t('speaking'));
    this.#progress.begin(work);
    return work;
  }

  #arrived(work, { rate, samples, words }) {
    work.words.push(...words);
    if (!work.sound) {
      work.first = seconds(work);
      work.expected = (this.#pace * work.length) / work.speed;
      work.sound = new Sound(rate);
      work.sound.append(samples);
      this.#player.load(work, work.expected);
      this.#player.play();
      announce(t('sounding'));
    } else {
      work.sound.append(samples);
      this.#player.grown();
    }
    this.#progress.tell();
  }

  #end(work) {
    this.#progress.end();
    this.#work = null;
    if (work.sound) {
      work.sound.complete = true;
      this.#player.grown();
    }
    this.#label();
  }

  #finished(work) {
    this.#pace = (work.sound.seconds * work.speed) / Math.max(1, work.length);
    this.#keep(work);
    $('status').textContent = t('madeIn', { first: work.first.toFixed(1), s: seconds(work).toFixed(1) });
    announce(t('ready', { s: work.sound.seconds.toFixed(1) }));
  }

  #keep({ asked, text, ssml, voice, voiceName, emotion, speed, name, sound, words }) {
    this.#history.add({ asked, text, ssml, voice, voiceName, emotion, speed, name, sound, words });
  }

  #failed(work, error) {
    if (!work.sound) this.#player.settle();
    if (!work.sound && error.code === 'broken_off') return this.refuse(new Refusal({ status: 500, code: 'synthesis_failed' }));
    if (error.name === 'AbortError') return this.#stopped(work);
    if (error.status === 401) return this.#expired();
    if (!(error instanceof Refusal)) throw error;
    this.refuse(error);
  }

  /** What came until then stays, and can be heard and kept. */
  #stopped({ sound, forgotten }) {
    if (forgotten) return;
    announce(t('cancelled'));
    if (!sound) return;
    this.#player.pause();
    $('status').textContent = t('stoppedAt', { s: clock(sound.seconds) });
  }

  /** Explains a refusal, and waits with the button until the limit opens. */
  refuse(refusal) {
    this.#notice.refuse(refusal, (left) => { this.#left = left; this.#label(); });
  }

  #label() {
    const waiting = this.#left > 0;
    const held = document.activeElement;
    $('speak').disabled = this.busy || waiting;
    $('speak-label').textContent = waiting ? t('wait', { s: this.#left }) : t(this.busy ? 'speaking' : 'speak');
    $('speak').dataset.busy = String(this.busy);
    this.#swap($('cancel'), held);
  }

  /** Shows or hides the button that stops. The focus goes from one of the two to the other, or it would be lost. */
  #swap(cancel, held) {
    if (!this.busy && held === cancel) ($('speak').disabled ? $('text') : $('speak')).focus();
    show(cancel, this.busy);
    if (this.busy && held === $('speak')) cancel.focus();
  }
}

const seconds = ({ since }) => (performance.now() - since) / 1000;
