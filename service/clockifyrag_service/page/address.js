// Address: what is shown stands in the page's address, so that it can be shared and the back button works.
//
// While somebody types, one history entry is rewritten; a question that was meant (Enter, a choice, a pause, leaving the
// field) is settled, and the next change gets an entry of its own.

import { decoded } from "./dom.js";

const ARTICLES = "/articles/";

let settled = true;

/** What an address (of the page, or of a link) asks for: {q, expand}, and {article, section} where one is open. */
export function questionInAddress({ search, hash } = location) {
  const parameters = new URLSearchParams(search);
  const question = { q: (parameters.get("q") ?? "").trim(), expand: parameters.get("expand") !== "false" };
  const article = parameters.get("article");
  return article ? { ...question, article, section: decoded(hash.slice(1)) } : question;
}

/** The address that shows a question, or the article opened from its answer, relative to the page. */
export function addressOf({ q, expand, article, section }) {
  if (!q && !article) return location.pathname;
  const parameters = new URLSearchParams(q ? { q } : {});
  if (!expand) parameters.set("expand", "false");
  if (article) parameters.set("article", article);
  return `?${parameters}${section ? `#${encodeURIComponent(section)}` : ""}`;
}

/** The present question with the article that an address of this server names; null where it names none. */
export function articleIn(address) {
  if (!address?.startsWith(ARTICLES)) return null;
  const { pathname, hash } = new URL(address, location.origin);
  if (!pathname.startsWith(ARTICLES)) return null; // "/articles/../elsewhere"
  const { q, expand } = questionInAddress();
  return { q, expand, article: decoded(pathname.slice(ARTICLES.length)), section: decoded(hash.slice(1)) };
}

/** Whether two questions show the same, wherever they scroll to. */
export function isSame(one, other) {
  return one.q === other.q && one.expand === other.expand && one.article === other.article;
}

/** Puts the question into the address; nothing happens when it stands there already. */
export function enter(question) {
  const present = questionInAddress();
  if (isSame(present, question) && present.section === question.section) return;
  if (settled) history.pushState(null, "", addressOf(question));
  else history.replaceState(null, "", addressOf(question));
  settled = false;
}

/** The present question was meant: the next one does not overwrite it. */
export function settle() {
  settled = true;
}
