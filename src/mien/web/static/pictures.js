// The tab Pictures: files, pasted pictures and addresses, each read by a request of its own and shown as a card.

import { analyze, ApiError, readable, ServerGone } from "./api.js";
import { onTheme } from "./colours.js";
import { complaint } from "./complaints.js";
import { byId, dropZone, keepFocus, make, nearest, save } from "./dom.js";
import { Boxes, FaceList } from "./faces.js";
import { analysis, drawing, onOptions } from "./options.js";
import { about, megabytes, onLanguage, percent, say } from "./words.js";

const AT_ONCE = 2; // requests; more would only queue up in the server
const SMALLEST = 280; // px that a picture is wide on the page, so that a crop of one face can be looked at

let server = null; // what the server said about itself
let items = [];

export const setUpPictures = (aboutServer) => {
  server = aboutServer;
  byId("picture-files").addEventListener("change", (event) => {
    addFiles([...event.target.files]);
    event.target.value = ""; // so that the same file can be chosen again
  });
  dropZone(byId("panel-pictures"), addFiles);
  document.addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (byId("panel-pictures").hidden || !files.length) return;
    event.preventDefault();
    addFiles(files, { pasted: true });
  });
  byId("picture-url-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const field = byId("picture-url");
    add({ url: field.value.trim(), name: field.value.trim() });
    field.value = "";
  });
  byId("picture-clear").addEventListener("click", () => [...items].forEach(remove));
  byId("picture-csv").addEventListener("click", (event) => downloadAll("csv", event.target));
  byId("picture-jsonl").addEventListener("click", (event) => downloadAll("jsonl", event.target));
  onOptions((what) => {
    if (what === "analysis") readAgain(items);
    else redraw();
  });
  onLanguage(redraw);
  onTheme(redraw);
};

// After the server was away: what it did not read.
export const resumePictures = () => readAgain(items.filter((item) => item.state === "failed" && !unread(item)));

const addFiles = (files, { pasted = false } = {}) => {
  for (const file of files) {
    const item = { file, name: pasted ? say("pasted") : file.name };
    if (file.type.startsWith("video/")) item.refused = () => say("is_video");
    else if (file.size > server.max_picture_mb * 1e6) item.refused = () => say("too_big", { size: megabytes(file.size), most: server.max_picture_mb });
    add(item);
  }
};

const add = (item) => {
  item.state = item.refused ? "failed" : "waiting";
  item.source = item.file ? URL.createObjectURL(item.file) : null;
  items.push(item);
  item.card = make("section", { className: "card" });
  item.away = make("button", { type: "button", className: "quiet", textContent: "×" });
  item.away.addEventListener("click", () => remove(item));
  item.line = lineOf(item);
  byId("picture-list").append(item.card);
  render(item);
  work();
};

const remove = (item) => {
  const alike = nearest(items, item).filter((other) => unread(other) === unread(item));
  const drop = () => {
    item.stop?.abort();
    items = items.filter((other) => other !== item);
    forget(item);
    item.card.remove();
    summarise();
  };
  keepFocus(drop, () => [...alike.map((other) => (unread(other) ? other.line.away : other.away)), byId("picture-files")]);
};

const forget = (item) => {
  item.boxes?.release();
  for (const name of ["source", "drawn"]) {
    if (item[name]) URL.revokeObjectURL(item[name]);
    item[name] = null;
  }
};

const readAgain = (which) => {
  for (const item of which) {
    if (item.refused) continue;
    item.stop?.abort();
    item.state = "waiting";
    render(item);
  }
  work();
};

const work = () => {
  summarise();
  const busy = items.filter((item) => item.state === "reading").length;
  for (const item of items.filter(({ state }) => state === "waiting").slice(0, AT_ONCE - busy)) read(item);
};

