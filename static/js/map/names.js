/** Names of cameras and devices: not in the bulk, asked for when somebody points at one, and kept. */
import { get } from "../api.js";

const KEPT = 2000;

export class Names {
  constructor() {
    this.known = new Map();
  }

  /** What is known already of one row, without asking; undefined where nothing is. */
  peek(set, id) {
    return this.known.get(`${set} ${id}`);
  }

  /** The rows of these ids (`GET cameras?ids=` or `devices?ids=`), in the ids' order; those that are gone are left out. */
  async of(set, ids) {
    const wanted = ids.filter((id) => !this.known.has(`${set} ${id}`));
    if (wanted.length) {
      const answer = await get(set, { ids: wanted.join(",") });
      for (const row of answer[set]) this.known.set(`${set} ${row.key ?? row.id}`, row);
      for (const key of this.known.keys()) {
        if (this.known.size <= KEPT) break;
        this.known.delete(key);
      }
    }
    return ids.map((id) => this.known.get(`${set} ${id}`)).filter(Boolean);
  }
}
