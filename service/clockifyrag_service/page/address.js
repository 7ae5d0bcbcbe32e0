// Address: the question stands in the page's address, so that it can be shared and the back button works.
//
// While somebody types, one history entry is rewritten; a question that was meant (Enter, a choice, a pause, leaving the
// field) is settled, and the next change gets an entry of its own.

let settled = true;

/** The question of the present address: {q, expand}. */
export function questionInAddress() {
  const parameters = new URLSearchParams(location.search);
  return { q: (parameters.get("q") ?? "").trim(), expand: parameters.get("expand") !== "false" };
}

/** The address that shows a question, relative to the page. */
export function addressOf({ q, expand }) {
  if (!q) return location.pathname;
  const parameters = new URLSearchParams({ q });
  if (!expand) parameters.set("expand", "false");
  return `?${parameters}`;
}

/** Puts the question into the address; nothing happens when it stands there already. */
export function enter(question) {
  const present = questionInAddress();
  if (present.q === question.q && present.expand === question.expand) return;
  if (settled) history.pushState(null, "", addressOf(question));
  else history.replaceState(null, "", addressOf(question));
  settled = false;
}

/** The present question was meant: the next one does not overwrite it. */
export function settle() {
  settled = true;
}
