// The tab Camera: frames go to the server over a WebSocket, one at a time; what it read is drawn over the view, and over time.

import { about, ServerGone, socketAddress } from "./api.js";
import { drawChart, SECONDS } from "./chart.js";
import { emotionColour, onPage, onTheme, themeColour } from "./colours.js";
import { complaint } from "./complaints.js";
import { byId, keepFocus, make } from "./dom.js";
import { Bars, Boxes, heading, keyOf } from "./faces.js";
import { analysis, onOptions } from "./options.js";
import { emotionWord, number, onLanguage, say, signed } from "./words.js";

const LONG_SIDE = 640; // px of a frame that is sent; the detector shrinks to that anyway
const QUALITY = 0.85; // of its JPEG
const EVERY = 0.5; // seconds between the samples of a recorded session
const AWAY = 2; // seconds after which somebody else is shown instead of a person out of sight, unless chosen by hand
const DASHES = [[], [2, 3], [7, 4], [8, 3, 2, 3], [], [], [7, 4], [2, 3], [8, 3, 2, 3]]; // by the order of emotions, as on the report pages

let server = null;
let stream = null;
let socket = null;
let run = 0; // counts starts and stops, so that what answers late can see that it is too late
let mirror = true;
let boxes, bars;
let history = new Map(); // person -> {rows: [[seconds, row]], seen}
let last = null; // the latest answer
let person = null;
let byHand = false;
let answers = []; // times of the last answers
let message = null; // () => words, so that they follow the language
let refused = null; // () => words of the server's, before it closes

export const setUpCamera = (aboutServer) => {
  server = aboutServer;
  boxes = new Boxes((key) => choose(key, true));
  bars = new Bars(server.emotions);
  byId("camera-stage").append(boxes.element);
  byId("camera-session-field").hidden = !server.sessions;
  byId("camera-form").addEventListener("submit", (event) => {
    event.preventDefault();
    start();
  });
  byId("camera-stop").addEventListener("click", () => stop());
  byId("camera-device").addEventListener("change", () => stream && start());
  document.addEventListener("visibilitychange", () => document.hidden && byId("camera-start").hidden && stop(() => say("camera_hidden")));
  addEventListener("pagehide", () => stop());
  onOptions((what) => {
    if (what === "analysis" && stream) connect(); // people are counted anew, and a session begins anew
    else redraw();
  });
  onLanguage(() => {
    tell(message);
    redraw();
  });
  onTheme(redraw);
  new ResizeObserver(redraw).observe(byId("camera-charts"));
};

const tell = (words) => {
  message = words;
  byId("camera-status").textContent = words?.() ?? "";
};

const start = async () => {
  if (!navigator.mediaDevices?.getUserMedia) {
    tell(() => say("camera_insecure", { port: location.port && `:${location.port}` }));
    return;
  }
  stop();
  const own = ++run;
  tell(() => say("camera_starting"));
  keepFocus(() => offer("camera-stop"), () => [byId("camera-stop")]);
  const device = byId("camera-device").value;
  const wanted = { width: { ideal: 1280 }, height: { ideal: 720 }, ...(device ? { deviceId: { exact: device } } : { facingMode: "user" }) };
  let given;
  try {
    given = await navigator.mediaDevices.getUserMedia({ video: wanted, audio: false });
  } catch (error) {
    if (own !== run) return;
    const reasons = { NotAllowedError: "camera_denied", SecurityError: "camera_denied", NotFoundError: "camera_none", OverconstrainedError: "camera_none" };
    stop(() => say(reasons[error.name] ?? "camera_busy"));
    return;
  }
  if (own !== run) {
    given.getTracks().forEach((track) => track.stop());
    return;
  }
  stream = given;
  const [track] = stream.getVideoTracks();
  track.addEventListener("ended", () => own === run && stop(() => say("camera_gone")));
  mirror = track.getSettings().facingMode !== "environment"; // the camera at the back of a phone shows the world as it is
  const video = byId("camera-video");
  video.classList.toggle("mirror", mirror);
  video.srcObject = stream;
  byId("camera-live").hidden = false;
  listDevices(track.getSettings().deviceId);
  try {
    await video.play();
  } catch {
    return; // stopped meanwhile
  }
  if (own === run) connect();
};

