// The search page: the place that is asked for comes first, before Sphinx has loaded its index.
const asked = (new URLSearchParams(location.search).get("q") ?? "").toLowerCase().trim();
// "78", "(16)", "eq. 78a", "Q3.1", "bonus question 1.4"; else "hw1lib.softmax()", "check.xyz".
const [, kind, number] = asked.match(
  /^\W*(?:bonus\W*)?(eq|equation|q|question)?s?\W*(\d+(?:\.\d)?[a-z]?)\W*(?:bonus)?\W*$/) ?? [];
const key = number ?? asked.replace(/\(.*/, "").split(".").pop().trim().replace(/[\s-]+/g, "_");
const places = PLACES.places.filter(([itsKey, text]) =>
  itsKey === key && (!kind || text.startsWith("Equation") === kind.startsWith("eq")));
const addresses = places.map(([, , page, anchor]) => PLACES.pages[page][0] + (anchor && `#${anchor}`));

if (places.length) {
  const list = document.createElement("ul");
  list.className = "search places";
  places.forEach(([, text, page], i) => {
    const link = document.createElement("a");
    link.href = addresses[i];
    link.textContent = `${text}, in ${PLACES.pages[page][1]}`;
    list.appendChild(document.createElement("li")).append(link);
  });
  document.getElementById("search-results").before(list);
}

// A page opened from a folder may not read other pages, so the results come without excerpts.
if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;

// Sphinx's own script has run, and its index has not.
document.querySelector('script[src*="searchtools"]').addEventListener("load", () => {
  // For the excerpts. Sphinx's own has each formula three times, and takes the dots in a module's
  // name for classes.
  Search.htmlToText = (html, anchor) => {
    const page = new DOMParser().parseFromString(html, "text/html");
    for (const part of page.querySelectorAll(
      ".headerlink, script, style, .katex-display, .katex-html, annotation")) part.remove();
    const place = anchor && page.getElementById(anchor.slice(1));
    return (place?.textContent || page.querySelector("main").textContent).trim();
  };
  const search = Search._performSearch;
  Search._performSearch = (query, terms, excluded, marked, ...others) => {
    // Sphinx leaves the words to the page that is opened next, whichever it is. The links carry them.
    localStorage.removeItem("sphinx_highlight_terms");
    const suffix = DOCUMENTATION_OPTIONS.LINK_SUFFIX;
    const results = search(query, terms, excluded, marked, ...others).filter(
      ([page, , anchor]) => !addresses.includes(page + suffix + anchor));
    const words = [...marked].join(" ");
    if (words) DOCUMENTATION_OPTIONS.LINK_SUFFIX += `?highlight=${encodeURIComponent(words)}`;
    // "Your search did not match any documents" is wrong below a place.
    document.getElementById("search-results").hidden = places.length && !results.length;
    return results;
  };
});
