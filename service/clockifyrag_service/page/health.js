// Health: the line at the foot of the page. Asked now and then, more often while something is wrong, never when hidden.

import { health } from "./api.js";
import { element } from "./dom.js";

const CALM_MS = 30_000;
const WORRIED_MS = 3_000;
const WORDS = { healthy: "Ready", degraded: "Working in part", unavailable: "Not ready", unreachable: "Cannot be reached" };

/** Whether questions are answered. */
export const isWell = (status) => status === "healthy" || status === "degraded";

/**
 * Shows the server's health in `line` and tells `changed(status, before, report)` when it becomes another one. Gives a
 * function that looks at once and promises the status, "" where another look came between.
 */
export function watchHealth(line, changed) {
  let timer = 0;
  let status = "";
  let asking = null;

  async function look() {
    clearTimeout(timer);
    asking?.abort();
    const mine = (asking = new AbortController());
    const report = await health(mine.signal).catch(() => ({ status: "unreachable" }));
    if (mine.signal.aborted) return "";
    line.replaceChildren(...words(report));
    line.dataset.status = report.status;
    if (report.status !== status) {
      const before = status;
      status = report.status;
      changed(status, before, report);
    }
    if (!document.hidden) timer = setTimeout(look, isWell(status) ? CALM_MS : WORRIED_MS);
    return report.status;
  }

  document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(timer) : look()));
  window.addEventListener("online", look);
  window.addEventListener("pageshow", (event) => event.persisted && look());
  look();
  return look;
}

function words({ status, articles_indexed: articles, index, degraded, version }) {
  const known = WORDS[status] ?? "Unknown";
  const details = [
    index && Number.isInteger(articles) && `${articles.toLocaleString("en")} ${articles === 1 ? "article" : "articles"}`,
    index?.model,
    index?.generation,
    index && `built ${ago(index.age_seconds)}`,
    degraded?.length > 0 && `without ${degraded.join(", ")}`,
    version && `v${version}`,
  ].filter(Boolean);
  return [
    element("span", { class: "dot", "aria-hidden": "true" }),
    element("span", { class: "status" }, element("span", { class: "unseen" }, "Search: "), known),
    ...details.map((detail) => element("span", { class: "detail" }, detail)),
  ];
}

/** "3 minutes ago", in the largest unit that fits. */
export function ago(seconds) {
  const units = [["day", 86_400], ["hour", 3_600], ["minute", 60]];
  for (const [unit, length] of units) {
    const count = Math.floor(seconds / length);
    if (count >= 1) return `${count} ${unit}${count === 1 ? "" : "s"} ago`;
  }
  return "just now";
}
