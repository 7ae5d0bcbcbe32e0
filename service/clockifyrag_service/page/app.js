// App: question in the field → address → answer → view. One question is asked at a time; a newer one ends the older.

import { Failure, apiKey, articlePage, isSendable, keepApiKey, search, suggestions } from "./api.js";
import { enter, isSame, questionInAddress, settle } from "./address.js";
import { parsedArticle } from "./article.js";
import { Combobox } from "./combobox.js";
import { isWell, watchHealth } from "./health.js";
import { forgetRecents, recents, remember } from "./recents.js";
import { exampleQuestions, nearestTo } from "./suggesting.js";
import * as view from "./view.js";

const TYPING_MS = 350; // of quiet before a question is asked: halves of words are not worth an answer
const SUGGESTING_MS = 80;
const SUGGESTED = 5;
const SETTLING_MS = 2_000; // of looking at an answer before its question counts as meant
const TYPED_MIN = 2; // characters before anything is asked while typing
const HOPELESS = 0.2; // relevance of the best article below which none is shown unasked
const FEWEST = 5; // articles in an answer that probably left some out
const MORE = 10;
const K_MAX = 50;
const HEALS = new Set(["UNREACHABLE", "OFFLINE", "TIMEOUT", "INDEX_NOT_LOADED"]); // asked again once the server is well

const form = document.getElementById("search");
const input = document.getElementById("q");
const clear = document.getElementById("clear");
const forgetKey = document.getElementById("forget-key");
const documentation = document.getElementById("documentation"); // no link can carry a key: where one is needed it leads nowhere
const announcement = document.getElementById("announcement");
const baseTitle = document.title;

let present = { q: "", expand: true };
let answered = null; // the answer to it
let failed = null; // what the present question failed with
let asking = null; // the request on its way
let suggesting = null;
let examples = []; // questions to begin with, once the server has told some
let timers = {};

const combobox = new Combobox(input, document.getElementById("suggestions"), {
  chosen: (text) => {
    fill(text);
    ask({ q: text, expand: true }, { meant: true });
  },
  told: (words) => (announcement.textContent = words),
});

/**
 * Asks a question and shows what comes back. meant: it is final, not a part of something being typed. again: the page
 * asks it by itself, as it failed for no reason that lasted.
 */
async function ask(question, { meant = false, enters = true, again = false } = {}) {
  stopTimers();
  asking?.abort();
  const mine = (asking = new AbortController());
  present = question;
  answered = failed = null;
  if (enters) enter(question);
  if (meant && question.q) settle(); // the empty field is where the next question begins
  document.title = question.q ? `${question.q} – ${baseTitle}` : baseTitle;
  if (!question.q && !question.article) {
    await welcome(mine);
    return;
  }
  view.showWorking(true);
  try {
    if (question.article) await openArticle(question, mine);
    else await findAnswer(question, meant, mine);
  } catch (error) {
    if (!mine.signal.aborted) fail(error, question, meant, again);
  } finally {
    if (asking === mine) view.showWorking(false);
  }
}

async function findAnswer(question, meant, mine) {
  const found = await search(question, mine.signal);
  if (mine.signal.aborted) return;
  answered = found;
  showKeyInUse();
  await show(found, question, meant, mine);
}

async function openArticle(question, mine) {
  const article = parsedArticle(await articlePage(question.article, mine.signal));
  if (mine.signal.aborted) return;
  if (!article) throw new Failure({ code: "UNREADABLE", message: "The server answered with something that is no article." });
  showKeyInUse();
  document.title = `${article.title} – ${baseTitle}`;
  view.showArticle(article, question);
}

async function show(answer, question, meant, mine) {
  if (!isHopeless(answer)) {
    view.showAnswer(answer, fetcher(answer, question));
    timers.settling = setTimeout(() => {
      settle();
      remember(question.q);
    }, meant ? 0 : SETTLING_MS);
    return;
  }
  if (meant) {
    await showEmpty(answer, question, mine);
    return;
  }
  view.showHint(`Nothing for “${question.q}” so far.`); // half a word mostly finds nothing
  timers.settling = setTimeout(() => showEmpty(answer, question, mine), SETTLING_MS);
}

