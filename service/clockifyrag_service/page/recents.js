// Recents: the last questions that found something, kept in this browser alone and shown on the empty page.

const KEY = "recent-questions";
const KEPT = 5;
const LONGEST = 120;

export function recents() {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    return Array.isArray(kept) ? kept.filter((question) => typeof question === "string").slice(0, KEPT) : [];
  } catch {
    return []; // storage is switched off, or holds what is not ours
  }
}

export function remember(question) {
  if (question.length > LONGEST) return;
  const others = recents().filter((other) => other.toLowerCase() !== question.toLowerCase());
  store([question, ...others].slice(0, KEPT));
}

export function forgetRecents() {
  store([]);
}

function store(questions) {
  try {
    if (questions.length) localStorage.setItem(KEY, JSON.stringify(questions));
    else localStorage.removeItem(KEY);
  } catch {
    // storage is switched off or full: nothing is kept
  }
}
