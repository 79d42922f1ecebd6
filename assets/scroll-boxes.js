// A box that scrolls can be reached with the Tab key, and scrolled with the arrows, when it has
// something to scroll. The theme looks at all its boxes at once, which lays out the whole page:
// its loop is taken out when the site is built.
const own = ".formula, .figure-box";
const all = `${own}, pre, .cell_output > .output, .pst-scrollable-table-container`;

// It hears of a box when the box comes near the window: what is far away is not laid out.
const watcher = new ResizeObserver((entries) => {
  // First read, then write: the page is laid out once.
  const scrolls = entries.map(({ target }) => target.scrollWidth > target.clientWidth);
  entries.forEach(({ target: box }, i) => {
    for (const name of ["tabindex", "role", "aria-label"]) box.removeAttribute(name);
    if (scrolls[i]) box.tabIndex = 0;
    if (scrolls[i] && box.matches(own)) {
      box.setAttribute("role", "group");
      box.setAttribute("aria-label", box.matches(".formula") ? "Wide formula" : "Wide figure");
    }
  });
});

// Not before the fonts are there: another font makes a formula wider, and not its box.
const watch = (part) => part.querySelectorAll(all).forEach((box) => watcher.observe(box));
document.fonts.ready.then(() => watch(document));
// What is unfolded may have come only then (folds.js hears of it first).
document.addEventListener("toggle", ({ target }) => watch(target), true);
