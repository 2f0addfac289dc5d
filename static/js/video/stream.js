/** Pictures into elements: HLS into a `<video>` by hls.js, fetched when first needed, or a JPEG every second into an `<img>`. */

const SNAPSHOT_MS = 1000;
const POLICY = (patienceMs) => ({
  default: {
    maxTimeToFirstByteMs: patienceMs, maxLoadTimeMs: patienceMs,
    timeoutRetry: { maxNumRetry: 2, retryDelayMs: 0, maxRetryDelayMs: 0 },
    // A stream that is only starting has no list yet, and a segment may be asked for a moment too soon.
    errorRetry: { maxNumRetry: 15, retryDelayMs: 400, maxRetryDelayMs: 1000, shouldRetry: (config, count) => count < config.maxNumRetry },
  },
});

/** For segments of one second: two behind the edge, quick to catch up, little kept. */
const SETTINGS = {
  liveSyncDuration: 2, liveMaxLatencyDuration: 6, maxLiveSyncPlaybackRate: 1.3, liveDurationInfinity: true,
  backBufferLength: 4, maxBufferLength: 8, maxMaxBufferLength: 12, startFragPrefetch: true, testBandwidth: false,
  enableCEA708Captions: false, enableWebVTT: false, enableIMSC1: false,
  manifestLoadPolicy: POLICY(8000), playlistLoadPolicy: POLICY(8000), fragLoadPolicy: POLICY(8000),
};

let library = null;

/** hls.js, once; null where this browser cannot play it. */
async function hls() {
  library ??= import("hls.js").then((module) => module.default).catch(() => { library = null; return null; });
  const Hls = await library;
  return Hls?.isSupported() ? Hls : null;
}

export class HlsStream {
  /** Plays into `video`; `onBroken()` when it gave up by itself. */
  constructor(video, { onBroken }) {
    Object.assign(this, { video, onBroken, player: null, recovered: false });
  }

  /** Plays `address`. Answers false where this browser cannot. */
  async play(address) {
    const mine = (this.asked = Symbol(address));
    const Hls = await hls();
    if (this.asked !== mine) return true;
    if (!Hls) return false;
    this.#drop();
    const player = new Hls({ ...SETTINGS, workerPath: import.meta.resolve("hls.js/worker") });
    this.player = player;
    player.on(Hls.Events.ERROR, (_, data) => data.fatal && this.player === player && this.#failed(Hls, data));
    player.on(Hls.Events.MANIFEST_PARSED, () => this.resume());
    player.loadSource(address);
    player.attachMedia(this.video);
    return true;
  }

  /** Goes on playing, as after the element was moved in the page. */
  resume() {
    this.video.play().catch(() => {});
  }

  stop() {
    this.asked = null;
    this.#drop();
  }

  /** A mark that differs whenever a new picture has been shown. */
  mark() {
    const { currentTime } = this.video;
    const frames = this.video.getVideoPlaybackQuality?.().totalVideoFrames ?? 0;
    return frames && currentTime ? `${frames} ${currentTime}` : null;
  }

  /** The picture's age in milliseconds at server time `now`, or null where the stream does not tell. */
  age(now) {
    const taken = this.player?.playingDate?.getTime();
    if (taken) return now - taken;
    return this.player?.latency ? this.player.latency * 1000 : null;
  }

  #failed(Hls, { type }) {
    if (type === Hls.ErrorTypes.MEDIA_ERROR && !this.recovered) {
      this.recovered = true;
      return this.player.recoverMediaError();
    }
    this.#drop();
    this.onBroken();
  }

  #drop() {
    this.player?.destroy();
    this.player = null;
    this.recovered = false;
    // Where an earlier stream was shown, hls.js leaves behind the revoked address of one that had not begun to load.
    if (!this.video.hasAttribute("src")) return;
    this.video.removeAttribute("src");
    this.video.load();
  }
}

export class SnapshotStream {
  /** Shows JPEGs in `image`; a refusal leaves the old one, whose age the tile tells. */
  constructor(image) {
    Object.assign(this, { image, shown: 0, playing: null });
  }

  async play(address) {
    this.stop();
    this.playing = setInterval(() => this.#fetch(address), SNAPSHOT_MS);
    this.#fetch(address);
    return true;
  }

  resume() {}

  stop() {
    clearInterval(this.playing);
    this.playing = null;
    this.#show(null);
  }

  mark() {
    return this.shown ? String(this.shown) : null;
  }

  age() {
    return null;
  }

  async #fetch(address) {
    if (this.busy) return;
    this.busy = true;
    const answer = await fetch(address, { cache: "no-store", credentials: "same-origin" }).catch(() => null);
    const picture = answer?.ok ? await answer.blob().catch(() => null) : null;
    this.busy = false;
    if (!picture?.size || !this.playing) return;
    this.#show(URL.createObjectURL(picture));
    this.shown += 1;
  }

  #show(address) {
    const old = this.image.src;
    if (address) this.image.src = address;
    else this.image.removeAttribute("src");
    // Not before the browser has given the old one up, which may still be loading.
    if (old.startsWith("blob:")) setTimeout(() => URL.revokeObjectURL(old));
  }
}
