// Ten ReLU layers, without batch norm and with it: drag the end of the line without.
touch.define("deep-start", (data) => {
  const { scale, show, digits, power } = touch;
  const DEPTH = data.plain.length;
  const along = scale([1, DEPTH], [56, 316]);
  const up = scale([1e-4, 1e4], [254, 44], { log: true });
  // A ReLU layer multiplies with its weights: after l layers, the factor has come l times.
  const grown = (factor) => data.plain.map((size, i) => size * factor ** (i + 1));
  const places = (sizes) => sizes.map((size, i) => [along(i + 1), up(size)]);
  // The height of the last layer tells the factor.
  const end = (factor) => up(data.plain[DEPTH - 1] * factor ** DEPTH);
  end.invert = (pixel) => (up.invert(pixel) / data.plain[DEPTH - 1]) ** (1 / DEPTH);

  return {
    state: { factor: 1 },
    height: 298,
    compute: ({ factor }) => ({ plain: grown(factor), normed: data.normed }),
    draw(pen, { factor }, { plain, normed }, set) {
      pen.text([16, 14], "size of the activations: drag the end", { anchor: "start", bold: true });
      pen.line([[16, 29], [40, 29]], { colour: "var(--cycle-1)", width: 2, dash: "6 4" });
      pen.text([45, 33], "without", { anchor: "start" });
      pen.line([[110, 29], [134, 29]], { colour: "var(--cycle-0)", width: 2 });
      pen.text([139, 33], "with batch norm", { anchor: "start" });
      pen.axis(up, 44, [1e-4, 1e-2, 1, 100, 1e4], {
        side: "left", grid: 272, write: (x) => (x === 1 ? "1" : power(Math.round(Math.log10(x)))),
      });
      pen.axis(along, 258, [1, 2, 4, 6, 8, 10], { name: "layer" });
      pen.line(places(normed), { colour: "var(--cycle-0)", width: 2 });
      places(normed).forEach((place) => pen.dot(place, { r: 3, colour: "var(--cycle-0)" }));
      pen.line(places(plain), { colour: "var(--cycle-1)", width: 2, dash: "6 4" });
      pen.handle("end", {
        place: end, value: factor, across: along.end, min: 0.5, max: 2, step: 0.01, side: "left",
        colour: "var(--cycle-1)", label: "Factor of all initial weights",
        text: `${show(factor)}, last layer ${digits(plain[DEPTH - 1])}`,
      }, (moved) => set({ factor: moved }));
    },
    numbers: ({ factor }, { plain, normed }) => [
      ["factor of the weights", show(factor)],
      ["layer 1, without", digits(plain[0])],
      ["layer 10, without", digits(plain[DEPTH - 1])],
      ["layer 10, with", digits(normed[DEPTH - 1])],
    ],
  };
});
