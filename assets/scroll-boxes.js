// A box that scrolls can be reached with the Tab key, and scrolled with the arrows, when it has
// something to scroll. The theme does so for code and tables; these are the book's own boxes.
const boxes = document.querySelectorAll(".formula, .figure-box");

function mark() {
  // First read, then write: the page is laid out once.
  const scrolls = [...boxes].map((box) => box.scrollWidth > box.clientWidth);
  boxes.forEach((box, i) => {
    if (scrolls[i]) {
      box.tabIndex = 0;
      box.setAttribute("role", "group");
      box.setAttribute("aria-label", box.matches(".formula") ? "Wide formula" : "Wide figure");
    } else {
      box.removeAttribute("tabindex");
      box.removeAttribute("role");
      box.removeAttribute("aria-label");
    }
  });
}

if (boxes.length) {
  addEventListener("load", mark);
  addEventListener("resize", mark);
  document.fonts.ready.then(mark);
}