async function showEmpty(answer, question, mine) {
  let nearest = await nearestTo(question.q);
  if (!nearest.length) nearest = examples.length ? examples : (examples = await exampleQuestions());
  const showAnyway = answer.results.length ? () => view.showAnswer(answer, null) : null;
  if (!mine.signal.aborted) view.showEmpty(answer, nearest, showAnyway);
}

/**
 * Nothing found, or nothing that holds a word of the question or means anything like it: everything is a little like
 * everything, so a search by meaning never comes back with empty hands.
 */
function isHopeless({ results, metadata }) {
  if (!results.length) return true;
  return metadata.low_confidence && results[0].relevance_score < HOPELESS && results.every(({ source }) => source === "semantic");
}

/** What gets more articles, or null when this answer holds fewer than were asked for. */
function fetcher(answer, question) {
  const known = answer.results.length;
  if (known >= K_MAX || known < (question.k ?? FEWEST)) return null;
  const fetchMore = async () => {
    const longer = { ...question, k: Math.min(K_MAX, known + MORE) };
    const mine = (asking = new AbortController());
    view.showWorking(true);
    try {
      const more = await search(longer, mine.signal);
      if (mine.signal.aborted) return;
      [present, answered] = [longer, more];
      view.appendResults(more, fetcher(more, longer));
    } catch (error) {
      if (!mine.signal.aborted) failMore(error, question, fetchMore);
    } finally {
      if (asking === mine) view.showWorking(false);
    }
  };
  return fetchMore;
}

/** What was found stays; but a key that is wanted is asked for. */
function failMore(error, question, fetchMore) {
  if (error instanceof Failure && error.status !== 401 && error.code !== "FORBIDDEN") view.showMoreFailure(error, fetchMore);
  else fail(error, question, true);
}

function fail(error, question, meant, again = false) {
  if (!(error instanceof Failure)) throw error; // a mistake of this page: the console tells
  failed = error;
  if (error.status === 401) {
    askForKey(question, apiKey() ? { heading: "This API key is not accepted" } : null);
  } else if (error.code === "FORBIDDEN") {
    askForKey(question, { heading: "This API key may not search", words: [error.message, error.suggestion] });
  } else if (error.code === "INVALID_QUERY" && !meant) {
    view.showHint(error.message); // it is still being typed
  } else {
    view.showFailure(error, () => ask(question, { meant: true }));
  }
  if (HEALS.has(error.code)) heal(error, again);
}

function showKeyInUse() {
  forgetKey.hidden = !apiKey();
  documentation.hidden = Boolean(apiKey());
}

/** Asks with the key that is given now; `refusal` says what is wrong with the one before. */
function askForKey(question, refusal) {
  documentation.hidden = true;
  view.showKeyPrompt(refusal, (key) => {
    if (!isSendable(key)) {
      askForKey(question, { heading: "This API key holds a character that no key has", words: ["Copy it once more."] });
      return;
    }
    keepApiKey(key);
    ask(question, { meant: true }).then(view.focusOutcome);
  });
}

/** Looks whether the server is well: what failed in passing is asked once more, the rest when its health changes. */
async function heal(error, again) {
  const status = await lookAtHealth();
  if (isWell(status) && !again && failed === error) ask(present, { meant: true, again: true });
}

async function welcome(mine) {
  view.showWorking(false);
  view.showWelcome(examples, recents(), forgetRecents);
  if (examples.length) return;
  examples = await exampleQuestions();
  if (!mine.signal.aborted && examples.length) view.showWelcome(examples, recents(), forgetRecents);
}

