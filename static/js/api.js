/** The REST API as the page uses it. Refusals become `Refused`, with what the server says. */
import { t } from "./i18n.js";

const ROOT = "/api/v1/";

/** The server said no. `status` 0: it was not reached. `problem` is its RFC 9457 body; `retryAfter`: seconds it asked to wait. */
export class Refused extends Error {
  constructor(status, problem = {}, retryAfter = null) {
    super(problem.detail || problem.title || t("The server did not answer."));
    this.status = status;
    this.problem = problem;
    this.retryAfter = retryAfter;
  }
}

function cookie(name) {
  const found = document.cookie.split("; ").find((part) => part.startsWith(`${name}=`));
  return found ? decodeURIComponent(found.slice(name.length + 1)) : "";
}

async function call(path, options = {}) {
  const answer = await fetch(path.startsWith("/") ? path : ROOT + path, { credentials: "same-origin", ...options }).catch(() => null);
  if (!answer) throw new Refused(0);
  const body = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Refused(answer.status, body, Number(answer.headers.get("Retry-After")) || null);
  return body;
}

function query(values) {
  const kept = Object.entries(values).filter(([, value]) => value != null && value !== "");
  return kept.length ? `?${new URLSearchParams(kept)}` : "";
}

/** GET. `path` is relative to the API's root unless it starts with a slash. */
export function get(path, values = {}, options = {}) {
  return call(path + query(values), { headers: { Accept: "application/json" }, ...options });
}

/** POST with the CSRF token. `options` are fetch's, such as `keepalive`. */
export function post(path, body = {}, options = {}) {
  return write("POST", path, body, options);
}

/** PUT with the CSRF token. */
export function put(path, body) {
  return write("PUT", path, body);
}

/** DELETE with the CSRF token. `options` are fetch's, such as `keepalive`. */
export function remove(path, options = {}) {
  return write("DELETE", path, undefined, options);
}

function write(method, path, body, options = {}) {
  const token = cookie("csrftoken") || document.querySelector("meta[name=csrf-token]")?.content || "";
  const headers = { "Content-Type": "application/json", Accept: "application/json", "X-CSRFToken": token };
  return call(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body), ...options });
}

/** POST of an action on an incident. */
export function act(number, action, body = {}) {
  return post(`incidents/${encodeURIComponent(number)}/${action}`, body);
}
