// Faces on a picture and beside it: boxes that can be clicked, bars of probabilities, a list of faces.

import { emotionColour, faceColour, legibleOn, onPage } from "./colours.js";
import { make } from "./dom.js";
import { captionLanguage, colourBy, showAffect } from "./options.js";
import { emotionWord, percent, reasonWords, say, signed } from "./words.js";

const FEW = 3; // so many faces are shown with all their bars at once; of more, only the one chosen

export const keyOf = (row) => row.person ?? row.face;
const nameOf = (row) => ((row.person ?? null) === null ? say("face", { n: row.face + 1 }) : say("person", { n: row.person }));

const caption = (row, lang = captionLanguage()) => {
  let text = `${emotionWord(row.emotion, lang)} ${percent(row.emotion_p)}`;
  if (row.unsure) text = `${say("unsure", {}, lang)}: ${text}`;
  if (row.person !== null && row.person !== undefined) text = `#${row.person} ${text}`;
  if (showAffect() && row.valence !== null) text += `\nV ${signed(row.valence)}  A ${signed(row.arousal)}`;
  return text;
};

const titled = (row) => {
  const doubt = row.unsure ? `. ${say("unsure_because", { reasons: reasonWords(row.reasons) })}` : "";
  return `${nameOf(row)}: ${emotionWord(row.emotion)} ${percent(row.emotion_p)}${doubt}`;
};

// Boxes over a picture or a video, placed in shares of its size, so that they follow when it is scaled. Each is a button.
export class Boxes {
  constructor(choose) {
    this.element = make("div", { className: "boxes" });
    this.choose = choose;
    this.byKey = new Map();
    this.resized = new ResizeObserver(() => this.settle());
    this.resized.observe(this.element);
  }

  // mirror: for a camera, in whose view left is right. bare: the picture has its boxes and captions drawn in already.
  show(rows, { width, height }, { mirror = false, bare = false } = {}) {
    const seen = new Set(rows.map(keyOf));
    for (const [key, { button }] of this.byKey) {
      if (seen.has(key)) continue;
      button.remove();
      this.byKey.delete(key);
    }
    for (const row of rows) {
      const clip = (value, most) => Math.min(most, Math.max(0, value)) / most;
      const [x1, x2, y1, y2] = [clip(row.x1, width), clip(row.x2, width), clip(row.y1, height), clip(row.y2, height)];
      const place = { left: mirror ? 1 - x2 : x1, top: y1, width: x2 - x1, height: y2 - y1 };
      const entry = this.byKey.get(keyOf(row)) ?? this.add(keyOf(row));
      entry.place = place;
      const { button, plate } = entry;
      for (const [name, share] of Object.entries(place)) button.style[name] = `${share * 100}%`;
      const colour = faceColour(row, colourBy());
      button.style.setProperty("--c", colour);
      button.style.setProperty("--on", legibleOn(colour));
      button.classList.toggle("unsure", row.unsure);
      button.classList.toggle("bare", bare);
      button.title = titled(row);
      button.setAttribute("aria-label", titled(row));
      plate.textContent = bare ? "" : caption(row);
    }
    this.mark(this.chosen);
  }

  add(key) {
    const plate = make("span", { className: "plate" });
    const button = make("button", { type: "button", className: "box" }, plate);
    button.addEventListener("click", () => this.choose(key));
    this.element.append(button);
    const entry = { button, plate };
    this.byKey.set(key, entry);
    return entry;
  }

  mark(key) {
    this.chosen = key;
    for (const [own, { button }] of this.byKey) button.setAttribute("aria-pressed", String(own === key));
    this.settle();
  }

  // Captions go above or below their box, or into a large one, wherever they cover no other face and no other caption.
  // One without room shows when its box is pointed at or chosen.
  settle() {
    const [width, height] = [this.element.clientWidth, this.element.clientHeight];
    if (!width) return;
    const entries = [...this.byKey].map(([key, { button, plate, place }]) => {
      const box = [place.left * width, place.top * height, place.width * width, place.height * height];
      return { key, button, plate, box, area: box[2] * box[3], size: [plate.offsetWidth, plate.offsetHeight] };
    });
    entries.sort((a, b) => b.area - a.area);
    entries.forEach(({ button }, rank) => (button.style.zIndex = rank + 1)); // a small box on a large one stays within reach
    entries.sort((a, b) => (b.key === this.chosen) - (a.key === this.chosen));
    const taken = [];
    for (const entry of entries) {
      const { key, button, plate, box, size } = entry;
      const others = [...entries.filter((other) => other !== entry).map((other) => other.box), ...taken];
      const places = spots(box, size, width, height);
      const roomy = places.find((spot) => others.every((other) => apart([...spot, ...size], other)));
      const [x, y] = roomy ?? places[0];
      plate.style.left = `${x - box[0]}px`;
      plate.style.top = `${y - box[1]}px`;
      const tucked = !roomy && key !== this.chosen;
      button.classList.toggle("tucked", tucked);
      if (!tucked) taken.push([x, y, ...size]);
    }
  }

  clear() {
    this.byKey.clear();
    this.element.replaceChildren();
  }

  release() {
    this.resized.disconnect();
  }
}

const ROOMY = 5; // lines of caption that a box is high at least, to have its caption inside

