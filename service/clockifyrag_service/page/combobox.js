// Combobox: the question's field with a list of suggestions, after the pattern "Editable Combobox With List
// Autocomplete" of the ARIA Authoring Practices Guide (https://www.w3.org/WAI/ARIA/apg/patterns/combobox/).
//
// Focus stays in the field; the arrow keys move aria-activedescendant through the list.

import { element } from "./dom.js";

const KINDS = { title: "article", heading: "section", query: "asked before" };

export class Combobox {
  #input;
  #list;
  #chosen;
  #told;
  #active = -1;

  /** `chosen(text)` is called with the suggestion taken; `told(words)` speaks to screen readers. */
  constructor(input, list, { chosen, told }) {
    this.#input = input;
    this.#list = list;
    this.#chosen = chosen;
    this.#told = told;
    for (const [name, value] of Object.entries({
      role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": list.id,
    })) input.setAttribute(name, value);
    input.addEventListener("keydown", (event) => this.#key(event));
    input.addEventListener("blur", () => this.close());
    list.addEventListener("mousedown", (event) => event.preventDefault()); // the field keeps the focus
    list.addEventListener("click", (event) => {
      const option = event.target.closest("[role=option]");
      if (option) this.#take(option);
    });
  }

  get isOpen() {
    return !this.#list.hidden;
  }

  /** Shows these suggestions; none closes the list. */
  offer(suggestions) {
    if (!suggestions.length || document.activeElement !== this.#input) {
      this.close();
      return;
    }
    this.#list.replaceChildren(...suggestions.map(option));
    this.#list.hidden = false;
    this.#input.setAttribute("aria-expanded", "true");
    this.#activate(-1);
    const count = suggestions.length === 1 ? "One suggestion" : `${suggestions.length} suggestions`;
    this.#told(`${count}. Use the up and down arrow keys.`);
  }

  close() {
    this.#list.hidden = true;
    this.#input.setAttribute("aria-expanded", "false");
    this.#activate(-1);
    this.#told("");
  }

  get #options() {
    return this.#list.children;
  }

  #key(event) {
    if (event.isComposing || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const { key } = event;
    if (key === "Escape" && this.isOpen) {
      event.preventDefault();
      event.stopImmediatePropagation(); // the next Escape empties the field
      this.close();
    } else if (key === "ArrowDown" || key === "ArrowUp") {
      this.#arrow(event);
    } else if (key === "Enter" && this.#active >= 0) {
      event.preventDefault();
      this.#take(this.#options[this.#active]);
    } else if (key === "Home" || key === "End" || key === "ArrowLeft" || key === "ArrowRight") {
      this.#activate(-1); // these move the cursor in the field
    }
  }

  #arrow(event) {
    const down = event.key === "ArrowDown";
    if (!this.isOpen) {
      if (down && this.#options.length && this.#input.value.trim()) {
        event.preventDefault();
        this.#list.hidden = false;
        this.#input.setAttribute("aria-expanded", "true");
        if (!event.altKey) this.#activate(0);
      }
      return;
    }
    event.preventDefault();
    if (event.altKey && !down) {
      this.close();
      return;
    }
    const places = this.#options.length + 1; // one of them is the field itself
    this.#activate(((this.#active + 1 + (down ? 1 : -1) + places) % places) - 1);
  }

  /** Marks the option at `index`; -1 is the field itself. */
  #activate(index) {
    this.#active = index;
    for (const [place, node] of [...this.#options].entries()) {
      node.setAttribute("aria-selected", String(place === index));
    }
    const active = this.#options[index];
    if (active) {
      this.#input.setAttribute("aria-activedescendant", active.id);
      active.scrollIntoView({ block: "nearest" });
    } else {
      this.#input.removeAttribute("aria-activedescendant");
    }
  }

  #take(option) {
    const { text } = option.dataset;
    this.forget();
    this.#chosen(text);
  }

  /** Closes the list and empties it: what it held does not fit the field any more. */
  forget() {
    this.close();
    this.#list.replaceChildren();
  }
}

function option({ text, category }, number) {
  return element(
    "li",
    { id: `suggestion-${number}`, role: "option", "aria-selected": "false", "data-text": text },
    element("span", { class: "words", dir: "auto" }, text),
    " ",
    element("span", { class: "kind" }, KINDS[category] ?? ""),
  );
}
