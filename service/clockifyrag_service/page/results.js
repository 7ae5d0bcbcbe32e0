// Results: one article each, with its best passage open, its other sections below, and how sure the search is.

import { placeLink } from "./article.js";
import { element, readableAddress } from "./dom.js";
import { excerpt, isHeadingLike, passageNodes, runningText, utf16Spans } from "./passage.js";

const GLANCE = 140; // characters of a further section
const FOUND_BY = { semantic: "Meaning", lexical: "Words", hybrid: "Meaning + words" };
const MATCHES = [
  [0.85, "strong match", "high"],
  [0.6, "good match", "high"],
  [0.35, "fair match", "middle"],
  [0, "weak match", "low"],
];

let disclosures = 0; // passages with a "show more" so far, for their ids

/** The list item of one result. */
export function resultItem(result) {
  const sections = result.sections?.length ? result.sections : [{ ...result, title: result.section || result.title }];
  const [best, ...others] = sections;
  return element(
    "li",
    { class: "result" },
    element(
      "article",
      {},
      element("p", { class: "place", dir: "auto" }, readableAddress(result.url)),
      element("h3", { dir: "auto" }, placeLink(result.url, { class: "title" }, result.title || "Untitled")),
      badges(result),
      best.title && best.title !== result.title && sectionLink(best, "best"),
      passage(best),
      others.length > 0 && otherSections(others, result.title),
      alsoAt(result.also_at),
    ),
  );
}

/** "97%, strong match", as words and as a number for machines. */
export function matchOf(score) {
  const share = Math.min(1, Math.max(0, Number(score) || 0));
  const [, words, level] = MATCHES.find(([least]) => share >= least);
  const percent = share > 0 && share < 0.01 ? "<1%" : `${Math.floor(share * 100)}%`;
  return { percent, words, level };
}

function badges({ relevance_score: score, source }) {
  const { percent, words, level } = matchOf(score);
  return element(
    "p",
    { class: "badges" },
    element("span", { class: "badge score", "data-level": level }, `${percent} `, element("span", {}, words)),
    " ",
    element(
      "span",
      { class: "badge source", "data-source": source },
      element("span", { class: "unseen" }, "Found by: "),
      FOUND_BY[source] ?? String(source ?? "unknown"),
    ),
  );
}

function sectionLink(section, kind) {
  return element("p", { class: `section ${kind}`, dir: "auto" }, placeLink(section.url, {}, section.title));
}

/** The text around the first highlight, and a button that opens the rest in place. */
function passage({ content, highlights }) {
  const text = content ?? "";
  if (!text.trim()) return element("p", { class: "passage none" }, "This section has a heading and no text of its own.");
  const spans = utf16Spans(text, highlights);
  const short = excerpt(text, spans);
  const body = element("div", { class: "passage" }, passageNodes(text, spans, short));
  if (short[0] === 0 && short[1] === text.length) return body;
  return [body, disclosure(body, (open) => passageNodes(text, spans, open ? [0, text.length] : short))];
}

function disclosure(body, nodes) {
  body.id = `passage-${(disclosures += 1)}`;
  const button = element(
    "button",
    { type: "button", class: "plain more", "aria-expanded": "false", "aria-controls": body.id },
    "Show more",
  );
  button.addEventListener("click", () => {
    const open = button.getAttribute("aria-expanded") === "false";
    button.setAttribute("aria-expanded", String(open));
    button.textContent = open ? "Show less" : "Show more";
    body.replaceChildren(...nodes(open));
  });
  return button;
}

function otherSections(sections, articleTitle) {
  const items = sections.map((section) => {
    const { title, text, spans } = titled(section, articleTitle);
    return element(
      "li",
      {},
      sectionLink({ url: section.url, title }, "other"),
      text.trim() && element("p", { class: "glance", dir: "auto" }, runningText(text, spans, excerpt(text, spans, GLANCE))),
    );
  });
  return element("ul", { class: "sections", role: "list", "aria-label": "Other sections of this article" }, items);
}

/** The section's title, and its text; one that has only the article's title is named for the heading it begins with. */
function titled({ title, url, content, highlights }, articleTitle) {
  const text = content ?? "";
  const spans = utf16Spans(text, highlights);
  if (title && title !== articleTitle) return { title, text, spans };
  const [first, ...rest] = text.split("\n\n");
  if (!rest.length || !isHeadingLike(first)) {
    return { title: String(url).includes("#") ? articleTitle : "Introduction", text, spans };
  }
  const after = first.length + 2;
  const shifted = spans.filter(([start]) => start >= after).map(([start, end]) => [start - after, end - after]);
  return { title: first, text: text.slice(after), spans: shifted };
}

function alsoAt(addresses) {
  if (!addresses?.length) return null;
  const links = addresses.flatMap((address, number) => [
    number > 0 && ", ",
    placeLink(address, { dir: "auto" }, readableAddress(address)),
  ]);
  return element("p", { class: "also" }, "Also at: ", links);
}
