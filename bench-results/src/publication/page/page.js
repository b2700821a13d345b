// What the page can do beyond being read. Without this script everything is there, unsorted.
"use strict";
(() => {
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const made = (name, properties = {}, children = []) => {
    const element = Object.assign(document.createElement(name), properties);
    element.append(...children);
    return element;
  };
  const said = document.getElementById("said");
  const say = text => { said.textContent = text; };

  // Colours: as the system, light or dark. Forgotten when the page is closed.
  const theme = document.getElementById("theme");
  theme.hidden = false;
  theme.addEventListener("change", event => {
    const chosen = event.target.value;
    if (chosen === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = chosen;
  });

  // Figures with units. What has no number comes after what has one, and n/a last.
  const UNITS = {
    ns: [0, 1e-9], "µs": [0, 1e-6], "μs": [0, 1e-6], us: [0, 1e-6], ms: [0, 1e-3], s: [0, 1], min: [0, 60], h: [0, 3600],
    B: [1, 1], KiB: [1, 1024], MiB: [1, 1024 ** 2], GiB: [1, 1024 ** 3], TiB: [1, 1024 ** 4],
    kB: [1, 1e3], MB: [1, 1e6], GB: [1, 1e9], "%": [2, 0.01], "/s": [3, 1], k: [4, 1e3], M: [4, 1e6], G: [4, 1e9],
  };
  const NUMBER = /^[^\p{L}\d+−-]*([+−-]?\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?)(?:[–/](?=\d)[\d,.–/]*)?\s*(ns|[µμ]s|us|ms|min|[KMGT]iB|[kMG]B|%|\/s|[shBkMG](?![\p{L}\d]))?/u;
  const figure = text => {
    const found = NUMBER.exec(text);
    if (!found) return null;
    const [kind, scale] = UNITS[found[2]] ?? [4, 1];
    return { kind, value: Number(found[1].replaceAll(",", "").replace("−", "-")) * scale };
  };
  // Several figures in one cell, as p50/max: by the first one. Where that is n/a, behind all that have it, by the last one that
  // is known: like is held against like.
  const key = text => {
    const trimmed = text.trim();
    const parts = trimmed.replaceAll("n/a", "\0").split(/\/(?!s(?!\p{L}))/u).map(part => part.trim());
    const known = parts.filter(part => part !== "\0" && part !== "");
    if (known.length === 0) return { rank: 3 };
    const is_first = parts[0] !== "\0";
    const number = figure(is_first ? trimmed : known.at(-1));
    if (number) return { rank: is_first ? 0 : 1, ...number };
    return { rank: 2, text: trimmed };
  };
  const order = (a, b, sign) => {
    // What is not known is last in both directions.
    if (a.rank !== b.rank) return a.rank - b.rank;
    if (a.rank < 2) return a.kind - b.kind || sign * (a.value - b.value);
    return a.rank === 2 ? sign * a.text.localeCompare(b.text, "en", { numeric: true }) : 0;
  };
  const sortable = table => {
    const body = table.tBodies[0];
    const original = [...body.rows];
    const heads = [...table.tHead.rows[0].cells];
    if (original.length < 2) return;
    heads.forEach((head, column) => {
      const button = made("button", { type: "button" });
      button.append(...head.childNodes);
      if (!button.textContent.trim()) button.textContent = "row";
      head.append(button);
      button.addEventListener("click", () => {
        const next = { ascending: "descending", descending: null }[head.getAttribute("aria-sort")];
        const direction = next === undefined ? "ascending" : next;
        heads.forEach(other => other.removeAttribute("aria-sort"));
        let rows = original;
        if (direction) {
          head.setAttribute("aria-sort", direction);
          const sign = direction === "ascending" ? 1 : -1;
          const names = column === 0;
          const keyed = original.map(row => {
            const text = row.cells[column].textContent;
            return [names && !/^[\d.,]+$/.test(text) ? { rank: 2, text } : key(text), row];
          });
          rows = keyed.sort((a, b) => order(a[0], b[0], sign)).map(pair => pair[1]);
        }
        body.append(...rows);
        say(`${table.caption.textContent}: ${direction ? `${direction} by ${button.textContent}` : "as published"}`);
      });
    });
  };
  const filterable = table => {
    const rows = [...table.tBodies[0].rows];
    const input = made("input", { type: "search", spellcheck: false, autocomplete: "off" });
    input.setAttribute("aria-label", `Filter rows of ${table.caption.textContent}`);
    const count = made("output", { textContent: `${rows.length} rows` });
    const label = made("label", {}, ["Filter rows ", input]);
    label.title = "Rows that have all of these words";
    table.parentElement.before(made("div", { className: "filter" }, [label, count]));
    input.addEventListener("input", () => {
      const wanted = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      for (const row of rows) {
        const text = row.textContent.toLowerCase();
        row.hidden = !wanted.every(word => text.includes(word));
        shown += row.hidden ? 0 : 1;
      }
      count.textContent = wanted.length ? `${shown} of ${rows.length} rows` : `${rows.length} rows`;
    });
  };

  // A region that cannot be scrolled needs no place in the order of keys.
  const resized = new ResizeObserver(entries => entries.forEach(({ target }) => {
    if (target.classList.contains("chart") || target.scrollWidth > target.clientWidth) target.tabIndex = 0;
    else target.removeAttribute("tabindex");
  }));

  // Charts: the value at the pointer, or at the keyboard's place.
  const tip = document.getElementById("tip");
  const hide = chart => {
    tip.hidden = true;
    chart?.querySelector(".g-here")?.remove();
  };
  const places = svg => {
    const found = [];
    for (const line of all("polyline[data-readings]", svg)) {
      const readings = line.dataset.readings.split("|");
      [...line.points].forEach(({ x, y }, n) => found.push({ x, y, text: `${line.dataset.name}: ${readings[n]}`, series: line }));
    }
    for (const shape of all("path[data-name], polyline.g-stem[data-name]", svg)) {
      // Shapes of the legend say no more than their name, which stands beside them.
      if (shape.closest("[data-legend]")) continue;
      const box = shape.getBBox();
      const stem = shape.tagName === "polyline";
      found.push({ x: box.x + box.width / 2, y: stem ? box.y : box.y + box.height / 2, text: shape.dataset.name, series: null });
    }
    return found;
  };
  const show = (chart, svg, place) => {
    hide(chart);
    const here = document.createElementNS("http://www.w3.org/2000/svg", "circle");
    Object.entries({ class: "g-here", cx: place.x, cy: place.y, r: 8 }).forEach(([name, value]) => here.setAttribute(name, value));
    svg.append(here);
    tip.textContent = place.text;
    tip.hidden = false;
    const at = here.getBoundingClientRect();
    const { width, height } = tip.getBoundingClientRect();
    const left = Math.min(Math.max(at.left + at.width / 2 - width / 2, 8), document.documentElement.clientWidth - width - 8);
    tip.style.left = `${left}px`;
    tip.style.top = `${at.top - height - 6 > 0 ? at.top - height - 6 : at.bottom + 6}px`;
  };
  const pointed = chart => {
    const svg = chart.querySelector("svg");
    const title = svg.querySelector("title").textContent;
    const keys = "arrow keys step through the values, Escape leaves them";
    chart.setAttribute("role", "group");
    chart.setAttribute("aria-label", `${title}: ${keys}`);
    chart.tabIndex = 0;
    let known = null;
    let at = 0;
    const prepared = () => {
      if (known) return known;
      // Our own box stands in for the browser's, which no key can reach.
      for (const own of all("title", svg).slice(1)) {
        own.parentElement.dataset.name = own.textContent;
        own.remove();
      }
      known = places(svg);
      return known;
    };
    const step = (to, aloud) => {
      const found = prepared();
      if (!found.length) return;
      at = (to + found.length) % found.length;
      const ratio = svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
      const x = found[at].x * ratio;
      if (x < chart.scrollLeft || x > chart.scrollLeft + chart.clientWidth) chart.scrollLeft = x - chart.clientWidth / 2;
      show(chart, svg, found[at]);
      if (aloud) say(found[at].text);
    };
    svg.addEventListener("pointermove", event => {
      const ratio = svg.viewBox.baseVal.width / svg.getBoundingClientRect().width;
      const box = svg.getBoundingClientRect();
      const [x, y] = [(event.clientX - box.left) * ratio, (event.clientY - box.top) * ratio];
      let [best, least] = [null, 18 ** 2];
      prepared().forEach((place, n) => {
        const distance = (place.x - x) ** 2 + (place.y - y) ** 2;
        if (distance < least) [best, least] = [n, distance];
      });
      if (best === null) hide(chart);
      else { at = best; show(chart, svg, known[at]); }
    });
    svg.addEventListener("pointerleave", () => hide(chart));
    chart.addEventListener("scroll", () => { if (document.activeElement !== chart) hide(chart); });
    chart.addEventListener("focus", () => { if (chart.matches(":focus-visible")) step(at, true); });
    chart.addEventListener("blur", () => hide(chart));
    chart.addEventListener("keydown", event => {
      const found = prepared();
      const other = sign => {
        const now = found[at]?.series;
        const next = found.findIndex((place, n) => place.series !== now && sign * (n - at) > 0);
        return sign > 0 ? next : found.findLastIndex((place, n) => place.series !== now && n < at);
      };
      const to = {
        ArrowRight: () => at + 1, ArrowLeft: () => at - 1, Home: () => 0, End: () => found.length - 1,
        ArrowDown: () => Math.max(other(1), 0), ArrowUp: () => Math.max(other(-1), 0),
      }[event.key];
      if (event.key === "Escape") hide(chart);
      if (!to || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      step(to(), true);
    });
  };

  // Commands can be copied, records saved.
  const button = (text, act) => {
    const made_button = made("button", { type: "button", className: "plain", textContent: text });
    made_button.addEventListener("click", () => act(made_button));
    return made_button;
  };
  const copy = async code => {
    try {
      await navigator.clipboard.writeText(code.textContent);
      say("Copied");
      return true;
    } catch {
      getSelection().selectAllChildren(code);
      const done = document.execCommand("copy");
      say(done ? "Copied" : "Selected; copy it with your keyboard");
      return done;
    }
  };
  const unpacked = async element => {
    const bytes = Uint8Array.from(atob(element.textContent), letter => letter.charCodeAt(0));
    return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).blob();
  };
  const save = async element => {
    const link = made("a", { download: element.dataset.name });
    link.href = URL.createObjectURL(await unpacked(element));
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
    say(`${element.dataset.name} saved`);
  };

  // A folded piece is made ready when it is first opened.
  const ready = within => {
    const own = element => {
      const folded = element.closest("details:not([open])");
      return !folded || folded === within.closest("details:not([open])");
    };
    for (const table of all("table:not([data-ready])", within).filter(own)) {
      table.dataset.ready = "";
      sortable(table);
      if ("filter" in table.dataset) filterable(table);
      resized.observe(table.parentElement);
    }
    for (const chart of all(".chart:not([data-ready])", within).filter(own)) {
      chart.dataset.ready = "";
      pointed(chart);
    }
  };
  ready(document.body);
  all("main details").forEach(details => details.addEventListener("toggle", () => { if (details.open) ready(details); }));
  all("code.command").forEach(code => {
    code.after(button("Copy", async own => {
      own.textContent = (await copy(code)) ? "Copied" : "Selected";
      setTimeout(() => { own.textContent = "Copy"; }, 2000);
    }));
  });
  all('script[type="application/gzip"]').forEach(element => {
    element.previousElementSibling.append(" ", button("Save the records", () => save(element)));
  });

  // A link into a folded piece opens it; on paper everything is open.
  const reveal = () => {
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    for (let piece = target; piece; piece = piece.parentElement) if (piece.tagName === "DETAILS") piece.open = true;
    if (target) target.scrollIntoView();
  };
  addEventListener("hashchange", reveal);
  reveal();
  if (matchMedia("(max-width: 70rem)").matches) document.querySelector("nav details").open = false;
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = all("details.chapter:not([open])");
    opened.forEach(details => { details.open = true; });
  });
  addEventListener("afterprint", () => opened.forEach(details => { details.open = false; }));
})();
