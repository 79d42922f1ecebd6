// Cells that a reader can change and run in the page.
{
  const root = new URL("..", document.currentScript.src);
  const SIZE = 0; // of Python in bytes; the build fills it in
  let client;

  function python() {
    client ??= new Promise((done, failed) => {
      if (window.livePython) {
        done(livePython);
        return;
      }
      const script = document.createElement("script");
      script.src = new URL("_live/python.js", root);
      script.onload = () => done(livePython);
      script.onerror = () => failed(new Error("Python did not come."));
      document.head.append(script);
    }).catch((error) => {
      client = undefined;
      throw error;
    });
    return client;
  }

  const megabytes = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;

  function button(text, act) {
    const element = document.createElement("button");
    element.type = "button";
    element.textContent = text;
    element.onclick = act;
    return element;
  }

  for (const place of document.querySelectorAll(".live-cell")) {
    // The place stands in a cell of its own, behind the one that it is for.
    const cell = place.closest(".cell").previousElementSibling;
    const source = cell.querySelector("pre").textContent.replace(/\n$/, "");
    const area = document.createElement("textarea");
    area.spellcheck = false;
    area.wrap = "off";
    area.setAttribute("autocapitalize", "off");
    area.setAttribute("aria-label", "The cell, in Python");
    const output = document.createElement("pre");
    output.setAttribute("role", "status");
    const say = (text) => { output.textContent = text; };

    async function run() {
      runs.disabled = true;
      stops.hidden = false;
      let end = () => {};
      try {
        say("Python is coming …");
        const { onstage, run: call } = await python();
        end = onstage(({ stage, loaded, total }) => say(stage === "ready"
          ? "Running …" : `Python is coming: ${megabytes(loaded)} of ${megabytes(total)} …`));
        const { printed, value, error } = await call(`${place.dataset.setup}\n${area.value}`);
        end();
        say([printed, value, error].filter(Boolean).join("\n") || "It printed nothing.");
      } catch ({ reason, message }) {
        end();
        say({ stopped: "Stopped.", time: "Stopped after 10 seconds." }[reason]
          ?? `${message} Press Run to try again.`);
      } finally {
        runs.disabled = false;
        runs.textContent = "Run";
        stops.hidden = true;
      }
    }

    const runs = button(`Run (loads Python, ${megabytes(SIZE)})`, run);
    const stops = button("Stop", () => livePython.stop());
    const resets = button("As it was", () => {
      area.value = source;
      say("");
    });
    stops.hidden = true;
    const whole = document.createElement("div");
    whole.className = "answer";
    const row = document.createElement("div");
    row.className = "answer-buttons";
    row.append(runs, stops, resets);
    whole.append(area, row, output);
    const opens = button("Change and run it", () => {
      area.value = source;
      area.rows = source.split("\n").length + 1;
      place.replaceChildren(whole);
      area.focus();
    });
    area.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !runs.disabled) run();
    });
    place.replaceChildren(opens);
  }
}
