/** Plays the alarm patterns with WebAudio, and says whether the browser lets it. */
import { PATTERNS } from "./sound.js";

function playNote(context, [hertz, start, length, loudness]) {
  const at = context.currentTime + start + 0.02;
  const tone = new OscillatorNode(context, { type: "triangle", frequency: hertz });
  const gain = new GainNode(context, { gain: 0 });
  gain.gain.setValueAtTime(0, at);
  gain.gain.linearRampToValueAtTime(loudness, at + 0.015);
  gain.gain.setValueAtTime(loudness, at + length - 0.04);
  gain.gain.linearRampToValueAtTime(0, at + length);
  tone.connect(gain).connect(context.destination);
  tone.start(at);
  tone.stop(at + length + 0.05);
}

/** One alarm at a time: `set()` takes one of `ALARMS` or null. `onBlocked(bool)` follows the browser's autoplay rule. */
export class AlarmPlayer {
  constructor({ onBlocked }) {
    this.onBlocked = onBlocked;
    this.grade = null;
    this.played = 0;
    this.hushed = false;
    this.context = globalThis.AudioContext ? new AudioContext() : null;
    this.context?.addEventListener("statechange", () => this.#told());
    this.#told();
  }

  get blocked() {
    return this.context?.state !== "running";
  }

  /** Asks the browser for sound; works only inside a click or a key press. Safe to repeat. */
  async enable({ test = false } = {}) {
    await this.context?.resume();
    this.#told();
    if (test && !this.blocked) PATTERNS.G2.notes.forEach((note) => playNote(this.context, note));
  }

  /** Keeps silent while another window sounds for this one. */
  hush(on) {
    this.hushed = on;
    if (on) this.set(null);
  }

  set(wanted) {
    const grade = this.hushed ? null : wanted;
    if (grade === this.grade) return;
    this.grade = grade;
    clearTimeout(this.next);
    if (grade) this.#play();
  }

  #play() {
    const pattern = PATTERNS[this.grade];
    if (!this.blocked) {
      pattern.notes.forEach((note) => playNote(this.context, note));
      this.played += 1;
    }
    this.next = setTimeout(() => this.#play(), pattern.every * 1000);
  }

  #told() {
    this.onBlocked(this.blocked);
  }
}
