// The mapping page: tries the form as one types, and lends a hand with rows and paths.
// Without it the page works by its buttons.
const PAUSE_MS = 400;

const form = document.getElementById("mapping");
const result = document.getElementById("result");
let waiting = 0;
let running = null;
let lastPath = null;

async function preview() {
  running?.abort();
  running = new AbortController();
  const mine = running;
  result.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(form.dataset.preview, { method: "POST", body: new FormData(form), signal: mine.signal });
    if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
    const opened = openedIn(result);
    result.innerHTML = await answer.text();
    for (const summary of result.querySelectorAll("details > summary")) {
      if (opened.has(summary.textContent)) summary.parentElement.open = true;
    }
  } catch (error) {
    if (error.name === "AbortError") return;
    result.textContent = form.dataset.lost;
  }
  if (mine === running) result.removeAttribute("aria-busy");
}

/** What the reader has opened stays open. */
function openedIn(place) {
  return new Set([...place.querySelectorAll("details[open] > summary")].map((one) => one.textContent));
}

function soon() {
  clearTimeout(waiting);
  waiting = setTimeout(preview, PAUSE_MS);
}

/** An empty copy of a table's last row, at its end. */
function addRow(name) {
  const body = form.querySelector(`[data-rows="${name}"] tbody`);
  const row = body.lastElementChild.cloneNode(true);
  for (const input of row.querySelectorAll("input")) input.value = "";
  for (const select of row.querySelectorAll("select")) select.selectedIndex = 0;
  body.append(row);
  return row;
}

/** A value into the first row that has none; then the choice of what it means. */
function addValue(table, value) {
  const rows = [...form.querySelectorAll(`[data-rows="${table}"] tbody tr`)];
  const row = rows.find((one) => !one.querySelector("input").value) ?? addRow(table);
  row.closest("details")?.setAttribute("open", "");
  row.querySelector("input").value = value;
  row.querySelector("select").focus();
}

function fill(input, text) {
  if (!input) return;
  input.value = text;
  input.focus();
  soon();
}

if (form && form.querySelector("button[name=do]")) {
  for (const button of form.querySelectorAll("[data-add]")) {
    button.hidden = false;
    button.addEventListener("click", () => addRow(button.dataset.add).querySelector("input").focus());
  }
  form.addEventListener("input", soon);
  form.addEventListener("change", soon);
  form.addEventListener("focusin", (event) => {
    if (event.target.matches("[data-path-input]")) lastPath = event.target;
  });
  form.querySelector("button[value=preview]").addEventListener("click", (event) => {
    event.preventDefault();
    preview();
  });
  result.addEventListener("click", (event) => {
    const chip = event.target.closest(".oc-chip");
    if (!chip) return;
    const { path, records, value, table } = chip.dataset;
    if (path !== undefined) fill(lastPath ?? form.querySelector("[data-path-input]"), path);
    else if (records !== undefined) fill(form.querySelector("#records"), records);
    else if (form.querySelector(`[data-rows="${table}"]`)) addValue(table, value);
  });
}
