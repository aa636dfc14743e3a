// The tab Videos: a card for each upload, which becomes a job of the server and is asked for each second until it is over.

import { ApiError, deleteVideo, readable, resultAddress, ServerGone, uploadVideo, video } from "./api.js";
import { complaint } from "./complaints.js";
import { byId, dropZone, frameOf, keepFocus, make, nearest } from "./dom.js";
import { analysis, anonymize, captionLanguage } from "./options.js";
import { about, clock, megabytes, number, onLanguage, percent, say } from "./words.js";

const KEPT = "mien.videos"; // ids of jobs, as long as this tab of the browser lives, so that a reload finds them
const POLL = 1000;
const SLOWEST_POLL = 15_000; // while the server is away
const IDLE_POLL = 60_000; // of what is done: a server that was started anew has it no more
const RESULTS = [
  ["csv", "CSV"],
  ["jsonl", "JSON Lines"],
  ["parquet", "Parquet"],
  ["video", "link_video"],
];

let server = null;
const chosen = [];
let cards = [];
let next = null; // the timer of the next upload, where all that wait do so for a later moment

export const setUpVideos = (aboutServer) => {
  server = aboutServer;
  byId("video-files").addEventListener("change", (event) => {
    take([...event.target.files]);
    event.target.value = "";
  });
  dropZone(byId("panel-videos"), take);
  byId("video-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const query = {
      ...analysis(), every: byId("video-every").value || null, annotated: byId("video-annotated").checked,
      anonymize: anonymize() || null, language: captionLanguage(),
    };
    chosen.splice(0).forEach((file) => queue(file, query));
    showChosen();
    upload();
  });
  onLanguage(() => {
    showChosen();
    cards.forEach(render);
  });
  for (const id of kept().reverse()) {
    const card = add({ id, state: "queued" });
    poll(card);
  }
};

// After the server was away: what it still has.
export const resumeVideos = () => cards.filter(({ job }) => job).forEach((card) => poll(card));

const kept = () => {
  try {
    return JSON.parse(sessionStorage.getItem(KEPT)) ?? [];
  } catch {
    return [];
  }
};
const keep = () => {
  try {
    sessionStorage.setItem(KEPT, JSON.stringify(cards.map(({ job }) => job?.id).filter(Boolean)));
  } catch {
    // storage is switched off: a reload will not find the jobs
  }
};

const take = async (files) => {
  const failures = [];
  for (const file of files) {
    if (file.type.startsWith("image/")) failures.push(about(file.name, say("is_picture")));
    else if (file.size > server.max_upload_mb * 1e6) failures.push(about(file.name, say("too_big", { size: megabytes(file.size), most: server.max_upload_mb })));
    else if (!(await readable(file))) failures.push(about(file.name, say("unreadable")));
    else chosen.push(file);
  }
  byId("video-failures").replaceChildren(...failures.map((textContent) => make("li", { textContent })));
  byId("video-failures").hidden = !failures.length;
  showChosen();
  if (chosen.length) byId("video-start").focus();
};

const showChosen = () => keepFocus(listChosen, () => [byId("video-files")]);

const listChosen = () => {
  const lines = chosen.map((file) => {
    const away = make("button", { type: "button", className: "quiet", textContent: "×", "aria-label": say("remove_named", { name: file.name }) });
    away.addEventListener("click", () => {
      const at = chosen.indexOf(file);
      chosen.splice(at, 1);
      const aways = () => byId("video-chosen").querySelectorAll("button");
      keepFocus(listChosen, () => [aways()[at], aways()[at - 1], byId("video-files")]);
    });
    return make("li", {}, make("span", { textContent: `${file.name}, ${megabytes(file.size)}` }), away);
  });
  byId("video-chosen").replaceChildren(...lines);
  byId("video-chosen").hidden = !lines.length;
  byId("video-start").disabled = !lines.length;
};

