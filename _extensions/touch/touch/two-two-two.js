// A network of eight weights: drag one of them or an input, and see every value and every gradient.
touch.define("two-two-two", ({ x, target, W1, W2 }) => {
  const ETA = 0.02;
  const COLUMNS = { x: 22, z: 122, h: 172, a: 268 }, LOSS = 326;
  const ROWS = [70, 230], MIDDLE = 150;
  const FOCUS = "var(--cycle-0)", BACK = "var(--cycle-2)", GREY = "var(--cycle-6)";
  const OFF = { opacity: 0.45, dash: "2 4", width: 1 };
  const name = (letter, i) => letter + "\u2081\u2082"[i];
  // Whole numbers as they are, others with three digits and at most two decimals.
  const rounded = (value) => (Math.abs(value) < 1000 ? Number(value.toPrecision(3)).toFixed(2) : value.toFixed());
  const short = (value) => `${Number(rounded(value))}`.replace("-", "\u2212");
  const factor = (value) => (value < 0 ? `(${short(value)})` : short(value));
  const times = (W, v) => W.map((row) => row.reduce((sum, weight, j) => sum + weight * v[j], 0));
  const turned = (W) => W[0].map((_, j) => W.map((row) => row[j]));
  const outer = (d, v) => d.map((slope) => v.map((value) => slope * value));
  const moved = (W, dW) => W.map((row, i) => row.map((weight, j) => weight - ETA * dW[i][j]));
  const replaced = (v, j, value) => v.map((old, k) => (k === j ? value : old));

  function forward({ x, W1, W2 }) {
    const z = times(W1, x), h = z.map((sum) => Math.max(sum, 0)), a = times(W2, h);
    return { z, h, a, loss: a.reduce((sum, value, k) => sum + (value - target[k]) ** 2 / 2, 0) };
  }
  function compute({ x, W1, W2 }) {
    const { z, h, a, loss } = forward({ x, W1, W2 });
    const da = a.map((value, k) => value - target[k]);
    const dh = times(turned(W2), da);
    const dz = dh.map((slope, i) => (z[i] > 0 ? slope : 0));
    const dW1 = outer(dz, x), dW2 = outer(da, h);
    const next = { W1: moved(W1, dW1), W2: moved(W2, dW2) };
    const dx = times(turned(W1), dz), after = forward({ x, ...next }).loss;
    return { z, h, a, loss, da, dW2, dh, dz, dW1, dx, next, after };
  }

  return {
    state: { x, W1, W2, chosen: "W1 0 0" }, // the last that was touched: an array and its indices
    height: 324,
    compute,
    draw(pen, state, values, set) {
      const { chosen } = state;
      const on = values.z.map((sum) => sum > 0);
      const look = (unit, key) => {
        const plain = on[unit] ? { width: 1, opacity: 0.6 } : OFF;
        return key === chosen ? { ...plain, colour: FOCUS, width: 2.5, opacity: 1 } : plain;
      };
      const grip = (key, at, value, slope, label, move) => {
        const text = `${short(value)}, gradient ${short(slope)}`;
        pen.handle(key, { at, value, min: -3, max: 3, step: 1, label, text }, move);
      };
      const boxes = [];

      function edges(layer, from, to) {
        state[layer].forEach((row, i) => row.forEach((weight, j) => {
          const key = `${layer} ${i} ${j}`, slope = values[`d${layer}`][i][j];
          const [start, end] = [[COLUMNS[from], ROWS[j]], [COLUMNS[to], ROWS[i]]];
          const share = i === j ? 0.5 : 0.7;
          const [left, top] = start.map((place, axis) => place + share * (end[axis] - place));
          pen.line([start, end], look(layer === "W1" ? i : j, key));
          boxes.push(() => {
            const text = short(weight), half = Math.max(11, 3.6 * text.length + 4);
            const box = [left - half, top - 10, 2 * half, 20];
            pen.bar(...box, { colour: "var(--pst-color-background)" });
            pen.bar(...box, { colour: key === chosen ? FOCUS : GREY, opacity: 0.25 });
            pen.text([left, top + 4], text, { bold: key === chosen });
            const place = i === j ? [left, top + (i ? 24 : -15)] : [left + half + 4, top + 4];
            pen.text(place, short(slope), { colour: BACK, anchor: i === j ? "middle" : "start" });
          });
          grip(key, [left, top], weight, slope, `Weight from ${from}${j + 1} to ${to}${i + 1}`, (value) =>
            set({ [layer]: replaced(state[layer], i, replaced(row, j, value)), chosen: key }));
        }));
      }

      pen.text([10, 14], "drag a weight or an input sideways", { anchor: "start", bold: true });
      ROWS.forEach((y, i) => {
        grip(`x ${i}`, [COLUMNS.x, y], state.x[i], values.dx[i], `Input x${i + 1}`, (value) =>
          set({ x: replaced(state.x, i, value), chosen: `x ${i}` }));
        pen.line([[COLUMNS.z, y], [COLUMNS.h, y]], look(i));
        pen.line([[COLUMNS.a, y], [LOSS, MIDDLE + (i ? 20 : -20)]], { width: 1, opacity: 0.6 });
      });
      edges("W1", "x", "z");
      edges("W2", "h", "a");
      boxes.forEach((draw) => draw());
      ROWS.forEach((y, i) => {
        const out = i ? 1 : -1;
        for (const [letter, left] of Object.entries(COLUMNS)) {
          const value = (state[letter] ?? values[letter])[i], taken = chosen === `${letter} ${i}`;
          pen.dot([left, y], { r: 15, hollow: true });
          if (letter === "x") pen.dot([left, y], { r: 15, colour: taken ? FOCUS : GREY, opacity: 0.25 });
          pen.text([left, y + 4], short(value), { bold: taken });
          pen.text([left, y + 4 + 25 * out], name(letter, i), { size: 11 });
          pen.text([left, y + 4 + 39 * out], short(values[`d${letter}`][i]), { colour: BACK });
        }
        if (!on[i]) pen.text([147, y + (i ? 15 : -6)], "off", { size: 11, bold: true });
        pen.text([338, y + 4 + 12 * out], `target ${short(target[i])}`, { anchor: "end", size: 11 });
      });
      pen.text([147, MIDDLE + 4], "ReLU", { size: 11 });
      pen.text([338, MIDDLE - 4], "loss", { anchor: "end", size: 11 });
      pen.text([338, MIDDLE + 11], short(values.loss), { anchor: "end", bold: true });
      // Below: what the place that was touched gets, and what its edge hands on.
      const [what, i, j] = chosen.split(" ");
      const sum = (pairs) => pairs.map(([one, other], k) => `${(k ? factor : short)(one)} \u00d7 ${factor(other)}`).join(" + ");
      const write = (line, text) => pen.text([10, 300 + 17 * line], text, { anchor: "start" });
      if (what === "x")
        write(0, `input ${name("x", i)} gets ${sum(values.dz.map((d, k) => [d, state.W1[k][i]]))} = ${short(values.dx[i])}`);
      else {
        const [from, to] = what === "W1" ? ["x", "z"] : ["h", "a"];
        const d = values[`d${to}`][i], source = (state[from] ?? values[from])[j], weight = state[what][i][j];
        write(0, `weight ${name(from, j)} \u2192 ${name(to, i)} gets ${sum([[d, source]])} = ${short(d * source)}`);
        write(1, `and hands on to ${name(from, j)}: ${sum([[d, weight]])} = ${short(d * weight)}`);
      }
    },
    buttons: [
      ["Swap inputs", ({ x }) => ({ x: [...x].reverse() })],
      ["All weights 1", () => ({ W1: [[1, 1], [1, 1]], W2: [[1, 1], [1, 1]] })],
      // A step that overshoots so far that nobody could read the numbers is not taken.
      ["Train one step", (state) => {
        const { next } = compute(state);
        return [next.W1, next.W2].flat(2).every((weight) => Math.abs(weight) < 10) ? next : {};
      }],
    ],
    numbers: (state, { loss, after, z }) => [
      ["loss", short(loss)],
      [`after a step at rate ${ETA}`, short(after)],
      ["hidden units on", z.map((sum, i) => (sum > 0 ? i + 1 : 0)).filter(Boolean).join(" and ") || "none"],
    ],
  };
});
