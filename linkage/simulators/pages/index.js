// The index: totals of every agency, asked for every two seconds.

const rows = new Map([...document.querySelectorAll("tr[data-slug]")].map((row) => [row.dataset.slug, row]));

function show(agency) {
  const row = rows.get(agency.agency);
  if (!row) return;
  const { first, second } = agency.faults;
  const faults = [first, second].map((one) => one.mode).filter((mode) => mode !== "none").join(" · ");
  const owed = agency.callbacks_owed + agency.messages_owed;
  const cells = [agency.entries, agency.received, agency.open_cases, agency.own_cases, owed, agency.followed_redirects, faults || "–"];
  while (row.cells.length < 3 + cells.length) row.insertCell();
  cells.forEach((text, n) => {
    row.cells[3 + n].textContent = String(text);
  });
  row.classList.toggle("faulty", faults !== "");
}

async function look() {
  try {
    const answer = await fetch("summary");
    (await answer.json()).agencies.forEach(show);
  } catch {
    // Asked again in two seconds.
  }
  setTimeout(look, 2000);
}

look();
