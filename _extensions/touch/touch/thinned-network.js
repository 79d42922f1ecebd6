// A small network under dropout: switch hidden units off by hand, or draw masks, and see the output
// of the thinned network among those of all thinned networks.
touch.define("thinned-network", (data) => {
  const { scale, show, digits } = touch;
  const { x, W, v, u } = data;
  const h = W.map((row) => Math.max(row.reduce((sum, weight, j) => sum + weight * x[j], 0), 0));
  const parts = h.map((value, i) => v[i] * value);
  const total = (mask) => parts.reduce((sum, part, i) => sum + mask[i] * part, 0);
  const masks = Array.from({ length: 2 ** h.length }, (_, k) => h.map((_, i) => (k >> i) & 1));
  const MIDDLE = 122, LEFT = 30, HIDDEN = 112, RIGHT = 304, BASE = 356;
  const high = (i, count) => MIDDLE + 42 * (i - (count - 1) / 2);
  const along = scale([-10, 50], [20, 320]);
  const short = (value) => digits(value).replace("-", "\u2212");

  return {
    state: { p: 0.5, drawn: 1, hand: [] }, // by hand: a mask in place of the last one drawn
    height: 396,
    compute({ p, drawn, hand }) {
      const seen = u.slice(0, drawn).map((row) => row.map((draw) => (draw >= p ? 1 : 0)));
      const mask = hand.length ? hand : seen[drawn - 1];
      const output = (mask) => total(mask) / (1 - p);
      const chance = (mask) => mask.reduce((all, kept) => all * (kept ? 1 - p : p), 1);
      const outputs = masks.map(output), chances = masks.map(chance);
      return {
        mask, output: output(mask), outputs, chances,
        average: seen.reduce((sum, mask) => sum + output(mask), 0) / drawn,
        exact: outputs.reduce((sum, value, k) => sum + chances[k] * value, 0),
        inference: total(h.map(() => 1)),
      };
    },
    draw(pen, { p }, { mask, output, outputs, chances, average, inference }, set) {
      pen.text([16, 14], "tap a hidden unit to switch it", { anchor: "start", bold: true });
      h.forEach((value, i) => {
        const y = high(i, h.length), on = mask[i] === 1;
        const look = on ? { colour: "var(--cycle-0)" } : { opacity: 0.3, dash: "3 4", width: 1 };
        x.forEach((_, j) => {
          if (W[i][j]) pen.line([[LEFT, high(j, x.length)], [HIDDEN, y]], { width: 1, opacity: on ? 0.5 : 0.1 });
        });
        pen.line([[HIDDEN + 16, y], [138, y]], look);
        const sign = v[i] < 0 ? `(${short(v[i])})` : short(v[i]);
        const product = on ? `\u00d7 ${sign} = ${short(parts[i])}` : "0";
        pen.text([142, y + 4], product, { anchor: "start" });
        pen.line([[150 + 6.6 * product.length, y], [RIGHT - 22, MIDDLE + (y - MIDDLE) / 8]], look);
        pen.dot([HIDDEN, y], { r: 16, hollow: true });
        if (on) pen.dot([HIDDEN, y], { r: 16, colour: "var(--cycle-0)", opacity: 0.35 });
        pen.text([HIDDEN, y + 4], on ? short(value) : "off", { bold: on });
        pen.toggle(i, [HIDDEN, y], { on, label: `Hidden unit ${i + 1}, activation ${value}` }, () =>
          set({ hand: mask.map((kept, k) => (k === i ? 1 - kept : kept)) }));
      });
      x.forEach((value, j) => {
        pen.dot([LEFT, high(j, x.length)], { r: 14, hollow: true });
        pen.text([LEFT, high(j, x.length) + 4], short(value));
      });
      pen.dot([RIGHT, MIDDLE], { r: 22, hollow: true });
      pen.text([RIGHT, MIDDLE + 4], short(output), { bold: true });
      [[LEFT, "inputs"], [HIDDEN, "hidden"], [RIGHT, "output"]].forEach(([at, name]) =>
        pen.text([at, 246], name, { size: 11 }));
      const kept = parts.filter((_, i) => mask[i]).map((part, i) =>
        `${part < 0 ? (i ? " \u2212 " : "\u2212") : i ? " + " : ""}${short(Math.abs(part))}`);
      pen.text([16, 270], `${short(1 / (1 - p))} \u00d7 (${kept.join("") || "0"}) = ${short(output)}`, { anchor: "start", bold: true });
      // Below: how probable each output is, of all masks.
      pen.text([16, 292], "all thinned networks: the higher, the likelier", { anchor: "start" });
      const heights = new Map();
      outputs.forEach((value, k) => heights.set(value, (heights.get(value) ?? 0) + chances[k]));
      const largest = Math.max(...heights.values());
      heights.forEach((chance, value) => {
        const colour = value === output ? "var(--cycle-0)" : "var(--cycle-6)";
        pen.bar(along(value) - 3, BASE, 6, (-44 * chance) / largest, { colour });
      });
      pen.line([[along(inference), 302], [along(inference), BASE]], { dash: "4 3" });
      pen.text([along(inference) + 5, 310], "inference", { anchor: "start", size: 11 });
      pen.axis(along, BASE, [-10, 0, 10, 20, 30, 40, 50], { name: "" });
      pen.dot([along(output), BASE], { r: 5, colour: "var(--cycle-0)" });
      pen.dot([along(average), BASE], { r: 5, colour: "var(--cycle-2)" });
      [["this output", 16, "var(--cycle-0)"], ["mean of the masks drawn", 110, "var(--cycle-2)"]].forEach(([name, left, colour]) => {
        pen.dot([left + 5, 386], { r: 5, colour });
        pen.text([left + 15, 390], name, { anchor: "start" });
      });
    },
    sliders: [
      { name: "p", label: "drop rate p", min: 0, max: 0.7, step: 0.05 },
      { name: "drawn", label: "masks drawn", min: 1, max: u.length, step: 1, show: (count) => `${count}`, also: { hand: [] } },
    ],
    buttons: [["New mask", ({ drawn }) => ({ drawn: (drawn % u.length) + 1, hand: [] })]],
    numbers: ({ drawn }, { output, average, exact, inference }) => [
      ["this output", show(output)],
      [drawn === 1 ? "mean, 1 mask" : `mean, ${drawn} masks`, show(average)],
      ["mean, all 32 masks", show(exact)],
      ["inference network", show(inference)],
    ],
  };
});
