// Python in a worker: it loads, says how far it is, and answers one call after another.
//
// What it needs comes in messages from python.js. By itself it asks for the interpreter's scripts
// alone; where the page was opened from a folder, they are in the same Blob as this one.
{
  const LARGEST = 2 ** 13; // pages of memory, half a GiB: a MemoryError comes before a phone gives up
  const SPENT = 2 ** 28; // bytes: memory that has grown so far does not shrink again
  const PACKAGES = "/lib/python3.13/site-packages";
  const LOCK = { info: { abi_version: "2025_0" }, packages: {} }; // Pyodide itself installs nothing
  const NOWHERE = "live:/"; // where Pyodide believes its files to be
  const contents = new Map();
  let answer;

  // The promise of what comes in a message, with the way to keep it.
  function content(name) {
    if (!contents.has(name)) {
      let arrive;
      const promise = new Promise((done) => { arrive = done; });
      contents.set(name, Object.assign(promise, { arrive }));
    }
    return contents.get(name);
  }

  self.fetch = async (address) =>
    new Response(await content(`${String(address).slice(NOWHERE.length)}.gzip`));
  WebAssembly.instantiateStreaming = async (_, imports) => {
    try {
      const module = await content("pyodide.asm.wasm.gzip"); // compiled once for all workers
      return { module, instance: await WebAssembly.instantiate(module, imports) };
    } catch (error) { // which Pyodide would only log, and wait for ever
      postMessage({ failed: String(error) });
      throw error;
    }
  };
  const { Memory } = WebAssembly;
  WebAssembly.Memory = function (limits) {
    return new Memory({ ...limits, maximum: Math.min(limits.maximum, LARGEST) });
  };

  async function load({ scripts, packages: [numpy, book] }) {
    if (scripts.length) importScripts(...scripts);
    postMessage({ stage: "interpreter" });
    const pyodide = await loadPyodide({
      indexURL: NOWHERE, packageBaseUrl: NOWHERE, lockFileContents: LOCK,
    });
    postMessage({ stage: "NumPy" });
    pyodide.unpackArchive(await content(numpy), "wheel", { extractDir: PACKAGES });
    pyodide.pyimport("numpy");
    postMessage({ stage: "checks" });
    pyodide.unpackArchive(await content(book), "wheel", { extractDir: PACKAGES });
    const page = pyodide.pyimport("in_page");
    // Now and then Python looks here for a signal. None comes, but it calls JavaScript for that, and
    // only there does WebKit end a worker: its loop would go on for ever.
    pyodide.setInterruptBuffer([0]);
    answer = ({ call, values }) => ({
      result: JSON.parse(page[call](...values)), spent: pyodide._module.HEAPU8.length > SPENT,
    });
    postMessage({ stage: "ready" });
  }

  self.onmessage = ({ data }) => {
    if (data.scripts) load(data).catch((error) => postMessage({ failed: String(error) }));
    else if (data.name) content(data.name).arrive(data.content);
    else {
      try {
        postMessage(answer(data));
      } catch (error) { // Python itself has ended, as by os._exit or a stack that was too deep
        postMessage({ result: { error: `Python has ended: ${error.message}` }, spent: true });
      }
    }
  };
}
