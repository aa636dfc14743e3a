// Starts the page: asks the server what it is, then sets up the tabs.

import * as api from "./api.js";
import { leaveCamera, setUpCamera } from "./camera.js";
import { setPalette } from "./colours.js";
import { complaint } from "./complaints.js";
import { byId } from "./dom.js";
import { setUpOptions } from "./options.js";
import { resumePictures, setUpPictures } from "./pictures.js";
import { setUpSessions, showSessions } from "./sessions.js";
import { resumeVideos, setUpVideos } from "./videos.js";
import { browserLanguage, keptLanguage, onLanguage, say, setLanguage, setVocabulary } from "./words.js";

let about = null;

api.onReach((answers) => {
  const back = answers && !byId("gone").hidden;
  byId("gone").hidden = answers;
  if (!back || !about) return;
  resumePictures();
  resumeVideos();
  if (!byId("panel-sessions").hidden) showSessions();
});

const begin = async () => {
  let answer;
  try {
    answer = await api.about();
  } catch (error) {
    if (error instanceof api.ServerGone || about) return; // what goes on says for itself what is wrong
    byId("gone").hidden = false;
    byId("gone").querySelector("span").textContent = complaint(error);
    return;
  }
  if (about) return;
  about = answer;
  setPalette(about.emotions);
  setVocabulary(about);
  setLanguage(keptLanguage() ?? browserLanguage() ?? about.language);
  setUpOptions(about);
  setUpPictures(about);
  setUpVideos(about);
  setUpCamera(about);
  setUpSessions();
  byId("tab-sessions").hidden = !about.sessions;
  byId("language").value = document.documentElement.lang;
  const version = () => (byId("version").textContent = say("version", { version: about.version }));
  onLanguage(version);
  version();
  byId("main").hidden = false;
  openTab(named(location.hash), { focus: false });
};

const tabs = () => [...document.querySelectorAll("[role=tab]")].filter((tab) => !tab.hidden);
const named = (hash) => tabs().find((tab) => `#${tab.id.slice(4)}` === hash) ?? tabs()[0];

const openTab = (chosen, { focus = true } = {}) => {
  for (const tab of document.querySelectorAll("[role=tab]")) {
    tab.setAttribute("aria-selected", String(tab === chosen));
    tab.tabIndex = tab === chosen ? 0 : -1;
    byId(tab.getAttribute("aria-controls")).hidden = tab !== chosen;
  }
  if (chosen.id !== "tab-camera") leaveCamera();
  byId("options").hidden = chosen.id === "tab-sessions";
  if (chosen.id === "tab-sessions") showSessions();
  history.replaceState(null, "", `#${chosen.id.slice(4)}`);
  if (focus) chosen.focus();
};

for (const tab of document.querySelectorAll("[role=tab]")) tab.addEventListener("click", () => openTab(tab));
addEventListener("hashchange", () => about && openTab(named(location.hash), { focus: false }));
document.querySelector("[role=tablist]").addEventListener("keydown", (event) => {
  const all = tabs();
  const at = all.indexOf(event.target);
  const next = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: all.length - 1 }[event.key];
  if (at < 0 || next === undefined) return;
  event.preventDefault();
  openTab(all[(next + all.length) % all.length]);
});

// A file dropped beside a drop zone would replace the page.
for (const name of ["dragover", "drop"]) addEventListener(name, (event) => event.preventDefault());

byId("language").addEventListener("change", (event) => setLanguage(event.target.value, { keep: true }));
byId("again").addEventListener("click", begin);
setLanguage(keptLanguage() ?? browserLanguage() ?? "en");
begin();
