// How far a text is: until there is sound by the time that it may take, then by the sound that is there.
import { $, show } from './dom.js';
import { t } from './i18n.js';

/** What the time before the first sound is worth, and how far the sound may lead before it is whole. */
const BEFORE = 0.1;
const LED = 0.97;

export class Progress {
  #timer = 0; #work = null;
  // Seconds of work before the first sound, learned from what came: only for the look of the bar.
  #patience = 1;

  begin(work) {
    this.#work = work;
    this.#timer = setInterval(() => this.tell(), 100);
    this.tell();
    show($('progress'), true);
  }

  /** Says how far it is. Only the end is the end: until then the bar falls short of it. */
  tell() {
    const { sound, expected, since } = this.#work;
    const s = (performance.now() - since) / 1000;
    const part = sound
      ? BEFORE + (LED - BEFORE) * Math.min(1, sound.seconds / expected)
      : BEFORE * (1 - Math.exp((-2 * s) / this.#patience));
    $('status').textContent = sound ? t('arriving') : t('progressText', { s: s.toFixed(1) });
    $('progress-bar').style.setProperty('--done', part.toFixed(3));
    $('progress').setAttribute('aria-valuenow', String(Math.round(part * 100)));
  }

  end() {
    clearInterval(this.#timer);
    if (this.#work?.first) this.#patience = Math.max(0.2, this.#work.first);
    this.#work = null;
    show($('progress'), false);
    $('status').textContent = '';
  }
}