// Browsers name cameras only after one was allowed.
const listDevices = async (current) => {
  const cameras = (await navigator.mediaDevices.enumerateDevices()).filter(({ kind }) => kind === "videoinput");
  const named = cameras.map(({ deviceId, label }, k) => make("option", { value: deviceId, textContent: label || say("camera_n", { n: k + 1 }) }));
  byId("camera-device").replaceChildren(...named);
  byId("camera-device").value = current ?? "";
  byId("camera-device-field").hidden = cameras.length < 2;
};

// Of the two buttons one is there, from the press on: what is being started can be stopped.
const offer = (id) => {
  for (const button of ["camera-start", "camera-stop"]) byId(button).hidden = button !== id;
  byId("camera-session").disabled = id === "camera-stop";
};

const stop = (words = null) => {
  run += 1;
  hangUp();
  stream?.getTracks().forEach((track) => track.stop());
  stream = null;
  byId("camera-video").srcObject = null;
  const empty = () => {
    boxes.clear();
    byId("camera-live").hidden = true;
    offer("camera-start");
  };
  keepFocus(empty, () => [byId("camera-start")]);
  tell(words);
};

const hangUp = () => {
  if (!socket) return;
  const old = socket;
  socket = null; // first, so that its closing is not taken for the server's
  old.close(1000); // without a code it would look like a connection that was lost, and the session like one that was broken off
};

const connect = () => {
  hangUp();
  [history, last, person, byHand, answers, refused] = [new Map(), null, null, false, [], null];
  boxes.clear();
  const session = server.sessions ? byId("camera-session").value.trim() : "";
  const own = (socket = new WebSocket(socketAddress("api/live", { ...analysis(), ...(session ? { session, every: EVERY } : {}) })));
  let opened = false;
  let recording = Boolean(session);
  byId("camera-recording").textContent = session ? `· ${say("recording", { name: session })}` : "";
  own.addEventListener("open", () => {
    if (own !== socket) return;
    opened = true;
    tell(null);
    send(own);
  });
  own.addEventListener("message", (event) => {
    if (own !== socket) return;
    const answer = JSON.parse(event.data);
    if (answer.error) {
      refused = () => complaint({ message: answer.error, code: answer.code }, "camera");
      tell(refused);
    } else {
      if (refused) tell((refused = null));
      if (recording && answer.not_recorded) {
        recording = false;
        byId("camera-recording").textContent = "";
        const why = answer.not_recorded_code === "session_deleted" ? "not_recorded_deleted" : "not_recorded";
        tell(() => say(why, { name: session }));
      }
      receive(answer);
    }
    send(own);
  });
  own.addEventListener("close", async () => {
    if (own !== socket) return;
    const words = refused ?? (opened ? () => say("socket_closed") : await refusal());
    if (own !== socket) return; // stopped meanwhile
    socket = null;
    stop(words);
  });
};

// Of a handshake that was refused a browser does not tell why: another request finds out.
const refusal = async () => {
  try {
    await about();
    return () => say("socket_closed");
  } catch (error) {
    return () => (error instanceof ServerGone ? say("gone") : complaint(error));
  }
};

// Sends the next picture that the camera gives.
const send = (own) => {
  const video = byId("camera-video");
  const grab = () => {
    if (own !== socket || own.readyState !== WebSocket.OPEN) return;
    if (!video.videoWidth) return send(own);
    const shrink = Math.min(1, LONG_SIDE / Math.max(video.videoWidth, video.videoHeight));
    const canvas = make("canvas", { width: Math.round(video.videoWidth * shrink), height: Math.round(video.videoHeight * shrink) });
    canvas.getContext("2d").drawImage(video, 0, 0, canvas.width, canvas.height);
    canvas.toBlob(
      async (blob) => {
        const bytes = await blob.arrayBuffer(); // of a blob that is not read yet when the page is left, neither it nor the close after it would go
        if (own === socket && own.readyState === WebSocket.OPEN) own.send(bytes);
      },
      "image/jpeg",
      QUALITY,
    );
  };
  if (video.requestVideoFrameCallback) video.requestVideoFrameCallback(grab);
  else requestAnimationFrame(grab);
};

