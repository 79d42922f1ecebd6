// Puts in the place of a still drawing the one that the reader can touch, when the window comes near
// it. The kit and the figure's own script are loaded then, as plain scripts, which a page that is
// opened from a folder may load too.
{
  const here = document.currentScript.src;
  const loaded = new Map();
  const drawn = new Map(); // the place of each still drawing

  function load(name) {
    if (!loaded.has(name)) {
      loaded.set(name, new Promise((done, failed) => {
        const script = document.createElement("script");
        script.src = new URL(`touch/${name}.js`, here);
        script.onload = done;
        script.onerror = failed;
        document.head.append(script);
      }));
    }
    return loaded.get(name);
  }

  async function start(place) {
    await load("kit");
    await load(place.dataset.figure);
    touch.start(place);
  }

  const near = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      near.unobserve(target);
      start(drawn.get(target));
    }
  }, { rootMargin: "100%" });
  for (const place of document.querySelectorAll(".touch-figure")) {
    // From its cell to the side of the still drawing before it, above the caption.
    const still = [...document.querySelectorAll(".figure-box")].findLast((box) =>
      box.compareDocumentPosition(place) & Node.DOCUMENT_POSITION_FOLLOWING);
    still.after(place);
    drawn.set(still, place);
    // WebKit does not hold the text in sight while what is above it grows: there they come at once.
    if (CSS.supports("overflow-anchor", "auto")) near.observe(still);
    else start(place);
  }
}
