// Light or dark: the system's choice until the switch is used, remembered only while the page is open.
import { $ } from './dom.js';
import { translate } from './i18n.js';

const root = document.documentElement;
const system = matchMedia('(prefers-color-scheme: dark)');
const listeners = new Set();

const isDark = () => (root.dataset.theme ? root.dataset.theme === 'dark' : system.matches);

/** Calls back when the colors change: a canvas does not follow style sheets by itself. */
export const onTheme = (listener) => listeners.add(listener);

function changed() {
  $('theme').dataset.i18nLabel = isDark() ? 'themeToLight' : 'themeToDark';
  $('theme').dataset.now = isDark() ? 'dark' : 'light';
  translate();
  listeners.forEach((listener) => listener());
}

$('theme').addEventListener('click', () => {
  root.dataset.theme = isDark() ? 'light' : 'dark';
  changed();
});
system.addEventListener('change', changed);
changed();
