// A net of six ReLU layers: drag the width of a layer, and see which rule keeps which way level.
touch.define("layer-widths", (data) => {
  const { scale, digits } = touch;
  const RULES = [
    ["fan-in", (i, o) => 2 / i, "var(--cycle-0)", ""],
    ["fan-out", (i, o) => 2 / o, "var(--cycle-2)", "2 3"],
    ["mean of both", (i, o) => 4 / (i + o), "var(--cycle-1)", "7 4"],
  ];
  const along = scale([0, 6], [48, 316]);
  const wide = scale([16, 256], [102, 36], { log: true });
  const panels = {
    forward: ["forward: second moment of the signal", scale([0.005, 20], [258, 172], { log: true })],
    backward: ["backward: second moment of the gradient", scale([0.005, 20], [382, 296], { log: true })],
  };
  const places = (up, values) => values.map((value, i) => [along(i), up(value)]);

  return {
    state: { widths: data.widths },
    height: 422,
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
      pen.axis(wide, 40, [16, 64, 256], { side: "left", grid: 276 });
      pen.line(places(wide, widths), { colour: "var(--cycle-6)", width: 2 });
      RULES.forEach(([name, , colour, dash], k) => {
        const left = [16, 98, 186][k];
        pen.line([[left, 139], [left + 20, 139]], { colour, dash, width: 2.5 });
        pen.text([left + 25, 143], name, { anchor: "start" });
      });
      for (const [way, [title, up]] of Object.entries(panels)) {
        pen.text([16, up.end - 8], title, { anchor: "start", bold: true });
        pen.axis(up, 40, [0.01, 0.1, 1, 10], { side: "left", grid: 276 });
        RULES.forEach(([, , colour, dash], k) => {
          pen.line(places(up, values[way][k]), { colour, dash, width: 2.5 });
        });
      }
      pen.axis(along, 386, [0, 1, 2, 3, 4, 5, 6], { name: "layer i" });
      widths.forEach((value, i) => {
        pen.text([along(i), 125], `${value}`, { size: 11 });
        pen.handle(i, {
          place: wide, value, across: along(i), min: 16, max: 256, step: 1, side: "left",
          label: `Units of layer ${i}`, text: `${value} units`, colour: "var(--cycle-6)",
        }, (moved) => set({ widths: widths.map((old, j) => (j === i ? moved : old)) }));
      });
    },
    numbers: (_, { forward, backward }) => [
      ...["fan-in", "fan-out", "mean"].flatMap((name, k) => [
        [`forward ${name}`, digits(forward[k][6])], [`backward ${name}`, digits(backward[k][0])],
      ]),
    ],
  };
});
