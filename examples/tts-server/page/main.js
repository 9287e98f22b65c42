// Puts the parts together: which view is shown, who may speak, and the keys that work everywhere.
import { $, announce, show } from './dom.js';
import { onLanguage, t } from './i18n.js';
import './theme.js';
import { Refusal, resume, signOut, voices } from './api.js';
import { Composer } from './composer.js';
import { History } from './history.js';
import { Keep } from './keep.js';
import { Player } from './player.js';
import { SignIn } from './signin.js';
import { Speaker } from './speaker.js';

const keep = new Keep((refusal) => speaker.refuse(refusal));
const player = new Player((entry) => keep.take(entry));
const composer = new Composer();
const history = new History(replay, (entry) => composer.restore(entry));
const speaker = new Speaker(composer, player, history, expired);
const door = new SignIn(enter);
let offered = null;
let ends = 0;

function replay(entry) {
  if (speaker.busy) return;
  history.mark(entry);
  player.load(entry);
  player.play();
}

function view(name) {
  for (const id of ['loading', 'failed', 'sign-in', 'studio']) show($(id), id === name);
  show($('sign-out'), name === 'studio');
  show($('voice-line'), name === 'studio');
  document.body.dataset.view = name;
}

async function enter(session) {
  try {
    offered = await voices();
  } catch (error) {
    view('sign-in');
    return door.refuse(error instanceof Refusal ? error : new Refusal({ code: 'offline' }));
  }
  composer.offer(offered);
  voiceLine();
  view('studio');
  announce(t('signedIn'));
  $('text').focus();
  clearTimeout(ends);
  ends = setTimeout(expired, session.expires_in * 1000);
}

/** Shows the sign-in form again. Text and history stay: the person who signs in again is the one who was here. */
function expired() {
  speaker.reset();
  player.pause();
  view('sign-in');
  door.expired();
  $('key').focus();
}

async function leave() {
  try {
    await signOut();
  } catch (refusal) {
    // If signing out failed, the page must not look signed out. A session that has ended already is no failure.
    if (refusal.status !== 401) return speaker.refuse(refusal);
  }
  clearTimeout(ends);
  speaker.reset();
  // The next user of the browser must find nothing.
  history.clear();
  player.empty();
  composer.restore({ text: '', emotion: 'neutral', speed: 1 });
  view('sign-in');
  announce(t('signedOut'));
  $('key').focus();
}

function voiceLine() {
  const voice = composer.voice;
  if (!voice || !offered) return;
  keep.offer(voice.formats);
  $('voice-line').textContent = t('voiceLine', { name: voice.name, rate: voice.sample_rate / 1000 });
}

$('sign-out').addEventListener('click', leave);
composer.onVoice(voiceLine);
onLanguage(voiceLine);
document.addEventListener('keydown', (event) => {
  if (document.body.dataset.view !== 'studio' || event.isComposing) return;
  if (event.key === 'Escape') speaker.escape();
  else if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) speaker.start();
  else return;
  event.preventDefault();
});

resume().then((session) => {
  if (session) return enter(session);
  view('sign-in');
  $('key').focus();
}, (refusal) => {
  view('sign-in');
  door.refuse(refusal instanceof Refusal ? refusal : new Refusal({ code: 'offline' }));
});