async function suggest(q) {
  suggesting?.abort();
  const mine = (suggesting = new AbortController());
  try {
    const offered = await suggestions(q, SUGGESTED + 1, mine.signal);
    const others = offered.filter(({ text }) => text.toLowerCase() !== q.toLowerCase());
    if (!mine.signal.aborted) combobox.offer(others.slice(0, SUGGESTED));
  } catch (error) {
    if (!mine.signal.aborted) combobox.forget(); // the search itself says what is wrong
    if (!(error instanceof Failure) && !mine.signal.aborted) throw error;
  }
}

/** Enter on what was answered while it was typed: it is not asked, and not counted, a second time. */
function mean() {
  stopTimers();
  settle();
  show(answered, present, true, asking);
}

function stopTimers() {
  Object.values(timers).forEach(clearTimeout);
  timers = {};
}

function stopSuggesting() {
  clearTimeout(timers.suggesting);
  suggesting?.abort();
  combobox.forget();
}

/** Puts a question into the field. */
function fill(q) {
  stopSuggesting();
  input.value = q;
  clear.hidden = !q;
}

function typed() {
  const q = input.value.trim();
  clear.hidden = !input.value;
  clearTimeout(timers.asking);
  clearTimeout(timers.suggesting);
  if (Array.from(q).length < TYPED_MIN) {
    stopSuggesting();
    if (present.q) ask({ q: "", expand: true });
    return;
  }
  timers.suggesting = setTimeout(() => suggest(q), SUGGESTING_MS);
  if (q !== present.q || failed) timers.asking = setTimeout(() => ask({ q, expand: true }), TYPING_MS);
}

form.noValidate = true;
form.addEventListener("submit", (event) => {
  event.preventDefault();
  stopSuggesting();
  const q = input.value.trim();
  if (!q) return;
  if (answered && q === present.q) mean();
  else ask({ q, expand: q === present.q ? present.expand : true }, { meant: true });
  if (matchMedia("(pointer: coarse)").matches) view.focusOutcome(); // the keyboard on the screen goes away
});
input.addEventListener("input", (event) => {
  if (!event.isComposing) typed();
});
input.addEventListener("compositionend", typed);
input.addEventListener("blur", () => {
  if (present.q && input.value.trim() === present.q) settle();
});
input.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && input.value && !event.isComposing) {
    event.preventDefault();
    fill("");
    ask({ q: "", expand: true }, { meant: true });
  }
});
clear.addEventListener("click", () => {
  fill("");
  input.focus();
  ask({ q: "", expand: true }, { meant: true });
});
forgetKey.addEventListener("click", () => {
  keepApiKey("");
  forgetKey.hidden = true;
  input.focus();
  ask(present, { meant: true });
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.target.closest("input, textarea, select, [contenteditable]")) return;
  event.preventDefault();
  input.focus();
  input.select();
});

/** Links that hold a question are answered in place; with Ctrl, Shift or the middle button they open as any link. */
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-question], #home");
  if (!link || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  settle();
  const question = questionInAddress(link);
  fill(question.q);
  ask(question, { meant: true });
  if (question.q || question.article) view.focusOutcome();
  else input.focus();
});

window.addEventListener("popstate", () => {
  settle(); // the entry come to stands as it is: what is typed next gets its own
  const question = questionInAddress();
  if (isSame(question, present)) {
    view.goTo(question.section); // a jump within the page
    return;
  }
  fill(question.q);
  ask(question, { meant: true, enters: false });
});

const lookAtHealth = watchHealth(document.getElementById("health"), (status, before, { version }) => {
  if (isWell(status) && !version) documentation.hidden = true; // a server with keys, and this page without one
  if (!before || !isWell(status)) return;
  if (failed && HEALS.has(failed.code)) ask(present, { meant: true });
  else if (!present.q && !examples.length) ask(present, { enters: false });
});

documentation.hidden = Boolean(apiKey());
const first = questionInAddress();
fill(first.q);
ask(first, { meant: true, enters: false });
