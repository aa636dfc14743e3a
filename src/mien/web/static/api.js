// All talk with the server. A refusal is an ApiError with the server's own line; a server that does not answer, a ServerGone.

import { say } from "./words.js";

export class ApiError extends Error {
  constructor(message, status, code, wait = 0) {
    super(message);
    this.status = status;
    this.code = code; // for words in the page's language
    this.wait = wait; // seconds after which the server would be asked again
  }
}
export class ServerGone extends Error {}

// Told with each request whether the server has answered it, be it with a refusal.
let reached = () => {};
export const onReach = (listener) => (reached = listener);

// Addresses are relative to the page, so that it also works below a path of a proxy.
export const address = (path, query = {}) => {
  const url = new URL(path.replace(/^\/+/, ""), document.baseURI);
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== undefined && value !== "") url.searchParams.set(name, value);
  }
  return url;
};

export const socketAddress = (path, query) => {
  const url = address(path, query);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url;
};

const LONGEST_WAIT = 600; // s; a server, or a proxy before it, may say anything
const seconds = (header) => {
  const given = Number(header ?? 0);
  const wait = Number.isNaN(given) ? (Date.parse(header) - Date.now()) / 1000 : given; // it may be a date
  return Math.min(Math.max(wait || 0, 0), LONGEST_WAIT);
};

const refusal = (status, text, retryAfter) => {
  if (status === 401) return new ApiError(say("token_wanted"), status); // its own line is for programs
  let said = null;
  try {
    said = JSON.parse(text);
  } catch {
    // a proxy's own page, say; the status has to do
  }
  const [failure] = said?.failures ?? []; // of the one picture that was sent
  return new ApiError(failure?.error ?? said?.error ?? `HTTP ${status}`, status, failure?.code ?? said?.code, seconds(retryAfter));
};

const ask = async (path, { query, ...options } = {}) => {
  let answer;
  try {
    answer = await fetch(address(path, query), options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    reached(false);
    throw new ServerGone();
  }
  reached(true);
  if (!answer.ok) throw refusal(answer.status, await answer.text().catch(() => ""), answer.headers.get("Retry-After"));
  return answer;
};

export const about = async () => (await ask("api/about")).json();

// The picture is a File or an address. What comes back is the Response: JSON, or with a `format` the table or the annotated picture.
export const analyze = ({ file, url }, query, signal) => {
  if (url) {
    const headers = { "Content-Type": "application/json" };
    return ask("api/pictures/url", { query, signal, method: "POST", headers, body: JSON.stringify({ url }) });
  }
  const body = new FormData();
  body.append("file", file, file.name);
  return ask("api/pictures", { query, signal, method: "POST", body });
};

// By XMLHttpRequest, since fetch does not tell how much of an upload has gone.
export const uploadVideo = (file, query, { progress, signal }) =>
  new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", address("api/videos", query));
    request.upload.addEventListener("progress", (event) => event.lengthComputable && progress(event.loaded / event.total));
    request.addEventListener("load", () => {
      reached(true);
      if (request.status >= 400) reject(refusal(request.status, request.responseText, request.getResponseHeader("Retry-After")));
      else resolve(JSON.parse(request.responseText));
    });
    request.addEventListener("error", () => {
      reached(false);
      reject(new ServerGone());
    });
    request.addEventListener("abort", () => reject(new DOMException("", "AbortError")));
    signal.addEventListener("abort", () => request.abort());
    const body = new FormData();
    body.append("file", file, file.name);
    request.send(body);
  });

export const video = async (id) => (await ask(`api/videos/${encodeURIComponent(id)}`)).json();
// Of the address that the server gives the end is enough: the rest is as the server sees it, which a proxy may have below a path.
export const resultAddress = (id, given) => address(`api/videos/${encodeURIComponent(id)}/${given.slice(given.lastIndexOf("/") + 1)}`);
export const deleteVideo = (id) => ask(`api/videos/${encodeURIComponent(id)}`, { method: "DELETE" });
export const sessions = async () => (await ask("api/sessions")).json();
export const deleteSession = (id) => ask(`api/sessions/${encodeURIComponent(id)}`, { method: "DELETE" });

// A folder that was dropped, or a file that is gone by now, would end the request just as a server does that is gone.
export const readable = async (file) => {
  try {
    await file.slice(0, 1).arrayBuffer();
    return true;
  } catch {
    return false;
  }
};
