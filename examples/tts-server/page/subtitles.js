// The words of a sound as subtitles, one for each clause: the same files as the server makes.

const isLatin = (letter) => /^[A-Za-z0-9]$/.test(letter ?? '');

/** Joins words: with a blank only between two of Latin letters. */
export const joined = (words) => words.reduce((text, word) => text + (isLatin(text.at(-1)) && isLatin(word[0]) ? ' ' : '') + word, '');

/** What is shown at one time: the words of a clause. */
function cues(words) {
  const clauses = [[]];
  for (const word of words) {
    clauses.at(-1).push(word);
    if (word.ends_clause) clauses.push([]);
  }
  const cue = (clause) => ({ text: joined(clause.map(({ text }) => text)), start: clause[0].start, end: clause.at(-1).end });
  return clauses.filter((clause) => clause.length > 0).map(cue).filter(({ text }) => text !== '');
}

/** Seconds as hh:mm:ss and milliseconds. */
function stamp(seconds, point) {
  const milliseconds = Math.floor(seconds * 1000 + 1e-6);
  const two = (count) => String(count).padStart(2, '0');
  const whole = Math.floor(milliseconds / 1000);
  return `${two(Math.floor(whole / 3600))}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}${point}${String(milliseconds % 1000).padStart(3, '0')}`;
}

const span = ({ start, end }, point) => `${stamp(start, point)} --> ${stamp(end, point)}`;

/** Signs of WebVTT's own markup. */
const escaped = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

const FORMS = {
  srt: (words) => cues(words).map((cue, place) => `${place + 1}\n${span(cue, ',')}\n${cue.text}\n\n`).join(''),
  vtt: (words) => `WEBVTT\n\n${cues(words).map((cue) => `${span(cue, '.')}\n${escaped(cue.text)}\n\n`).join('')}`,
};

/** The kinds of subtitles. */
export const SUBTITLES = Object.keys(FORMS);

/** The text of a file of subtitles, of one of these kinds. */
export const subtitles = (words, kind) => FORMS[kind](words);
