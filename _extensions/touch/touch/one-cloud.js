// One cloud of points: drag the end of its ellipse to set the correlation, and see where batch norm,
// PCA and ZCA send each point.
touch.define("one-cloud", (data) => {
  const { scale, show } = touch;
  const MAPS = ["BN", "PCA", "ZCA"];
  const LEFT = 30, LOW = 236, HIGH = 31.5;
  const across = scale([-4.6, 4.6], [LEFT, 324]), up = scale([-3.2, 3.2], [LOW, HIGH]);
  const at = ([x, y]) => [across(x), up(y)];
  const average = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const product = (points, i, j) => average(points.map((point) => point[i] * point[j]));
  const times = (points, [[a, b], [c, d]]) => points.map(([x, y]) => [x * a + y * c, x * b + y * d]);

  return {
    state: { white: data.white, rho: 0.8, map: 1 },
    height: 280,
    compute({ white, rho }) {
      const cloud = times(white, [[1.5, rho], [0, Math.sqrt(1 - rho * rho)]]);
      const [a, b, d] = [product(cloud, 0, 0), product(cloud, 0, 1), product(cloud, 1, 1)];
      // The eigenvectors of the covariance: (cos, sin) with the larger eigenvalue, (-sin, cos).
      const angle = Math.atan2(2 * b, a - d) / 2;
      const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
      const half = Math.hypot((a - d) / 2, b);
      const [small, large] = [-half, half].map((part) => Math.sqrt((a + d) / 2 + part));
      // The symmetric root of a 2 by 2 matrix needs no eigenvectors.
      const root = Math.sqrt(a * d - b * b), scaled = root * Math.sqrt(a + d + 2 * root);
      const outs = [
        [[1 / Math.sqrt(a), 0], [0, 1 / Math.sqrt(d)]],
        [[-sin / small, cos / large], [cos / small, sin / large]],
        [[(d + root) / scaled, -b / scaled], [-b / scaled, (a + root) / scaled]],
      ].map((map) => times(cloud, map));
      const moved = outs.map((out) =>
        average(out.map(([x, y], i) => (x - cloud[i][0]) ** 2 + (y - cloud[i][1]) ** 2)));
      const left = outs.map((out) =>
        product(out, 0, 1) / Math.sqrt(product(out, 0, 0) * product(out, 1, 1)));
      return { cloud, outs, moved, left };
    },
    draw(pen, { rho, map }, { cloud, outs }, set, revealed) {
      pen.axis(across, LOW, [-4, -2, 0, 2, 4], { name: "feature 1" });
      pen.axis(up, LEFT, [-2, 0, 2], { side: "left", name: "feature 2" });
      // Two deviations: this ellipse has its right end at (3, 2 rho).
      const turns = Array.from({ length: 73 }, (_, k) => (k * Math.PI) / 36);
      const ellipse = turns.map((t) => at([3 * Math.cos(t), 2 * Math.cos(t - Math.acos(rho))]));
      pen.line(ellipse, { colour: "var(--cycle-6)" });
      const out = revealed ? outs[map] : [], blue = { colour: "var(--cycle-0)", r: 3.5 };
      out.forEach((end, i) => pen.line([at(cloud[i]), at(end)], { ...blue, width: 1, opacity: 0.4 }));
      cloud.forEach((point) => pen.dot(at(point), { colour: "var(--cycle-6)", r: 3 }));
      out.forEach((end) => pen.dot(at(end), blue));
      pen.handle("rho", {
        place: scale([-1.6, 1.6], [LOW, HIGH]), value: rho, across: across(3), side: "left",
        min: -0.95, max: 0.95, step: 0.01, label: "Correlation", text: show(rho),
      }, (moved) => set({ rho: moved }));
    },
    choices: [{ name: "map", label: "Normalized by", options: MAPS }],
    numbers: ({ rho, map }, { moved, left }) => [
      ["correlation \u03c1", show(rho)], [`after ${MAPS[map]}`, show(left[map])],
      ...MAPS.map((name, i) => [`moved by ${name}`, show(moved[i], 3)]),
    ],
    guess: data.guess,
  };
});