// A card's parts are made once and only filled anew, so that the page in its frame is not loaded again each second.
const add = (job, file = null) => {
  const card = { job: file ? null : job, file, name: file?.name ?? "", state: job.state };
  card.title = make("h2");
  card.status = make("p", { className: "status", role: "status" });
  card.bar = make("progress", { max: 1 });
  card.count = make("p", { className: "note" });
  card.error = make("p", { className: "error", role: "alert", hidden: true });
  card.failures = make("ul", { className: "failures", hidden: true });
  card.again = make("button", { type: "button" });
  card.again.addEventListener("click", () => tryAgain(card));
  card.end = make("button", { type: "button" });
  card.end.addEventListener("click", () => end(card));
  card.links = make("div", { className: "line" });
  card.page = make("div", { hidden: true });
  const actions = make("div", { className: "line" }, card.links, make("span", { className: "spacer" }), card.again, card.end);
  card.element = make("section", { className: "card" }, card.title, card.status, card.bar, card.count, card.error, card.failures, actions, card.page);
  cards.unshift(card);
  byId("video-list").prepend(card.element);
  render(card);
  return card;
};

const queue = (file, query) => {
  const card = add({ state: "waiting" }, file);
  card.query = query;
  card.from = 0;
};

// One upload at a time: two would only share the line.
const upload = async () => {
  clearTimeout(next);
  if (cards.some(({ state }) => state === "uploading")) return;
  const waiting = cards.filter(({ state }) => state === "waiting");
  const card = waiting.findLast(({ from }) => from <= Date.now());
  if (!card) {
    if (waiting.length) next = setTimeout(upload, Math.max(0, Math.min(...waiting.map(({ from }) => from)) - Date.now()));
    return;
  }
  const stop = new AbortController();
  card.stop = stop;
  card.state = "uploading";
  card.share = 0;
  render(card);
  const progress = (share) => {
    card.share = share;
    render(card);
  };
  try {
    card.job = await uploadVideo(card.file, card.query, { progress, signal: stop.signal });
    card.state = card.job.state;
    card.file = null;
    keep();
    poll(card);
  } catch (error) {
    if (!stop.signal.aborted) {
      card.state = "failed";
      card.failed = () => (error instanceof ServerGone ? say("gone") : complaint(error, "video", card.name));
      card.mayTry = error instanceof ServerGone || error.status >= 500 || error.status === 408; // the others would be refused again
      card.from = Date.now() + 1000 * (error.wait ?? 0);
    }
  }
  render(card);
  upload();
};

// Of one that the server did not take. Where it said when there may be a place, the upload waits until then.
const tryAgain = (card) => {
  Object.assign(card, { state: "waiting", failed: null, mayTry: false, share: 0 });
  keepFocus(() => render(card), () => [card.end]);
  upload();
};

const ongoing = (card) => card.state === "queued" || card.state === "running";

const poll = async (card, wait = POLL) => {
  if (!cards.includes(card)) return;
  try {
    const job = await video(card.job.id);
    if (!cards.includes(card)) return;
    card.job = job;
    card.name = job.name;
    card.state = job.state;
    card.failed = job.error ? () => complaint({ message: job.error, code: job.code }, "video", job.name) : null;
    wait = POLL;
  } catch (error) {
    if (!cards.includes(card)) return;
    if (error instanceof ApiError && error.status === 404) return gone(card);
    if (!(error instanceof ServerGone)) card.failed = () => complaint(error);
    wait = Math.min(wait * 2, SLOWEST_POLL);
  }
  render(card);
  clearTimeout(card.timer); // it may have been asked for twice at the same time
  card.timer = setTimeout(() => poll(card, wait), ongoing(card) ? wait : IDLE_POLL);
};

const gone = (card) => {
  const others = nearest(cards, card);
  cards = cards.filter((other) => other !== card);
  clearTimeout(card.timer);
  keep();
  const words = card.state === "done" ? "video_gone" : "video_lost"; // of one that was not done there never were results
  const told = make("p", { className: "status", role: "status", textContent: say(words) });
  keepFocus(() => card.element.replaceChildren(card.title, told), () => placesAfter(others));
};

