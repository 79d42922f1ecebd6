// Fifty ReLU layers of equal width: drag the end of the line, and see what a wrong variance costs.
touch.define("fifty-layers", (data) => {
  const { scale, show, digits, power } = touch;
  const DEPTH = data.net.length - 1;
  const along = scale([0, DEPTH], [44, 322]);
  const up = scale([1e-16, 1e10], [254, 34], { log: true });
  const moments = (c) => data.net.map((_, i) => (c / 2) ** i);
  const places = (values) => values.map((value, i) => [along(i), up(value)]);
  // The height of the last layer tells c.
  const end = (c) => up((c / 2) ** DEPTH);
  end.invert = (pixel) => 2 * up.invert(pixel) ** (1 / DEPTH);

  return {
    state: { c: data.c },
    height: 298,
    compute({ c }) {
      const line = moments(c);
      return { line, dots: line.map((value, i) => value * data.net[i]) };
    },
    draw(pen, { c }, { line, dots }, set, revealed) {
      pen.text([16, 14], revealed ? "second moment: drag the end of the line" : "second moment", { anchor: "start", bold: true });
      pen.axis(up, 40, [1e-15, 1e-10, 1e-5, 1, 1e5, 1e10], {
        side: "left", grid: 282, write: (x) => (x === 1 ? "1" : power(Math.round(Math.log10(x)))),
      });
      pen.axis(along, 258, [0, 10, 20, 30, 40, 50], { name: "layer i" });
      if (!revealed) return;
      for (const [limit, place] of [[1, [232, 222]], [3, [232, 56]]]) {
        pen.line(places(moments(limit)), { dash: "4 3", width: 1 });
        pen.text(place, `c = ${limit}`, { anchor: "end" });
      }
      places(dots).forEach((place) => pen.dot(place, { r: 2.2, colour: "var(--cycle-6)" }));
      pen.line(places(line), { colour: "var(--cycle-0)", width: 2 });
      pen.handle("end", {
        place: end, value: c, across: along.end, min: 1, max: 3, step: 0.02, side: "left",
        label: "Fan-in times variance, c", text: `${show(c)}, last layer ${digits(line[DEPTH])}`,
      }, (moved) => set({ c: moved }));
    },
    numbers: ({ c }, { line, dots }) => [
      ["c = D\u03c3\u00b2", show(c)],
      ["factor c / 2", show(c / 2)],
      ["line at 50", digits(line[DEPTH])],
      ["dots at 50", digits(dots[DEPTH])],
    ],
    guess: data.guess,
  };
});
