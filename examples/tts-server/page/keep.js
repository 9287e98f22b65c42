// What can be taken along: the sound as a file of any format, and the request as a line for a terminal.
import { $, announce, download, make } from './dom.js';
import { onLanguage, t } from './i18n.js';
import { Refusal, fetchFile } from './api.js';
import { SUBTITLES, subtitles } from './subtitles.js';

/** The sound that is on this page already: keeping it, or its subtitles, asks nothing of the server. */
const HERE = 'wav';

/** Quotes a word for a shell: nothing in it means anything. */
const quoted = (word) => `'${word.replaceAll("'", String.raw`'\''`)}'`;

/** The request as a line of curl. The key is a variable: this page does not have it. */
export function curl(asked, format, name, origin = location.origin) {
  const wanted = SUBTITLES.includes(format) ? { timing: format } : { format };
  const fields = Object.entries({ ...asked, ...wanted }).map(([field, value]) =>
    (['text', 'ssml', 'voice'].includes(field) ? `--data-urlencode ${quoted(`${field}=${value}`)}` : `-d ${quoted(`${field}=${value}`)}`));
  return [`curl --get ${quoted(`${origin}/tts`)}`, '-H "Authorization: Bearer $KEY"', ...fields, `-o ${quoted(name)}`].join(' ');
}

/** The two buttons below the waveform, and the choice of a format between them. */
export class Keep {
  #entry = null; #formats = []; #busy = false; #refused;

  /** `refused` is told why a file did not come. */
  constructor(refused) {
    this.#refused = refused;
    $('download').addEventListener('click', () => this.#save());
    $('copy-curl').addEventListener('click', () => this.#copy());
    onLanguage(() => this.#show());
  }

  /** Learns which formats the server has for a voice. */
  offer(formats) {
    this.#formats = formats;
    this.#draw();
  }

  /** Lists the formats; subtitles only where the times of the words are known. */
  #draw() {
    const offered = [...this.#formats, ...(this.#entry?.words.length ? SUBTITLES : [])];
    const there = [...$('format').options].map(({ value }) => value);
    if (offered.join() === there.join()) return;
    const chosen = $('format').value;
    $('format').replaceChildren(...offered.map((format) => make('option', { value: format }, format.toUpperCase())));
    if (offered.includes(chosen)) $('format').value = chosen;
  }

  /** Takes what is in the player, once it is complete; nothing before. */
  take(entry) {
    this.#entry = entry;
    if (entry) this.#draw();
    this.#show();
  }

  get #name() { return this.#entry.name.replace(/\.wav$/, `.${$('format').value}`); }

  async #save() {
    const { sound, words, asked } = this.#entry;
    const [format, name] = [$('format').value, this.#name];
    if (format === HERE) return download(sound.file(), name);
    if (SUBTITLES.includes(format)) return download(new Blob([subtitles(words, format)], { type: 'text/plain' }), name);
    this.#busy = true;
    this.#show();
    try {
      download(await fetchFile(asked, format), name);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.#refused(error);
    } finally {
      this.#busy = false;
      this.#show();
    }
  }

  async #copy() {
    const line = curl(this.#entry.asked, $('format').value, this.#name);
    // Without permission the line is shown, so that it can be copied by hand.
    const copied = await navigator.clipboard?.writeText(line).then(() => true, () => false);
    if (copied) $('status').textContent = t('copied');
    else window.prompt(t('copyCurl'), line);
    announce(t(copied ? 'copied' : 'copyCurl'));
  }

  #show() {
    const idle = !this.#entry || this.#busy;
    for (const id of ['download', 'copy-curl', 'format']) $(id).disabled = idle;
  }
}
