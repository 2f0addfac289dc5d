/** How a checklist (GET incidents/{number}/procedure) is shown, as pure functions: no DOM, no network. Node tests it. */

/** Below this share of a step's time, or this many milliseconds, its clock turns amber. */
const NEAR_SHARE = 0.25;
const NEAR_MS = 15_000;
/** How many steps after the current one the short form shows. */
const AHEAD = 1;

const at = (time) => (time ? new Date(time).getTime() : null);

/** What the clock of the current step says at `now`: `{ms, tone}`, `ms` left (negative: over), tone "", "near" or "over"; null without one. */
export function timeLeft(step, now) {
  const end = at(step.kind === "timer" && at(step.ready_at) > now ? step.ready_at : step.due_at);
  if (end == null || step.state !== "open") return null;
  const ms = end - now;
  if (step.kind === "timer" && at(step.ready_at) > now) return { ms, tone: "wait" };
  const whole = end - (at(step.kind === "timer" ? step.ready_at : step.since) ?? end);
  return { ms, tone: ms <= 0 ? "over" : ms <= Math.max(NEAR_MS, whole * NEAR_SHARE) ? "near" : "" };
}

/** Whether `me` may mark this step: the supervisor's steps are the supervisor's. */
export function mayMark(step, me) {
  return me.actions.includes("procedure") && (step.owner !== "supervisor" || me.actions.includes("override"));
}

/** What may be done to a step now, of "open" (its link), "choose", "do", "skip", "undo"; nothing where `off`. */
export function verbs(step, checklist, me, now, off = false) {
  if (off || !["open", "complete", "waived"].includes(checklist.state) || !mayMark(step, me)) return [];
  if (step.state === "done") return step.hand ? ["undo"] : [];
  const ready = step.kind !== "timer" || (step.ready_at != null && at(step.ready_at) <= now);
  const forward = step.kind === "choice" ? ["choose"] : [step.action ? "open" : null, ready ? "do" : null];
  return [...forward, step.state === "open" ? "skip" : "undo"].filter(Boolean);
}

/** Whether the rest may be waived: by a supervisor, while something keeps the incident from closing. */
export function mayWaive(checklist, me, off = false) {
  return !off && checklist.state === "open" && checklist.blocking.length > 0 && me.actions.includes("override");
}

/** The steps of the short form: the current one and what comes next; of a finished list, none. */
export function shortForm(checklist) {
  if (checklist.state !== "open" && !checklist.current) return [];
  const from = checklist.steps.findIndex(({ id }) => id === checklist.current);
  if (from < 0) return checklist.steps.filter(({ id }) => checklist.blocking.includes(id));
  const next = checklist.steps.slice(from + 1).filter((step) => step.state === "open").slice(0, AHEAD);
  return [checklist.steps[from], ...next];
}

/** The open steps that keep the incident from closing, as the closing dialog shows them. */
export function blockingSteps(checklist) {
  return checklist ? checklist.steps.filter(({ id }) => checklist.blocking.includes(id)) : [];
}

/** What key S does: the first thing that may be done to the current step, `{verb, step}`, or null. */
export function stepNow(checklist, me, now, off = false) {
  const step = checklist?.steps.find(({ id }) => id === checklist.current);
  const verb = step && verbs(step, checklist, me, now, off).find((one) => one !== "skip" && one !== "undo");
  return verb ? { verb, step } : null;
}

/** Rows that change how the open incident's checklist stands: all but a unit on its way. */
export function concerns(change, number) {
  return change.incident?.number === number && change.kind !== "relay.unit";
}

/** Rows a supervisor is told of. */
export function isNotice(change) {
  return ["procedure.step_skipped", "procedure.waived", "procedure.overdue"].includes(change.kind);
}
