// API: requests to the server this page came from. Every failure is a Failure that says what happened and what to do.

const PATIENCE_MS = 15_000;
const KEY_NAME = "api-key";

/** What a request got instead of an answer; `code` is the server's, or UNREACHABLE, OFFLINE, TIMEOUT, UNREADABLE. */
export class Failure extends Error {
  constructor({ code, message, suggestion = "", requestId = "", status = 0, retryAfter = 0 }) {
    super(message);
    Object.assign(this, { code, suggestion, requestId, status, retryAfter });
  }
}

// The key lives as long as the tab; where storage is switched off, as long as the page.
let keyInMemory = "";

export function apiKey() {
  const key = keptKey();
  return isSendable(key) ? key : "";
}

function keptKey() {
  try {
    return sessionStorage.getItem(KEY_NAME) ?? "";
  } catch {
    return keyInMemory;
  }
}

/** Whether a header can carry the key: with any other character, as copying may bring along, `fetch` itself fails. */
export function isSendable(key) {
  return /^[ -~]*$/.test(key);
}

export function keepApiKey(key) {
  keyInMemory = key;
  try {
    if (key) sessionStorage.setItem(KEY_NAME, key);
    else sessionStorage.removeItem(KEY_NAME);
  } catch {
    // kept in memory
  }
}

export async function search({ q, expand, k }, signal) {
  const answer = await ask("search", { q, expand: expand ? null : "false", k }, signal);
  if (!Array.isArray(answer?.results) || !answer.metadata) throw unreadable(200, "something that is no answer of a search");
  return answer;
}

export async function suggestions(q, limit, signal) {
  return (await ask("suggestions", { q, limit }, signal)).suggestions;
}

/** The answer of /health, which is JSON whatever its status. */
export async function health(signal) {
  const response = await fetched("health", {}, signal);
  return read(response);
}

/** The page of an article, as HTML. */
export async function articlePage(id, signal) {
  const response = await fetched(`/articles/${id.split("/").map(encodeURIComponent).join("/")}`, {}, signal);
  if (!response.ok) throw refusal(response, await read(response));
  try {
    return await response.text();
  } catch (error) {
    throw failureOf(error, signal);
  }
}

async function ask(path, parameters, signal) {
  const response = await fetched(path, parameters, signal);
  const body = await read(response);
  if (!response.ok) throw refusal(response, body);
  return body;
}

function refusal(response, body) {
  const error = body?.error ?? {};
  return new Failure({
    code: error.code ?? "UNREADABLE",
    message: error.message ?? `The server answered with status ${response.status}.`,
    suggestion: error.suggestion,
    requestId: error.request_id ?? response.headers.get("x-request-id") ?? "",
    status: response.status,
    retryAfter: Number.parseInt(response.headers.get("retry-after") ?? "", 10) || 0,
  });
}

async function fetched(path, parameters, signal) {
  const given = Object.entries(parameters).filter(([, value]) => value !== null && value !== undefined);
  const query = given.length ? `?${new URLSearchParams(given)}` : "";
  const key = apiKey();
  const patience = AbortSignal.timeout(PATIENCE_MS);
  try {
    return await fetch(path + query, {
      signal: signal ? AbortSignal.any([signal, patience]) : patience,
      headers: key ? { "X-API-Key": key } : {},
      credentials: "same-origin",
      cache: "no-store",
    });
  } catch (error) {
    throw failureOf(error, signal);
  }
}

async function read(response) {
  try {
    return await response.json();
  } catch (error) {
    if (error instanceof SyntaxError) throw unreadable(response.status, "something that is not JSON");
    throw failureOf(error);
  }
}

function unreadable(status, found) {
  return new Failure({
    code: "UNREADABLE",
    message: `The server answered with status ${status} and ${found}.`,
    suggestion: "A proxy may stand in between. Try again in a moment.",
    status,
  });
}

function failureOf(error, signal) {
  if (signal?.aborted) return error; // we gave it up ourselves
  if (error.name === "TimeoutError") {
    return new Failure({
      code: "TIMEOUT",
      message: `The server did not answer within ${PATIENCE_MS / 1000} seconds.`,
      suggestion: "Try again in a moment.",
    });
  }
  if (!navigator.onLine) {
    return new Failure({
      code: "OFFLINE",
      message: "This device is offline.",
      suggestion: "The search goes on by itself once the connection is back.",
    });
  }
  return new Failure({
    code: "UNREACHABLE",
    message: "The search server cannot be reached.",
    suggestion: "It may be restarting. The search goes on by itself once it answers.",
  });
}
