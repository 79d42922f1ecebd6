// The law of one activation after dropout: drag the drop probability, and see the mass move to zero
// and to the right, the mean stay and the deviation grow.
touch.define("after-dropout", (data) => {
  const { scale, show } = touch;
  const EDGE = 8, BASE = 176, PEAK = 52;
  const x = scale([-1.3, 9.1], [10, 332]), drop = scale([0, 0.8], [24, 316]);
  const grid = Array.from({ length: 33 }, (_, i) => i / 4);
  const normal = (z) => Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI);
  const percent = (share) => `${show(100 * share, 1)} %`;
  return {
    state: { p: data.p },
    height: 284,
    compute({ p }) {
      const q = 1 - p;
      // The normal tail is the density divided by a continued fraction.
      let fraction = EDGE * q;
      for (let n = 80; n > 0; n -= 1) fraction = EDGE * q + n / fraction;
      return {
        zeros: (1 + p) / 2,
        density: grid.map((value) => q * q * normal(value * q)),
        beyond: (q * normal(EDGE * q)) / fraction,
        formula: { mean: normal(0), deviation: Math.sqrt(1 / (2 * q) - 1 / (2 * Math.PI)) },
        measured: data.measured[Math.round(100 * p)],
      };
    },
    draw(pen, { p }, { zeros, density, beyond, formula, measured }, set) {
      const [last, ...tall] = [beyond, ...density].map((value) => (PEAK * value) / density[0]);
      pen.line([[x(formula.mean), 6], [x(formula.mean), BASE]], { dash: "4 3", width: 1 });
      const bars = [["by formula", formula, "var(--cycle-0)", 14], ["measured", measured, "var(--cycle-6)", 36]];
      for (const [name, { mean, deviation }, colour, y] of bars) {
        pen.line([[x(mean - deviation), y], [x(mean + deviation), y]], { colour, width: 4 });
        pen.dot([x(mean), y], { colour, r: 6 });
        pen.text([122, y + 4], `mean and deviation, ${name}`, { anchor: "start", size: 11 });
      }
      // All of the mass: the zeros, the density up to the edge, and what lies beyond.
      pen.bar(x(0) - 12, BASE, 11, -112 * zeros, { colour: "var(--cycle-0)" });
      pen.text([x(0) + 2, BASE - 19 - 112 * zeros], "zeros", { anchor: "end" });
      pen.text([x(0) + 2, BASE - 6 - 112 * zeros], percent(zeros), { anchor: "end" });
      for (let i = 0; i < grid.length - 1; i += 1) {
        pen.bar(x(grid[i]), BASE, 6.7, -(tall[i] + tall[i + 1]) / 2, { colour: "var(--cycle-0)", opacity: 0.35 });
      }
      pen.line(grid.map((value, i) => [x(value), BASE - tall[i]]), { colour: "var(--cycle-0)", width: 2 });
      pen.text([x(1.2), BASE - PEAK - 10], `${percent(1 - zeros)} positive`, { anchor: "start" });
      pen.bar(x(EDGE), BASE, x(1) - x(0), -last, { colour: "var(--cycle-0)" });
      pen.text([336, BASE - 6 - Math.max(last, tall[32])], `${percent(beyond)} beyond 8`, { anchor: "end", size: 11 });
      pen.axis(x, BASE, [0, 2, 4, 6, 8], { name: "activation after dropout" });
      pen.text([16, 236], "p: drag the point", { anchor: "start", bold: true });
      pen.axis(drop, 256, [0, 0.2, 0.4, 0.6, 0.8]);
      pen.handle("p", {
        place: drop, value: p, across: 256, min: 0, max: 0.8, step: 0.01, label: "Drop probability p",
        text: `${show(p)}, mean ${show(formula.mean, 4)}, deviation ${show(formula.deviation, 4)}`,
      }, (moved) => set({ p: moved }));
    },
    numbers: ({ p }, { density, formula, measured }) => [
      ["drop probability p", show(p)], ["highest density", show(density[0], 3)],
      ["mean", show(formula.mean, 4)], ["measured", show(measured.mean, 3)],
      ["deviation", show(formula.deviation, 4)], ["measured", show(measured.deviation, 3)],
    ],
  };
});