const apart = ([x, y, width, height], [ox, oy, owidth, oheight]) => x >= ox + owidth || ox >= x + width || y >= oy + oheight || oy >= y + height;

// Where a caption may stand, best first; all within the picture. Boxes are [left, top, width, height].
const spots = ([left, top, boxWidth, boxHeight], [width, height], fullWidth, fullHeight) => {
  const clip = (value, most) => Math.max(0, Math.min(value, most));
  const xs = [left, left + (boxWidth - width) / 2, left + boxWidth - width].map((x) => clip(x, fullWidth - width));
  const ys = [top - height, top + boxHeight];
  if (boxHeight > ROOMY * height && boxWidth > width) ys.push(top, top + boxHeight - height);
  const all = ys.filter((y) => y >= 0 && y + height <= fullHeight).flatMap((y) => xs.map((x) => [x, y]));
  return all.length ? all : [[xs[0], clip(top, fullHeight - height)]];
};

// The nine probabilities of a face, its valence and arousal, and why mien is not sure; filled anew by update().
export class Bars {
  constructor(emotions) {
    this.lines = emotions.map(({ name }) => ({ name, column: `p_${name}`, ...this.line("bar") }));
    this.levels = ["valence", "arousal"].map((name) => ({ name, ...this.line("bar level") }));
    this.doubt = make("p", { className: "doubt" });
    this.held = make("p", { className: "note", hidden: true });
    this.source = make("p", { className: "note" });
    const list = make("ul", { className: "bars" }, ...this.lines.map(({ item }) => item), ...this.levels.map(({ item }) => item));
    this.element = make("div", {}, this.doubt, list, this.held, this.source);
  }

  line(className) {
    const [word, fill, value] = [make("span"), make("span", { className: "fill" }), make("span", { className: "value" })];
    const track = make("span", { className, "aria-hidden": "true" }, fill);
    return { item: make("li", {}, word, track, value), word, fill, value };
  }

  update(row) {
    for (const { name, column, item, word, fill, value } of this.lines) {
      word.textContent = emotionWord(name);
      value.textContent = percent(row[column] ?? 0);
      fill.style.width = `${(row[column] ?? 0) * 100}%`;
      fill.style.background = onPage(emotionColour(name));
      item.classList.toggle("top", name === row.emotion);
    }
    for (const { name, item, word, fill, value } of this.levels) {
      const level = row[name];
      item.hidden = level === null || level === undefined;
      if (item.hidden) continue;
      word.textContent = say(name);
      value.textContent = signed(level);
      fill.style.left = `${50 + Math.min(0, level) * 50}%`;
      fill.style.width = `${Math.abs(level) * 50}%`;
    }
    this.doubt.hidden = !row.unsure;
    this.doubt.textContent = row.unsure ? say("unsure_because", { reasons: reasonWords(row.reasons) }) : "";
    const most = Math.max(...this.lines.map(({ column }) => row[column] ?? 0));
    this.held.hidden = (row[`p_${row.emotion}`] ?? most) >= most;
    this.held.textContent = say("held");
    this.source.hidden = row.valence === null || !row.affect_from;
    this.source.textContent = row.affect_from ? say("affect_from", { source: row.affect_from }) : "";
  }
}

// A face's name, colour and top emotion, in one line.
export const heading = (row) => {
  const swatch = make("span", { className: "swatch" });
  swatch.style.setProperty("--c", onPage(faceColour(row, colourBy())));
  const parts = [make("span", { className: "who", textContent: nameOf(row) }), make("span", {}, swatch, `${emotionWord(row.emotion)} ${percent(row.emotion_p)}`)];
  if (row.unsure) parts.push(make("span", { className: "badge", textContent: say("unsure") }));
  return parts;
};

// All faces of a picture, each with its bars to unfold.
export class FaceList {
  constructor(emotions, choose) {
    this.emotions = emotions;
    this.choose = choose;
    this.element = make("div", { className: "faces" });
  }

  show(rows, label) {
    this.element.setAttribute("role", "group");
    this.element.setAttribute("aria-label", label);
    this.few = rows.length <= FEW;
    this.entries = new Map(rows.map((row) => [keyOf(row), this.entry(row)]));
    this.element.replaceChildren(...[...this.entries.values()].map(({ element }) => element));
  }

  entry(row) {
    const summary = make("summary", {}, ...heading(row));
    const element = make("details", { className: "face", open: this.few }, summary);
    let bars = null; // of a hundred faces only those looked at get theirs
    const fill = () => {
      if (bars) return;
      bars = new Bars(this.emotions);
      bars.update(row);
      element.append(bars.element);
    };
    if (element.open) fill();
    element.addEventListener("toggle", () => element.open && fill());
    summary.addEventListener("click", () => this.choose(keyOf(row), { fromList: true }));
    return { element, fill };
  }

  mark(key, { fromList = false } = {}) {
    for (const [own, { element, fill }] of this.entries) {
      element.classList.toggle("chosen", own === key);
      if (fromList) continue; // there the click itself folds and unfolds
      if (!this.few) element.open = own === key;
      if (own === key) {
        element.open = true;
        fill(); // before "toggle" comes, since its height is wanted now
        this.element.scrollTop = element.offsetTop - 8; // not scrollIntoView: that would move the page, and the picture out of sight
      }
    }
  }
}
