// The distribution of the kept count and the Poisson distribution with the same mean: drag the width of
// the layer along the curve of their distance.
touch.define("poisson-limit", ({ lam, M: first }) => {
  const { scale, show } = touch;
  const LAST = 12; // beyond it, the binomial is never the larger of the two
  const BASE = 138;
  const count = scale([-0.5, LAST + 0.5], [46, 330]);
  const high = scale([0, 0.45], [BASE, 22]);
  const width = scale([4, 1000], [46, 318], { log: true });
  const far = scale([5e-4, 1], [308, 204], { log: true });
  const bound = (M) => (-Math.expm1(-lam) * lam) / M;
  function compute({ M }) {
    const q = lam / M;
    const binomial = [Math.exp(M * Math.log1p(-q))], poisson = [Math.exp(-lam)];
    for (let k = 0; k < LAST; k += 1) {
      binomial.push((binomial[k] * Math.max(M - k, 0) * q) / ((k + 1) * (1 - q)));
      poisson.push((poisson[k] * lam) / (k + 1));
    }
    const distance = binomial.reduce((sum, value, k) => sum + Math.max(value - poisson[k], 0), 0);
    return { binomial, poisson, distance, bound: bound(M) };
  }
  const widths = Array.from({ length: 49 }, (_, i) => Math.round(4 * 250 ** (i / 48)));
  const curve = widths.map((M) => [width(M), far(compute({ M }).distance)]);

  return {
    state: { M: first },
    height: 356,
    compute,
    draw(pen, { M }, { binomial, poisson, distance }, set) {
      pen.bar(186, 22, 10, 10, { colour: "var(--cycle-6)", opacity: 0.6 });
      pen.text([202, 31], "Poisson", { anchor: "start" });
      pen.dot([191, 46], { colour: "var(--cycle-0)", r: 5 });
      pen.text([202, 50], `kept of ${M} units`, { anchor: "start" });
      // The pieces between the bars and the dots add up to twice the distance.
      poisson.forEach((value, k) => {
        pen.bar(count(k) - 7, BASE, 14, high(value) - BASE, { colour: "var(--cycle-6)", opacity: 0.6 });
        pen.line([[count(k), high(value)], [count(k), high(binomial[k])]], { colour: "var(--cycle-0)", width: 3 });
        pen.dot([count(k), high(binomial[k])], { colour: "var(--cycle-0)", r: 4.5 });
      });
      pen.axis(high, 40, [0, 0.1, 0.2, 0.3, 0.4], { side: "left", name: "probability" });
      pen.axis(count, BASE, [0, 2, 4, 6, 8, 10, 12], { name: "kept units k" });
      pen.line([4, 1000].map((end) => [width(end), far(bound(end))]), { colour: "var(--cycle-6)", width: 2, dash: "6 4" });
      pen.text([width(30), far(bound(30)) - 10], "bound", { anchor: "start", size: 11 });
      pen.line(curve, { colour: "var(--cycle-0)", width: 2 });
      pen.axis(far, 40, [0.001, 0.01, 0.1, 1], { side: "left", name: "distance: drag the point" });
      pen.axis(width, 312, [4, 10, 30, 100, 300, 1000], { name: "hidden units M" });
      pen.handle("width", {
        place: width, value: M, across: far(distance), min: 4, max: 1000, step: 1, label: "Hidden units",
        text: `${M}, distance ${show(distance, 4)}`,
      }, (moved) => set({ M: moved }));
    },
    numbers: ({ M }, values) => [
      ["hidden units M", `${M}`],
      ["keep probability", show(lam / M, 3)],
      ["distance", show(values.distance, 4)],
      ["bound", show(values.bound, 4)],
      ["M times distance", show(M * values.distance, 3)],
    ],
  };
});
