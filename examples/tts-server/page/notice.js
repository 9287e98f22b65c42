// Explains a refusal: what happened, what to do, and for how long the door stays shut.
import { $, announce, icon, make } from './dom.js';
import { isChinese, onLanguage, refusalWords, t } from './i18n.js';

const CROSS = 'M6 6l12 12M18 6 6 18';

/** One place on the page where a refusal is shown. */
export class Notice {
  #place; #shown = null; #timer = 0; #tick = null;

  constructor(id) {
    this.#place = $(id);
    onLanguage(() => this.#draw());
  }

  get visible() { return this.#shown !== null; }

  /** Shows a refusal. `whenOpen` is called with the seconds left, then 0 when the limit has opened. */
  refuse(refusal, whenOpen = () => {}) {
    this.clear();
    this.#shown = { refusal, tone: refusal.status === 429 || refusal.status === 503 ? 'warn' : 'danger' };
    if (refusal.retryAfter > 0) this.#count(refusal.retryAfter, whenOpen);
    this.#draw();
  }

  /** Says something that is not a refusal, by the names of its words. */
  say(title, detail, tone = 'calm') {
    this.clear();
    this.#shown = { title, detail, tone };
    this.#draw();
  }

  /** Takes the notice away. A countdown goes on for the callers that wait for it. */
  hide() {
    this.#shown = null;
    this.#draw();
  }

  clear() {
    clearInterval(this.#timer);
    this.#tick?.(0);
    this.#tick = null;
    this.hide();
  }

  #count(seconds, whenOpen) {
    // Measured against a clock: a hidden tab's timers are late.
    const opens = performance.now() + seconds * 1000;
    const tick = (left) => {
      if (this.#shown?.refusal) this.#shown.left = left;
      this.#drawCountdown(left);
      whenOpen(left);
    };
    this.#tick = whenOpen;
    this.#timer = setInterval(() => {
      const left = Math.max(0, Math.ceil((opens - performance.now()) / 1000));
      tick(left);
      if (left > 0) return;
      clearInterval(this.#timer);
      this.#tick = null;
      announce(t('open'));
    }, 250);
    tick(seconds);
  }

  #words() {
    const { refusal, title, detail } = this.#shown;
    if (!refusal) return [t(title), detail && t(detail)];
    const own = refusalWords(refusal.code);
    // Where a mark is wrong only the server can say, and says it in English.
    if (own) return [own[0], own[1] || refusal.detail];
    const [heading, advice] = refusalWords(refusal.status) ?? refusalWords(refusal.status < 500 ? 400 : 500);
    // The server's own words are more exact, but only English; where ours say nothing, they stand alone.
    const exact = refusal.status !== 401 && refusal.status !== 429 && refusal.status < 500 ? refusal.detail : '';
    return [heading, isChinese() ? advice || exact : exact || advice];
  }

  #draw() {
    if (!this.#shown) return this.#place.replaceChildren();
    const [heading, explanation] = this.#words();
    const { tone, refusal } = this.#shown;
    const close = make('button', { type: 'button', className: 'quiet icon-only', 'aria-label': t('dismiss') }, icon(CROSS));
    close.addEventListener('click', () => this.hide());
    const body = make('div', { className: 'notice-body' }, make('p', { className: 'notice-title' }, heading));
    if (explanation) body.append(make('p', {}, explanation));
    // Not part of the alert: a screen reader announces the opening, not every second.
    body.append(make('p', { className: 'countdown', 'aria-live': 'off' }));
    if (refusal?.code && refusal.status) body.append(make('p', { className: 'fine' }, [refusal.status, refusal.code].join(' · ')));
    this.#place.replaceChildren(make('div', { className: `notice ${tone}`, role: tone === 'calm' ? 'status' : 'alert' }, body, close));
    this.#drawCountdown(this.#shown.left);
  }

  #drawCountdown(left) {
    const line = this.#place.querySelector('.countdown');
    if (!line || left === undefined) return;
    const text = left === 0 ? t('open') : t(left === 1 ? 'countdownOne' : 'countdown', { s: left });
    if (line.textContent !== text) line.textContent = text;
  }
}
