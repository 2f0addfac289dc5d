/** Cameras by name, number or id, as the server knows them. */
import { get } from "../api.js";

/** Cameras that `words` may mean, `{id, name, detail}`, the surest first. */
export async function searchCameras(words) {
  if (!words.trim()) return [];
  const { places } = await get("places", { q: words.trim().slice(0, 100) }).catch(() => ({ places: [] }));
  return places.filter(({ kind }) => kind === "camera").map(({ id, name, detail }) => ({ id, name: name.ko, detail }));
}

/** The rows of these cameras, in this order; those that are gone are left out. */
export async function camerasById(ids) {
  const { cameras } = await get("cameras", { ids: ids.join(",") });
  return ids.map((id) => cameras.find((one) => one.id === id)).filter(Boolean);
}
