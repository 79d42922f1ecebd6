// Twenty networks of fifty ReLU layers: drag the end of their mean, and see what a wrong variance costs.
touch.define("fifty-layers", (data) => {
  const { scale, show, digits, power } = touch;
  const DEPTH = data.nets[0].length - 1;
  const along = scale([0, DEPTH], [44, 322]);
  const up = scale([3e-5, 1e4], [254, 44], { log: true });
  // A factor passes through a ReLU: what the networks are at c = 2 comes times (c / 2) in each layer.
  const moments = (c) => data.nets[0].map((_, i) => (c / 2) ** i);
  const places = (values) => values.map((value, i) => [along(i), up(value)]);
  const middle = (values) => {
    const sorted = values.toSorted((a, b) => a - b);
    const half = sorted.length / 2;
    return (sorted[half - 1] + sorted[half]) / 2; // of an even number
  };
  // The height of the last layer tells c.
  const end = (c) => up((c / 2) ** DEPTH);
  end.invert = (pixel) => 2 * up.invert(pixel) ** (1 / DEPTH);

  return {
    state: { c: 2 },
    height: 298,
    hidden: [183, 160],
    compute({ c }) {
      const line = moments(c);
      const nets = data.nets.map((net) => net.map((value, i) => value * line[i]));
      const median = line.map((_, i) => middle(nets.map((net) => net[i])));
      return { line, nets, median, below: nets.filter((net) => net[DEPTH] < 1).length };
    },
    draw(pen, { c }, { line, nets, median }, set, revealed) {
      pen.text([16, 14], revealed ? "mean square: drag the end of the mean" : "mean square", { anchor: "start", bold: true });
      pen.axis(up, 40, [1e-4, 1e-2, 1, 100, 1e4], {
        side: "left", grid: 282, write: (x) => (x === 1 ? "1" : power(Math.round(Math.log10(x)))),
      });
      pen.axis(along, 258, [0, 10, 20, 30, 40, 50], { name: "layer" });
      if (!revealed) return;
      pen.line([[16, 29], [40, 29]], { colour: "var(--cycle-0)", width: 2 });
      pen.text([45, 33], "mean of all networks", { anchor: "start" });
      pen.line([[176, 29], [200, 29]], { colour: "var(--cycle-6)", width: 2, dash: "6 4" });
      pen.text([205, 33], "median of the 20", { anchor: "start" });
      nets.forEach((net) => pen.line(places(net), { colour: "var(--cycle-6)", width: 0.8, opacity: 0.7 }));
      pen.line(places(median), { colour: "var(--cycle-6)", width: 2, dash: "6 4" });
      pen.line(places(line), { colour: "var(--cycle-0)", width: 2 });
      pen.handle("end", {
        place: end, value: c, across: along.end, min: 1.8, max: 2.2, step: 0.01, side: "left",
        label: "Fan-in times variance, c", text: `${show(c)}, mean in the last layer ${digits(line[DEPTH])}`,
      }, (moved) => set({ c: moved }));
    },
    numbers: ({ c }, { line, median, below }) => [
      ["fan-in \u00b7 \u03c3\u00b2, c", show(c)],
      ["mean at 50", digits(line[DEPTH])],
      ["median at 50", digits(median[DEPTH])],
      ["below 1", `${below} of ${data.nets.length}`],
    ],
    guess: data.guess,
  };
});
