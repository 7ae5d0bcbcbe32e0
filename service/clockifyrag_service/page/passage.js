// Passage: plain text with offsets → what is shown: a window around the first highlight, lists and tables as such.

import { element } from "./dom.js";

const BEFORE = 90; // characters kept before the first highlight
const EXTENDS = /^[\p{M}\u200d\ufe00-\ufe0f\u{1f3fb}-\u{1f3ff}]/u; // what belongs to the character before it
const ITEM = /^(\s*)(?:(\d{1,9})[.)]|[-•*])\s+(?=\S)/;
const CELLS = " | ";

/**
 * Spans in UTF-16 units, as JavaScript counts, from the server's spans in code points.
 * Sorted and without overlap; ends are moved so that no visible character is split.
 *   ("👋 time", [[2, 6]]) → [[3, 7]]
 */
export function utf16Spans(text, spans) {
  const wanted = (spans ?? [])
    .filter(([start, end]) => Number.isInteger(start) && Number.isInteger(end) && 0 <= start && start < end)
    .sort(([a], [b]) => a - b);
  const positions = positionsOf(text, wanted.flat());
  const found = [];
  let last = 0;
  for (const [start, end] of wanted) {
    const from = Math.max(last, positions.get(start) ?? text.length);
    const to = whole(text, positions.get(end) ?? text.length);
    if (from < to) found.push([from, to]);
    last = Math.max(last, to);
  }
  return found;
}

/** UTF-16 position of each code point offset that is asked for; those beyond the end are missing. */
function positionsOf(text, offsets) {
  const wanted = new Set(offsets);
  const positions = new Map();
  let codePoint = 0;
  let unit = 0;
  for (const character of text) {
    if (wanted.has(codePoint)) positions.set(codePoint, unit);
    codePoint += 1;
    unit += character.length;
  }
  if (wanted.has(codePoint)) positions.set(codePoint, unit);
  return positions;
}

/** The position, moved on past accents and joiners that belong to the character before it. */
function whole(text, position) {
  let end = position;
  while (end < text.length) {
    const next = String.fromCodePoint(text.codePointAt(end));
    if (!EXTENDS.test(next)) break;
    end += next.length;
  }
  return end;
}

/**
 * [from, to) of about `length` characters around the first highlight, cut between words or lines.
 * A text that is little longer is shown whole.
 */
export function excerpt(text, spans, length = 300) {
  if (text.length <= length * 1.5) return [0, text.length];
  const first = spans.length ? spans[0][0] : 0;
  const from = first <= BEFORE ? 0 : startBefore(text, first);
  if (text.length - from <= length * 1.15) return [Math.min(from, startBefore(text, text.length - length + BEFORE)), text.length];
  return [from, endNear(text, from + length, Math.max(from, spans[0]?.[1] ?? 0))];
}

/** Where to begin so that `first` is seen with what leads to it: at its line if that is near, else at a word. */
function startBefore(text, first) {
  const line = text.lastIndexOf("\n", first - 1) + 1;
  if (first - line <= BEFORE * 1.5) return line;
  const space = text.indexOf(" ", first - BEFORE);
  return space !== -1 && space < first ? space + 1 : unsplit(text, first - BEFORE, first);
}

/** Where to end near `wanted`: after the last whole word, never before `least`. */
function endNear(text, wanted, least) {
  const cut = Math.max(text.lastIndexOf(" ", wanted), text.lastIndexOf("\n", wanted));
  return cut > least && cut > wanted - 80 ? cut : unsplit(text, Math.max(wanted, least), text.length);
}

/** The first position from `position` on that splits no visible character, at most `latest`. */
function unsplit(text, position, latest) {
  const low = text.charCodeAt(position);
  const whole16 = low >= 0xdc00 && low <= 0xdfff ? position + 1 : position;
  return Math.min(whole(text, whole16), latest);
}

/** The passage from `from` to `to` as nodes: paragraphs, lists and tables with marks in them, … where it is cut. */
export function passageNodes(text, spans, [from, to]) {
  const lines = linesOf(text, from, to);
  const nodes = blocksOf(lines).flatMap((block) => blockNodes(text, spans, block));
  nodes.slice(0, -1).forEach((node) => node.classList.toggle("heading", node.tagName === "P" && isHeadingLike(node.textContent)));
  const cutBefore = from > 0 && text.slice(0, from).trim() !== "";
  const cutAfter = text.slice(to).trim() !== "";
  if (cutBefore && text[from - 1] === "\n") nodes.unshift(element("p", { class: "cut" }, "…"));
  else if (cutBefore) edge(nodes.at(0), "prepend", "… ");
  if (cutAfter) edge(nodes.at(-1), "append", " …");
  return nodes;
}

