// Python in the page. `livePython` is all that a page needs to know of it:
//
//   size                           how many bytes come at the first call
//   load()                         fetches Python; the first call does it, too
//   check(name, source, options)   the check hw1check.<name> of the function <name> in the source:
//                                  { report, html, text }, or { error } where there is none
//   run(source, options)           a cell as in a notebook: { printed, value, error }
//   stop()                         ends the call under way at once
//   onstage(callback)              calls back with { stage, loaded, total } while Python comes:
//                                  stage is what is awaited, "interpreter", "NumPy" or "checks", or
//                                  "ready"; the others are bytes. Gives the way to end it
//
// Calls wait for each other. `options.seconds` (10) is how long a call may run, once Python stands
// ready. A promise is broken by an Error with a `reason`: "stopped", "time", or "load" where
// something did not come; the next call tries again.
//
// Nothing but the end of its worker stops Python. So the files are fetched here, kept, and given to
// each new worker. A page that was opened from a folder may not fetch: there each file comes as a
// script, and the worker is made from a Blob.
window.livePython = (() => {
  const FILES = {}; // of each file its bytes and its version; the build fills them in
  const here = new URL(".", document.currentScript.src);
  const inFolder = here.protocol === "file:";
  const names = Object.keys(FILES);
  const scripts = names.filter((name) => name.endsWith(".js")); // first that of the worker
  const others = names.filter((name) => !name.endsWith(".js"));
  const total = names.reduce((sum, name) => sum + FILES[name][0], 0);
  const came = {}; // of each file the bytes that have come
  const kept = {}; // of each file the promise of its content
  const texts = {}; // of each file from a folder its text
  const listeners = new Set();
  let blob; // the scripts of a worker, from a folder
  let stage; // what is awaited
  let python; // the newest worker and the promise that it is ready
  let running; // the call under way
  let queue = Promise.resolve(); // until all calls before are done

  const address = (name, path = name) => new URL(`${path}?v=${FILES[name][1]}`, here).href;
  const problem = (reason, text) => Object.assign(new Error(text), { reason });
  const state = () => ({ stage, total, loaded: Object.values(came).reduce((a, b) => a + b, 0) });

  function tell(changes) {
    Object.assign(came, changes);
    for (const listener of listeners) listener(state());
  }

  async function fetched(name) {
    const answer = await fetch(address(name));
    if (!answer.ok) throw new Error(`the server answered ${answer.status} for ${name}`);
    let bytes = 0;
    return answer.body.pipeThrough(new TransformStream({
      transform(chunk, out) {
        bytes += chunk.length;
        tell({ [name]: bytes });
        out.enqueue(chunk);
      },
      flush() {
        if (bytes !== FILES[name][0]) throw new Error(`the server sent another ${name}`);
      },
    }));
  }

  async function fromFolder(name) {
    const script = document.createElement("script");
    script.src = address(name, `folder/${name}.js`); // which calls livePython.take
    await new Promise((done, failed) => {
      script.onload = done;
      script.onerror = () => failed(new Error(`there is no ${name}`));
      document.head.append(script);
    });
    script.remove();
    const answer = await fetch(`data:;base64,${texts[name]}`);
    delete texts[name];
    tell({ [name]: FILES[name][0] });
    return answer.body;
  }

  // All but the scripts is packed by the build: not every server packs it, or knows its type.
  async function unpacked(name) {
    const stream = await (inFolder ? fromFolder(name) : fetched(name));
    const packed = name.endsWith(".gzip");
    const whole = packed ? stream.pipeThrough(new DecompressionStream("gzip")) : stream;
    if (!name.includes(".wasm")) return new Response(whole).arrayBuffer();
    // Compiled while it comes, and once for all workers.
    const headers = { "Content-Type": "application/wasm" };
    return WebAssembly.compileStreaming(new Response(whole, { headers }));
  }

  function content(name) {
    kept[name] ??= unpacked(name).catch((error) => {
      delete kept[name];
      throw error;
    });
    return kept[name];
  }

  async function scriptOfWorker() {
    if (!inFolder) return address(scripts[0]);
    blob ??= URL.createObjectURL(new Blob(await Promise.all(scripts.map(content))));
    return blob;
  }

  function start() {
    const newest = {};
    python = newest;
    stage = "interpreter";
    newest.ready = load(newest).catch((error) => {
      newest.worker?.terminate();
      if (python === newest) python = undefined;
      throw problem("load", `Python could not be loaded: ${error.message}.`);
    });
    newest.ready.catch(() => {}); // nobody may be waiting for it
  }

  async function load(newest) {
    const contents = others.map(content); // all at once
    const worker = newest.worker = new Worker(await scriptOfWorker());
    const ready = new Promise((done, failed) => {
      worker.onmessage = ({ data }) => {
        if (python !== newest) return; // a late word of a worker that was ended
        if (data.failed) failed(new Error(data.failed));
        else if (data.stage) {
          stage = data.stage;
          tell(Object.fromEntries(scripts.map((name) => [name, FILES[name][0]])));
          if (stage === "ready") done();
        } else {
          running?.done(data.result);
          if (data.spent) replace();
        }
      };
      worker.onerror = ({ message }) => failed(new Error(message || `there is no ${scripts[0]}`));
    });
    worker.postMessage({
      scripts: inFolder ? [] : scripts.slice(1).map((name) => address(name)),
      packages: others.filter((name) => name.includes(".whl")),
    });
    const sent = others.map(async (name, i) => {
      worker.postMessage({ name, content: await contents[i] });
    });
    await Promise.all([ready, ...sent]);
  }

  function replace() {
    python.worker.terminate();
    start();
  }

  function ready() {
    if (!python) start();
    return python.ready;
  }

  async function perform(call, values, seconds) {
    let timer;
    const own = {};
    const outcome = new Promise((done, failed) => { Object.assign(own, { done, failed }); });
    running = own;
    try {
      await Promise.race([ready(), outcome]);
      if (running === own) { // nobody has stopped it yet
        own.sent = true;
        python.worker.postMessage({ call, values });
        timer = setTimeout(end, seconds * 1000, "time", `stopped after ${seconds} seconds`);
      }
      return await outcome;
    } finally {
      clearTimeout(timer);
      running = undefined;
    }
  }

  function end(reason, text) {
    if (!running) return;
    const { sent, failed } = running;
    running = undefined;
    if (sent) replace();
    failed(problem(reason, text));
  }

  function enqueue(call, values, { seconds = 10 } = {}) {
    const result = queue.then(() => perform(call, values, seconds));
    queue = result.catch(() => {});
    return result;
  }

  return {
    size: total,
    load: ready,
    check: (name, source, options) => enqueue("check", [name, source], options),
    run: (source, options) => enqueue("run", [source], options),
    stop: () => end("stopped", "stopped"),
    onstage(callback) {
      listeners.add(callback);
      if (python) callback(state());
      return () => listeners.delete(callback);
    },
    take(name, text) { texts[name] = text; }, // what scripts from a folder call
  };
})();
