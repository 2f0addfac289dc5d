/** The REST API as the page uses it. Refusals become `Refused`, with what the server says. */
import { t } from "./i18n.js";

const ROOT = "/api/v1/";

/** The server said no. `status` 0: it was not reached. `problem` is its RFC 9457 body. */
export class Refused extends Error {
  constructor(status, problem = {}) {
    super(problem.detail || problem.title || t("The server did not answer."));
    this.status = status;
    this.problem = problem;
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
  if (!answer.ok) throw new Refused(answer.status, body);
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

/** POST with the CSRF token. */
export function post(path, body = {}) {
  const token = cookie("csrftoken") || document.querySelector("meta[name=csrf-token]")?.content || "";
  const headers = { "Content-Type": "application/json", Accept: "application/json", "X-CSRFToken": token };
  return call(path, { method: "POST", headers, body: JSON.stringify(body) });
}

/** POST of an action on an incident. */
export function act(number, action, body = {}) {
  return post(`incidents/${encodeURIComponent(number)}/${action}`, body);
}
