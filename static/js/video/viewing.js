/** Opening, keeping alive and giving back one view of a camera: the server logs who watched what, why and how long. */
import { post, remove } from "../api.js";

/** Opens a view of camera `id` for `why`, `{incident}` or `{reason}`; rejects with `Refused`. */
export function openView(id, why) {
  return post(`cameras/${encodeURIComponent(id)}/views`, why);
}

/** The server's word on a view: `{state, since, seconds}`, `seconds` being those viewed so far; rejects with 404 once it
 * ended, with 0 once `signal` says that nobody wants to know. */
export function keepAlive({ view }, signal) {
  return post(`views/${encodeURIComponent(view)}/alive`, {}, { signal });
}

/** Gives a view back; may be sent while the page goes away, and repeated. */
export function releaseView({ view }) {
  return remove(`views/${encodeURIComponent(view)}`, { keepalive: true }).catch(() => {});
}

/** Turns the camera: `{pan, tilt, zoom, seconds}` or `{stop: true}`, with the reason. */
export function turnCamera(id, motion, why) {
  return post(`cameras/${encodeURIComponent(id)}/ptz`, { ...motion, ...why });
}
