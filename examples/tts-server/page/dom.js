// Helpers for the document.

export const $ = (id) => document.getElementById(id);

/** Makes an element. Children are text or nodes, never markup: nothing here parses HTML. */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in element) element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

const SVG = 'http://www.w3.org/2000/svg';

/** Makes a 24 by 24 line icon from one path. */
export function icon(path) {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('aria-hidden', 'true');
  const line = document.createElementNS(SVG, 'path');
  line.setAttribute('d', path);
  svg.append(line);
  return svg;
}

/** Tells a screen reader, without stealing the focus. */
export function announce(text) {
  const region = $('announcer');
  region.textContent = '';
  // Emptied first, so that the same words are read a second time.
  requestAnimationFrame(() => { region.textContent = text; });
}

export const show = (element, visible) => { element.hidden = !visible; };

/** Seconds as m:ss.t, the way the player counts. */
export function clock(seconds) {
  const tenths = Math.floor(seconds * 10 + 1e-6);
  const rest = String(Math.floor(tenths / 10) % 60).padStart(2, '0');
  return `${Math.floor(tenths / 600)}:${rest}.${tenths % 10}`;
}

/** Offers a file. Its address lives only for the click. */
export function download(file, name) {
  const address = URL.createObjectURL(file);
  make('a', { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}
