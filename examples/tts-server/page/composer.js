// The text, the emotion and the speed: what will be asked of the server.
import { $, announce, make, show } from './dom.js';
import { emotionName, onLanguage, t } from './i18n.js';
import { samples } from './words.js';

// The server counts what a reader sees as one character, and so does this.
const segmenter = globalThis.Intl?.Segmenter ? new Intl.Segmenter('zh', { granularity: 'grapheme' }) : null;

export function graphemes(text) {
  let count = 0;
  for (const _ of segmenter ? segmenter.segment(text) : text) count += 1;
  return count;
}

export class Composer {
  #max = 500; #emotions = ['neutral']; #near = false;

  constructor() {
    $('text').addEventListener('input', () => this.#changed());
    $('speed').addEventListener('input', () => this.#speed());
    for (const sample of samples) {
      const chip = make('button', { type: 'button', className: 'sample', lang: 'zh-CN' }, sample);
      chip.addEventListener('click', () => this.#take(sample));
      $('samples').append(chip);
    }
    onLanguage(() => { this.#changed(); this.#speed(); this.#drawEmotions(); });
  }

  /** Learns from the server what may be asked. */
  offer({ voices, limits }) {
    this.#max = limits.max_graphemes;
    this.#emotions = voices[0].emotions;
    [$('speed').min, $('speed').max] = limits.speed;
    this.#drawEmotions();
    this.#changed();
  }

  /** The request, or nothing when the text is empty or too long; then the reason stands below the text. */
  request() {
    const problem = this.#problem(true);
    this.#explain(problem);
    if (problem) {
      $('text').focus();
      return null;
    }
    return { text: $('text').value, emotion: this.#emotion(), speed: Number($('speed').value) };
  }

  /** Puts an earlier request back into the form. */
  restore({ text, emotion, speed }) {
    $('speed').value = speed;
    for (const radio of this.#radios()) radio.checked = radio.value === emotion;
    this.#speed();
    this.#take(text);
  }

  #radios() { return [...$('emotions').querySelectorAll('input')]; }

  #emotion() { return this.#radios().find((radio) => radio.checked)?.value ?? this.#emotions[0]; }

  #take(text) {
    $('text').value = text;
    this.#changed();
    $('text').focus();
  }

  #problem(emptyMatters) {
    const { value } = $('text');
    const over = graphemes(value) - this.#max;
    if (over > 0) return t('textLong', { n: over, max: this.#max });
    return emptyMatters && value.trim() === '' ? t('textEmpty') : '';
  }

  #changed() {
    const n = graphemes($('text').value);
    $('count').textContent = t('count', { n, max: this.#max });
    $('count').classList.toggle('over', n > this.#max);
    show($('samples'), n === 0);
    this.#explain(this.#problem(false));
    // Said once when the end comes near, not at every letter.
    const near = n > this.#max * 0.9;
    if (near && !this.#near) announce($('count').textContent);
    this.#near = near;
  }

  #explain(problem) {
    $('text').setAttribute('aria-invalid', String(problem !== ''));
    if ($('text-error').textContent !== problem) $('text-error').textContent = problem;
  }

  #speed() {
    const { value, min, max } = $('speed');
    $('speed-value').textContent = `${Number(value).toFixed(2)}×`;
    $('speed').setAttribute('aria-valuetext', $('speed-value').textContent);
    $('speed').style.setProperty('--filled', `${((value - min) / (max - min)) * 100}%`);
  }

  #drawEmotions() {
    const chosen = this.#emotion();
    $('emotions').replaceChildren(...this.#emotions.map((id) => make('label', { className: 'chip' },
      make('input', { type: 'radio', name: 'emotion', value: id, checked: id === chosen }),
      make('span', {}, emotionName(id)))));
  }
}
