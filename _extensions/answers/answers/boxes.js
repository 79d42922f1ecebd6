// The boxes in which a reader answers a question: formulas, line by line, judged at once, or Python.
//
// A box is made where the page has a place for it, from the blank function that stands there, which
// stays for paper and where there are no scripts. What judges comes when it is needed: a question's
// numbers and `formula` with the first formula, Python when the reader asks for it.
window.answerBoxes = (() => {
  const SITE = { pages: {}, names: [], size: 0 }; // the build fills it in
  const script = document.currentScript.src;
  const root = new URL("..", script);
  const questions = {}; // the numbers that judge the formulas of a question
  const solutions = {}; // the solutions of a page, once they are asked for
  const loaded = new Map();
  const boxes = [];

  function load(path) {
    if (!loaded.has(path)) {
      loaded.set(path, new Promise((done, failed) => {
        const element = document.createElement("script");
        element.src = new URL(path, root);
        element.onload = done;
        element.onerror = () => {
          loaded.delete(path);
          failed(new Error(`${path} could not be loaded.`));
        };
        document.head.append(element);
      }));
    }
    return loaded.get(path);
  }

  const judging = (name) =>
    Promise.all([load("_static/formula.js"), load(`_static/questions/${name}.js`)]);

  function make(tag, options = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(options)) {
      if (name in element) element[name] = value;
      else element.setAttribute(name, value);
    }
    element.append(...children);
    return element;
  }

  // What is kept ---------------------------------------------------------------------------------

  // Of each question by its name, wherever it is asked on this site.
  const KEY = `answers ${root.pathname} `;
  const memory = {}; // where the browser keeps nothing
  let keeps = true;

  function kept(name) {
    try {
      return memory[name] ?? JSON.parse(localStorage.getItem(KEY + name)) ?? {};
    } catch {
      keeps = false;
      return {};
    }
  }

  function keep(name, changes) {
    const record = { ...kept(name), ...changes };
    try {
      localStorage.setItem(KEY + name, JSON.stringify(record));
      delete memory[name];
    } catch {
      memory[name] = record;
      if (keeps) boxes.forEach((box) => box.warn());
      keeps = false;
    }
  }

  function forget(names) {
    for (const name of names) {
      delete memory[name];
      try {
        localStorage.removeItem(KEY + name);
      } catch {
        keeps = false;
      }
    }
  }

  // Python ---------------------------------------------------------------------------------------

  const STAGES = {
    interpreter: "Python is coming", NumPy: "NumPy is coming", checks: "The checks are coming",
    ready: "Your function is running",
  };
  const megabytes = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;
  let asked = false; // whether the reader has asked for Python on this page

  async function python() {
    asked = true;
    if (!window.livePython) await load("_live/python.js");
    return livePython;
  }

  // A box ----------------------------------------------------------------------------------------

  const MARKS = { right: "✓", wrong: "✗", waiting: "○", unreadable: "?", empty: "" };

  class Box {
    constructor(place) {
      this.place = place;
      this.name = place.dataset.question;
      this.section = place.closest(".answer-question") ?? place.closest("section");
      this.stub = this.section.querySelector(".tag_stub");
      this.blank = `${place.dataset.setup}\n\n\n${this.stub.querySelector("pre").textContent.trim()}\n`;
      this.lines = [...this.blank.matchAll(/^ {4}(\w+) = \.\.\.(?: {2}# (.*))?$/gm)];
      this.arguments = this.blank.match(/def \w+\((.*?)\)/s)[1].split(/,\s*/).filter(Boolean);
      this.hints = [...this.section.querySelectorAll("details")].filter((fold) =>
        fold.querySelector("summary").textContent.startsWith("Hint"));
      this.build();
      this.restore();
      for (const cell of this.section.querySelectorAll(".tag_stub, .tag_check")) cell.hidden = true;
      for (const hint of this.hints) hint.addEventListener("toggle", () => this.unlock());
    }

    build() {
      const hasFormulas = "formula" in this.place.dataset;
      this.said = make("div", { role: "status", className: "answer-verdict" });
      this.note = make("div", { className: "answer-note", hidden: true });
      this.buttons = {
        check: make("button", { type: "submit", className: "answer-check", textContent: "Check" }),
        stop: make("button", { type: "button", textContent: "Stop", hidden: true }),
        hint: make("button", { type: "button", textContent: "Hint" }),
        solution: make("button", { type: "button", textContent: "Solution", hidden: true }),
        reset: make("button", { type: "button", textContent: "Reset" }),
        other: make("button", { type: "button", hidden: !hasFormulas }),
      };
      this.formulas = make("div", { className: "answer-lines" },
        ...(hasFormulas ? this.lines.map(([, name, meaning]) => this.line(name, meaning)) : []));
      this.code = this.editor();
      const [first] = this.arguments;
      const batches = ` The sum over a batch is sum(${first}^2), and (${first} > 0) is 1 where that holds, else 0.`;
      const parts = this.blank.match(/^ {4}return (.*)$/m)[1];
      this.help = make("p", { className: "answer-help" }, this.lines.length > 1
        ? `Fill in the lines that you have; only ${parts.replace(/, (?=[^,]*$)/, " and ")} must be right. ` : "",
        `Write 2 ${first}, ${first}^2, sqrt(${first}), 1/(2 pi).${/[A-Z]/.test(first) ? batches : ""}`);
      const heading = this.place.closest("section").querySelector("h1, h2, h3");
      const question = heading.textContent.replace(/#$/, "");
      const options = { noValidate: true, "aria-label": `Your answer: ${question}` };
      this.form = make("form", { className: "answer", ...options },
        this.note, this.help, this.formulas, this.code.whole,
        make("div", { className: "answer-buttons" }, ...Object.values(this.buttons)), this.said);
      this.place.append(this.form);
      this.form.addEventListener("submit", (event) => {
        event.preventDefault();
        this.check();
      });
      this.form.addEventListener("keydown", (event) => {
        if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
        event.preventDefault(); // a field would send the form as well
        this.check();
      });
      this.form.addEventListener("input", () => {
        clearTimeout(this.timer);
        this.timer = setTimeout(() => this.save(), 300);
      });
      this.buttons.hint.onclick = () => this.hint();
      this.buttons.solution.onclick = () => this.solve();
      this.buttons.reset.onclick = () => this.reset();
      this.buttons.other.onclick = () => {
        this.show(this.mode === "code" ? "formulas" : "code");
        this.save();
      };
      this.show(hasFormulas ? "formulas" : "code");
    }

    line(name, meaning = "") {
      const id = `${this.name}-${name}`;
      const input = make("input", {
        id, name, type: "text", autocomplete: "off", autocapitalize: "off", spellcheck: false,
        "autocorrect": "off", "aria-describedby": `${id}-said`,
      });
      const seen = make("div", { className: "answer-preview", "aria-hidden": "true" });
      const said = make("p", { id: `${id}-said`, className: "answer-said" });
      const mark = make("span", { className: "answer-mark", "aria-hidden": "true" });
      const whole = make("div", { className: "answer-line" },
        make("label", { htmlFor: id }, make("code", {}, name), meaning && ` ${meaning}`),
        make("div", { className: "answer-field" }, mark, input), seen, said);
      whole.parts = { input, seen, said, mark };
      input.addEventListener("focus", () => this.load().catch(() => {}), { once: true });
      input.addEventListener("input", () => {
        this.mark(whole, "empty", "");
        this.preview(whole);
      });
      return whole;
    }

    editor() {
      const area = make("textarea", {
        spellcheck: false, autocapitalize: "off", autocomplete: "off", wrap: "off",
        "autocorrect": "off", "aria-label": `Your function ${this.name}, in Python`,
      });
      const indents = make("input", { type: "checkbox" });
      const grow = () => { area.rows = Math.max(4, area.value.split("\n").length + 1); };
      area.addEventListener("input", grow);
      area.addEventListener("keydown", (event) => {
        if (event.key === "Enter" && !event.ctrlKey && !event.metaKey && !event.isComposing) {
          const before = area.value.slice(0, area.selectionStart).split("\n").pop();
          const indent = before.match(/^ */)[0] + (/:\s*$/.test(before) ? "    " : "");
          if (indent) this.type(area, `\n${indent}`, event);
        }
        if (event.key === "Tab" && !event.shiftKey && indents.checked) this.type(area, "    ", event);
      });
      const label = make("label", { className: "answer-tab" }, indents, " Tab indents");
      return { area, grow, whole: make("div", { className: "answer-code" }, area, label) };
    }

    type(area, text, event) {
      event.preventDefault();
      // The one way that the browser's own "undo" takes back.
      if (!document.execCommand?.("insertText", false, text)) {
        area.setRangeText(text, area.selectionStart, area.selectionEnd, "end");
        area.dispatchEvent(new Event("input", { bubbles: true }));
      }
    }

    show(mode) {
      this.mode = mode;
      const isCode = mode === "code";
      this.formulas.hidden = this.help.hidden = isCode;
      this.code.whole.hidden = !isCode;
      this.buttons.other.textContent = isCode ? "Write formulas instead" : "Write Python instead";
      this.buttons.check.textContent = isCode && !asked
        ? `Check (loads Python, ${megabytes(SITE.size)})` : "Check";
      this.code.grow();
    }

    // What was typed, kept and given back ---------------------------------------------------------

    typed() {
      const rows = [...this.formulas.children].map(({ parts: { input } }) => [input.name, input.value]);
      return Object.fromEntries(rows.filter(([, text]) => text.trim()));
    }

    written() {
      return { lines: { ...this.typed(), ...this.gone }, code: this.code.area.value };
    }

    save() {
      keep(this.name, { mode: this.mode, ...this.written(), blank: this.begun });
    }

    restore() {
      const { mode, lines = {}, code, blank, solved } = kept(this.name);
      const inputs = [...this.formulas.children].map(({ parts: { input } }) => input);
      const isGone = ([name]) => !inputs.some((input) => input.name === name);
      this.gone = Object.fromEntries(Object.entries(lines).filter(isGone));
      this.begun = this.blank; // the blank function that the text began with
      this.note.replaceChildren();
      this.note.hidden = true;
      this.code.area.value = code ?? this.blank;
      for (const input of inputs) input.value = lines[input.name] ?? "";
      if (mode && inputs.length) this.show(mode);
      this.code.grow();
      if (Object.keys(lines).length) this.load().catch(() => {});
      if (code !== undefined && blank && blank !== this.blank && code !== this.blank) {
        if (code === blank) this.code.area.value = this.blank; // nothing was written
        else this.offer(blank);
      }
      const old = Object.entries(this.gone).map((line) => line.join(" = "));
      if (old.length) this.remark(`Its lines have changed. You wrote before: ${old.join("; ")}.`);
      this.celebrate(solved);
      if (!keeps) this.warn();
    }

    remark(...words) {
      this.note.append(make("p", {}, ...words));
      this.note.hidden = false;
    }

    // The blank function of this edition is another one than that which the reader has filled in.
    offer(old) {
      this.begun = old;
      const choose = (text, act) => {
        const button = make("button", { type: "button", textContent: text });
        button.onclick = () => {
          act();
          button.parentElement.remove();
          this.note.hidden = !this.note.textContent;
          this.begun = this.blank;
          this.save();
          this.code.area.focus();
        };
        return button;
      };
      this.remark("The blank function has changed since you wrote this. ",
        choose("Keep mine", () => {}), " ",
        choose("Begin with the new one", () => {
          this.undoable("This is the new one. ");
          this.code.area.value = this.blank;
          this.code.grow();
        }));
    }

    warn() {
      this.remark(
        "This browser keeps nothing for this site: what you write here is lost when you leave the page.");
    }

    reset() {
      this.undoable("The box is blank again. ");
      for (const whole of this.formulas.children) {
        whole.parts.input.value = "";
        this.mark(whole, "empty", "");
        this.preview(whole);
      }
      this.gone = {};
      this.code.area.value = this.blank;
      this.code.grow();
      this.save();
    }

    // Say what is done, with a button that brings back what is written now.
    undoable(text) {
      const before = { ...this.written(), blank: this.begun };
      const undo = make("button", { type: "button", textContent: "Bring it back" });
      undo.onclick = () => {
        keep(this.name, before);
        this.restore();
        this.say("It is back.");
        this.buttons.reset.focus();
      };
      this.say(text, undo);
    }

    // The verdict ---------------------------------------------------------------------------------

    say(...words) {
      this.said.replaceChildren(...words);
    }

    async load() {
      await judging(this.name);
      for (const whole of this.formulas.children) this.preview(whole);
    }

    async check() {
      this.save();
      if (this.mode === "code") await this.run();
      else await this.judge();
    }

    async judge() {
      try {
        await this.load();
      } catch {
        this.say("What judges your formulas did not come. Are you online? Press Check again.");
        return;
      }
      const question = questions[this.name];
      const verdicts = formula.judge(question, this.typed());
      const wrong = verdicts.find(({ state }) => state === "wrong");
      const unread = verdicts.find(({ state }) => state === "unreadable");
      for (const [i, whole] of [...this.formulas.children].entries()) {
        const { state, text, mistake } = verdicts[i];
        const known = question.mistakes[mistake];
        this.mark(whole, state, ...(known
          ? [`${text} ${known.why} Read: `, pageLink(known.page), "."] : [text]));
      }
      const solved = formula.solved(question, verdicts);
      const steps = verdicts.filter(({ state }) => state === "right").length;
      this.say(solved ? "Right." : unread ? `Look at ${unread.name}.` : wrong
        ? `Not yet: ${wrong.name} is the first wrong line.`
        : steps ? "So far, so good. Go on." : "Write a formula, then check it.");
      (this.form.querySelector('[data-state="wrong"], [data-state="unreadable"]')
        ?? this.said).scrollIntoView({ block: "nearest" });
      this.done(solved);
    }

    mark(whole, state, ...words) {
      const { mark, said, input } = whole.parts;
      whole.dataset.state = state;
      mark.textContent = MARKS[state];
      said.replaceChildren(...words);
      input.setAttribute("aria-invalid", state === "wrong" || state === "unreadable");
    }

    preview(whole) {
      const { input, seen } = whole.parts;
      let text = "";
      if (globalThis.formula && questions[this.name] && input.value.trim()) {
        try {
          const question = questions[this.name];
          const names = formula.names(question, input.name);
          text = formula.preview(formula.parse(input.value, names));
        } catch {
          // It is being written.
        }
      }
      seen.innerHTML = text;
    }

    async run() {
      const other = boxes.find((box) => box.running);
      if (other && other !== this) this.say(`Python is still busy with ${other.name}: stop it there.`);
      if (other) return;
      this.running = true;
      const { check, stop } = this.buttons;
      stop.hidden = false;
      check.setAttribute("aria-disabled", true); // and it keeps the focus
      const stopped = new Promise((_, failed) => {
        stop.onclick = () => {
          globalThis.livePython?.stop();
          failed({ reason: "stopped" });
        };
      });
      let end = () => {};
      try {
        const bytes = make("span", { "aria-hidden": "true" }); // a stage is spoken, its bytes are not
        let spoken = globalThis.livePython ? null : "interpreter";
        if (spoken) this.say(`${STAGES[spoken]} … `, bytes);
        const client = await Promise.race([python(), stopped]);
        end = client.onstage(({ stage, loaded: come, total }) => {
          if (stage !== spoken) this.say(`${STAGES[stage]} … `, bytes);
          spoken = stage;
          bytes.textContent = stage === "ready" ? "" : `${megabytes(come)} of ${megabytes(total)}`;
        });
        const outcome = client.check(this.name, this.code.area.value);
        const { report, html, error } = await Promise.race([outcome, stopped]);
        end();
        const verdict = error ? make("pre", {}, error) : make("div", { innerHTML: html });
        for (const page of verdict.querySelectorAll(".hw1check-page")) {
          page.replaceWith(pageLink(page.textContent));
        }
        this.say(verdict);
        this.done(report?.passed);
      } catch ({ reason, message }) {
        end();
        this.say({
          stopped: "Stopped. Your text is as it was.",
          time: "Stopped after 10 seconds: does a loop never end?",
        }[reason] ?? `${message} Are you online? Press Check to try again.`);
      } finally {
        this.running = false;
        if (document.activeElement === stop) check.focus();
        stop.hidden = true;
        check.removeAttribute("aria-disabled");
        for (const box of boxes) box.show(box.mode);
      }
    }

    // Hints, the solution, and what is solved -----------------------------------------------------

    hint() {
      const next = this.hints.find((fold) => !fold.open) ?? this.hints.at(-1);
      next.open = true;
      next.querySelector("summary").focus();
      next.scrollIntoView({ block: "nearest" });
    }

    unlock() {
      const { solved } = kept(this.name);
      this.buttons.hint.hidden = !this.hints.length;
      this.buttons.solution.hidden = !(solved || !this.hints.length || this.hints.at(-1).open);
    }

    async solve() {
      this.shown ??= make("div", { className: "answer-solution", tabIndex: -1 });
      try {
        await load(this.place.dataset.solutions);
        this.shown.innerHTML = solutions[this.name];
      } catch {
        this.shown.textContent = "The solution did not come. Are you online? Press Solution again.";
      }
      (this.hints.at(-1) ?? this.place).after(this.shown);
      this.shown.focus();
    }

    done(solved) {
      if (solved) keep(this.name, { solved: true });
      this.celebrate(solved || kept(this.name).solved);
      progress();
    }

    celebrate(solved) {
      const heading = this.section.querySelector("h2, h3");
      heading?.toggleAttribute("data-solved", Boolean(solved));
      this.unlock();
    }
  }

  function pageLink(page) {
    const [name, hash] = page.split("#");
    const address = new URL(`chapters/${name}.html`, root);
    if (hash) address.hash = hash;
    return make("a", { href: address.href }, SITE.pages[name] ?? name);
  }

  // Progress, and all answers in a file -----------------------------------------------------------

  function progress() {
    const solved = SITE.names.filter((name) => kept(name).solved);
    for (const place of document.querySelectorAll(".answer-progress")) {
      place.textContent = `${solved.length} of ${SITE.names.length} problems solved.`;
      place.hidden = false;
    }
    for (const link of document.querySelectorAll(".bd-toc a[href^='#'], .page-toc a[href^='#']")) {
      const target = document.getElementById(link.hash.slice(1));
      link.toggleAttribute("data-solved", Boolean(target?.querySelector("h2[data-solved], h3[data-solved]")));
    }
  }

  function controls() {
    const button = (text, act) => Object.assign(
      make("button", { type: "button", textContent: text }), { onclick: act });
    const file = make("input", { type: "file", accept: ".ipynb", hidden: true });
    file.onchange = async () => { if (file.files[0]) read(await file.files[0].text()); };
    return [button("Save all answers as a notebook", save), " ",
      button("Read a notebook", () => file.click()), file, " ",
      button("Forget all answers", () => {
        if (!confirm("Forget all answers and what was solved, on all pages of this book?")) return;
        forget(SITE.names);
        for (const box of boxes) {
          box.restore();
          for (const whole of box.formulas.children) {
            box.mark(whole, "empty", "");
            box.preview(whole);
          }
          box.say();
        }
        progress();
      })];
  }

  // A formula that was read, in Python.
  const compared = (sign) => (a, b) => `1 * ((${a}) ${sign} (${b}))`;
  const IN_PYTHON = {
    "^": (a, b) => `(${a}) ** (${b})`, negative: (a) => `-(${a})`,
    "<": compared("<"), ">": compared(">"), "<=": compared("<="), ">=": compared(">="),
    comb: (a, b) => `math.comb(${a}, ${b})`, factorial: (a) => `math.factorial(${a})`,
    relu: (a) => `np.maximum(${a}, 0)`, max: (a, b) => `np.maximum(${a}, ${b})`,
    min: (a, b) => `np.minimum(${a}, ${b})`,
  };
  function inPython({ kind, value, name, args, axis, keepdims, ddof = 0 }) {
    if (kind === "number") return `${value}`;
    if (kind === "name") return name === "pi" ? "np.pi" : name;
    const given = args.map(inPython);
    if (name === "len") return `np.shape(${given[0]})[${axis ?? 0}]`;
    if (["sum", "mean", "var"].includes(name)) {
      const options = [axis !== "all" && `axis=${axis}`, keepdims && "keepdims=True",
        ddof && `ddof=${ddof}`].filter(Boolean);
      return `np.${name}(${[given[0], ...options].join(", ")})`;
    }
    if (IN_PYTHON[name]) return IN_PYTHON[name](...given);
    return /^\w/.test(name) ? `np.${name}(${given.join(", ")})` : `(${given[0]}) ${name} (${given[1]})`;
  }

  // Formulas become a function, so that whoever marks needs Python alone.
  async function source(name) {
    const { mode, lines = {}, code, blank } = kept(name);
    if (mode === "code" || !Object.keys(lines).length) return code === blank ? undefined : code;
    await judging(name);
    const filled = blank.replace(/^( {4}(\w+) = )\.\.\.(.*)$/gm, (row, start, line, rest) => {
      if (!lines[line]) return row;
      try {
        const names = formula.names(questions[name], line);
        return start + inPython(formula.parse(lines[line], names)) + rest;
      } catch {
        return `${start}...  # not read: ${lines[line]}`;
      }
    });
    return `import math\n${filled}`;
  }

  async function save() {
    const cells = [];
    for (const box of boxes) if (box.timer) box.save();
    for (const name of SITE.names) {
      let text;
      try {
        text = await source(name);
      } catch {
        alert("What reads your formulas did not come. Are you online? Press Save again.");
        return;
      }
      if (text === undefined) continue;
      cells.push({
        cell_type: "code", id: name.slice(0, 64).replaceAll("_", "-"), metadata: {},
        execution_count: null, outputs: [], source: text,
      });
    }
    const notebook = { cells, metadata: {}, nbformat: 4, nbformat_minor: 5 };
    const address = URL.createObjectURL(new Blob([JSON.stringify(notebook, null, 1)]));
    make("a", { href: address, download: "answers.ipynb" }).click();
    setTimeout(() => URL.revokeObjectURL(address), 10_000);
  }

  function read(text) {
    let cells;
    try {
      ({ cells } = JSON.parse(text));
      cells = cells.filter(({ cell_type: type }) => type === "code")
        .map(({ source: rows }) => [rows].flat().join(""));
    } catch {
      alert("This file is not a notebook.");
      return;
    }
    const found = SITE.names.filter((name) => {
      const cell = cells.findLast((each) => new RegExp(`^def ${name}\\(`, "m").test(each));
      const box = boxes.find((each) => each.name === name);
      if (cell) keep(name, { mode: "code", code: cell, blank: box?.blank });
      if (cell) box?.restore();
      return cell;
    });
    const count = found.length === 1 ? "1 answer was" : `${found.length} answers were`;
    alert(found.length ? `${count} read.` : "It has no answer to a question of this book.");
  }

  const places = document.querySelectorAll(".answer-box");
  for (const place of places) boxes.push(new Box(place));
  // At the end, where they move nothing of what is in sight as the page comes.
  if (boxes.length && document.querySelector(".answer-progress")) {
    boxes.at(-1).place.closest("article").append(
      make("div", { className: "answer-controls" }, ...controls()));
  }
  progress();
  addEventListener("pagehide", () => boxes.forEach((box) => box.timer && box.save()));

  return {
    take(name, question) { questions[name] = question; }, // what a question's script calls
    solutions(found) { Object.assign(solutions, found); }, // what a page's solutions call
  };
})();