const read = async (item) => {
  item.state = "reading";
  const stop = (item.stop = new AbortController());
  render(item);
  try {
    if (item.file && !(await readable(item.file))) throw new ApiError(say("unreadable"));
    const { pictures, failures } = await (await analyze(item, analysis(), stop.signal)).json();
    if (stop.signal.aborted) return;
    if (!pictures.length) throw new ApiError(failures[0]?.error ?? "");
    item.picture = pictures[0];
    // The URL of a drawing made by other options is of no use any more.
    if (item.drawn) URL.revokeObjectURL(item.drawn);
    item.drawn = null;
    item.chosen = null;
    item.state = "done";
  } catch (error) {
    if (stop.signal.aborted) return;
    item.state = "failed";
    item.error = error instanceof ServerGone ? null : error;
    if (error instanceof ServerGone) {
      for (const other of items) if (other.state === "waiting") other.state = "failed"; // they would fare no better until tried again
    }
  }
  render(item);
  work();
};

// One that is no picture, say; not one that only found no server.
const unread = ({ state, error, refused }) => state === "failed" && Boolean(error || refused);

const why = ({ file, name, refused }, error) => (refused ? about(name, refused()) : complaint(error, file ? "picture" : "url", name));

// A line in the list of those that could not be read; made once, so that it keeps the focus.
const lineOf = (item) => {
  const text = make("span");
  const away = make("button", { type: "button", className: "quiet", textContent: "×" });
  away.addEventListener("click", () => remove(item));
  return { element: make("li", {}, text, away), text, away };
};

const summarise = () => {
  const done = items.filter(({ state }) => state === "done");
  const failed = items.filter(unread);
  const ahead = items.filter(({ state }) => state === "waiting" || state === "reading").length;
  const faces = done.reduce((sum, { picture }) => sum + picture.faces.length, 0);
  const parts = [];
  if (ahead) parts.push(say("reading_n", { n: items.length - ahead + 1, of: items.length }));
  else if (done.length) parts.push(say("pictures_read", { n: done.length, faces: say("faces", { n: faces }) }));
  if (failed.length) parts.push(say("not_read", { n: failed.length }));
  const status = byId("picture-status");
  if (status.textContent !== parts.join("; ")) status.textContent = parts.join("; ");
  byId("picture-tools").hidden = !items.length;
  for (const id of ["picture-csv", "picture-jsonl"]) byId(id).disabled = !done.length || ahead > 0;
  const lines = failed.map((item) => {
    const { element, text, away } = item.line;
    const told = why(item, item.error);
    if (text.textContent !== told) text.textContent = told;
    away.setAttribute("aria-label", say("remove_named", { name: item.name }));
    return element;
  });
  const list = byId("picture-failures");
  for (const line of [...list.children]) if (!lines.includes(line)) line.remove();
  for (const [k, line] of lines.entries()) if (list.children[k] !== line) list.insertBefore(line, list.children[k] ?? null);
  list.hidden = !lines.length;
};

const redraw = () => {
  for (const item of items) {
    if (item.drawn) {
      URL.revokeObjectURL(item.drawn); // its captions and colours are the server's
      item.drawn = null;
    }
    render(item);
  }
  summarise();
};

const render = (item) => keepFocus(() => fill(item), () => [item.away]);

const fill = (item) => {
  const { card, picture, away } = item;
  card.hidden = unread(item);
  card.setAttribute("aria-busy", String(item.state !== "done"));
  if (picture && card.querySelector(".result") && item.state !== "done") return; // what was read before stays until there is better
  item.boxes?.release();
  item.boxes = null;
  const title = make("h2", { textContent: item.name });
  away.title = say("remove");
  away.setAttribute("aria-label", say("remove_named", { name: item.name }));
  const head = make("div", { className: "head" }, title, away);
  if (item.state !== "done") {
    card.replaceChildren(head, make("p", { className: "note", textContent: say(item.state === "reading" ? "reading" : "waiting") }));
    return;
  }
  const faces = picture.faces;
  const list = faces.length ? new FaceList(server.emotions, (key, how) => choose(item, key, how)) : null;
  item.list = list;
  list?.show(faces, say("faces_of", { name: item.name }));
  const count = make("p", { className: faces.length ? "count" : "count none", textContent: counted(faces) });
  const note = picture.note ? make("p", { className: "note", textContent: picture.note }) : null; // truncated, animated and the like
  const side = make("div", { className: "side" }, count, note, list?.element);
  card.replaceChildren(head, make("div", { className: "result" }, make("div", {}, stage(item), downloads(item)), side));
  if (item.chosen !== null) choose(item, item.chosen);
};

