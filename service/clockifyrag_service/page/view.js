// View: the part of the page below the field. It shows one thing at a time: welcome, results, an article, nothing found, a failure.

import { articlePanel, sectionNode } from "./article.js";
import { resultItem } from "./results.js";
import { emptyPanel, failurePanel, keyPanel, quoted, remarks, skeleton, welcomePanel } from "./panels.js";
import { element } from "./dom.js";

const $ = (id) => document.getElementById(id);

const outcome = $("outcome");
const summary = $("summary");
const notices = $("notices");
const results = $("results");
const more = $("more");
const instead = $("instead");
const working = $("working");

/** While an answer is on its way: what stands there stays, so that nothing jumps. */
export function showWorking(on) {
  working.hidden = !on;
  outcome.setAttribute("aria-busy", String(on));
  if (on && !results.children.length && !instead.querySelector(".empty, .failure, .keys")) {
    put({ beside: [skeleton()], say: summary.textContent });
  }
}

export function showWelcome(examples, recents, forgetRecents) {
  put({ beside: [welcomePanel(examples, recents, forgetRecents)] });
}

/** The answer; `fetchMore` is called by the button below the last result, null when there is nothing more to get. */
export function showAnswer(answer, fetchMore) {
  const { query, results: found, metadata } = answer;
  const count = found.length === 1 ? "1 article" : `${found.length} articles`;
  const took = element("span", { class: "took", "aria-hidden": "true" }, ` in ${Math.max(1, Math.round(metadata.latency_ms))} ms`);
  put({
    say: [`${count} for `, quoted(metadata.corrected_query ?? query), took],
    above: remarks(query, metadata),
    items: found.map(resultItem),
    below: fetchMore ? [moreButton(fetchMore)] : [],
  });
}

/** More of the same answer: those shown stay as they are, the focus goes to the first that is new. */
export function appendResults(answer, fetchMore) {
  const known = results.children.length;
  results.append(...answer.results.slice(known).map(resultItem));
  more.replaceChildren(...(fetchMore ? [moreButton(fetchMore)] : []));
  summary.firstChild.textContent = `${results.children.length} articles for `;
  (results.children[known]?.querySelector("a, button") ?? summary).focus();
}

/** That there were no more to be had; those shown stay as they are. */
export function showMoreFailure(failure, again) {
  const panel = failurePanel(failure, again);
  more.replaceChildren(element("div", { role: "alert" }, panel));
  (panel.querySelector("button") ?? summary).focus();
}

function moreButton(fetchMore) {
  const button = element("button", { type: "button", class: "button quiet" }, "More articles");
  button.addEventListener("click", fetchMore);
  return button;
}

/** That nothing was found, or nothing that is worth its place; `showAnyway` is null when there is nothing at all. */
export function showEmpty(answer, nearest, showAnyway) {
  const { query, metadata } = answer;
  put({
    say: "No article answers this",
    hushed: true,
    above: remarks(query, { ...metadata, low_confidence: false }),
    beside: [emptyPanel(query, nearest, showAnyway)],
  });
}

export function showFailure(failure, again) {
  const panel = failurePanel(failure, again);
  put({ say: `${panel.querySelector("h2").textContent}. ${failure.message}`, hushed: true, beside: [panel] });
}

export function showKeyPrompt(refusal, accept) {
  const panel = keyPanel(refusal, accept);
  put({ say: panel.querySelector("h2").textContent, hushed: true, beside: [panel] });
}

/** An article, from its heading on; scrolled to the section that the question names. */
export function showArticle(article, question) {
  put({ beside: [articlePanel(article, question)] });
  focusOutcome();
  if (!goTo(question.section)) outcome.scrollIntoView();
}

/** Scrolls to a section of the article shown and marks it; whether there is one of that name. */
export function goTo(section) {
  const node = sectionNode(section);
  instead.querySelector(".target")?.classList.remove("target");
  node?.classList.add("target");
  node?.scrollIntoView();
  return node !== null;
}

/** A word about a question that is still being typed. */
export function showHint(words) {
  put({ say: words });
}

/** Moves the focus to where it goes on: an article's heading, the field for a key, else the summary of the results. */
export function focusOutcome() {
  (instead.querySelector(".article h2, #api-key") ?? summary).focus({ preventScroll: true });
}

/** Replaces everything at once. If what had the focus is gone, it goes where `focusOutcome` says: it is never lost. */
function put({ say = "", hushed = false, above = [], items = [], below = [], beside = [] }) {
  const focused = outcome.contains(document.activeElement) ? document.activeElement : null;
  summary.replaceChildren(...[say].flat());
  summary.classList.toggle("unseen", hushed); // read aloud; to see, the panel says the same
  notices.replaceChildren(...above);
  results.replaceChildren(...items);
  more.replaceChildren(...below);
  instead.replaceChildren(...beside);
  if (focused && !focused.isConnected) focusOutcome();
}
