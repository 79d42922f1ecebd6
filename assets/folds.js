// A link to something folded opens it, and all that is folded around it. Not every browser does so.
function unfold() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  // A link to a section leads to its fold, which has its heading.
  const own = target?.closest("section")?.querySelector(
    ":scope > details:has(> summary > :is(h2, h3))");
  const closed = [...document.querySelectorAll("details:not([open])")].filter(
    (fold) => fold === own || fold.contains(target));
  for (const fold of closed) fold.open = true;
  if (closed.length) target.scrollIntoView();
}

addEventListener("hashchange", unfold);
// The address does not change when its own link is pressed again.
addEventListener("click", ({ target }) => {
  if (location.hash && target.closest?.("a")?.href === location.href) setTimeout(unfold);
});
unfold();
