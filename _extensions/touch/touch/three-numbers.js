// One feature through batch norm: drag the mean of the output and the end of its deviation, and set
// epsilon. Each bar goes where its samples go.
touch.define("three-numbers", (data) => {
  const { scale, show } = touch;
  const BEFORE = 76, AFTER = 216, END = 274; // where things stand
  const SPAN = [-8.8, 8.8], WIDTH = [16, 324], TICKS = [-8, -4, 0, 4, 8];
  const place = scale(SPAN, WIDTH);
  const short = (power) => `${Number((10 ** power).toPrecision(2))}`;
  const first = 2, width = 0.25; // of the bars
  const counts = Array.from({ length: 13 }, (_, k) =>
    data.y.filter((value) => Math.floor((value - first) / width) === k).length);
  const average = (x) => x.reduce((sum, value) => sum + value, 0) / x.length;

  return {
    state: { y: data.y, gamma: 1, beta: 0, power: -4 },
    height: 316,
    compute({ y, gamma, beta, power }) {
      const m = average(y);
      const v = average(y.map((value) => (value - m) ** 2));
      const s = Math.sqrt(v + 10 ** power);
      const out = y.map((value) => (gamma * (value - m)) / s + beta);
      const mean = average(out);
      const deviation = Math.sqrt(average(out.map((value) => (value - mean) ** 2)));
      return { m, v, s, out, mean, deviation };
    },
    draw(pen, { gamma, beta }, { m, s, mean, deviation }, set) {
      const bars = (to, line, colour) => counts.forEach((count, i) => {
        const [left, right] = [i, i + 1].map((k) => place(to(first + k * width)));
        const wide = Math.max(Math.abs(right - left) - 0.7, 1.5);
        pen.bar((left + right - wide) / 2, line, wide, (-60 * count) / Math.max(...counts), { colour });
      });
      pen.text([16, 14], "before", { anchor: "start", bold: true });
      bars((y) => y, BEFORE, "var(--cycle-6)");
      pen.axis(place, BEFORE, TICKS);
      pen.line([[place(m), 12], [place(m), BEFORE + 7]], { dash: "4 3" });
      pen.text([16, 128], "after: drag the mean, \u03b2", { anchor: "start", bold: true });
      bars((y) => (gamma * (y - m)) / s + beta, AFTER, "var(--cycle-0)");
      pen.axis(place, AFTER, TICKS);
      pen.line([[place(mean), 142], [place(mean), END + 7]], { dash: "4 3" });
      pen.line([[16, END], [324, END]], { width: 1, opacity: 0.25 });
      const wide = place(deviation) - place(-deviation);
      pen.bar(place(mean - deviation), END - 5, wide, 10, { colour: "var(--cycle-0)", opacity: 0.4 });
      pen.text([16, 304], "deviation: drag its end, \u03b3", { anchor: "start", bold: true });
      pen.handle("beta", {
        place, value: beta, across: AFTER, min: -2, max: 2, step: 0.05,
        label: "Shift \u03b2", text: `${show(beta)}, the mean`,
      }, (moved) => set({ beta: moved }));
      // Without epsilon the bar would end at this handle.
      pen.handle("gamma", {
        place: scale(SPAN.map((end) => end - beta), WIDTH), value: gamma, across: END,
        min: -1.5, max: 1.5, step: 0.05, label: "Scale \u03b3", text: `${show(gamma)}`,
      }, (moved) => set({ gamma: moved }));
    },
    sliders: [{ name: "power", label: "epsilon \u03b5", min: -4, max: 1, step: 0.05, show: short }],
    numbers: ({ gamma, beta }, { mean, deviation }) => [
      ["scale \u03b3", show(gamma)], ["shift \u03b2", show(beta)],
      ["mean", show(mean)], ["deviation", show(deviation, 4)],
    ],
  };
});
