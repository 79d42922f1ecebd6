// The filter above the index of the equations. Without scripts the whole table is there, and no
// filter.
const table = document.querySelector("table.equation-index");
const rows = [...table.tBodies[0].rows];

const box = document.querySelector(".equation-filter");
const [search, verdict, count] = box.querySelectorAll("input, select, output");

function filter() {
  const words = search.value.toLowerCase().split(/\s+/);
  for (const row of rows) {
    const text = row.textContent.toLowerCase();
    const kind = !verdict.value || row.classList.contains(`verdict-${verdict.value}`);
    row.hidden = !(kind && words.every((word) => text.includes(word)));
  }
  count.textContent = `${rows.filter((row) => !row.hidden).length} of ${rows.length} equations`;
}

box.addEventListener("input", filter);
box.addEventListener("submit", (event) => event.preventDefault());
filter();

// A link to a check unfolds it.
function unfold() {
  document.querySelector(`${location.hash || "#none"}.equation-checks details`)?.setAttribute("open", "");
}

addEventListener("hashchange", unfold);
unfold();
