// Article: a page of this server shown within the search page, for readers with a key: no link can carry one.

import { addressOf, articleIn } from "./address.js";
import { apiKey } from "./api.js";
import { element, linkOrText, safeAddress } from "./dom.js";
import { questionLink } from "./panels.js";

// What the server writes into the main part of an article's page, and what stands for it where h1 and h2 are taken.
const SAME = ["p", "div", "a", "ul", "ol", "li", "br", "table", "tbody", "tr", "td"];
const KNOWN = new Map([["h1", "h2"], ["h2", "h3"], ...SAME.map((name) => [name, name])]);
const CLASSES = new Set(["text passage", "heading", "listing", "table"]); // of passages; any other is dropped
const PREFIX = "section-"; // of ids, so that a section named "results" is not taken for a part of this page

/** A link to where a passage stands; where a key is in use, articles of this server open within this page. */
export function placeLink(address, attributes, ...children) {
  const place = apiKey() && articleIn(safeAddress(address));
  if (!place) return linkOrText(address, attributes, ...children);
  return element("a", { ...attributes, href: addressOf(place), "data-question": place.q }, ...children);
}

/** {title, nodes} of an article's page, null when it is none. Known elements are made anew, everything else is dropped. */
export function parsedArticle(html) {
  const main = new DOMParser().parseFromString(html, "text/html").querySelector("main");
  const title = main?.querySelector("h1")?.textContent;
  return title === undefined ? null : { title, nodes: [...main.children].map(known) };
}

function known(node) {
  if (node.nodeType === Node.TEXT_NODE) return node.data;
  const name = KNOWN.get(node.localName);
  if (!name) return null;
  const children = [...node.childNodes].map(known);
  if (name === "a") return linkOrText(node.getAttribute("href"), {}, ...children);
  const attributes = {
    id: node.id ? PREFIX + node.id : null,
    class: CLASSES.has(node.className) && node.className,
    value: name === "li" && node.getAttribute("value"),
    dir: "auto",
  };
  return element(name, attributes, ...children);
}

/** The article, with a way back to the question it was found by. */
export function articlePanel({ nodes }, { q, expand }) {
  const panel = element(
    "article",
    { class: "panel article" },
    q && element("p", { class: "back" }, "Results for ", questionLink(q, {}, { expand })),
    ...nodes,
  );
  panel.querySelector("h2").tabIndex = -1; // where reading begins
  return panel;
}

/** The section of that name in the article shown, null when there is none. */
export function sectionNode(section) {
  return section ? document.getElementById(PREFIX + section) : null;
}
