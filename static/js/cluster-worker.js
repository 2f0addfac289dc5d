/**
 * Clusters points off the main thread. A classic worker: import maps do not reach workers.
 * In: {load: {library, lat, lon}} once per set of points, then {query: {id, box: [w,s,e,n], zoom}}.
 * Out: {id, zoom, lat, lon, count, ref}; `ref` is a point's index, or a cluster's id where count > 1.
 */
"use strict";

let index = null;

function load({ library, lat, lon }) {
  if (!self.Supercluster) importScripts(library);
  // Small radius: points recede by themselves, circles only where they would overlap.
  index = new self.Supercluster({ radius: 30, extent: 256, maxZoom: 15, minPoints: 3 });
  const features = Array.from(lat, (y, i) => ({
    type: "Feature", properties: { i }, geometry: { type: "Point", coordinates: [lon[i], y] },
  }));
  index.load(features);
}

function query({ id, box, zoom }) {
  const found = index ? index.getClusters(box, zoom) : [];
  const [lat, lon] = [new Float64Array(found.length), new Float64Array(found.length)];
  const [count, ref] = [new Uint32Array(found.length), new Uint32Array(found.length)];
  found.forEach(({ geometry, properties }, i) => {
    [lon[i], lat[i]] = geometry.coordinates;
    count[i] = properties.point_count ?? 1;
    ref[i] = properties.cluster_id ?? properties.i;
  });
  const out = { id, zoom, lat, lon, count, ref };
  self.postMessage(out, [lat.buffer, lon.buffer, count.buffer, ref.buffer]);
}

self.onmessage = ({ data }) => {
  if (data.load) load(data.load);
  if (data.query) query(data.query);
  if (data.expand) self.postMessage({ id: data.expand.id, expansion: index.getClusterExpansionZoom(data.expand.ref) });
};
