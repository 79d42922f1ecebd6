// A net of six ReLU layers: drag the width of a layer, and see which rule keeps which way level.
touch.define("layer-widths", (data) => {
  const { scale, digits } = touch;
  const RULES = [
    ["fan-in", (i, o) => 2 / i, "var(--cycle-0)", ""],
    ["fan-out", (i, o) => 2 / o, "var(--cycle-2)", "2 3"],
    ["mean", (i, o) => 4 / (i + o), "var(--cycle-1)", "7 4"],
  ];
  const along = scale([0, 6], [92, 292]);
  const wide = scale([16, 256], [102, 36], { log: true });
  const panels = {
    forward: ["signal, from the input to the loss", 6, scale([0.005, 20], [238, 152], { log: true })],
    backward: ["gradient, from the loss to the input", 0, scale([0.005, 20], [362, 276], { log: true })],
  };
  const places = (up, values) => values.map((value, i) => [along(i), up(value)]);
  // The names of the lines stand at their ends, 12 or more apart where the ends meet.
  const apart = (heights, lowest) => {
    const order = heights.map((_, k) => k).sort((a, b) => heights[b] - heights[a] || a - b);
    const put = [];
    order.forEach((k, n) => { put[k] = Math.min(heights[k], n ? put[order[n - 1]] - 12 : lowest); });
    return put;
  };

  return {
    state: { widths: data.widths },
    height: 402,
    compute({ widths }) {
      const pairs = widths.slice(1).map((out, i) => [widths[i], out]);
      const forward = RULES.map(([, rule]) =>
        pairs.reduce((m, [i, o]) => [...m, (m.at(-1) * i * rule(i, o)) / 2], [1]));
      const backward = RULES.map(([, rule]) =>
        pairs.reduceRight((m, [i, o]) => [(m[0] * o * rule(i, o)) / 2, ...m], [1]));
      return { forward, backward };
    },
    draw(pen, { widths }, values, set) {
      pen.text([16, 14], "units of layer i: drag a dot", { anchor: "start", bold: true });
      pen.axis(wide, 40, [16, 64, 256], { side: "left", grid: 256 });
      pen.line(places(wide, widths), { colour: "var(--cycle-6)", width: 2 });
      for (const [way, [title, end, up]] of Object.entries(panels)) {
        pen.text([16, up.end - 8], title, { anchor: "start", bold: true });
        pen.axis(up, 40, [0.01, 0.1, 1, 10], { side: "left", grid: 256 });
        RULES.forEach(([, , colour, dash], k) => {
          pen.line(places(up, values[way][k]), { colour, dash, width: 2.5 });
        });
        const heights = apart(RULES.map((_, k) => up(values[way][k][end]) + 4), up.start);
        RULES.forEach(([name], k) => {
          pen.text([along(end) + (end ? 6 : -6), heights[k]], name, { anchor: end ? "start" : "end", size: 11 });
        });
      }
      pen.axis(along, 366, [0, 1, 2, 3, 4, 5, 6], { name: "layer i" });
      pen.text([along.start, 397], "input");
      pen.text([along.end, 397], "loss");
      widths.forEach((value, i) => {
        pen.text([along(i), 125], `${value}`, { size: 11 });
        pen.handle(i, {
          place: wide, value, across: along(i), min: 16, max: 256, step: 1, side: "left",
          label: `Units of layer ${i}`, text: `${value} units`, colour: "var(--cycle-6)",
        }, (moved) => set({ widths: widths.map((old, j) => (j === i ? moved : old)) }));
      });
    },
    numbers: (_, { forward, backward }) => [
      ...RULES.flatMap(([name], k) => [
        [`${name}, signal`, digits(forward[k][6])],
        [`${name}, gradient`, digits(backward[k][0])],
      ]),
    ],
  };
});
