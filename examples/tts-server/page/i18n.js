// The language of the page: chosen from the browser's, changed by the switch, remembered only while the page is open.
import { words } from './words.js';
import { $ } from './dom.js';

let language = navigator.languages?.some((tag) => /^zh\b/i.test(tag)) && !/^en\b/i.test(navigator.language) ? 'zh' : 'en';
const listeners = new Set();

/** Words for a key, with the named places filled in. */
export function t(key, values = {}) {
  const text = words[language][key] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

export const emotionName = (id) => words[language].emotions[id] ?? id;

/** Title and explanation of a refusal, or nothing when only the server can explain it. */
export const refusalWords = (key) => words[language].refusals[key];

export const isChinese = () => language === 'zh';

/** Calls back now and whenever the language changes. */
export function onLanguage(listener) {
  listeners.add(listener);
  listener();
}

const ATTRIBUTES = [['i18n', null], ['i18nLabel', 'aria-label'], ['i18nTitle', 'title']];

/** Puts the words of the chosen language into everything marked with `data-i18n…`. */
export function translate() {
  document.documentElement.lang = isChinese() ? 'zh-CN' : 'en';
  document.title = t('title');
  for (const [mark, attribute] of ATTRIBUTES) {
    const selector = `[data-${mark.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}]`;
    for (const element of document.querySelectorAll(selector)) {
      const text = t(element.dataset[mark]);
      if (attribute) element.setAttribute(attribute, text);
      else element.textContent = text;
    }
  }
  const button = $('language');
  button.textContent = isChinese() ? 'English' : '中文';
  button.lang = isChinese() ? 'en' : 'zh-CN';
  button.setAttribute('aria-label', t('languageSwitch'));
  listeners.forEach((listener) => listener());
}

$('language').addEventListener('click', () => {
  language = isChinese() ? 'en' : 'zh';
  translate();
});
