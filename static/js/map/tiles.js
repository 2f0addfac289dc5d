/** A base map of tiles under the boundaries, by `OCENTER_BASEMAP`: pictures by XYZ or WMS, or a PMTiles archive of ours. */
import * as L from "leaflet";

const VECTOR_TYPE = 1;

function script(address) {
  return new Promise((resolve, reject) => {
    const element = document.createElement("script");
    Object.assign(element, { src: address, onload: resolve, onerror: () => reject(new Error(address)) });
    document.head.append(element);
  });
}

/** `{base, params}` of a WMS address: Leaflet wants the parameters apart. */
export function wmsOf(address) {
  const [base, query = ""] = address.split("?");
  return { base, params: { format: "image/png", ...Object.fromEntries([...new URLSearchParams(query)].map(([name, value]) => [name.toLowerCase(), value])) } };
}

async function archive({ url, libraries }, options) {
  globalThis.L ??= L; // both libraries look for it there
  await script(libraries.pmtiles);
  const file = new globalThis.pmtiles.PMTiles(url);
  const { tileType, maxZoom } = await file.getHeader();
  if (tileType !== VECTOR_TYPE) return globalThis.pmtiles.leafletRasterLayer(file, { ...options, className: "tiles raster", maxNativeZoom: maxZoom });
  await script(libraries.protomaps);
  const flavor = document.documentElement.dataset.theme === "light" ? "light" : "dark";
  return globalThis.protomapsL.leafletLayer({ ...options, className: "tiles", url, flavor, lang: document.documentElement.lang, maxDataZoom: maxZoom, attribution: "" });
}

function layerOf(tiles, options) {
  const look = { ...options, className: "tiles raster" };
  if (tiles.kind === "pmtiles") return archive(tiles, options);
  if (tiles.kind === "xyz") return L.tileLayer(tiles.url, look);
  const { base, params } = wmsOf(tiles.url);
  return L.tileLayer.wms(base, { ...params, ...look });
}

/** Adds `tiles` (`{kind, url, libraries}`) to the map in `pane`; returns `redraw()`. Rejects where an archive cannot be read. */
export async function addTiles(map, tiles, pane) {
  let layer = (await layerOf(tiles, { pane, maxZoom: map.getMaxZoom() })).addTo(map);
  map.getContainer().classList.add("tiled");
  return async () => {
    if (tiles.kind !== "pmtiles") return;
    const next = await layerOf(tiles, { pane, maxZoom: map.getMaxZoom() });
    layer.remove();
    layer = next.addTo(map);
  };
}
