// The filter above an index of equations. Without scripts the whole list is there, and no filter.
const entries = [...document.querySelectorAll(".equation-index li")];
// What an entry says in words: its formula would match all too much.
const words = entries.map((entry) =>
  [...entry.querySelectorAll("p")].map((line) => line.textContent).join(" ").toLowerCase());

const box = document.querySelector(".equation-filter");
const [search, verdict, count] = box.querySelectorAll("input, select, output");

function filter() {
  const wanted = search.value.toLowerCase().split(/\s+/);
  entries.forEach((entry, i) => {
    const kind = !verdict.value || entry.classList.contains(`verdict-${verdict.value}`);
    entry.hidden = !(kind && wanted.every((word) => words[i].includes(word)));
  });
  const shown = entries.filter((entry) => !entry.hidden).length;
  count.textContent = `${shown} of ${entries.length} equations`;
}

box.addEventListener("input", filter);
box.addEventListener("submit", (event) => event.preventDefault());
filter();
