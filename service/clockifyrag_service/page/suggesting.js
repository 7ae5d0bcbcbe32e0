// Suggesting: titles and headings to offer where a person has typed nothing, or something that finds nothing.

import { suggestions } from "./api.js";

const EXAMPLES = 6;
const NEAREST = 5;
const REQUESTS_MAX = 6;
const LONGEST = 70;
// Words of questions rather than of their subjects; shorter ones are left out for their length.
const COMMON = new Set(
  `about after before could does doing from have help into make more need please should some than that their them then
  there these they this want what when where which while will with without would your`.split(/\s+/),
);
// How titles of help articles begin; single letters for a corpus that names its articles otherwise.
const OPENINGS = ["how", "create", "set up", "start", "a", "s", "t", "m"];

/** A few titles of this index that make good first questions; [] when the server does not answer. */
export async function exampleQuestions() {
  const found = new Set();
  for (const opening of OPENINGS) {
    const offered = await offeredFor(opening);
    if (offered === null) break;
    const titles = offered.filter(({ category, text }) => category !== "heading" && text.length <= LONGEST);
    for (const { text } of titles.slice(0, 2)) found.add(text);
    if (found.size >= EXAMPLES) break;
  }
  return [...found].slice(0, EXAMPLES);
}

/** Titles with a word that begins like one of the question's, long words first. */
export async function nearestTo(q) {
  const words = [...new Set(q.toLowerCase().match(/[\p{L}\p{N}]{4,}/gu) ?? [])]
    .filter((word) => !COMMON.has(word))
    .sort((a, b) => b.length - a.length);
  const beginnings = [...words.slice(0, 3), ...words.map((word) => word.slice(0, 4)), ...words.map((word) => word.slice(0, 3))];
  const found = new Set();
  for (const beginning of [...new Set(beginnings)].slice(0, REQUESTS_MAX)) {
    const offered = await offeredFor(beginning);
    if (offered === null) break;
    for (const { text } of offered.filter(({ category }) => category !== "heading")) found.add(text);
    if (found.size >= NEAREST) break;
  }
  return [...found].slice(0, NEAREST);
}

/** What the server suggests, or null when it does not answer: these are extras, nobody is told. */
async function offeredFor(beginning) {
  try {
    return await suggestions(beginning, NEAREST);
  } catch {
    return null;
  }
}
