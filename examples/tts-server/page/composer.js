// The text, the voice, the emotion and the speed: what will be asked of the server.
import { $, announce, make, show } from './dom.js';
import { Chips } from './chips.js';
import { emotionName, onLanguage, t } from './i18n.js';
import { marked, samples } from './samples.js';

// The server counts what a reader sees as one character, and so does this.
const segmenter = globalThis.Intl?.Segmenter ? new Intl.Segmenter('zh', { granularity: 'grapheme' }) : null;

export function graphemes(text) {
  let count = 0;
  for (const _ of segmenter ? segmenter.segment(text) : text) count += 1;
  return count;
}

export class Composer {
  #max = 500; #voices = []; #near = false; #voiceListener = () => {};
  #voice = new Chips('voices', 'voice'); #emotion = new Chips('emotions', 'emotion');

  constructor() {
    $('text').addEventListener('input', () => this.#changed());
    $('speed').addEventListener('input', () => this.#speed());
    $('ssml').addEventListener('change', () => this.#mode());
    $('voices').addEventListener('change', () => this.#voiceChanged());
    onLanguage(() => { this.#changed(); this.#speed(); this.#drawVoices(); this.#mode(); });
  }

  /** Learns from the server what may be asked. */
  offer({ voices, limits }) {
    this.#max = limits.max_graphemes;
    // Many times what may be spoken is not even looked at: a book that is pasted by mistake would be counted at every letter.
    $('text').maxLength = this.#max * 20;
    this.#voices = voices;
    [$('speed').min, $('speed').max] = limits.speed;
    show($('voice-choice'), voices.length > 1);
    this.#drawVoices();
    this.#voiceChanged();
    this.#changed();
  }

  /** The voice that is chosen, as the server describes it. */
  get voice() { return this.#voices.find(({ id }) => id === this.#voice.value) ?? this.#voices[0]; }

  /** Calls back when another voice is chosen. */
  onVoice(listener) { this.#voiceListener = listener; }

  /** The request, or nothing when the text is empty or too long; then the reason stands below the text. */
  request() {
    const problem = this.#problem(true);
    this.#explain(problem);
    if (problem) {
      $('text').focus();
      return null;
    }
    const [text, ssml, { id, name }] = [$('text').value, $('ssml').checked, this.voice];
    const [emotion, speed] = [this.#emotion.value, Number($('speed').value)];
    const asked = { [ssml ? 'ssml' : 'text']: text, voice: id, emotion, speed };
    // Named only where there is a choice.
    return { asked, text, ssml, voice: id, voiceName: this.#voices.length > 1 ? name : '', emotion, speed };
  }

  /** Puts an earlier request back into the form. */
  restore({ text, ssml = false, voice, emotion, speed }) {
    $('speed').value = speed;
    $('ssml').checked = ssml;
    if (voice) this.#voice.value = voice;
    this.#voiceChanged();
    this.#emotion.value = emotion;
    this.#speed();
    this.#mode();
    this.#take(text);
  }

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
    // Announced once when the end comes near, not at every letter.
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

  #drawVoices() {
    this.#voice.draw(this.#voices.map(({ id, name }) => [id, name]));
    this.#drawEmotions();
  }

  /** An emotion that the new voice has too stays chosen. */
  #voiceChanged() {
    this.#drawEmotions();
    this.#voiceListener();
  }

  #drawEmotions() {
    this.#emotion.draw((this.voice?.emotions ?? ['neutral']).map((id) => [id, emotionName(id)]));
  }

  /** Plain text, or text with marks. */
  #mode() {
    const ssml = $('ssml').checked;
    $('text').classList.toggle('marked', ssml);
    $('text').placeholder = t(ssml ? 'ssmlPlaceholder' : 'textPlaceholder');
    $('samples').replaceChildren(...(ssml ? marked : samples).map((sample) => {
      const chip = make('button', { type: 'button', className: 'sample', lang: 'zh-CN' }, sample.replace(/<\/?speak>/g, ''));
      chip.addEventListener('click', () => this.#take(sample));
      return chip;
    }));
  }
}
