// The tab Sessions: the table of what the store holds, each with its page, its table and a way to erase it.

import { address, deleteSession, ServerGone, sessions } from "./api.js";
import { complaint } from "./complaints.js";
import { byId, frameOf, keepFocus, make } from "./dom.js";
import { captionLanguage } from "./options.js";
import { moment, number, onLanguage, say } from "./words.js";

const NUMBERS = ["frame_count", "face_count", "row_count"];
const COUNTED = ["frames", "faces", "rows"];
const COLUMNS = ["id", "name", "started", "state", "frames", "faces", "rows", "actions"];

let found = null;
let shown = null; // the page that is open: its session, its parts, and whether it is still waited for

export const setUpSessions = () => {
  byId("sessions-refresh").addEventListener("click", showSessions);
  onLanguage(() => {
    render();
    if (shown) ask();
  });
};

export const showSessions = async () => {
  try {
    found = await sessions();
    tell("");
  } catch (error) {
    if (!(error instanceof ServerGone)) tell(complaint(error));
  }
  render();
};

const tell = (text) => (byId("sessions-status").textContent = text);

const render = () => keepFocus(fill, () => [byId("sessions-table"), byId("sessions-refresh")]);

const fill = () => {
  if (!found) return;
  byId("sessions-table").hidden = !found.length;
  if (!found.length) return tell(say("no_sessions"));
  const head = make("tr", {}, ...COLUMNS.map((name) => make("th", { scope: "col", className: COUNTED.includes(name) ? "number" : "", textContent: say(`column_${name}`) })));
  const table = make("table", {}, make("thead", {}, head), make("tbody", {}, ...found.map(line)));
  byId("sessions-table").replaceChildren(table);
};

const line = (session) => {
  const states = { running: "state_running", finished: "state_finished", "broken off": "state_broken off" };
  const action = (key, press, className = "") => {
    const button = make("button", { type: "button", id: `${key}-${session.id}`, className, textContent: say(key), "aria-label": say("action_on", { action: say(key), name: session.name }) });
    button.addEventListener("click", press);
    return button;
  };
  const table = { className: "button", textContent: "CSV", "aria-label": say("action_on", { action: "CSV", name: session.name }) };
  const csv = session.row_count
    ? make("a", { ...table, href: address(`api/sessions/${session.id}/table.csv`), download: "" })
    : make("button", { ...table, type: "button", disabled: true });
  return make(
    "tr", {},
    make("td", { textContent: session.id }),
    make("th", { scope: "row", textContent: session.name }),
    make("td", { textContent: moment(session.started) }),
    make("td", { textContent: states[session.state] ? say(states[session.state]) : session.state }),
    ...NUMBERS.map((name, k) => make("td", { className: "number", textContent: number(session[name] ?? 0), "data-column": say(`column_${COUNTED[k]}`) })),
    make("td", {}, make("div", { className: "line" }, action("open", () => open(session)), csv, action("delete", () => erase(session), "danger"))),
  );
};

const open = (session) => {
  const stays = shown?.session.id === session.id && (shown.waited || ![shown.session, session].some(({ state }) => state === "running")); // of one that runs, or ran then, there is more by now
  if (!stays) build(session);
  ask();
  shown.title.focus();
};

const build = (session) => {
  close();
  const title = make("h2", { textContent: session.name, tabIndex: -1 });
  const link = make("a", { className: "button", target: "_blank", rel: "noopener" });
  const away = make("button", { type: "button" });
  away.addEventListener("click", () => keepFocus(close, () => [byId(`open-${session.id}`), byId("sessions-table")]));
  const status = make("p", { className: "status", role: "status" });
  shown = { session, title, link, away, status };
  byId("session-page").replaceChildren(make("section", {}, make("div", { className: "head" }, title, link, away), status));
};

// Asks for the page of what is open, once for each language: a server may work on it for long. With a frame that is taken away its request
// ends, and the server need not go on.
const ask = () => {
  const { session, link, away, status } = shown;
  link.href = address(`sessions/${session.id}`, { language: captionLanguage() });
  link.textContent = say("open_page");
  away.textContent = say("close");
  if (shown.asked !== link.href) {
    shown.frame?.remove();
    const frame = frameOf(link.href);
    frame.addEventListener("load", () => {
      if (shown?.frame !== frame) return;
      shown.waited = false;
      status.textContent = "";
    });
    Object.assign(shown, { frame, asked: link.href, waited: true });
    status.after(frame);
  }
  shown.frame.title = say("page_of", { name: session.name });
  status.textContent = shown.waited ? say("reading") : "";
};

const close = () => {
  shown = null;
  byId("session-page").replaceChildren();
};

const erase = async (session) => {
  if (!confirm(say(session.state === "running" ? "confirm_running" : "confirm_session", { id: session.id, name: session.name }))) return;
  let failed = null;
  try {
    await deleteSession(session.id);
  } catch (error) {
    if (error instanceof ServerGone) return;
    if (error.status !== 404) failed = complaint(error); // 404: somebody else erased it, which is as good
  }
  await showSessions(); // also after a complaint: it may be deleted, but its bytes not be off the disk yet
  if (failed) tell(failed);
  if (shown && !found.some(({ id }) => id === shown.session.id)) close();
};
