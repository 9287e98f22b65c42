// Server-sent events, read while they arrive. Each is one line `data: {…}` and an empty line.

export class EventReader {
  #rest = ''; #decoder = new TextDecoder();

  /** Takes some bytes; returns the events that became whole, which may be none. */
  read(bytes) {
    const parts = (this.#rest + this.#decoder.decode(bytes, { stream: true })).split('\n\n');
    this.#rest = parts.pop();
    return parts.map(event);
  }
}

function event(lines) {
  if (!lines.startsWith('data: ')) throw new TypeError('no event');
  try {
    return JSON.parse(lines.slice('data: '.length));
  } catch {
    throw new TypeError('no object in an event');
  }
}

/** The bytes of a piece of sound. */
export const soundBytes = ({ audio }) => Uint8Array.from(atob(audio), (letter) => letter.charCodeAt(0));
