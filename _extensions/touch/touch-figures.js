// Puts in the place of a still drawing the one that the reader can touch. It comes before the reader
// has scrolled there: a figure that grows in sight pushes the text under it. The kit and the
// figure's own script are plain scripts, which a page that is opened from a folder may load too.
{
  const here = document.currentScript.src;
  const loaded = new Map();

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

  for (const place of document.querySelectorAll(".touch-figure")) {
    // From its cell to the side of the still drawing before it, above the caption.
    const still = [...document.querySelectorAll(".figure-box")].findLast((box) =>
      box.compareDocumentPosition(place) & Node.DOCUMENT_POSITION_FOLLOWING);
    still.after(place);
    start(place);
  }
}
