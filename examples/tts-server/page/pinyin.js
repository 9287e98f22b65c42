// Pinyin as people write it: `lv4` becomes `lǜ`.

const MARKS = ['\u0304', '\u0301', '\u030c', '\u0300'];

/** Puts the tone, a digit at the end, above the vowel to which it belongs. What is no pinyin stays as it is. */
export function toned(syllable) {
  const found = /^([a-z]+)([1-5])$/.exec(syllable);
  if (!found) return syllable;
  const letters = found[1].replace(/^([jqxy])v/, '$1u').replaceAll('v', 'ü');
  const mark = MARKS[found[2] - 1];
  // Above a, else e, else the o of ou, else the last vowel.
  const place = [/a/, /e/, /o(?=u)/, /[iouü](?=[^iouü]*$)/].map((vowel) => letters.search(vowel)).find((at) => at >= 0);
  if (!mark || place === undefined) return letters;
  return (letters.slice(0, place + 1) + mark + letters.slice(place + 1)).normalize('NFC');
}
