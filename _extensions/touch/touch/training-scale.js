// A tanh network before training and its loss in training: move the scale of all initial weights,
// and choose the depth. Nothing is interpolated: each state was run, with ten seeds.
touch.define("training-scale", ({ depths, scales, steps, sizes, losses }) => {
  const { scale, show, digits, power, clamp } = touch;
  const along = scale([0, 30], [56, 322]);
  const time = scale([0, 300], [56, 322]);
  const high = scale([0, 3], [406, 258]);
  const BLUE = "var(--cycle-0)", GREEN = "var(--cycle-2)", GREY = "var(--cycle-6)";
  // The decades that hold all sizes of a state, and those of them that the axis names.
  const decades = (values) => {
    const bottom = [-2, -4, -8, -14, -20, -30, -40].find((end) => 10 ** end < Math.min(...values));
    const top = [1, 4, 12].find((end) => 10 ** end > Math.max(...values));
    const every = [1, 2, 4, 10].find((step) => top - bottom <= 6 * step);
    const named = Array.from({ length: 53 }, (_, i) => (i - 40) * every);
    return { bottom, top, named: named.filter((end) => end >= bottom && end <= top) };
  };
  const track = (pen, places, look) => {
    pen.line(places, look);
    places.forEach((place) => pen.dot(place, { r: 1.8, colour: look.colour }));
  };

  return {
    state: { depth: 2, step: 8 }, // the numbers of the depth and of the scale
    height: 450,
    compute({ depth, step }) {
      const { forward, backward, saturated } = sizes[depth][step];
      const [low, median, high] = losses[depth][step].map((run) => run.map((loss) => loss / 100));
      return { forward, backward, saturated, low, median, high };
    },
    draw(pen, { depth }, { forward, backward, low, median, high: worst }) {
      const last = depths[depth];
      const { bottom, top, named } = decades([...forward, ...backward]);
      const up = scale([10 ** bottom, 10 ** top], [180, 46], { log: true });
      pen.text([16, 14], "mean square, before training", { anchor: "start", bold: true });
      pen.line([[16, 28], [36, 28]], { colour: BLUE, width: 2 });
      pen.text([41, 32], "activations \u2192", { anchor: "start" });
      pen.line([[136, 28], [156, 28]], { colour: GREEN, width: 2, dash: "5 3" });
      pen.text([161, 32], "\u2190 gradient", { anchor: "start" });
      pen.axis(up, 50, named.map((end) => 10 ** end), {
        side: "left", grid: 272, write: (x) => (x === 1 ? "1" : power(Math.round(Math.log10(x)))),
      });
      pen.axis(along, 184, [0, 5, 10, 15, 20, 25, 30], { name: "layer" });
      track(pen, forward.map((size, i) => [along(i), up(size)]), { colour: BLUE, width: 2 });
      // It starts behind the last layer, with 1.
      const back = backward.map((size, i) => [along(i + 1), up(size)]);
      track(pen, back, { colour: GREEN, width: 2, dash: "5 3" });
      if (last < 30) pen.text([along(last) + 8, up(1) + 4], `${last} layers end here`, { anchor: "start", size: 11 });
      pen.text([16, 240], "loss in training, ten starts", { anchor: "start", bold: true });
      const place = (loss, i) => [time(steps[i]), high(clamp(loss, 0, 3))];
      pen.line([[56, high(Math.log(10))], [322, high(Math.log(10))]], { colour: GREY, dash: "4 3", width: 1.2 });
      pen.text([322, high(Math.log(10)) - 16], "guessing", { anchor: "end", colour: GREY, size: 11 });
      [low, worst].forEach((run) => pen.line(run.map(place), { colour: BLUE, width: 1, opacity: 0.7 }));
      track(pen, median.map(place), { colour: BLUE, width: 2.5 });
      pen.axis(high, 50, [0, 1, 2, 3], { side: "left", grid: 272 });
      pen.axis(time, 410, [0, 100, 200, 300], { name: "step" });
    },
    choices: [{ name: "depth", label: "Depth", options: depths.map((count) => `${count} layers`) }],
    sliders: [
      {
        name: "step", label: "initial scale", min: 0, max: scales.length - 1, step: 1,
        show: (step) => `${Number(scales[step].toFixed(2))}`,
      },
    ],
    numbers: ({ depth }, { forward, backward, saturated, low, median, high: worst }) => [
      [`activations, layer ${depths[depth]}`, digits(forward.at(-1))],
      ["saturated there", `${show(100 * saturated.at(-1), 0)} %`],
      ["gradient, layer 1", digits(backward[0])],
      ["loss, step 300", show(median.at(-1))],
      ["lowest, highest", `${show(low.at(-1))}, ${show(worst.at(-1))}`],
    ],
  };
});