const counted = (faces) => {
  if (!faces.length) return say("no_face");
  const unsure = faces.filter((row) => row.unsure).length;
  return say("faces", { n: faces.length }) + (unsure ? `, ${say("of_them_unsure", { n: unsure })}` : "");
};

// The picture with its boxes. One that the browser cannot show, or may not fetch, is shown as the server draws it.
const stage = (item) => {
  const { picture } = item;
  const boxes = (item.boxes = new Boxes((key) => choose(item, key)));
  const image = make("img", { alt: `${item.name}: ${counted(picture.faces)}`, decoding: "async" });
  const element = make("div", { className: "stage" }, image, boxes.element);
  image.width = picture.width;
  image.height = picture.height;
  if (picture.width < SMALLEST) image.style.width = `${SMALLEST}px`;
  const show = () => boxes.show(picture.faces, picture, { bare: !item.source });
  const drawn = async () => {
    if (item.source) URL.revokeObjectURL(item.source);
    item.source = null;
    show();
    try {
      item.drawn ??= URL.createObjectURL(await (await analyze(item, { ...analysis(), ...drawing(), format: "jpg" })).blob());
      image.src = item.drawn;
    } catch (error) {
      if (!(error instanceof ServerGone)) element.after(make("p", { className: "note", textContent: why(item, error) }));
    }
  };
  if (item.source) {
    image.addEventListener("error", drawn, { once: true });
    image.addEventListener("load", () => {
      // Boxes lie in the upright picture; a browser that turned it otherwise would put them into the wrong place.
      if (item.source && Math.abs(image.naturalWidth / image.naturalHeight / (picture.width / picture.height) - 1) > 0.02) drawn();
    });
    image.src = item.source;
    show();
  } else drawn();
  return element;
};

const choose = (item, key, how) => {
  item.chosen = key;
  item.boxes.mark(key);
  item.list.mark(key, how);
};

const downloads = (item) => {
  const stem = (item.file?.name ?? item.name.split(/[?#]/)[0].split("/").pop() ?? "").replace(/\.[^.]*$/, "") || "picture";
  const kinds = [
    ["CSV", "csv", `${stem}.csv`],
    ["JSON Lines", "jsonl", `${stem}.jsonl`],
    [say("annotated"), "jpg", `${stem}-annotated.jpg`],
  ];
  const message = make("p", { className: "error", role: "alert", hidden: true });
  const buttons = kinds.map(([text, format, name]) => {
    const button = make("button", { type: "button", textContent: text, "aria-label": say("action_on", { action: text, name: item.name }) });
    button.addEventListener("click", () =>
      busily(button, message, async () => save(await (await fetched(item, format)).blob(), name)));
    return button;
  });
  const size = make("span", { className: "note", textContent: `${item.picture.width} × ${item.picture.height}` });
  return make("div", { className: "line downloads" }, size, make("span", { className: "spacer" }), ...buttons, message);
};

const fetched = (item, format) => analyze(item, { ...analysis(), format, ...(format === "jpg" ? drawing() : {}) });

const busily = (button, message, job) => {
  const work = async () => {
    button.disabled = true;
    message.hidden = true;
    try {
      await job();
    } catch (error) {
      if (!(error instanceof ServerGone)) {
        message.textContent = error.message ? complaint(error, "picture") : say("download_failed");
        message.hidden = false;
      }
    }
    button.disabled = false;
  };
  return keepFocus(work, () => [button]);
};

// One table of all pictures: their tables one below the other, with the first one's line of names.
const downloadAll = (format, button) => {
  const status = byId("picture-status");
  busily(button, byId("picture-error"), async () => {
    const texts = [];
    const done = items.filter(({ state }) => state === "done");
    for (const [k, item] of done.entries()) {
      status.textContent = percent(k / done.length);
      texts.push(await (await fetched(item, format)).text());
    }
    const tables = format === "csv" ? texts.map((text, k) => (k ? text.slice(text.indexOf("\n") + 1) : text)) : texts;
    save(new Blob(tables), `faces.${format}`);
  }).then(summarise);
};
