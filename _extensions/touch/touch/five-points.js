// Five samples of one feature: drag one, and see what batch norm makes of all, and on which of the
// three paths the gradient comes back.
touch.define("five-points", (data) => {
  const { scale, show } = touch;
  const PATHS = [
    ["direct", "direct", "var(--cycle-0)"],
    ["mean", "via the mean", "var(--cycle-1)"],
    ["variance", "via the variance", "var(--cycle-2)"],
  ];
  const before = scale([-5, 5], [16, 324]);
  const after = scale([-2.5, 2.5], [16, 324]);
  const size = scale([-1.6, 1.6], [378, 256]);

  return {
    state: { y: data.y, chosen: 4 },
    height: 400,
    hidden: [170, 300],
    compute({ y }) {
      const g = data.g, B = y.length;
      const average = (x) => x.reduce((sum, value) => sum + value, 0) / B;
      const m = average(y);
      const v = average(y.map((value) => (value - m) ** 2));
      const s = Math.sqrt(v + data.eps);
      const x = y.map((value) => (value - m) / s);
      const along = average(g.map((value, i) => value * x[i]));
      const paths = {
        direct: g.map((value) => value / s),
        mean: g.map(() => -average(g) / s),
        variance: x.map((value) => (-value * along) / s),
      };
      const dy = y.map((_, i) => paths.direct[i] + paths.mean[i] + paths.variance[i]);
      return { m, v, s, x, paths, dy };
    },
    draw(pen, { y, chosen }, { m, s, x, paths, dy }, set, revealed) {
      // Before: the points, their mean, one deviation to both sides.
      pen.text([16, 14], "y: drag a point", { anchor: "start", bold: true });
      pen.axis(before, 62, [-4, -2, 0, 2, 4]);
      const [low, high] = [m - s, m + s].map((value) => before(touch.clamp(value, -5, 5)));
      pen.bar(low, 57, high - low, 10, { colour: "var(--cycle-6)", opacity: 0.35 });
      pen.line([[before(m), 28], [before(m), 72]], { dash: "4 3" });
      // After: the same points with mean 0 and deviation 1, each joined with what it was.
      pen.axis(after, 170, [-2, -1, 0, 1, 2]);
      pen.text([16, 206], "x\u0302: normalized", { anchor: "start", bold: true });
      pen.line([[after(0), 150], [after(0), 180]], { dash: "4 3" });
      y.forEach((value, i) => {
        const colour = i === chosen ? "var(--cycle-0)" : "var(--cycle-6)";
        const end = [after(touch.clamp(x[i], -2.5, 2.5)), 170];
        pen.line([[before(value), 62], end], { colour, width: i === chosen ? 2 : 1, opacity: 0.7 });
        pen.dot(end, { colour, r: i === chosen ? 6 : 5 });
      });
      // Back: three bars a point, and their sum.
      PATHS.forEach(([, name, colour], k) => {
        const left = [16, 66, 156][k];
        pen.bar(left, 223, 9, 9, { colour });
        pen.text([left + 13, 232], name, { anchor: "start", size: 11 });
      });
      pen.dot([268, 228], { r: 4, hollow: true });
      pen.text([277, 232], "sum, dy", { anchor: "start", size: 11 });
      const zero = size(0);
      pen.line([[16, zero], [324, zero]], { width: 1 });
      const tall = (value) => size(touch.clamp(value, -1.6, 1.6)) - zero;
      y.forEach((_, i) => {
        const left = 28 + 60 * i;
        if (i === chosen) pen.bar(left - 5, 250, 56, 140, { colour: "var(--cycle-6)", opacity: 0.15 });
        if (!revealed) return;
        PATHS.forEach(([key, , colour], k) => {
          pen.bar(left + 12 * k, zero, 11, tall(paths[key][i]), { colour });
        });
        pen.dot([left + 42, zero + tall(dy[i])], { r: 4, hollow: true });
        pen.text([left + 23, 394], `${i + 1}`, { size: 11 });
      });
      y.forEach((value, i) => {
        pen.handle(i, {
          place: before, value, across: 62, min: -5, max: 5, step: 0.1, label: `Sample ${i + 1}`,
          text: `${show(value, 1)}, normalized ${show(x[i])}`,
          colour: i === chosen ? "var(--cycle-0)" : "var(--cycle-6)",
        }, (moved) => set({ y: y.map((old, j) => (j === i ? moved : old)), chosen: i }));
      });
    },
    numbers: ({ y, chosen }, { m, s, x, dy }) => [
      ["mean", show(m)],
      ["deviation", show(s)],
      [`x\u0302 of sample ${chosen + 1}`, show(x[chosen])],
      [`dy of sample ${chosen + 1}`, show(dy[chosen], 3)],
      ["all five dy add up to", show(dy.reduce((sum, value) => sum + value, 0), 3)],
    ],
    guess: data.guess,
  };
});
