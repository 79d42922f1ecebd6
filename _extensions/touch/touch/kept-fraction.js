// The law of the kept fraction: drag its mean, and the end of the bar that is one deviation long to
// both sides; the law and the width of the layer follow.
touch.define("kept-fraction", (data) => {
  const { scale, show } = touch;
  const BASE = 190, BAR = 30, FOOT = 206;
  const x = scale([0, 1], [48, 322]);
  const y = scale([0, 0.4], [BASE, 62]);

  return {
    state: { p: data.p, M: data.M },
    height: 244,
    compute({ p, M }) {
      const pmf = [p ** M];
      for (let k = 0; k < M; k += 1) pmf.push((pmf[k] * (M - k) * (1 - p)) / ((k + 1) * p));
      const deviation = Math.sqrt(M * p * (1 - p));
      return { pmf, mean: M * (1 - p), deviation, spread: deviation / M, largest: Math.max(...pmf) };
    },
    draw(pen, { p, M }, { pmf, spread, largest }, set, revealed) {
      const q = 1 - p;
      const task = revealed ? "drag the mean, or the left end of the bar" : "drag the mean";
      pen.text([16, 12], task, { anchor: "start", bold: true });
      pen.line([[x(q), BAR], [x(q), FOOT]], { dash: "4 3", width: 1 });
      const wide = touch.clamp(190 / M, 1, 9);
      pmf.forEach((value, k) => {
        const colour = value === largest ? "var(--cycle-0)" : "var(--cycle-6)";
        pen.bar(x(k / M) - wide / 2, BASE, wide, y(value) - BASE, { colour });
      });
      pen.line([[x.start - 8, BASE], [x.end + 8, BASE]], { width: 1 });
      pen.line([[x(q - spread), BAR], [x(q + spread), BAR]], { colour: "var(--cycle-0)", width: 4 });
      pen.dot([x(q), BAR], { colour: "var(--cycle-0)", r: 4 });
      pen.axis(y, 34, [0, 0.1, 0.2, 0.3, 0.4], { side: "left" });
      pen.text([2, 50], "probability", { anchor: "start" });
      pen.axis(x, FOOT, [0, 0.2, 0.4, 0.6, 0.8, 1], { name: "kept fraction K/M" });
      pen.handle("mean", {
        place: x, value: Number(q.toFixed(2)), across: FOOT, min: 0.1, max: 0.9, step: 0.01,
        label: "Mean of the kept fraction", text: `${show(q)}, drop probability ${show(p)}`,
      }, (moved) => set({ p: Number((1 - moved).toFixed(2)) }));
      // The end is where a layer of this width has it.
      const end = (units) => x(q - Math.sqrt((p * q) / units));
      end.invert = (pixel) => (p * q) / Math.max(q - x.invert(pixel), 1e-3) ** 2;
      if (!revealed) return;
      pen.handle("width", {
        place: end, value: M, across: BAR, min: 10, max: 200, step: 1, label: "Hidden units",
        text: `${M}, deviation ${show(100 * spread, 1)} per cent of the layer`,
      }, (moved) => set({ M: moved }));
    },
    numbers: ({ p, M }, { pmf, mean, deviation, spread, largest }) => [
      ["drop probability p", show(p)],
      ["hidden units M", `${M}`],
      ["mean of K", show(mean, 1)],
      ["deviation of K", show(deviation)],
      ["deviation of K/M", show(spread, 3)],
      ["most likely count", `${pmf.indexOf(largest)}`],
      ["its probability", show(largest, 4)],
    ],
    guess: data.guess,
  };
});
