// A choice of one among a few, drawn as chips: radio buttons for the keyboard and for screen readers.
import { $, make } from './dom.js';

export class Chips {
  #place; #name;

  constructor(id, name) {
    this.#place = $(id);
    this.#name = name;
  }

  get value() { return this.#radios().find((radio) => radio.checked)?.value; }

  set value(wanted) {
    const found = this.#radios().find((radio) => radio.value === wanted);
    if (found) found.checked = true;
  }

  /** Offers a choice among pairs of value and words. What was chosen stays so; else it is the first. */
  draw(choices) {
    const before = this.value;
    const chosen = choices.some(([value]) => value === before) ? before : choices[0]?.[0];
    // A choice that is the same already keeps its elements, and with them the focus.
    const same = choices.map(([value]) => value).join('\n') === this.#radios().map(({ value }) => value).join('\n');
    if (same) return this.#radios().forEach((radio, place) => { radio.nextSibling.textContent = choices[place][1]; });
    this.#place.replaceChildren(...choices.map(([value, words]) => make('label', { className: 'chip' },
      make('input', { type: 'radio', name: this.#name, value, checked: value === chosen }),
      make('span', {}, words))));
  }

  #radios() { return [...this.#place.querySelectorAll('input')]; }
}