const receive = (answer) => {
  last = answer;
  const now = performance.now() / 1000;
  answers = [...answers, now].filter((time) => now - time < 3);
  for (const row of answer.faces) {
    const entry = history.get(keyOf(row)) ?? { rows: [] };
    history.set(keyOf(row), entry);
    entry.rows.push([answer.time_s, row]);
    entry.seen = answer.time_s;
    while (entry.rows[0][0] < answer.time_s - SECONDS - 1) entry.rows.shift();
  }
  for (const [key, { seen }] of history) if (seen < answer.time_s - SECONDS) history.delete(key);
  const known = history.get(person);
  if (!known || (!byHand && answer.time_s - known.seen > AWAY)) {
    const area = (row) => (row.x2 - row.x1) * (row.y2 - row.y1);
    const nearest = [...answer.faces].sort((a, b) => area(b) - area(a))[0];
    if (nearest) [person, byHand] = [keyOf(nearest), false];
  }
  redraw();
};

const choose = (key, hand) => {
  [person, byHand] = [key, hand];
  redraw();
};

const redraw = () => {
  if (!last || !byId("camera-charts")) return;
  const entry = history.get(person);
  byId("camera-charts").hidden = !history.size;
  if (stream) {
    boxes.chosen = person;
    boxes.show(last.faces, last, { mirror });
    byId("camera-faces").textContent = last.faces.length ? say("shown_now", { n: last.faces.length }) : say("no_face");
    if (last.faces.length > 1 && !byHand) byId("camera-faces").textContent += `. ${say("choose_person")}`;
    const rate = answers.length > 1 ? (answers.length - 1) / (answers.at(-1) - answers[0]) : 0;
    byId("camera-rate").textContent = `· ${say("rate", { rate: number(rate, 1, 1), ms: Math.round(last.ms) })}`;
    byId("camera-person").hidden = !entry;
  }
  if (!entry) return;
  const row = entry.rows.at(-1)[1];
  bars.update(row);
  const line = make("p", { className: "count" }, ...heading(row));
  byId("camera-person").replaceChildren(line, bars.element);
  charts(entry.rows);
};

const charts = (rows) => {
  const emotions = server.emotions.map(({ name }, k) => ({
    name: emotionWord(name), colour: onPage(emotionColour(name)), dash: DASHES[k % DASHES.length],
    points: rows.map(([seconds, row]) => [seconds, row[`p_${name}`]]),
  }));
  const levels = ["valence", "arousal"].map((name, k) => ({
    name: say(name), colour: themeColour(k ? "other" : "accent"), dash: k ? [6, 4] : [],
    points: rows.map(([seconds, row]) => [seconds, row[name]]),
  }));
  const now = last.time_s;
  byId("chart-affect-part").hidden = levels[0].points.every(([, value]) => value === null);
  drawChart(byId("chart-emotions"), { ticks: [0, 0.25, 0.5, 0.75, 1], format: (tick) => number(tick, 0, 2), unit: say("chart_seconds"), lines: emotions, now });
  drawChart(byId("chart-affect"), { ticks: [-1, -0.5, 0, 0.5, 1], format: (tick) => (tick ? signed(tick, 1) : "0"), unit: say("chart_seconds"), lines: levels, now });
  legend(byId("legend-emotions"), emotions);
  legend(byId("legend-affect"), levels);
};

// Names with a piece of their line; made anew only when words or colours change, not with each frame.
const legend = (list, lines) => {
  const state = JSON.stringify(lines.map(({ name, colour }) => [name, colour]));
  if (list.dataset.state === state) return;
  list.dataset.state = state;
  list.replaceChildren(
    ...lines.map(({ name, colour, dash }) => {
      const piece = make("canvas", { width: 56, height: 8, "aria-hidden": "true" });
      const context = piece.getContext("2d");
      context.scale(2, 2);
      context.strokeStyle = colour;
      context.lineWidth = 2;
      context.setLineDash(dash);
      context.moveTo(0, 2);
      context.lineTo(28, 2);
      context.stroke();
      return make("li", {}, piece, name);
    }),
  );
};

export const leaveCamera = () => byId("camera-start").hidden && stop(); // also one that is only being started
