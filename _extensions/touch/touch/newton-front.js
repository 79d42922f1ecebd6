// Newton's iteration for the inverse root: drag the front, a step at a time, and an eigenvalue, and
// see what the steps make of it.
touch.define("newton-front", (data) => {
  const { scale, show } = touch;
  const STEPS = 12, TOP = 64, ZERO = 248;
  const along = scale([-5, 0], [44, 324]); // by the exponent
  const up = scale([0, 1], [ZERO, TOP]);
  const forth = (q) => (q * (3 - q) ** 2) / 4;
  // For q = 4 sin^2 t a step gives sin^2 3t, and so it can be taken back.
  const back = (q) => 4 * Math.sin(Math.asin(Math.sqrt(q)) / 3) ** 2;
  const times = (T, step, q) => (T ? times(T - 1, step, step(q)) : q);
  const fronts = Array.from({ length: STEPS + 1 }, (_, T) => along(Math.log10(times(T, back, 0.5))));
  // The front goes to the left with each step, so the value of its handle is -T.
  const place = Object.assign((value) => fronts[-value], {
    invert: (pixel) => -fronts.reduce((best, front, T) =>
      (Math.abs(front - pixel) < Math.abs(fronts[best] - pixel) ? T : best), 0),
  });
  const short = (x, digits = 2) => `${Number(x.toPrecision(digits))}`;
  const count = (T) => `${T} ${T === 1 ? "step" : "steps"}`;

  return {
    state: { T: 5, power: -2, s: data.s },
    height: 284,
    compute: ({ T, power, s }) => ({
      path: Array.from({ length: T + 1 }, (_, t) => times(t, forth, 10 ** power)),
      spectrum: s.map((start) => times(T, forth, start)),
      front: times(T, back, 0.5),
    }),
    draw(pen, { T, power, s }, { path, spectrum, front }, set) {
      const blue = { colour: "var(--cycle-0)" };
      pen.text([16, 14], `variance after ${count(T)}: drag the front`, { anchor: "start", bold: true });
      pen.axis(up, 44, [0, 0.5, 1], { side: "left", grid: 280 });
      pen.axis(along, ZERO, [-5, -4, -3, -2, -1, 0], {
        name: "share of the variance: drag the point", write: (k) => short(10 ** k),
      });
      const exponents = Array.from({ length: 141 }, (_, k) => -5 + k / 28);
      pen.line(exponents.map((k) => [along(k), up(times(T, forth, 10 ** k))]), { ...blue, width: 2 });
      pen.line([[fronts[T], 36], [fronts[T], ZERO]], { ...blue, dash: "4 3" });
      const grey = { colour: "var(--cycle-6)" };
      s.forEach((start, i) => pen.dot([along(Math.log10(start)), up(spectrum[i])], grey));
      // From the start, step by step.
      pen.line([[along(power), ZERO], [along(power), up(path[T])]], { ...blue, width: 1 });
      path.forEach((q, t) => pen.dot([along(power), up(q)], { ...blue, r: t < T ? 3 : 5, hollow: t < T }));
      pen.handle("front", {
        place, value: -T, across: 36, min: -STEPS, max: -1, step: 1, label: "Front",
        text: `${count(T)}, half way at ${short(front)}`,
      }, (moved) => set({ T: -moved }));
      pen.handle("power", {
        place: along, value: power, across: ZERO, min: -5, max: 0, step: 0.05, label: "Share",
        text: `${short(10 ** power)}, variance ${short(path[T], 4)}`,
      }, (moved) => set({ power: moved }));
    },
    numbers: ({ T, power }, { path, spectrum, front }) => [
      ["steps", `${T}`], ["half way at", short(front)],
      ["share", short(10 ** power)], ["its variance", short(path[T], 4)],
      ["smallest of S", show(Math.min(...spectrum), 4)],
      ["above 0.99", `${spectrum.filter((q) => q > 0.99).length} of ${spectrum.length}`],
    ],
  };
});
