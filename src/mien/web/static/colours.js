// Colours of faces: by emotion as the server names them, or by valence; the same as mien draws on pictures.

const DIVERGING = ["#B35806", "#E08214", "#FDB863", "#DDDDDD", "#8DB4E0", "#3F83C9", "#1B4F9C"]; // as mien.vision.colour
const NO_VALENCE = "#BBBBBB";
const CONTRAST = 2.6; // as mien.report.colours: the least ratio between a line and the page

let palette = {};
export const setPalette = (emotions) => {
  palette = Object.fromEntries(emotions.map(({ name, colour }) => [name, colour]));
};

const channels = (colour) => [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
const hex = (values) => "#" + values.map((value) => Math.round(value).toString(16).padStart(2, "0")).join("");

// WCAG 2's relative luminance, and its contrast ratio of two colours.
const luminance = (colour) => {
  const [red, green, blue] = channels(colour).map((value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
};
const contrast = (one, other) => {
  const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
};

export const legibleOn = (plate) => (contrast("#ffffff", plate) >= contrast("#000000", plate) ? "#ffffff" : "#000000");

const ramp = (stops, at) => {
  const place = Math.min(1, Math.max(0, at)) * (stops.length - 1);
  const below = Math.min(Math.floor(place), stops.length - 2);
  const [low, high] = [channels(stops[below]), channels(stops[below + 1])];
  return hex(low.map((value, k) => value + (high[k] - value) * (place - below)));
};

export const emotionColour = (name) => palette[name] ?? NO_VALENCE;

export const faceColour = (row, by) => {
  if (by !== "valence") return emotionColour(row.emotion);
  return row.valence === null ? NO_VALENCE : ramp(DIVERGING, (row.valence + 1) / 2);
};

const dark = matchMedia("(prefers-color-scheme: dark)");
export const onTheme = (listener) => dark.addEventListener("change", listener);

export const themeColour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

// A colour mixed with black, or in the dark theme with white, just as far as it needs to stand out from the page.
export const onPage = (colour) => {
  const surface = themeColour("surface");
  const towards = luminance(surface) > 0.5 ? 0 : 255;
  for (let part = 0; ; part += 0.02) {
    const mixed = hex(channels(colour).map((value) => value + (towards - value) * Math.min(1, part)));
    if (part >= 1 || contrast(mixed, surface) >= CONTRAST) return mixed;
  }
};
