// What a reader types as a formula: read, computed, typeset and judged, without a page or Python.
//
//   names = formula.names(question, line)    the arguments and the lines above
//   tree = formula.parse(text, names)        or an Error with its `position`
//   formula.evaluate(tree, values)           a number, or lists of numbers
//   formula.preview(tree)                    MathML
//   formula.judge(question, texts)           of each line { name, state, mistake, text }
//   formula.solved(question, verdicts)       whether all parts are right
globalThis.formula = (() => {
  const fail = (message, position) => {
    throw Object.assign(new Error(message), { position });
  };

  const unknown = (name, names, at) =>
    fail(`There is no ${name} here: the names are ${names?.join(", ")}.`, at);

  // Reading ----------------------------------------------------------------------------------

  const LABEL = /^\s*([\p{L}_][\p{L}\p{M}\p{Nd}_]*)\s*=(?!=)/u;
  const TOKEN = new RegExp([
    "\\s+",
    "(?<number>(?:\\d+\\.?\\d*|\\.\\d+)(?:[eE][+-]?\\d+)?)",
    "(?<share>[½¼¾])",
    "(?<raised>[⁺⁻]?[⁰¹²³⁴-⁹]+)",
    "(?<circle>π)",
    "(?:(?<library>np|numpy|math)\\.)?(?<name>(?!π)[\\p{L}_∑](?:(?!π)[\\p{L}\\p{M}\\p{Nd}_])*)",
    "(?<sign>\\*\\*|[<>]=|[^])",
  ].join("|"), "uy");
  const RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹";
  const SHARES = { "½": [1, 2], "¼": [1, 4], "¾": [3, 4] };
  const SAME = {
    "−": "-", "–": "-", "×": "*", "·": "*", "⋅": "*", "∙": "*", "•": "*", "∗": "*", "÷": "/",
    "∕": "/", "⁄": "/", "[": "(", "]": ")", "**": "^", "≤": "<=", "≥": ">=",
  };
  const GREEK = {
    alpha: "α", beta: "β", gamma: "γ", eps: "ε", lam: "λ", mu: "μ", pi: "π", rho: "ρ", sigma: "σ",
  };
  const LATIN = Object.fromEntries(Object.entries(GREEK).map(([name, letter]) => [letter, name]));
  const GREEK_END = new RegExp(`^(.?)(${Object.keys(GREEK).join("|")})$`);
  const OTHER = { __proto__: null, lambda: "lam", epsilon: "eps" };
  const INSTEAD = { "|": ": write abs(x) for |x|", "\\": ": write a/b and sqrt(x), without LaTeX" };

  // The Python spelling of a name: x with a hat is x_hat, and a Greek letter has its name.
  const spelled = (name) =>
    name.normalize("NFKD").replace(/\u0302/g, "_hat")
      .replace(/[α-ω]/g, (letter) => LATIN[letter] ?? letter);

  // The name that is meant: phones write the first letter large.
  function known(word, names) {
    if (!names || names.includes(word)) return word;
    if (names.includes(OTHER[word])) return OTHER[word];
    const same = names.filter((name) => name.toLowerCase() === word.toLowerCase());
    return same.length === 1 ? same[0] : null;
  }

  // The names in a word that leaves out the signs between them, as in 2Mpq.
  function together(word, names) {
    if (!word) return [];
    for (const name of names) {
      const rest = word.startsWith(name) && together(word.slice(name.length), names);
      if (rest) return [name, ...rest];
    }
    return null;
  }

  function scan(text, start, names) {
    const tokens = [];
    TOKEN.lastIndex = start;
    while (TOKEN.lastIndex < text.length) {
      const at = TOKEN.lastIndex;
      const found = TOKEN.exec(text);
      const { number, share, raised, circle, library, name, sign } = found.groups;
      const push = (kind, value) => tokens.push({ kind, value, at, library, text: found[0] });
      if (number) push("number", Number(number));
      if (share) push("share", SHARES[share]);
      if (raised) {
        push("raised", raised.replace(/./g, (s) => ({ "⁺": "", "⁻": "-" })[s] ?? RAISED.indexOf(s)));
      }
      if (circle) push("name", "pi");
      if (sign) push("sign", SAME[sign] ?? sign);
      if (!name) continue;
      const word = spelled(name);
      const isOne = library || !names || known(word, names) || functionNamed(word);
      const longest = isOne ? [] : [...names].sort((a, b) => b.length - a.length);
      for (const one of together(word, longest) ?? [word]) push("name", one);
    }
    tokens.push({ kind: "end", at: text.length });
    return tokens;
  }

  // From the loosest to the tightest: comparison, sum, product, sign, power, what stands behind.
  function parse(text, usable) {
    const names = usable && [...new Set([...usable, "pi"])];
    const label = LABEL.exec(text);
    const tokens = scan(text, label ? label[0].length : 0, names);
    let next = 0;
    const is = (...signs) => tokens[next].kind === "sign" && signs.includes(tokens[next].value);
    const take = (...signs) => is(...signs) && tokens[next++];
    const call = (name, args, at, more) => ({ kind: "call", name, args, at, ...more });
    const number = (value, shown = `${value}`) => ({ kind: "number", value, text: shown });

    function misplaced() {
      const { kind, value, at, text: shown } = tokens[next];
      const before = tokens[next - 1];
      if (value === "=") fail("Write only what stands to the right of the equals sign.", at);
      if (value === ",") fail("A number has a point and no comma: 0.5.", at);
      if (kind === "sign" && !/^([-+*/^()!.<>√]|[<>]=)$/.test(value)) {
        fail(`The sign ${shown} is not read here${INSTEAD[value] ?? ""}.`, at);
      }
      const isOperator = before?.kind === "sign" && !")!".includes(before.value);
      if (value === ")" && !isOperator) fail("This bracket closes none that is open.", at);
      if (!before && kind === "end") fail("Nothing stands here yet.", at);
      if (kind === "end" || value === ")") fail(`Something is missing after ${before.text}.`, at);
      if (before && !isOperator) fail(`There is no sign between ${before.text} and ${shown}.`, at);
      fail(`Something is missing before ${shown}.`, at);
    }

    const chain = (operand, ...signs) => () => {
      let left = operand();
      for (let sign; (sign = take(...signs)); ) left = call(sign.value, [left, operand()], sign.at);
      return left;
    };

    function product() {
      let left = signed();
      for (;;) {
        const { kind, at, text: shown } = tokens[next];
        const sign = take("*", "/");
        if (sign) left = call(sign.value, [left, signed()], at);
        else if (kind === "name" || is("(", "√")) {
          const isIndex = shown === "[" && tokens[next - 1].kind === "name";
          if (isIndex) fail("An index in [ ] is not read here.", at);
          left = call("*", [left, power()], at);
        } else return left;
      }
    }

    const sum = chain(product, "+", "-");
    const comparison = chain(sum, "<", ">", "<=", ">=");

    function signed() {
      const sign = take("-", "+");
      if (!sign) return power();
      return sign.value === "-" ? call("negative", [signed()], sign.at) : signed();
    }

    function power() {
      const base = behind(atom());
      const sign = take("^");
      return sign ? call("^", [base, signed()], sign.at) : base;
    }

    function behind(node) {
      for (;;) {
        const { kind, value, at } = tokens[next];
        if (kind === "raised") {
          next += 1;
          const size = number(Math.abs(value));
          node = call("^", [node, value < 0 ? call("negative", [size], at) : size], at);
        } else if (take("!")) {
          node = call("factorial", [node], at);
        } else if (take(".")) {
          const method = tokens[next++];
          if (method.kind !== "name" || !take("(")) fail(`.${method.text} is not read here.`, at);
          node = called(method.value, "method", at, [node]);
        } else return node;
      }
    }

    function atom() {
      const { kind, value, at, library, text: shown } = tokens[next];
      if (kind !== "number" && kind !== "share" && kind !== "name" && !is("(", "√")) misplaced();
      next += 1;
      if (kind === "number") return number(value, shown);
      if (kind === "share") return call("/", value.map((x) => number(x)), at);
      if (value === "√") return call("sqrt", [atom()], at);
      if (kind === "sign") {
        const inside = comparison();
        closed(at);
        return inside;
      }
      const own = library && value !== "pi" ? null : known(value, names);
      const name = functionNamed(value);
      const isCall = name && !(names && own);
      if (isCall && take("(")) return called(value, library, at, []);
      if (isCall) fail(`${value} needs its brackets: ${value}(...).`, at);
      if (own) return { kind: "name", name: own, at };
      if (is("(")) fail(`There is no function ${value} here.`, at);
      if (value === "e") fail("There is no e here: write exp(x) for its powers.", at);
      return unknown(value, names, at);
    }

    function closed(at) {
      if (tokens[next].kind === "end") fail("This bracket is not closed.", at);
      if (!take(")")) misplaced();
    }

    function called(word, library, at, args) {
      const options = {};
      const open = tokens[next - 1].at;
      const option = () => {
        const { value, at: place } = tokens[next];
        if (!["axis", "keepdims", "ddof"].includes(value)) fail(`${value}= is not read here.`, place);
        next += 2;
        const isWord = /^(True|False)$/.test(tokens[next].value);
        options[value] = isWord ? tokens[next++].value === "True" : evaluate(signed(), {});
      };
      if (!is(")")) {
        do {
          if (tokens[next].kind === "name" && tokens[next + 1].value === "=") option();
          else args.push(comparison());
        } while (take(","));
      }
      closed(open);
      const name = functionNamed(word);
      if (!name) fail(`.${word}(...) is not read here.`, at);
      if ((name in OVER || name === "len") && args.length === 2) options.axis = evaluate(args.pop(), {});
      const count = FUNCTIONS[name]?.length ?? 1;
      const isMany = name === "max" || name === "min";
      if (isMany ? args.length < 2 : args.length !== count) {
        fail(`${word} takes ${count} value${count > 1 ? "s" : ""}, and here: ${args.length}.`, at);
      }
      // NumPy adds up everything where no axis is named; on paper a sum runs over the samples.
      if (name in OVER) options.axis ??= library ? "all" : 0;
      return call(name, args, at, options);
    }

    const tree = comparison();
    if (tokens[next].kind !== "end") misplaced();
    return label ? { ...tree, label: label[1] } : tree;
  }

  // Computing --------------------------------------------------------------------------------

  const isCount = (x) => x >= 0 && Number.isInteger(x);
  function factorial(k) {
    let value = isCount(k) ? 1 : NaN;
    for (let i = 2; i <= k && value < Infinity; i += 1) value *= i;
    return value;
  }
  function comb(n, k) {
    let value = !isCount(n) || !isCount(k) ? NaN : k > n ? 0 : 1;
    const few = Math.min(k, n - k);
    for (let i = 1; i <= few && value < Infinity; i += 1) value *= (n - few + i) / i;
    return value;
  }

  // Each has as many parameters as a call has values.
  const FUNCTIONS = {
    __proto__: null, sqrt: Math.sqrt, exp: Math.exp, log: Math.log, abs: Math.abs, sign: Math.sign,
    max: Math.max, min: Math.min, factorial, comb,
    relu: (x) => Math.max(x, 0),
    where: (mask, a, b) => (mask ? a : b),
    negative: (x) => -x,
    "+": (a, b) => a + b,
    "-": (a, b) => a - b,
    "*": (a, b) => a * b,
    "/": (a, b) => a / b,
    "^": (a, b) => a ** b,
    "<": (a, b) => Number(a < b),
    ">": (a, b) => Number(a > b),
    "<=": (a, b) => Number(a <= b),
    ">=": (a, b) => Number(a >= b),
  };
  const total = (row) => row.reduce((sum, x) => sum + x, 0);
  const mean = (row) => total(row) / row.length;
  const variance = (row, ddof = 0) => {
    const m = mean(row);
    return total(row.map((x) => (x - m) ** 2)) / (row.length - ddof);
  };
  const OVER = {
    __proto__: null, sum: total, mean, var: variance,
  };
  const SPELLED = {
    __proto__: null, ln: "log", maximum: "max", minimum: "min", C: "comb", binom: "comb",
    binomial: "comb", choose: "comb", ncr: "comb", pow: "^", Σ: "sum", "∑": "sum", shape: "len",
    len: "len",
  };
  function functionNamed(word) {
    const own = (name) => SPELLED[name] ?? (name in FUNCTIONS || name in OVER ? name : null);
    return own(word) ?? own(word.toLowerCase());
  }

  const shape = (value) => (Array.isArray(value) ? [value.length, ...shape(value[0])] : []);
  const flat = (value) => (Array.isArray(value) ? value.flat(Infinity) : [value]);
  const sized = (value) => {
    const size = shape(value);
    return `(${size.join(", ")}${size.length === 1 ? "," : ""})`;
  };

  // A function of numbers, entry by entry; shapes line up at their ends, as in NumPy.
  function entries(of, ...values) {
    const depths = values.map((value) => shape(value).length);
    const deepest = Math.max(...depths);
    if (!deepest) return of(...values);
    const lengths = new Set(values.filter((_, i) => depths[i] === deepest).map((value) => value.length));
    if (lengths.size > 1) lengths.delete(1);
    if (lengths.size > 1) throw new RangeError();
    const pick = (i) => (v, k) => (depths[k] < deepest ? v : v[v.length > 1 ? i : 0]);
    return Array.from({ length: [...lengths][0] }, (_, i) => entries(of, ...values.map(pick(i))));
  }

  function over({ name, axis, keepdims, ddof, at }, value) {
    const count = shape(value).length;
    const of = (row) => OVER[name](row, ddof);
    if (!count) fail(`${name} needs an array, and this is a number.`, at);
    if (axis === "all") return of(flat(value));
    const place = axis < 0 ? axis + count : axis;
    if (!(place in shape(value))) fail(`There is no axis ${axis} in the shape ${sized(value)}.`, at);
    const columns = (rows) =>
      Array.isArray(rows[0]) ? rows[0].map((_, j) => columns(rows.map((row) => row[j]))) : of(rows);
    const along = (rows, k) =>
      k ? rows.map((row) => along(row, k - 1)) : keepdims ? [columns(rows)] : columns(rows);
    return along(value, place);
  }

  function evaluate({ kind, value, name, args, axis, at, ...more }, names) {
    if (kind === "number") return value;
    if (kind === "name") {
      if (Object.hasOwn(names, name)) return names[name];
      return name === "pi" ? Math.PI : unknown(name, [...Object.keys(names), "pi"], at);
    }
    const values = args.map((arg) => evaluate(arg, names));
    if (name in OVER) return over({ name, axis, at, ...more }, values[0]);
    if (name === "len") return shape(values[0])[axis ?? 0] ?? fail("There is no such axis here.", at);
    try {
      return entries(FUNCTIONS[name], ...values);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      return fail(`The shapes ${values.map(sized).join(" and ")} do not fit together.`, at);
    }
  }

  // Typesetting ------------------------------------------------------------------------------

  const tag = (name, ...inner) => `<${name}>${inner.join("")}</${name.split(" ")[0]}>`;
  const row = (...inner) => tag("mrow", ...inner);
  const sign = (text) => tag("mo", text.replace("<", "&lt;").replace(">", "&gt;"));
  const around = (left, inner, right) => row(sign(left), inner, sign(right));
  const SHOWN = { "<=": "≤", ">=": "≥", "-": "−" };
  const TIGHT = {
    "<": 1, ">": 1, "<=": 1, ">=": 1, "+": 2, "-": 2, sum: 2.5, "*": 3, negative: 2.9, "/": 5,
    "^": 5, exp: 5, factorial: 5,
  };
  const tightness = ({ kind, name }) => (kind === "call" && TIGHT[name]) || 6;

  // A piece of a name: a Greek letter, a hat over the last letter, a number at the foot of one.
  function piece(word) {
    const [, text, mark, foot] = /^(.*?)(_hat|_tilde)?(\d*)$/.exec(word);
    const greek = GREEK_END.exec(text);
    const [before, letter] = greek
      ? [greek[1], GREEK[greek[2]]]
      : mark || (foot && text.length === 1) ? [text.slice(0, -1), text.slice(-1)] : ["", text + foot];
    let shown = tag("mi", letter);
    if (mark) shown = tag('mover accent="true"', shown, sign(mark === "_hat" ? "^" : "~"));
    if (foot && letter !== text + foot) shown = tag("msub", shown, tag("mn", foot));
    return before ? row(tag("mi", before), shown) : shown;
  }

  function titled(name) {
    const words = name.split(/_(?!hat|tilde)/).filter(Boolean);
    const [base, ...below] = words.map(piece);
    return below.length ? tag("msub", base, row(below.join(tag("mtext", " ")))) : base;
  }

  // What a product ends and begins with decides whether a dot has to stand between.
  const end = (node) => (node.kind === "call" && node.name === "*" ? end(node.args[1]) : node);
  const start = (node) =>
    node.kind === "call" && ["*", "^", "factorial"].includes(node.name) ? start(node.args[0]) : node;
  const isWord = ({ kind, name }) => kind === "name" && name !== "pi" && name.length > 1;
  function isDotted(a, b) {
    const [left, right] = [end(a), start(b)];
    if (right.kind === "number" || b.name === "negative") return true;
    if (right.name === "/") return left.kind === "number" || left.name === "/";
    return isWord(left) && (isWord(right) || tightness(right) < 3);
  }

  function drawn(node, least = 0) {
    const { kind, name, args, axis } = node;
    if (kind === "number") return tag("mn", node.text);
    if (kind === "name") return titled(name);
    const [a, b] = args;
    const tight = tightness(node);
    const fraction = (style = "") => tag(`mfrac${style}`, row(drawn(a)), row(drawn(b)));
    const index = { 1: "j", "-1": "j", all: "i, j" }[axis];
    const own = {
      "/": () => fraction(),
      "^": () => tag("msup", drawn(a, 6), row(drawn(b))),
      exp: () => tag("msup", tag("mi", "e"), row(drawn(a))),
      sqrt: () => tag("msqrt", drawn(a)),
      abs: () => around("|", drawn(a), "|"),
      comb: () => around("(", fraction(' linethickness="0"'), ")"),
      factorial: () => row(drawn(a, 6), sign("!")),
      negative: () => row(sign("−"), drawn(a, 2.5)),
      sum: () => row(tag("munder", sign("∑"), tag("mi", index ?? "i")), drawn(a, 3)),
    }[name];
    const inner = () => {
      if (own) return own();
      if (name in TIGHT) {
        const shown = name !== "*" ? SHOWN[name] ?? name : isDotted(a, b) ? "·" : "\u2062";
        return row(drawn(a, tight - 0.2), sign(shown), drawn(b, tight + 1));
      }
      const word = tag("mi", name === "log" ? "ln" : name);
      const values = args.map((arg) => drawn(arg)).join(sign(","));
      const shown = index ? tag("msub", word, tag("mi", index)) : word;
      return row(shown, sign("\u2061"), around("(", values, ")"));
    };
    return tight < least ? around("(", inner(), ")") : inner();
  }

  const preview = (tree) => tag('math displaystyle="true"', drawn(tree));

  // Judging ----------------------------------------------------------------------------------

  const [RELATIVE, SHARE] = [1e-9, 1e-10]; // hw1check's: relative, and a share of the largest entry
  const largest = (value) => Math.max(...flat(value).map(Math.abs));
  const places = (x, digits) => `${Number(x.toPrecision(digits))}`.replace("-", "−");
  const called = ({ name, meaning }) => (meaning ? `${name}, ${meaning}` : name);

  // A kept axis of length 1 is none the worse.
  function misfits(found, right) {
    const [a, b] = [shape(found), shape(right)];
    const long = (size) => `${size.filter((n) => n > 1)}`;
    return `${a}` !== `${b}` && !(a.length > b.length && long(a) === long(b));
  }
  function differing(found, right) {
    const a = flat(found);
    const least = SHARE * largest(right);
    const b = flat(right);
    const isOff = (i) => !(Math.abs(a[i] - b[i]) <= RELATIVE * Math.abs(b[i]) + least);
    return [...b.keys()].filter(isOff);
  }
  const agree = (found, right) => !misfits(found, right) && !differing(found, right).length;
  const isFixed = ({ right }) => right.every((value) => agree(value, right[0]));

  // A mistake's value travels as this sum of its entries; as null where Python has none.
  function isMarked(value, mark) {
    const terms = flat(value).map((x, i) => x * Math.cos(i));
    const sum = total(terms);
    if (!Number.isFinite(sum)) return mark === null || `${sum}` === mark;
    return mark !== null && Math.abs(sum - mark) <= RELATIVE * total(terms.map(Math.abs));
  }

  // The mistake that gives this in every case: the one that explains most of what else is wrong,
  // and of these one that begins with this line.
  function recognized({ mistakes }, line, wrong) {
    const fits = (mistake, { name, values }) => {
      const marks = mistake.values[name];
      return marks?.some((mark) => mark !== null) && marks.every((mark, k) => isMarked(values[k], mark));
    };
    const begins = (mistake) => Object.keys(mistake.values)[0] === line.name;
    const explains = (mistake) => 2 * wrong.filter((row) => fits(mistake, row)).length + begins(mistake);
    const found = mistakes.filter((mistake) => fits(mistake, line)).map((m) => [explains(m), m]);
    const most = Math.max(...found.map(([count]) => count));
    return found.length ? mistakes.indexOf(found.find(([count]) => count === most)[1]) : null;
  }

  // What is certain of a wrong value that is no known mistake.
  function related({ lines }, { name, right, values }) {
    if (right.length < 2) return null;
    const is = (of) => values.every((value, k) => agree(value, of(k)));
    const times = (factor) => is((k) => entries((x) => x * factor, right[k]));
    const other = lines.find((line) => line.name !== name && is((k) => line.right[k]));
    if (other) return called(other);
    if (times(-1)) return "minus the right value";
    if (isFixed({ right })) return null; // of one number, any other is a multiple
    const k = right.findIndex(largest);
    const i = flat(right[k]).findIndex(Boolean);
    const ratio = flat(values[k])[i] / flat(right[k])[i];
    return Math.abs(ratio - 1) > 1e-4 && times(ratio) ? `${places(ratio, 4)} times the right value` : null;
  }

  function digits(found, right) {
    const error = largest(entries((a, b) => a - b, found, right)) / largest(right);
    return error < 0.1 ? Math.min(9, Math.floor(-Math.log10(2 * error))) : 0;
  }

  function said(question, line) {
    const { name, values, right } = line;
    const k = right.findIndex((value, i) => !agree(values[i], value));
    const args = Object.entries(question.cases[k]);
    const isPlain = args.every(([, value]) => typeof value === "number");
    const inputs = isPlain ? `For ${args.map((pair) => pair.join(" = ")).join(", ")}` : `In case ${k + 1}`;
    const it = args.length ? `${inputs} it` : "It";
    const kind = (value) => (shape(value).length ? `an array of shape ${sized(value)}` : "a number");
    if (misfits(values[k], right[k])) return `${it} is ${kind(values[k])}, and ${name} is ${kind(right[k])}.`;
    if (!flat(values[k]).every(Number.isFinite)) return `${it} has no finite value.`;
    const relation = related(question, line);
    if (relation) return `In every case it is ${relation}.`;
    const same = Math.min(...right.map((value, i) => digits(values[i], value)));
    if (same >= 3) {
      return `It agrees to ${same} digits, and 9 are asked for: write the formula, not a rounded number.`;
    }
    const wrong = differing(values[k], right[k]);
    const [got, want] = [values[k], right[k]].map((value) => flat(value)[wrong[0]]);
    // A number that is the same in all cases is what has to be found.
    if (isFixed(line)) return `${it} is ${places(got, 4)}, and that is not ${name}.`;
    let count = 4;
    while (count < 17 && places(got, count) === places(want, count)) count += 1;
    const [rows, columns] = shape(right[k]);
    const index = columns ? [Math.floor(wrong[0] / columns), wrong[0] % columns] : [wrong[0]];
    const among = `${wrong.length} of ${rows * (columns ?? 1)}`;
    const some = rows ? `, at [${index.join(", ")}]; entries that differ: ${among}` : "";
    return `${it} is ${places(got, count)}, and not ${places(want, count)}${some}.`;
  }

  function names({ arguments: given, lines }, name) {
    const above = lines.slice(0, lines.findIndex((line) => line.name === name));
    return [...new Set([...given, ...above.map((line) => line.name)])];
  }

  const used = (tree) => (tree.kind === "name" ? [tree] : (tree.args ?? []).flatMap(used));
  const first = (name) => `Not judged yet: first comes ${name}.`;

  // The trees in which a denominator takes in more of what follows it: 1/1-p read as 1/(1-p).
  function taken(node, sum) {
    const [left, last] = node.args ?? [];
    const isSum = ["+", "-"].includes(node.name) && sum.name !== "*";
    if (node.name === "/") return { ...node, args: [left, { ...sum, args: [last, sum.args[1]] }] };
    const inside = isSum && taken(last, sum);
    return inside ? { ...node, args: [left, inside] } : null;
  }

  function* widened(node) {
    for (const [i, arg] of (node.args ?? []).entries()) {
      for (const other of [arg, ...widened(arg)]) {
        if (other !== arg) yield { ...node, args: node.args.map((each, k) => (k === i ? other : each)) };
        const wide = !i && ["+", "-", "*"].includes(node.name) && taken(other, node);
        if (wide) yield wide;
      }
    }
  }

  // Read and compute a line from the values that are there, those of the reader's lines above.
  function read(question, line, text, values, rows) {
    if (!text.trim()) return { state: "empty" };
    try {
      const tree = parse(text, names(question, line.name));
      if (tree.label && tree.label !== line.name) fail(`This line is ${line.name}, not ${tree.label}.`, 0);
      const missing = used(tree).find(({ name }) => name !== "pi" && !Object.hasOwn(values[0], name));
      if (missing) {
        const isEmpty = rows.find(({ name }) => name === missing.name).state === "empty";
        if (!isEmpty) return { state: "waiting", text: first(missing.name) };
        fail(`Fill in ${missing.name} first, or write its value out.`, missing.at);
      }
      const found = values.map((each) => evaluate(tree, each));
      found.forEach((value, k) => { values[k][line.name] = value; });
      const isRight = (results) => results.every((value, k) => agree(value, line.right[k]));
      if (isRight(found)) return { values: found, state: "right" };
      const lacksBrackets = [...widened(tree)].some((other) => isRight(values.map((each) => evaluate(other, each))));
      return { values: found, state: "wrong", lacksBrackets };
    } catch (error) {
      if (error.position === undefined) throw error;
      return { state: "unreadable", text: error.message, position: error.position };
    }
  }

  function judge(question, typed) {
    const values = question.cases.map((each) => ({ ...each }));
    const rows = [];
    for (const line of question.lines) {
      rows.push({ ...line, text: "", ...read(question, line, typed[line.name] ?? "", values, rows) });
    }
    const wrong = rows.filter(({ state }) => state === "wrong");
    const [parts, steps] = [true, false].map((isPart) => wrong.filter(({ part }) => part === isPart));
    const isKnown = (line) => recognized(question, line, wrong) !== null;
    // A step is another one on the reader's way if the result is right, or a known mistake without it.
    const isOther = solved(question, rows) || (steps.length && !isKnown(steps[0]) && parts.some(isKnown));
    const blamed = rows.indexOf(isOther ? parts[0] : wrong[0]);
    return rows.map((line, i) => {
      const { name, state, part, text, position, lacksBrackets } = line;
      const verdict = (more) => ({ name, state, mistake: null, text, position, ...more });
      if (i === blamed) {
        const mistake = recognized(question, line, wrong);
        const what = question.mistakes[mistake]?.what;
        if (lacksBrackets && !what?.includes("brackets")) {
          return verdict({ text: "Only what stands directly behind the / is below it. Put brackets around the whole denominator, and it is right." });
        }
        return verdict({ mistake, text: what ? `This is what you get when ${what}.` : said(question, line) });
      }
      if (isOther && steps.includes(line)) {
        return verdict({ state: "waiting", text: `This is not ${called(line)}; it was not judged.` });
      }
      const isBehind = blamed >= 0 && i > blamed && (state === "wrong" || (state === "right" && !part));
      return verdict(isBehind && { state: "waiting", text: first(rows[blamed].name) });
    });
  }

  const solved = ({ lines }, verdicts) =>
    lines.every(({ part }, i) => !part || verdicts[i].state === "right");

  return { parse, evaluate, preview, judge, names, solved };
})();
