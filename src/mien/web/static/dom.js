// One helper to make elements: text goes in as text nodes, so that no name or message of anybody's can become markup.

export const make = (tag, properties = {}, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in element) element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
};

export const byId = (id) => document.getElementById(id);

// Does what may hide, disable or take away the element in focus, and leads the focus on to the first of `next` that can take it: else it
// would fall to the top of the page, where a keyboard or a reader would have to begin again.
export const keepFocus = async (change, next) => {
  const held = document.activeElement ?? document.body;
  await change();
  const now = document.activeElement ?? document.body;
  if (held === document.body || (now !== document.body && canTake(now))) return;
  next().find(canTake)?.focus();
};
const canTake = (element) => Boolean(element) && !element.disabled && element.getClientRects().length > 0;

// The others of a list, from where one of it is: those behind it, then those before it.
export const nearest = (list, one) => [...list.slice(list.indexOf(one) + 1), ...list.slice(0, list.indexOf(one)).reverse()];

// Hands bytes to the browser as a download. The URL must outlive the click, which is read in a later task.
export const save = (blob, name) => {
  const url = URL.createObjectURL(blob);
  make("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
};

// A frame with a page of mien's, which runs its own script, but as a stranger: it can reach nothing of this page.
export const frameOf = (url) => make("iframe", { className: "page", sandbox: "allow-scripts allow-downloads", src: url });

// A place where files may be dropped; `take` gets a list of them.
export const dropZone = (element, take) => {
  let inside = 0; // dragenter and dragleave also come from the children
  const mark = (change) => {
    inside = Math.max(0, inside + change);
    element.classList.toggle("over", inside > 0);
  };
  element.addEventListener("dragenter", () => mark(1));
  element.addEventListener("dragleave", () => mark(-1));
  element.addEventListener("drop", (event) => {
    mark(-inside);
    take([...event.dataTransfer.files]);
  });
};
