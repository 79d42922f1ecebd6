// The kit of the figures that one can touch. A figure is a definition: its state, what follows from
// it, and its marks. The kit owns the rest: handles that are dragged by mouse or finger and moved by
// keys, switches, sliders, the numbers beside the drawing, what is spoken, the reset, and a guess
// before the reveal. Nothing moves by itself, so nobody has to ask for less motion.
//
//   touch.define("name", (data) => ({
//     state: { ... },                     numbers and arrays of numbers; not changed by the figure
//     compute: (state) => values,         pure: the tests run it beside hw1lib
//     height: 240,                        of a drawing that is 340 wide
//     draw(pen, state, values, set) {},   marks; set({ ... }) changes the state
//     sliders: [{ name, label, min, max, step, show, also }],   also: what else a move changes
//     buttons: [[text, (state) => changes], ...],           disabled where nothing would change
//     choices: [{ name, label, options: [text, ...] }],   the state has the number of the option
//     numbers: (state, values) => [[label, text], ...],
//     guess: { ask, choices: [[text, is right], ...], then },
//     hidden: [x, y],                     an empty place, where it says that the answer comes first
//   }));
globalThis.touch = (() => {
  const WIDTH = 340;
  const SVG = "http://www.w3.org/2000/svg";
  const definitions = new Map();

  const define = (name, definition) => definitions.set(name, definition);

  // From values to places in the drawing, and back.
  function scale([from, to], [start, end], { log = false } = {}) {
    const bend = log ? Math.log10 : (x) => x;
    const factor = (end - start) / (bend(to) - bend(from));
    const place = (value) => start + factor * (bend(value) - bend(from));
    place.invert = (pixel) => {
      const bent = bend(from) + (pixel - start) / factor;
      return log ? 10 ** bent : bent;
    };
    return Object.assign(place, { from, to, start, end });
  }

  const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
  const onGrid = (value, { min, max, step }) =>
    Number(clamp(min + Math.round((value - min) / step) * step, min, max).toPrecision(12));
  // A minus sign is as wide as a plus.
  const show = (value, digits = 2) => {
    const text = value.toFixed(digits);
    return (Number(text) === 0 ? text.replace("-", "") : text).replace("-", "\u2212");
  };
  // Three digits at any size, with a power of ten where there would be many zeros.
  const power = (exponent) =>
    `10${`${exponent}`.replace(/./g, (sign) => "\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079"[sign] ?? "\u207b")}`;
  const digits = (value) => {
    const [front, exponent] = value.toExponential(2).split("e").map(Number);
    return exponent < -4 || exponent > 3 ? `${front}\u00b7${power(exponent)}` : `${Number(value.toPrecision(3))}`;
  };

  function html(parent, name, attributes = {}, text = "") {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.textContent = text;
    parent.append(element);
    return element;
  }

  // The marks. All are drawn anew at each change, but for the handles: the pointer holds them.
  class Pen {
    constructor(svg) {
      this.svg = svg;
      this.marks = this.add(svg, "g", {});
      this.grips = this.add(svg, "g", {});
      this.handles = new Map();
      // Without this the page scrolls under the finger and takes it from the grip; Chromium does
      // so whatever `touch-action` says inside of a drawing.
      const keep = (event) => event.target.closest(".grip") && event.preventDefault();
      svg.addEventListener("touchstart", keep, { passive: false });
    }

    add(parent, name, attributes, text) {
      const element = document.createElementNS(SVG, name);
      for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
      if (text !== undefined) element.textContent = text;
      parent.append(element);
      return element;
    }

    clear() {
      this.marks.replaceChildren();
    }

    line(points, { colour = "currentColor", width = 1.5, dash = "", opacity = 1 } = {}) {
      this.add(this.marks, "polyline", {
        points: points.map((point) => point.map((x) => x.toFixed(2)).join()).join(" "),
        fill: "none", stroke: colour, "stroke-width": width, "stroke-dasharray": dash, opacity,
        "stroke-linejoin": "round",
      });
    }

    dot([x, y], { colour = "currentColor", r = 4, opacity = 1, hollow = false } = {}) {
      const fill = hollow ? "var(--pst-color-background)" : colour;
      this.add(this.marks, "circle", { cx: x, cy: y, r, fill, stroke: colour, opacity });
    }

    bar(x, y, width, height, { colour = "currentColor", opacity = 1 } = {}) {
      this.add(this.marks, "rect", {
        x: Math.min(x, x + width), y: Math.min(y, y + height),
        width: Math.abs(width), height: Math.abs(height), fill: colour, opacity,
      });
    }

    text([x, y], text, { anchor = "middle", colour = "currentColor", size = 12, bold = false } = {}) {
      this.add(this.marks, "text", {
        x, y, fill: colour, "font-size": size, "text-anchor": anchor,
        "font-weight": bold ? 600 : 400,
      }, text);
    }

    // An axis along the bottom or the left of an area, with its ticks and its name.
    axis(place, at, ticks, { side = "bottom", name = "", write = (x) => `${x}`.replace("-", "\u2212"), grid = 0 } = {}) {
      const below = side === "bottom";
      const point = (along, across) => (below ? [along, at + across] : [at - across, along]);
      this.line([point(place.start, 0), point(place.end, 0)], { width: 1 });
      for (const tick of ticks) {
        const along = place(tick);
        this.line([point(along, 0), point(along, 4)], { width: 1 });
        if (grid) this.line([point(along, 0), point(along, -grid)], { width: 0.6, opacity: 0.25 });
        const [x, y] = point(along, below ? 16 : 7);
        this.text([x, below ? y : y + 4], write(tick), { anchor: below ? "middle" : "end", size: 11 });
      }
      const middle = (place.start + place.end) / 2;
      if (name && below) this.text([middle, at + 31], name);
      if (name && !below) this.text([at, Math.min(place.start, place.end) - 8], name, { anchor: "start" });
    }

    // A grip that is dragged along one axis: a slider to a screen reader and to the keyboard. With
    // `at` it is a mark that stays there: what counts is how far it is dragged, and to take it is a move.
    handle(key, { place, at, value, across, min, max, step, label, text, colour = "var(--cycle-0)", side = "bottom" }, move) {
      let grip = this.handles.get(key);
      if (!grip) {
        grip = this.add(this.grips, "g", {
          class: "grip", tabindex: 0, role: "slider", "aria-label": label,
          "aria-valuemin": min, "aria-valuemax": max,
          "aria-orientation": side === "bottom" ? "horizontal" : "vertical",
        });
        this.add(grip, "circle", { r: 20, class: "reach" });
        if (!at) this.add(grip, "circle", { r: 7, class: "knob", fill: colour });
        this.handles.set(key, grip);
        this.listen(grip, side);
      }
      const [x, y] = at ?? (side === "bottom" ? [place(value), across] : [across, place(value)]);
      grip.setAttribute("transform", `translate(${x.toFixed(2)} ${y.toFixed(2)})`);
      grip.setAttribute("aria-valuenow", value);
      grip.setAttribute("aria-valuetext", text);
      grip.now = { place, at, value, min, max, step, move };
    }

    // A place in the drawing that a tap, Space or Enter switches on and off.
    toggle(key, [x, y], { on, label }, flip) {
      let place = this.handles.get(key);
      if (!place) {
        place = this.add(this.grips, "g", { class: "switch", tabindex: 0, role: "switch", "aria-label": label });
        this.add(place, "circle", { cx: x, cy: y, r: 20, class: "reach" });
        this.handles.set(key, place);
        place.addEventListener("click", () => place.flip());
        place.addEventListener("keydown", (event) => {
          if (![" ", "Enter"].includes(event.key) || event.altKey || event.ctrlKey || event.metaKey) return;
          event.preventDefault();
          if (!event.repeat) place.flip();
        });
      }
      place.setAttribute("aria-checked", on);
      place.flip = flip;
    }

    listen(grip, side) {
      const go = (value) => {
        const rounded = onGrid(value, grip.now);
        if (rounded !== grip.now.value) grip.now.move(rounded);
      };
      const pixel = (event) => {
        const { left, top, width } = this.svg.getBoundingClientRect();
        return ((side === "bottom" ? event.clientX - left : event.clientY - top) * WIDTH) / width;
      };
      let held;
      grip.addEventListener("focus", () => grip.now.at && grip.now.move(grip.now.value));
      grip.addEventListener("pointerdown", (event) => {
        if (event.button) return;
        held = { pixel: pixel(event), value: grip.now.value, steps: 0 };
        grip.setPointerCapture(event.pointerId);
        grip.focus({ preventScroll: true });
        event.preventDefault();
      });
      grip.addEventListener("pointermove", (event) => {
        if (!grip.hasPointerCapture(event.pointerId)) return;
        if (!grip.now.at) return go(grip.now.place.invert(pixel(event)));
        const steps = Math.round((pixel(event) - held.pixel) / 14);
        if (steps !== held.steps) go(held.value + steps * grip.now.step);
        held.steps = steps;
      });
      grip.addEventListener("keydown", (event) => {
        const { value, min, max, step } = grip.now;
        const target = {
          ArrowRight: value + step, ArrowUp: value + step, ArrowLeft: value - step, ArrowDown: value - step,
          PageUp: value + 10 * step, PageDown: value - 10 * step, Home: min, End: max,
        }[event.key];
        if (target === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
        event.preventDefault();
        go(target);
      });
    }
  }

  const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);

  function start(place) {
    const data = place.querySelector("script");
    const figure = definitions.get(place.dataset.figure)(data && JSON.parse(data.textContent));
    const still = place.previousElementSibling;
    const first = structuredClone(figure.state);
    let state = structuredClone(first);
    let revealed = !figure.guess;

    const ask = figure.guess && html(place, "form", { class: "touch-guess" });
    const choices = (figure.choices ?? []).map((choice) => {
      const group = html(place, "div", { class: "touch-choice", role: "group", "aria-label": choice.label });
      const buttons = choice.options.map((text) => html(group, "button", { type: "button" }, text));
      buttons.forEach((button, i) => button.addEventListener("click", () => set({ [choice.name]: i })));
      return () => buttons.forEach((button, i) => button.setAttribute("aria-pressed", state[choice.name] === i));
    });
    const svg = document.createElementNS(SVG, "svg");
    svg.setAttribute("viewBox", `0 0 ${WIDTH} ${figure.height}`);
    svg.setAttribute("role", "group");
    svg.setAttribute("aria-label", still?.querySelector("svg")?.getAttribute("aria-label") ?? "");
    place.append(svg);
    const pen = new Pen(svg);
    const sliders = html(place, "div", { class: "touch-sliders" });
    const inputs = (figure.sliders ?? []).map((slider) => {
      const label = html(sliders, "label");
      html(label, "span", {}, slider.label);
      const { min, max, step } = slider;
      const input = html(label, "input", { type: "range", min, max, step });
      const value = html(label, "output");
      input.addEventListener("input", () => set({ ...slider.also, [slider.name]: input.valueAsNumber }));
      return () => {
        const text = (slider.show ?? show)(state[slider.name]);
        input.value = state[slider.name];
        input.setAttribute("aria-valuetext", text);
        value.textContent = text;
      };
    });
    const presses = (figure.buttons ?? []).map(([text, press]) => {
      const button = html(place, "button", { type: "button" }, text);
      button.addEventListener("click", () => set(press(state)));
      return () => (button.disabled = same({ ...state, ...press(state) }, state));
    });
    const foot = html(place, "div", { class: "touch-foot" });
    const numbers = html(foot, "dl");
    const reset = html(foot, "button", { type: "button", class: "touch-reset" }, "Reset");
    // What has changed is spoken when the hand rests.
    const spoken = html(place, "p", { class: "touch-spoken", "aria-live": "polite" });
    let timer;

    function render() {
      const values = figure.compute(state);
      pen.clear();
      figure.draw(pen, state, values, set, revealed);
      if (!revealed && figure.hidden) pen.text(figure.hidden, "answer first, then the rest appears");
      [...choices, ...inputs, ...presses].forEach((update) => update());
      numbers.replaceChildren();
      for (const [name, text] of revealed ? figure.numbers(state, values) : []) {
        const pair = html(numbers, "div");
        html(pair, "dt", {}, name);
        html(pair, "dd", {}, text);
      }
      reset.disabled = same(state, first);
    }

    function set(changes) {
      state = { ...state, ...changes };
      render();
      clearTimeout(timer);
      timer = setTimeout(() => {
        spoken.textContent = [...numbers.children].map((pair) =>
          [...pair.children].map((part) => part.textContent).join(" ")).join(", ");
      }, 600);
    }

    reset.addEventListener("click", () => set(structuredClone(first)));
    if (ask) {
      html(ask, "p", {}, figure.guess.ask);
      for (const [text, right] of figure.guess.choices) {
        html(ask, "button", { type: "button" }, text).addEventListener("click", () => {
          revealed = true;
          ask.replaceChildren();
          html(ask, "p", { role: "status" }, `${right ? "Yes." : "Not quite."} ${figure.guess.then}`);
          place.classList.remove("is-asked");
          render();
        });
      }
      place.classList.add("is-asked");
    }
    render();
    place.classList.add("is-live");
    still?.classList.add("is-still");
    place.state = () => structuredClone(state); // for the tests
  }

  return { define, definitions, scale, show, digits, power, clamp, start };
})();
