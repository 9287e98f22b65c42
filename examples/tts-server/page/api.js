// Talks to the server. The session cookie is not visible here, the CSRF token lives in this module's memory, and the
// key passes through `signIn` without being kept.
import { EventReader, soundBytes } from './events.js';
import { WavReader } from './wav.js';

/** A refusal, as the server explains it (RFC 9457) or as the network does. */
export class Refusal extends Error {
  constructor({ status = 0, code = '', detail = '', retryAfter = 0, requestId = '' }) {
    super(detail || code || String(status));
    Object.assign(this, { status, code, detail, retryAfter, requestId });
  }
}

let csrf = '';

/** How long a response other than sound may take, in milliseconds. */
const PATIENCE = 20000;
/** How long a whole file may take: the longest text, behind others that wait. */
const FILE_PATIENCE = 120000;

async function refusalOf(response) {
  const problem = (response.headers.get('content-type') ?? '').includes('json') ? await response.json().catch(() => ({})) : {};
  return new Refusal({
    status: response.status,
    code: String(problem.code ?? ''),
    detail: String(problem.detail ?? ''),
    retryAfter: Math.ceil(Number(response.headers.get('retry-after')) || 0),
    requestId: String(problem.request_id ?? response.headers.get('x-request-id') ?? ''),
  });
}

async function ask(path, options = {}) {
  let response;
  try {
    const signal = options.signal ?? AbortSignal.timeout(PATIENCE);
    response = await fetch(path, { credentials: 'same-origin', cache: 'no-store', redirect: 'error', ...options, signal });
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new Refusal({ code: 'offline' });
  }
  if (!response.ok) throw await refusalOf(response);
  return response;
}

/** The object in a response. One that breaks off is no object. */
async function object(response) {
  try {
    return await response.json();
  } catch {
    throw new Refusal({ code: 'offline' });
  }
}

async function remember(response) {
  const session = await object(response);
  csrf = session.csrf;
  return session;
}

/** Trades the key for a session. */
export const signIn = async (key) => remember(await ask('/session', { method: 'POST', headers: { 'X-API-Key': key } }));

/** Finds the session that a cookie still carries, or nothing. */
export async function resume() {
  const response = await ask('/session').catch((refusal) => (refusal.status === 401 ? null : Promise.reject(refusal)));
  // 204: no one is signed in, which is no error.
  return response && response.status === 200 ? remember(response) : null;
}

export async function signOut() {
  await ask('/session', { method: 'DELETE', headers: { 'X-CSRF-Token': csrf } });
  csrf = '';
}

export const voices = async () => object(await ask('/voices'));

/** Has a text spoken. Yields the sound as it arrives: `{ rate, samples, words }`, the words with their times. Leaving the loop, or the
    signal, ends the work. */
export async function* speak(request, signal) {
  const response = await ask('/tts', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'X-CSRF-Token': csrf },
    body: JSON.stringify({ ...request, timing: 'events' }),
    signal,
  });
  const [events, file] = [new EventReader(), new WavReader()];
  let [words, done] = [[], false];
  for await (const bytes of arriving(response)) {
    for (const event of events.read(bytes)) {
      if (event.type === 'speech.audio.mark') words.push(event.word);
      if (event.type === 'speech.audio.done') done = true;
      const samples = event.type === 'speech.audio.delta' ? file.read(soundBytes(event)) : [];
      if (samples.length === 0) continue;
      yield { rate: file.rate, samples, words };
      words = [];
    }
  }
  if (!done || !file.whole) throw new Refusal({ code: 'broken_off' });
}

/** Has a text spoken as a whole file of a format. */
export async function fetchFile(request, format) {
  const response = await ask('/tts', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'X-CSRF-Token': csrf },
    body: JSON.stringify({ ...request, format }),
    signal: AbortSignal.timeout(FILE_PATIENCE),
  });
  return response.blob().catch(() => { throw new Refusal({ code: 'broken_off' }); });
}

/** The body, piece by piece. Not every browser lets one loop over it. */
async function* arriving(response) {
  const reader = response.body.getReader();
  try {
    for (let step = await reader.read(); !step.done; step = await reader.read()) yield step.value;
  } catch (error) {
    throw error.name === 'AbortError' ? error : new Refusal({ code: 'broken_off' });
  } finally {
    reader.cancel().catch(() => {});
  }
}
