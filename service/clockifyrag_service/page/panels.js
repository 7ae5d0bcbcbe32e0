// Panels: what stands where results would be, or above them: welcome, nothing found, failures, and how to read results.

import { element } from "./dom.js";
import { addressOf } from "./address.js";

// Words and phrases to leave out, as the server reads them; without lookbehind, which Safari 16.3 cannot parse.
const EXCLUDED = /(^|\s)-(?:"[^"]*"|(?=[\p{L}\p{N}_])[^\s"]+)/gu;
const PHRASE = /"[^"]+"/;

const DEGRADED = {
  embedder: "Meaning-based search is unavailable. These results were found by words only.",
  rerank: "The results are shown in their first order: nothing compared them again.",
};

/** A link that asks; app.js follows it without loading the page again. */
export function questionLink(q, attributes = {}, { expand = true } = {}) {
  return element("a", { ...attributes, href: addressOf({ q, expand }), "data-question": q, dir: "auto" }, q);
}

/** The question in quotation marks, set apart from the words around it whatever its direction. */
export function quoted(q) {
  return element("bdi", { class: "quoted" }, `“${q}”`);
}

export function welcomePanel(examples, recents, forgetRecents) {
  return element(
    "div",
    { class: "panel welcome" },
    element("p", { class: "lead" }, "Ask as you would ask a colleague. You get the sections of the articles that answer, with your words marked."),
    examples.length > 0 && chips("For example", examples),
    recents.length > 0 && recentChips(recents, forgetRecents),
  );
}

function recentChips(recents, forgetRecents) {
  const list = chips("Asked on this device before", recents);
  const button = element("button", { type: "button", class: "plain" }, "Forget these");
  button.addEventListener("click", () => {
    list.remove();
    forgetRecents();
  });
  list.querySelector(".heading").append(" ", button);
  return list;
}

function chips(heading, questions) {
  const items = questions.map((question) => element("li", {}, questionLink(question, { class: "chip" })));
  return element(
    "div",
    { class: "chips" },
    element("p", { class: "heading" }, heading),
    element("ul", { role: "list" }, items),
  );
}

/**
 * What to do when nothing was found; `nearest` are titles and headings that begin alike. Where there are articles, but
 * none that seems to answer, `showAnyway` shows them all the same.
 */
export function emptyPanel(q, nearest, showAnyway = null) {
  const anyway = showAnyway && element("button", { type: "button", class: "button quiet" }, "Show the nearest articles all the same");
  anyway?.addEventListener("click", showAnyway);
  return element(
    "div",
    { class: "panel empty" },
    element("h2", { dir: "auto" }, "No article answers ", quoted(q)),
    asksNothing(q)
      ? element("p", { class: "tips" }, "Only words to leave out are given; add what you look for.")
      : [tips(q), nearest.length > 0 && chips("The articles do speak of", nearest)],
    anyway,
  );
}

/** Whether a question holds words to leave out and nothing else: nothing is found by them. */
function asksNothing(q) {
  return q.replace(EXCLUDED, "$1").trim() === "";
}

function tips(q) {
  return element(
    "ul",
    { class: "tips" },
    PHRASE.test(q) && element("li", {}, "Leave out the quotes: they ask for these very words, one behind the other."),
    element("li", {}, "Check the spelling, or leave words out."),
    element("li", {}, "Try another word for the same thing: “hours” for “time”, “bill” for “invoice”."),
    element("li", {}, "Ask for one thing at a time."),
  );
}

/** A failure in the server's own words. */
export function failurePanel(failure, again) {
  const button = element("button", { type: "button", class: "button" }, "Try again");
  button.addEventListener("click", again);
  return element(
    "div",
    { class: "panel failure", "data-code": failure.code },
    element("h2", {}, headingOf(failure)),
    element("p", { dir: "auto" }, failure.message),
    failure.suggestion && element("p", { class: "suggestion", dir: "auto" }, failure.suggestion),
    failure.retryAfter > 0 && failure.code !== "RATE_LIMITED" && element("p", { class: "suggestion" }, `The server asks to wait for ${seconds(failure.retryAfter)}.`),
    failure.status !== 400 && element("p", {}, button),
    failure.requestId && element("p", { class: "request" }, "Request ", element("code", {}, failure.requestId)),
  );
}

function headingOf({ code }) {
  switch (code) {
    case "OFFLINE": return "You are offline";
    case "UNREACHABLE": return "The search does not answer";
    case "INDEX_NOT_LOADED": return "The search is not ready yet";
    case "INVALID_QUERY": return "This question cannot be asked";
    case "RATE_LIMITED": return "Too many questions at once";
    case "OVERLOADED": return "The search is very busy";
    case "TIMEOUT":
    case "DEADLINE_EXCEEDED": return "The search took too long";
    case "NOT_FOUND": return "This article is not here";
    default: return "The search failed";
  }
}

function seconds(number) {
  return number === 1 ? "one second" : `${number} seconds`;
}

/**
 * Asks for the API key; `accept` gets it. It is kept for this tab only. `refusal` is null, or what is wrong with the key
 * before: a heading, and further words.
 */
export function keyPanel(refusal, accept) {
  const field = element("input", {
    id: "api-key", type: "password", autocomplete: "off", required: true, spellcheck: "false",
    "aria-describedby": "api-key-hint", "aria-invalid": refusal ? "true" : null,
  });
  const form = element(
    "form",
    { class: "key" },
    element("label", { for: "api-key" }, "API key"),
    element("div", { class: "row" }, field, element("button", { class: "button" }, "Continue")),
    element("p", { id: "api-key-hint", class: "suggestion" }, "It is kept in this tab only and forgotten when you close it."),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    accept(field.value.trim());
  });
  return element(
    "div",
    { class: "panel keys" },
    element("h2", {}, refusal?.heading ?? "This search needs an API key"),
    (refusal?.words ?? []).map((words) => element("p", { dir: "auto" }, words)),
    form,
  );
}

/** What is to be known about an answer before reading it: correction, doubts, missing parts. */
export function remarks(query, { corrected_query: corrected, low_confidence: doubtful, degraded }) {
  const notes = (degraded ?? []).map((part) =>
    element("p", { class: "note degraded", "data-part": part }, DEGRADED[part] ?? `A part of the search was left out: ${part}.`),
  );
  if (corrected && corrected !== query) {
    notes.push(
      element(
        "p",
        { class: "note corrected", dir: "auto" },
        "Showing results for ",
        element("strong", {}, corrected),
        ". Search instead for ",
        questionLink(query, {}, { expand: false }),
        ".",
      ),
    );
  }
  if (doubtful) notes.push(element("p", { class: "note doubtful" }, "These articles come nearest, but may not answer this."));
  return notes;
}

/** Where results will stand, while the first ones are on their way. */
export function skeleton() {
  const bar = (kind) => element("div", { class: `bar ${kind}` });
  const card = () => element("div", { class: "result waiting" }, bar("short"), bar("head"), bar("line"), bar("line"));
  return element("div", { class: "skeleton", "aria-hidden": "true" }, card(), card(), card());
}
