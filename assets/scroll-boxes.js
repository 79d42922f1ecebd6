// A box that scrolls can be reached with the Tab key, and scrolled with the arrows, when it has
// something to scroll. The theme does so for code and tables; these are the book's own boxes.
const boxes = document.querySelectorAll(".formula, .figure-box");

// It hears of a box when the box comes near the window: what is far away is not laid out.
const watcher = new ResizeObserver((entries) => {
  // First read, then write: the page is laid out once.
  const scrolls = entries.map(({ target }) => target.scrollWidth > target.clientWidth);
  entries.forEach(({ target: box }, i) => {
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
});

function watch() {
  watcher.disconnect();
  boxes.forEach((box) => watcher.observe(box));
}

if (boxes.length) {
  watch();
  // Another font makes a formula wider, and not its box.
  document.fonts.ready.then(watch);
}
