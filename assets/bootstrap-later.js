// Bootstrap opens the menus and names the buttons. It is larger than all other scripts together, so
// it comes when the reader points at such a button, focuses or touches it.
const { src, dataset } = document.currentScript;
let arrived;

function load() {
  return arrived ??= new Promise((done) => {
    const script = document.createElement("script");
    script.src = new URL(`scripts/${dataset.bootstrap}`, src);
    script.onload = done;
    document.head.append(script);
  });
}

for (const kind of ["pointerover", "focusin", "touchstart"]) {
  document.addEventListener(kind, (event) => {
    if (event.target.closest?.("[data-bs-toggle]")) load();
  }, { passive: true });
}

// A press that was faster is repeated; Bootstrap hears it then.
let ready = false;
document.addEventListener("click", (event) => {
  const button = event.target.closest?.('[data-bs-toggle="dropdown"]');
  if (!button || ready) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  // Not within the press itself: a button ignores a second one meanwhile.
  load().then(() => setTimeout(() => {
    ready = true;
    button.click();
  }));
}, true);
