// Theme: applied before the first paint, so that a chosen theme never flashes in the other colours.
"use strict";

(() => {
  const KEY = "theme";
  const system = window.matchMedia("(prefers-color-scheme: dark)");

  function chosen() {
    try {
      const value = localStorage.getItem(KEY);
      return value === "dark" || value === "light" ? value : null;
    } catch {
      return null; // storage is switched off: the system decides
    }
  }

  function remember(theme) {
    try {
      if (theme === null) localStorage.removeItem(KEY);
      else localStorage.setItem(KEY, theme);
    } catch {
      // the choice then lasts as long as the page
    }
  }

  function apply(theme) {
    if (theme === null) delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
  }

  apply(chosen());

  document.addEventListener("DOMContentLoaded", () => {
    const button = document.getElementById("theme");
    if (!button) return; // articles and /docs: they follow the choice made on the search page
    const label = document.getElementById("theme-label");
    const isDark = () => (document.documentElement.dataset.theme ?? (system.matches ? "dark" : "light")) === "dark";
    const show = () => (label.textContent = isDark() ? "Light theme" : "Dark theme");

    button.addEventListener("click", () => {
      const wanted = isDark() ? "light" : "dark";
      const theme = (wanted === "dark") === system.matches ? null : wanted; // as the system has it: follow it again
      remember(theme);
      apply(theme);
      show();
    });
    system.addEventListener("change", show);
    show();
  });
})();
