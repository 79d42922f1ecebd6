// Replaces each static drawing by the same figure with its sliders, when the window comes near it:
// Vega is larger than all else that a page is sent, and takes long to read on a phone.
const vegaAddress = new URL("vega.min.js", document.currentScript.src);
let vegaLoaded;

function loadVega() {
  vegaLoaded ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = vegaAddress;
    script.onload = resolve;
    script.onerror = reject;
    document.head.append(script);
  });
  return vegaLoaded;
}

function start(figure) {
  const still = figure.querySelector(".drawing");
  const controls = figure.querySelector(".controls");
  const spec = JSON.parse(figure.querySelector("script").textContent);
  const view = new vega.View(vega.parse(spec), { renderer: "svg" });
  // Drawn apart and then put in the place of the first: nothing jumps.
  const drawing = still.cloneNode(false);
  view.initialize(drawing, controls);
  view.runAsync().then(() => still.replaceWith(drawing));
  // One picture for a screen reader, not a list of its dots; what its words say after a slider
  // has moved is read out.
  drawing.setAttribute("role", "img");
  const words = controls.appendChild(document.createElement("output"));
  controls.addEventListener("input", async () => {
    await view.runAsync();
    const texts = drawing.querySelectorAll(".mark-text.role-mark text");
    const lines = [...texts].flatMap((text) => [...text.childNodes]);
    words.textContent = lines.map((line) => line.textContent).join(". ");
  });
  figure.view = view; // what the tests of the site read
}

const near = new IntersectionObserver(
  (entries) => {
    for (const { isIntersecting, target } of entries) {
      if (isIntersecting) {
        near.unobserve(target);
        loadVega().then(() => start(target));
      }
    }
  },
  { rootMargin: "100%" },
);
for (const figure of document.querySelectorAll("figure.moving-figure")) near.observe(figure);
