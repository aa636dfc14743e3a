// The tab Sessions: the table of what the store holds, each with its page, its table and a way to erase it.

import { address, deleteSession, ServerGone, sessions } from "./api.js";
import { byId, frameOf, make } from "./dom.js";
import { captionLanguage } from "./options.js";
import { moment, number, onLanguage, say } from "./words.js";

const NUMBERS = ["frame_count", "face_count", "row_count"];
const COUNTED = ["frames", "faces", "rows"];
const COLUMNS = ["id", "name", "started", "state", "frames", "faces", "rows", "actions"];

let found = null;
let shown = null; // the session whose page is open

export const setUpSessions = () => {
  byId("sessions-refresh").addEventListener("click", showSessions);
  onLanguage(() => {
    render();
    if (shown) open(shown);
  });
};

export const showSessions = async () => {
  try {
    found = await sessions();
    tell("");
  } catch (error) {
    if (!(error instanceof ServerGone)) tell(error.message);
  }
  render();
};

const tell = (text) => (byId("sessions-status").textContent = text);

const render = () => {
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
    const button = make("button", { type: "button", className, textContent: say(key), "aria-label": say("action_on", { action: say(key), name: session.name }) });
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
  shown = session;
  const url = address(`sessions/${session.id}`, { language: captionLanguage() });
  const close = make("button", { type: "button", textContent: say("close") });
  close.addEventListener("click", () => {
    shown = null;
    byId("session-page").replaceChildren();
  });
  const link = make("a", { className: "button", href: url, target: "_blank", rel: "noopener", textContent: say("open_page") });
  const title = make("h2", { textContent: session.name, tabIndex: -1 });
  const frame = frameOf(url);
  frame.title = say("page_of", { name: session.name });
  byId("session-page").replaceChildren(make("section", {}, make("div", { className: "head" }, title, link, close), frame));
  title.focus();
};

const erase = async (session) => {
  if (!confirm(say("confirm_session", { id: session.id, name: session.name }))) return;
  let complaint = null;
  try {
    await deleteSession(session.id);
  } catch (error) {
    if (error instanceof ServerGone) return;
    if (error.status !== 404) complaint = error.message; // 404: somebody else erased it, which is as good
  }
  await showSessions(); // also after a complaint: it may be deleted, but its bytes not be off the disk yet
  if (complaint) tell(complaint);
  if (shown && !found.some(({ id }) => id === shown.id)) {
    shown = null;
    byId("session-page").replaceChildren();
  }
  byId("sessions-table").focus();
};