/** The same part as one run of text: a line break is a wide space. */
export function runningText(text, spans, [from, to]) {
  const line = text.replace(/^(\s*)- /gm, "$1• ").replace(/\n/g, "\u2003").replace(/[^\S\u2003]/g, " ");
  // one unit for one unit: the spans still fit
  return [from > 0 && "… ", ...marked(line, spans, from, to), to < text.trimEnd().length && " …"];
}

/** Whether a paragraph reads as a heading: one short line that ends without punctuation. Small sections stand together
 * in one passage, their headings as lines of it. */
export function isHeadingLike(paragraph) {
  return paragraph.length <= 90 && /^\S.*[\p{L}\p{N})”"’?]$/u.test(paragraph) && !paragraph.includes("\n");
}

/** Lines with their place in the text; the first is no item when it begins in the middle of a line. */
function linesOf(text, from, to) {
  const lines = [];
  let start = from;
  while (start < to) {
    const next = text.indexOf("\n", start);
    const end = next === -1 || next > to ? to : next;
    const words = text.slice(start, end);
    const begins = start === 0 || text[start - 1] === "\n";
    lines.push({ start, end, words, item: begins ? ITEM.exec(words) : null, indented: begins && /^\s{2,}\S/.test(words) });
    start = end + 1;
  }
  return lines;
}

/** Runs of lines between blank ones. */
function blocksOf(lines) {
  const blocks = [[]];
  for (const line of lines) {
    if (line.words.trim()) blocks.at(-1).push(line);
    else if (blocks.at(-1).length) blocks.push([]);
  }
  return blocks.filter((block) => block.length);
}

function blockNodes(text, spans, lines) {
  const items = lines.findIndex((line) => line.item);
  if (items === 0) return [listNode(text, spans, lines)];
  if (items > 0) return [paragraph(text, spans, lines.slice(0, items)), listNode(text, spans, lines.slice(items))];
  if (lines.length > 1 && lines.every((line) => line.words.includes(CELLS))) return [tableNode(text, spans, lines)];
  return [paragraph(text, spans, lines)];
}

/** Lines as they stand; where some are indented they are a listing, in a fixed-width face. */
function paragraph(text, spans, lines) {
  const listing = lines.some((line) => line.indented);
  const [start, end] = [lines[0].start, lines.at(-1).end];
  return element("p", { class: listing ? "listing" : null, dir: "auto" }, marked(text, spans, start, end));
}

/** Lines "1. …", "- …" as a list; indented items are lists within it, other lines belong to the item above them. */
function listNode(text, spans, lines) {
  const open = []; // lists from the outermost to the one being filled
  let root = null;
  for (const { start, end, item } of lines) {
    if (item === null) {
      open.at(-1).list.lastElementChild.append(element("br"), ...marked(text, spans, start, end));
      continue;
    }
    const [prefix, indent, number] = item;
    while (open.length > 1 && open.at(-1).indent > indent.length) open.pop();
    if (!open.length || open.at(-1).indent < indent.length) {
      const list = element(number === undefined ? "ul" : "ol");
      if (open.length) open.at(-1).list.lastElementChild.append(list);
      else root = list;
      open.push({ list, indent: indent.length });
    }
    const content = marked(text, spans, start + prefix.length, end);
    open.at(-1).list.append(element("li", { value: number, dir: "auto" }, content));
  }
  return root;
}

/** Lines "a | b" as rows; whether the first is a header is not known, so it is a row like the others. */
function tableNode(text, spans, lines) {
  const rows = lines.map(({ start, words }) => {
    let at = start;
    const cells = words.split(CELLS).map((cell) => {
      const node = element("td", { dir: "auto" }, marked(text, spans, at, at + cell.length));
      at += cell.length + CELLS.length;
      return node;
    });
    return element("tr", {}, cells);
  });
  return element("div", { class: "table" }, element("table", {}, element("tbody", {}, rows)));
}

/** The text from `start` to `end` as texts and <mark>s. */
function marked(text, spans, start, end) {
  const nodes = [];
  let at = start;
  for (const [from, to] of spans) {
    if (to <= at || from >= end) continue;
    if (from > at) nodes.push(text.slice(at, from));
    nodes.push(element("mark", {}, text.slice(Math.max(from, at), Math.min(to, end))));
    at = Math.min(to, end);
  }
  if (at < end) nodes.push(text.slice(at, end));
  return nodes;
}

/** Sets a … at the first or last text of a block. */
function edge(node, where, sign) {
  if (!node) return;
  const inner = node.querySelectorAll("li, td");
  const target = inner.length ? inner[where === "prepend" ? 0 : inner.length - 1] : node;
  target[where](sign);
}
