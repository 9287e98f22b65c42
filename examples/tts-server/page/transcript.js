// The words of a sound, as they are spoken. The one that is heard is marked, with its pinyin and its times below.
import { $, clock, make, show } from './dom.js';
import { toned } from './pinyin.js';

export class Transcript {
  #words = []; #elements = []; #heard = -1;

  /** `seek` is called with the seconds at which a word begins that was clicked. */
  constructor(seek) {
    $('transcript').addEventListener('click', ({ target }) => {
      const word = this.#words[this.#elements.indexOf(target)];
      if (word) seek(word.start);
    });
  }

  /** Takes the words of a sound. There may be more later, and none where a voice does not know them. */
  show(words) {
    this.#words = words;
    this.#elements = [];
    $('transcript').replaceChildren();
    $('transcript').scrollTop = 0;
    this.#mark(-1);
    this.grow();
  }

  /** Adds the words that became known since the last time. */
  grow() {
    for (const word of this.#words.slice(this.#elements.length)) {
      const kinds = ['word', ...(word.ends_clause ? ['ends-clause'] : []), ...(word.ends_sentence ? ['ends-sentence'] : [])];
      const element = make('span', { className: kinds.join(' ') }, word.text);
      this.#elements.push(element);
      // A blank, so that what is copied or read out has the words apart.
      $('transcript').append(element, word.ends_clause ? ' ' : '');
    }
    show($('transcript'), this.#words.length > 0);
    show($('word-time'), this.#words.length > 0);
  }

  /** Marks the word that is heard at a time: none before the first one and behind the last. */
  heard(seconds) {
    let place = this.#words.findLastIndex(({ start }) => start <= seconds);
    if (place === this.#words.length - 1 && seconds >= (this.#words[place]?.end ?? 0)) place = -1;
    if (place !== this.#heard) this.#mark(place);
  }

  #mark(place) {
    this.#elements[this.#heard]?.removeAttribute('aria-current');
    this.#heard = place;
    const [element, word] = [this.#elements[place], this.#words[place]];
    $('word-time').textContent = word ? `${word.syllables.map(({ pinyin }) => toned(pinyin)).join(' ')} · ${clock(word.start)}–${clock(word.end)}` : '';
    if (!element) return;
    element.setAttribute('aria-current', 'true');
    // The box moves, and never the page.
    const [box, line] = [$('transcript'), element];
    if (line.offsetTop < box.scrollTop || line.offsetTop + line.offsetHeight > box.scrollTop + box.clientHeight) box.scrollTop = line.offsetTop - line.offsetHeight / 2;
  }
}
