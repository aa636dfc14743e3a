// What is asked of the server and how answers are drawn: one form for all tabs.

import { byId, make } from "./dom.js";
import { language, megabytes, onLanguage, say } from "./words.js";

const listeners = [];
// Called with "analysis" when faces have to be read again, with "drawing" when only their looks change.
export const onOptions = (listener) => listeners.push(listener);
const changed = (what) => listeners.forEach((listener) => listener(what));

const value = (id) => byId(id).value;

// The query of everything that reads faces.
export const analysis = () => ({ model: value("option-model"), detector: value("option-detector"), affect: value("option-affect") });

export const captionLanguage = () => value("option-captions") || language();
export const colourBy = () => value("option-colour");
export const showAffect = () => byId("option-va").checked;
export const anonymize = () => byId("option-anonymize").checked;

// The query of an annotated picture.
export const drawing = () => ({ colour: colourBy(), language: captionLanguage(), va: showAffect() || null, anonymize: anonymize() || null });

const fill = (id, entries, chosen) => {
  const select = byId(id);
  select.replaceChildren(...entries.map(({ name }) => make("option", { value: name })));
  select.value = chosen ?? "";
};

// A model with its size, which the server writes in English: `base: 2.7 MB`.
const named = ({ name, about }) => {
  const size = /^([\d.]+) MB$/.exec(about);
  return about ? `${name}: ${size ? megabytes(Number(size[1]) * 1e6) : about}` : name;
};

export const setUpOptions = (about) => {
  const sources = about.affect.map((name) => ({ name }));
  const lists = [
    ["option-model", about.models],
    ["option-detector", about.detectors],
  ];
  for (const [id, entries] of lists) fill(id, entries, (entries.find((entry) => entry.default) ?? entries[0])?.name);
  fill("option-affect", sources, sources[0]?.name);
  const rename = () => {
    for (const [id, entries] of lists) entries.forEach((entry, k) => (byId(id).options[k].textContent = named(entry)));
    for (const option of byId("option-affect").options) option.textContent = say(`affect_${option.value}`);
  };
  onLanguage(rename);
  rename();
  for (const id of ["option-model", "option-detector", "option-affect"]) byId(id).addEventListener("change", () => changed("analysis"));
  for (const id of ["option-captions", "option-colour", "option-va", "option-anonymize"]) {
    byId(id).addEventListener("change", () => changed("drawing"));
  }
  onLanguage(() => changed("drawing"));
};
