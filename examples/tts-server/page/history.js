// What was spoken during this visit. Only in memory, as two bytes a sample.
import { $, announce, clock, download, icon, make, show } from './dom.js';
import { emotionName, onLanguage, t } from './i18n.js';

const KEPT = 50;
const KEPT_BYTES = 64 * 1024 * 1024;
const PLAY = 'M8 5.5v13l11-6.5z';
const SAVE = 'M12 4v11m0 0 4.5-4.5M12 15l-4.5-4.5M5 19.5h14';
const EDIT = 'M5 19h3.5L19 8.5 15.5 5 5 15.5zM13 7.5l3.5 3.5';

export class History {
  #entries = []; #current = null; #replay; #reuse;

  /** `replay` is called with the entry to play, `reuse` with the entry whose text and settings are wanted again. */
  constructor(replay, reuse) {
    this.#replay = replay;
    this.#reuse = reuse;
    $('history-clear').addEventListener('click', () => {
      this.clear();
      announce(t('cleared'));
      $('text').focus();
    });
    onLanguage(() => this.#draw());
  }

  add(entry) {
    this.#entries.unshift(entry);
    let bytesLeft = KEPT_BYTES;
    // The newest always stays, however large it is.
    this.#entries = this.#entries.slice(0, KEPT).filter(({ sound }, index) => (bytesLeft -= sound.bytes) >= 0 || index === 0);
    this.mark(entry);
  }

  /** Marks the entry that is in the player. */
  mark(entry) {
    this.#current = entry;
    this.#draw();
  }

  clear() {
    this.#entries = [];
    this.mark(null);
  }

  #draw() {
    $('history').replaceChildren(...this.#entries.map((entry) => this.#row(entry)));
    show($('history-empty'), this.#entries.length === 0);
    show($('history-clear'), this.#entries.length > 0);
  }

  #row(entry) {
    const facts = [...(entry.voiceName ? [entry.voiceName] : []), emotionName(entry.emotion), ...(entry.speed === 1 ? [] : [`${entry.speed.toFixed(2)}×`]), clock(entry.sound.seconds)];
    const row = make('li', { className: 'entry' },
      this.#button('round small', 'replay', PLAY, entry, () => this.#replay(entry)),
      make('div', { className: 'entry-words' },
        make('p', { className: 'entry-text', lang: 'zh-CN', title: entry.text }, entry.text),
        make('p', { className: 'fine' }, facts.join(' · '))),
      this.#button('quiet icon-only', 'reuse', EDIT, entry, () => this.#reuse(entry)),
      this.#button('quiet icon-only', 'save', SAVE, entry, () => download(entry.sound.file(), entry.name)));
    if (entry === this.#current) row.setAttribute('aria-current', 'true');
    return row;
  }

  #button(className, words, path, entry, action) {
    const button = make('button', { type: 'button', className, 'aria-label': t(words, { text: entry.text.slice(0, 24) }) }, icon(path));
    button.addEventListener('click', action);
    return button;
  }
}