// Where to go on from a card that is gone.
const placesAfter = (others) => [...others.map((other) => other.end), byId("video-files")];

// Cancels an upload; has a job stopped and erased with all that it made.
const end = (card) => {
  if (card.state === "done" && !confirm(say("confirm_video", { name: card.name }))) return;
  const others = nearest(cards, card);
  keepFocus(() => erase(card), () => [card.end, ...placesAfter(others)]);
};

const erase = async (card) => {
  card.stop?.abort();
  card.end.disabled = true;
  try {
    if (card.job) await deleteVideo(card.job.id);
  } catch (error) {
    if (!(error instanceof ApiError && error.status === 404)) {
      card.end.disabled = false;
      if (!(error instanceof ServerGone)) card.failed = () => complaint(error);
      render(card);
      return;
    }
  }
  cards = cards.filter((other) => other !== card);
  keep();
  card.element.remove();
  upload();
};

const render = (card) => {
  const { job, state } = card;
  const set = (element, text) => element.textContent !== text && (element.textContent = text); // a status that did not change is not read out
  set(card.title, card.name);
  set(card.status, say(state));
  card.bar.hidden = !(state === "uploading" || ongoing(card));
  const share = state === "uploading" ? card.share : job?.share;
  if (share === null || share === undefined || state === "queued") card.bar.removeAttribute("value");
  else card.bar.value = share;
  card.bar.setAttribute("aria-label", say(state));
  set(card.count, counts(card, share));
  card.error.hidden = !card.failed;
  set(card.error, card.failed?.() ?? "");
  const failures = (job?.failures ?? []).map(({ source, error, code }) => complaint({ message: error, code }, "video", source));
  if (job?.missed) failures.push(say("missed", { n: job.missed }));
  card.failures.hidden = !failures.length;
  card.failures.replaceChildren(...failures.map((textContent) => make("li", { textContent })));
  const over = !(state === "waiting" || state === "uploading" || ongoing(card));
  card.again.hidden = !card.mayTry;
  card.again.textContent = say("again");
  card.again.setAttribute("aria-label", say("action_on", { action: say("again"), name: card.name }));
  card.end.textContent = say(over ? (job ? "delete_now" : "remove") : "cancel");
  results(card);
};

const counts = ({ state, job, file, from }, share) => {
  if (state === "waiting" && from > Date.now()) return say("next_try", { time: clock(from, { second: "2-digit" }) });
  if (state === "uploading" || state === "waiting") return `${percent(share ?? 0)} · ${megabytes(file?.size ?? 0)}`;
  if (!job || job.frames === undefined || state === "queued") return "";
  const parts = [say("frames", { n: job.frames }), say("faces", { n: job.faces })];
  const at = number(job.seconds ?? 0, 1);
  parts.push(job.duration && ongoing({ state }) ? say("seconds_of", { at, whole: number(job.duration, 1) }) : say("seconds", { at }));
  if (share !== null && share !== undefined && state === "running") parts.unshift(percent(share));
  return parts.join(" · ");
};

const results = (card) => {
  const found = card.job?.results ?? {};
  const erased = card.job?.expires ? say("erased_at", { time: clock(card.job.expires) }) : "";
  const shown = JSON.stringify([found, erased, say("open_page")]);
  if (card.shown === shown) return; // a link that is made anew loses the focus
  card.shown = shown;
  card.links.replaceChildren();
  card.page.hidden = !found.page;
  for (const [kind, text] of RESULTS) {
    if (!found[kind]) continue;
    card.links.append(make("a", { className: "button", href: resultAddress(card.job.id, found[kind]), download: "", textContent: kind === "video" ? say(text) : text }));
  }
  if (!found.page) return;
  const page = resultAddress(card.job.id, found.page);
  card.links.prepend(make("a", { className: "button main", href: page, target: "_blank", rel: "noopener", textContent: say("open_page") }));
  card.links.append(make("span", { className: "note", textContent: erased }));
  if (!card.frame) card.page.replaceChildren((card.frame = frameOf(page)));
  card.frame.title = say("page_of", { name: card.name });
};
