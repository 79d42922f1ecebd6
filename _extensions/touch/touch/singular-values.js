// The singular values of a deep linear net: drag the end of their median, and the gain lifts all.
touch.define("singular-values", (data) => {
  const { scale, show, digits, power } = touch;
  const DEPTH = data.s.length - 1, D = data.s[0].length, LOWEST = 1e-5;
  const along = scale([0, DEPTH], [44, 316]);
  const up = scale([LOWEST, 1e4], [262, 44], { log: true });
  const median = (s) => (s[D / 2 - 1] + s[D / 2]) / 2;
  // The height of the median tells the gain.
  const end = (g) => up(median(data.s[DEPTH]) * g ** DEPTH);
  end.invert = (pixel) => (up.invert(pixel) / median(data.s[DEPTH])) ** (1 / DEPTH);
  const places = (values) => values.map((value, i) => [along(i), up(Math.max(value, LOWEST))]);

  return {
    state: { g: 1, layer: DEPTH },
    height: 310,
    hidden: [180, 200],
    compute({ g }) {
      const s = data.s.map((row, i) => row.map((value) => value * g ** i));
      const square = s.map((row) => row.reduce((sum, value) => sum + value ** 2, 0) / D);
      return { s, square, median: s.map(median) };
    },
    draw(pen, { g, layer }, values, set, revealed) {
      pen.text([16, 14], `singular values${revealed ? ": drag the end of the median" : ""}`, { anchor: "start", bold: true });
      pen.line([[44, 29], [68, 29]], { colour: "var(--cycle-0)", width: 2.5 });
      pen.text([73, 33], "median", { anchor: "start" });
      pen.line([[130, 29], [154, 29]], { dash: "6 4", width: 2.5 });
      pen.text([159, 33], "root of the mean square", { anchor: "start" });
      pen.axis(up, 40, [1e-4, 1e-2, 1, 100, 1e4], {
        side: "left", grid: 276, write: (x) => (x === 1 ? "1" : power(Math.round(Math.log10(x)))),
      });
      pen.axis(along, 266, [0, 5, 10, 15, 20], { name: "layer" });
      pen.line(places(values.square.map(Math.sqrt)), { dash: "6 4", width: 2.5 });
      if (!revealed) return;
      for (let k = 0; k < D; k++) {
        // A value that is below the drawing ends its line.
        const below = values.s.findIndex((row) => !(row[k] >= LOWEST));
        const line = values.s.slice(0, below < 0 ? DEPTH + 1 : below + 1).map((row) => row[k] ?? 0);
        pen.line(places(line), { colour: "var(--cycle-6)", width: 1, opacity: 0.7 });
      }
      pen.line([[along(layer), 262], [along(layer), up.end]], { width: 1, dash: "2 3" });
      pen.line(places(values.median), { colour: "var(--cycle-0)", width: 2.5 });
      pen.handle("layer", {
        place: along, value: layer, across: 266, min: 0, max: DEPTH, step: 1, colour: "var(--cycle-6)",
        label: "Layer of the numbers", text: `${layer}, median ${digits(values.median[layer])}`,
      }, (moved) => set({ layer: moved }));
      pen.handle("gain", {
        place: end, value: g, across: along.end, min: 0.9, max: 1.45, step: 0.01, side: "left",
        label: "Gain", text: `${show(g)}, median at the end ${digits(values.median[DEPTH])}`,
      }, (moved) => set({ g: moved }));
    },
    numbers: ({ g, layer }, { s, square, median }) => [
      ["gain", show(g)],
      ["layer", `${layer}`],
      ["largest", digits(s[layer][0])],
      ["median", digits(median[layer])],
      ["mean square", digits(square[layer])],
    ],
    guess: data.guess,
  };
});
