// Elements: texts enter the page as texts, and addresses become links only when following them is safe.

/**
 * A new element. Children are nodes or texts; nothing is ever parsed as HTML.
 * Attributes that are null, undefined or false are left out; true stands without a value.
 */
export function element(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    node.setAttribute(key, value === true ? "" : String(value));
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/**
 * The address if a browser may be sent there, else null: http and https, and paths of this server.
 * Browsers drop tabs and line breaks and turn "\" into "/", so "/\t/evil" would leave this server: refused.
 */
export function safeAddress(address) {
  if (typeof address !== "string" || /[\u0000-\u0020\u007f\\]/.test(address)) return null;
  if (address.startsWith("/")) return address.startsWith("//") ? null : address;
  if (!/^https?:\/\//i.test(address)) return null;
  try {
    return new URL(address).href;
  } catch {
    return null;
  }
}

/** A link where that is safe, else the same words as plain text. */
export function linkOrText(address, attributes, ...children) {
  const href = safeAddress(address);
  if (href === null) return element("span", attributes, ...children);
  const foreign = !href.startsWith("/");
  return element("a", { ...attributes, href, rel: foreign && "noopener noreferrer" }, ...children);
}

/**
 * The address as a person reads it: host and path, without scheme, query and anchor; what is no address stays as it is.
 *   "https://example.com/help/track-time#start" → "example.com › help › track-time"
 */
export function readableAddress(address) {
  const href = safeAddress(address);
  if (href === null) return shortened(String(address ?? ""), 120);
  const url = new URL(href, document.baseURI);
  const steps = url.pathname.split("/").filter(Boolean).map(decoded);
  if (href.startsWith("/")) {
    return shortened((steps[0] === "articles" ? steps.slice(1) : steps).join(" › "), 120);
  }
  return shortened([url.host, ...steps].join(" › "), 120);
}

/** A part of an address without its %-escapes; as it stands where they are no UTF-8. */
export function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function shortened(text, longest) {
  const characters = Array.from(text);
  return characters.length <= longest ? text : `${characters.slice(0, longest - 1).join("")}…`;
}
