// The door: a key goes in, a session comes out, and the field is emptied.
import { $ } from './dom.js';
import { onLanguage, t } from './i18n.js';
import { Refusal, signIn } from './api.js';
import { Notice } from './notice.js';

export class SignIn {
  #notice = new Notice('sign-in-notice'); #entered; #busy = false; #left = 0;

  /** `entered` is called with the session once the server has opened one. */
  constructor(entered) {
    this.#entered = entered;
    $('sign-in-form').addEventListener('submit', (event) => { event.preventDefault(); this.#submit(); });
    $('key-show').addEventListener('click', () => this.#reveal($('key').type === 'password'));
    onLanguage(() => { this.#label(); this.#reveal($('key').type === 'text'); });
  }

  /** Explains why the door is shut again. */
  expired() { this.#notice.say('sessionEnded', 'sessionEndedText'); }

  refuse(refusal) { this.#notice.refuse(refusal, (left) => { this.#left = left; this.#label(); }); }

  async #submit() {
    if (this.#busy || this.#left > 0) return;
    const key = $('key').value.trim();
    if (!key) {
      this.#notice.say('keyEmpty', '', 'danger');
      return $('key').focus();
    }
    // A header takes printable ASCII only; anything else is no key of ours, and needs no asking.
    if (!/^[\x21-\x7e]+$/.test(key)) return this.#refused(new Refusal({ status: 401, code: 'credentials_invalid' }));
    this.#work(true);
    try {
      const session = await signIn(key);
      $('key').value = '';
      this.#reveal(false);
      this.#notice.clear();
      this.#entered(session);
    } catch (error) {
      this.#refused(error);
    } finally {
      this.#work(false);
    }
  }

  #refused(error) {
    if (!(error instanceof Refusal)) throw error;
    this.refuse(error);
    $('key').select();
  }

  #work(busy) {
    this.#busy = busy;
    this.#label();
  }

  #label() {
    const waiting = this.#left > 0;
    $('sign-in-button').disabled = this.#busy || waiting;
    $('sign-in-button').textContent = waiting ? t('wait', { s: this.#left }) : t(this.#busy ? 'signingIn' : 'signIn');
  }

  #reveal(visible) {
    $('key').type = visible ? 'text' : 'password';
    $('key-show').textContent = t(visible ? 'hide' : 'show');
    $('key-show').setAttribute('aria-pressed', String(visible));
  }
}
