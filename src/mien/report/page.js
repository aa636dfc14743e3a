"use strict";
// Draws the charts of the part that is chosen, in the colours of the theme, and shows the rows that lie packed in the page.
(() => {
  const data = JSON.parse(document.getElementById("mien-data").textContent);
  const words = data.words;
  const say = (key, values = {}) => words[key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const narrow = matchMedia("(max-width: 760px)");
  const touch = matchMedia("(pointer: coarse)");
  const chooser = document.getElementById("chooser");
  const language = document.documentElement.lang;
  // Without plotly's own buttons, which are in English, a stop of the Tab key each, and one of which sends the chart to plotly's makers.
  const config = {
    responsive: true, displayModeBar: false, displaylogo: false, showSendToCloud: false, plotlyServerURL: "", typesetMath: false,
    locale: language,
    locales: { [language]: { dictionary: {
      "Double-click to zoom back out": words.zoomed, "Double-click on legend to isolate one trace": words.isolates,
    } } },
  };
  let printing = false;

  // As report.figures.themed does it.
  const colour = (value, colours) =>
    Array.isArray(value) ? value.map((item) => colour(item, colours))
      : typeof value === "string" && value.startsWith("$") ? colours[value.slice(1)] ?? colours.other : themed(value, colours);
  const themed = (value, colours) => {
    if (Array.isArray(value)) return value.map((item) => themed(item, colours));
    if (value === null || typeof value !== "object") return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, /colors?$/.test(key) ? colour(item, colours) : themed(item, colours)]));
  };

  const current = () => (chooser ? Number(chooser.value) : 0);
  const theme = () => data.themes[dark.matches && !printing ? "dark" : "light"];

  const draw = () => {
    const colours = theme();
    const charts = data.scopes[current()].charts;
    // What is shown decides how wide each chart is, so all of that comes before the first is drawn.
    for (const figure of document.querySelectorAll("figure[data-chart]")) figure.hidden = !charts[figure.dataset.chart];
    for (const section of document.querySelectorAll("section[data-needs]")) {
      const needs = section.dataset.needs.split(" ");
      section.hidden = !needs.some((name) => charts[name]) && !section.querySelector(`[data-scope="${current()}"]`);
    }
    for (const figure of document.querySelectorAll("figure[data-chart]")) {
      const chart = charts[figure.dataset.chart];
      const plot = figure.querySelector(".plot");
      if (!chart) { Plotly.purge(plot); continue; }
      figure.querySelector("figcaption").textContent = chart.note;
      plot.setAttribute("aria-label", chart.alt);
      const { data: traces, layout } = themed(chart.figure, colours);
      if (narrow.matches) small(layout, figure.dataset.chart);
      if (touch.matches) layout.dragmode = false; // else a finger that scrolls the page would zoom
      layout.height = Math.max(layout.height, 120);
      layout.autosize = !printing;
      if (printing) layout.width = plot.clientWidth;
      plot.style.height = layout.height + "px";
      Plotly.react(plot, traces, layout, config);
    }
  };

  // As it is shown, zoomed too, but on a ground of its own: text of the dark theme could not be read on paper.
  const save = (figure) => {
    const plot = figure.querySelector(".plot");
    const layout = { ...plot.layout, width: plot.clientWidth, paper_bgcolor: theme().surface };
    Plotly.downloadImage({ data: plot.data, layout, config }, { format: "png", filename: figure.dataset.chart, scale: 2 });
  };

  const small = (layout, name) => {
    layout.font.size = 11;
    if (name !== "shares") layout.margin = { l: 40, r: 8, t: 12, b: 44 };
    if (layout.yaxis?.title && name !== "plane") delete layout.yaxis.title;
    if (name === "plane") layout.height = Math.min(layout.height, innerWidth);
    if (name === "lines" || name === "change") layout.height += 60; // the legend takes more lines
    for (const note of layout.annotations ?? []) note.font.size = 10;
  };

  const choose = () => {
    for (const part of document.querySelectorAll("[data-scope]")) part.hidden = part.dataset.scope !== String(current());
    for (const row of document.querySelectorAll("[data-scopes]")) row.hidden = !row.dataset.scopes.split(" ").includes(String(current()));
    draw();
    page = 0;
    list();
  };

  // The rows: CSV as the sinks write it, with quotes doubled inside quotes.
  const parse = (text) => {
    if (!text.includes('"')) return text.trimEnd().split("\n").map((line) => line.split(","));
    const rows = [];
    let row = [], cell = "", quoted = false;
    for (let i = 0; i < text.length; i++) {
      const c = text[i];
      if (quoted) {
        if (c !== '"') cell += c;
        else if (text[i + 1] === '"') { cell += c; i++; }
        else quoted = false;
      } else if (c === '"') quoted = true;
      else if (c === ",") { row.push(cell); cell = ""; }
      else if (c === "\n") { row.push(cell); rows.push(row); row = []; cell = ""; }
      else cell += c;
    }
    return rows;
  };

  const unpack = async () => {
    const bytes = Uint8Array.from(atob(document.getElementById("mien-rows").textContent), (c) => c.charCodeAt(0));
    return new Blob([await new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer()], { type: "text/csv" });
  };

  // Names of files are told apart by their end, which the style would cut: without their middle, unless two are alike then. See report.scopes.
  const fitted = (name) => {
    const letters = [...name];
    return letters.length <= 30 ? name : `${letters.slice(0, 15).join("")}…${letters.slice(-14).join("")}`;
  };
  const labelled = (names) => {
    const uses = new Map();
    for (const name of names) uses.set(fitted(name), (uses.get(fitted(name)) ?? 0) + 1);
    return new Map([...names].map((name) => [name, uses.get(fitted(name)) === 1 ? fitted(name) : name]));
  };

  const PAGE = 25;
  let csv = null, head = [], rows = [], labels = new Map(), page = 0;
  const box = document.getElementById("rows");

  const list = () => {
    if (!box || csv === null) return;
    const scope = data.scopes[current()];
    const at = Object.fromEntries(head.map((name, i) => [name, i]));
    const own = rows.filter((row) => (scope.source === null || row[at.source] === scope.source)
      && (scope.person === null || row[at.person] === String(scope.person)));
    const columns = document.getElementById("all-columns").checked ? head : data.table.short;
    page = Math.max(0, Math.min(page, Math.ceil(own.length / PAGE) - 1));
    const shown = own.slice(page * PAGE, (page + 1) * PAGE);
    const body = box.querySelector("tbody"), names = box.querySelector("thead");
    const line = (cells, tag) => {
      const row = document.createElement("tr");
      cells.forEach((value, i) => {
        const heads = tag === "th" || (i === 0 && value !== ""); // an empty cell names no row
        const cell = document.createElement(heads ? "th" : "td");
        if (heads) cell.scope = tag === "th" ? "col" : "row";
        cell.title = value;
        cell.textContent = columns[i] === "source" ? labels.get(value) ?? value : value;
        if (columns[i] === "source") cell.className = "source";
        row.append(cell);
      });
      return row;
    };
    names.replaceChildren(line(columns, "th"));
    body.replaceChildren(...shown.map((row) => line(columns.map((name) => row[at[name]]), "td")));
    const number = (value) => value.toLocaleString(language);
    document.getElementById("rows-of").textContent = own.length
      ? say("rows_of", { from: number(page * PAGE + 1), to: number(page * PAGE + shown.length), of: number(own.length) }) : words.no_rows;
    document.getElementById("previous").disabled = page === 0;
    document.getElementById("next").disabled = (page + 1) * PAGE >= own.length;
  };

  const startRows = async () => {
    if (!box) return;
    const state = document.getElementById("rows-of");
    if (!("DecompressionStream" in window)) { state.textContent = words.too_old; return; }
    csv = await unpack();
    rows = parse(await csv.text());
    head = rows.shift();
    const at = head.indexOf("source");
    labels = labelled(new Set(rows.map((row) => row[at])));
    const download = document.getElementById("download");
    download.disabled = false;
    download.addEventListener("click", () => {
      const link = document.createElement("a");
      link.href = URL.createObjectURL(csv);
      link.download = data.table.file;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    });
    document.getElementById("all-columns").addEventListener("change", list);
    document.getElementById("previous").addEventListener("click", () => { page--; list(); });
    document.getElementById("next").addEventListener("click", () => { page++; list(); });
    list();
    document.documentElement.dataset.ready = "yes";
  };

  for (const part of document.querySelectorAll("[data-needs-script]")) part.hidden = false;
  for (const figure of document.querySelectorAll("figure[data-chart]")) figure.querySelector("button").addEventListener("click", () => save(figure));
  chooser?.addEventListener("change", choose);
  dark.addEventListener("change", draw);
  narrow.addEventListener("change", draw);
  const folded = [...document.querySelectorAll("details")];
  let opened = []; // what stands open for the print alone
  addEventListener("beforeprint", () => {
    if (!printing) opened = folded.filter((one) => !one.open); // it may come twice before one afterprint
    printing = true;
    document.documentElement.dataset.printing = "yes";
    for (const one of opened) one.open = true;
    draw();
  });
  addEventListener("afterprint", () => {
    printing = false;
    delete document.documentElement.dataset.printing;
    for (const one of opened) one.open = false;
    draw();
  });
  if (data.scopes.length) choose();
  startRows();
})();
