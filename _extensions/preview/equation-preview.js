// A reference to an equation shows it when it is pointed at or focused. The equation comes from
// this page if it stands here, else from its own small script, which calls equations.set.
window.equations = new Map();
{
  const here = new URL("equations/", document.currentScript.src);
  const anchor = "#equation-";
  const box = Object.assign(document.createElement("div"), {
    className: "equation-preview", id: "equation-preview", hidden: true,
  });
  box.setAttribute("role", "tooltip");
  document.body.append(box);
  let link, timer;

  function formula(name) {
    const shown = document.getElementById(anchor.slice(1) + name)?.querySelector(".formula");
    if (shown) equations.set(name, shown.outerHTML);
    if (equations.has(name)) return Promise.resolve(equations.get(name));
    return new Promise((done) => {
      const script = Object.assign(document.createElement("script"), {
        src: new URL(`${name}.js`, here), onload: () => done(equations.get(name)), onerror: () => done(),
      });
      document.head.append(script);
    });
  }

  async function show(target) {
    clearTimeout(timer);
    if (target === link && !box.hidden) return;
    hide();
    link = target;
    const html = await formula(link.hash.slice(anchor.length));
    if (!html || link !== target) return;
    box.innerHTML = html;
    box.hidden = false;
    link.setAttribute("aria-describedby", box.id);
    put();
  }

  // Below the reference, or above it where there is no room; inside the window.
  function put() {
    const place = link.getBoundingClientRect(), size = box.getBoundingClientRect();
    const below = place.bottom + 6 + size.height < innerHeight || place.top < size.height + 6;
    const width = document.documentElement.clientWidth;
    box.style.left = `${Math.max(8, Math.min(place.left, width - size.width - 8))}px`;
    box.style.top = `${below ? place.bottom + 6 : place.top - size.height - 6}px`;
  }

  function hide() {
    clearTimeout(timer);
    link?.removeAttribute("aria-describedby");
    link = undefined;
    box.hidden = true;
  }

  // The pointer may move onto the equation, and the Escape key takes it away.
  const later = () => { clearTimeout(timer); timer = setTimeout(hide, 250); };
  const reference = (event) => event.target.closest?.(`a[href*="${anchor}"]:not(.headerlink)`);
  for (const [enter, leave] of [["pointerover", "pointerout"], ["focusin", "focusout"]]) {
    document.addEventListener(enter, (event) => {
      const target = reference(event);
      if (target && event.pointerType !== "touch") show(target);
      else if (box.contains(event.target)) clearTimeout(timer);
    });
    document.addEventListener(leave, (event) => {
      if (reference(event) || box.contains(event.target)) later();
    });
  }
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });
  // It goes along: a pointer that the reference leaves takes it away.
  addEventListener("scroll", () => {
    if (!box.hidden) put();
  }, { passive: true });
}
