"use strict";
// Examples: filtered by run, problem, verdict, error, edits and search text; each opens to its program and its edits.

const data = JSON.parse(document.getElementById("data").textContent);
const by = (id) => document.getElementById(id);
const FILTERS = ["run", "problem", "verdict", "kind", "edits"];
const AT_ONCE = 40;

let found = [];
let shown = 0;

function passes(example) {
  for (const name of FILTERS) {
    const wanted = by(name).value;
    if (!wanted) continue;
    if (name === "edits" ? !example.edits.includes(wanted) : example[name] !== wanted) return false;
  }
  const word = by("word").value.toLowerCase();
  return !word || haystack(example).includes(word);
}

function haystack(example) {
  const texts = [example.problem, instruction(example), example.detail, example.completion, example.text ?? "", example.suspect && "suspect"];
  return (example.haystack ??= texts.join("\n").toLowerCase());
}

function instruction(example) {
  return data.instructions[example.instruction].trim();
}

function filter() {
  found = data.examples.filter(passes);
  const count = found.length.toLocaleString("en");
  const all = data.examples.length.toLocaleString("en");
  const filtering = found.length < data.examples.length || FILTERS.some((name) => by(name).value) || by("word").value;
  by("found").textContent = !filtering ? `${all} examples` : found.length ? `${count} of ${all} examples` : "No examples match";
  by("clear").hidden = !filtering;
  by("list").replaceChildren();
  shown = 0;
  more();
}

function more() {
  by("list").append(...found.slice(shown, shown + AT_ONCE).map(item));
  shown = Math.min(shown + AT_ONCE, found.length);
  by("more").hidden = shown >= found.length;
}

function item(example) {
  const summary = element(
    "summary",
    {},
    write(element("span", { class: `verdict v-${example.verdict}` }), example.verdict),
    write(element("span", { class: "what" }), `${example.problem} · ${example.index}`),
    ...(data.runs.length > 1 ? [write(element("span", { class: "who" }), example.run)] : []),
    write(element("span", { class: "detail" }), example.detail),
  );
  const box = element("details", {}, summary);
  box.addEventListener("toggle", () => box.open && box.childElementCount === 1 && box.append(opened(example)));
  return element("li", {}, box);
}

function opened(example) {
  const isEdits = !["code", "program"].includes(example.format);
  const inside = element("div", { class: "inside" });
  if (example.detail) inside.append(write(element("p", { class: "verdict-detail" }), example.detail));
  inside.append(write(element("p", { class: "note" }), [example.run, example.format, ...example.facts].filter(Boolean).join(" · ")));
  if (instruction(example)) inside.append(write(element("p", { class: "instruction", tabindex: "0" }), instruction(example)));
  if (example.suspect) inside.append(write(element("p", { class: "why" }), `Suspect: ${example.suspect}`));
  if (example.cut) inside.append(element("p", { class: "why" }, "The text is cut: only its beginning is shown."));
  const columns = element("div", { class: "columns" });
  columns.append(block("Program", program(example.text ?? example.completion)));
  if (isEdits) columns.append(block("Edits, as written", edits(example.completion)));
  else if (example.text !== null) columns.append(block("Completion, as written", program(example.completion)));
  inside.append(columns);
  return inside;
}

function block(title, code) {
  return element("div", { class: "block" }, element("h4", {}, title), code);
}

/** Return a program with numbered, colored lines. */
function program(text) {
  const lines = text.split("\n");
  if (lines.length > 1 && lines[lines.length - 1] === "") lines.pop();
  const rows = color(lines).map((pieces) => {
    const row = element("span", { class: "row" });
    for (const [name, piece] of pieces) write(row, piece, name);
    return row;
  });
  return element("pre", { class: "numbered", tabindex: "0" }, ...rows);
}

/** Return edit text in which the start of each edit and the added lines are marked. */
function edits(text) {
  const rows = text.split("\n").map((line) => {
    const name = line.startsWith("+") ? "plus" : line.startsWith("-") ? "minus" : /^(<\|diff\|>|@@)/.test(line) ? "at" : "";
    return write(element("span", { class: `row ${name}` }), line);
  });
  return element("pre", { tabindex: "0" }, ...rows);
}

function options(name) {
  const values = [...new Set(data.examples.map((example) => example[name]).filter(Boolean))];
  if (name !== "run" && name !== "problem") values.sort();
  for (const value of values) by(name).append(write(element("option", { value }), value));
  by(name).closest(".field").hidden = values.length < (name === "kind" ? 1 : 2);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest(".pick");
  if (!button) return;
  by("filters").reset();
  for (const name of FILTERS) {
    const wanted = button.dataset[name];
    if (wanted === undefined) continue;
    if (![...by(name).options].some((option) => option.value === wanted)) by(name).append(write(element("option", { value: wanted }), wanted));
    by(name).value = wanted;
  }
  filter();
  by("examples").scrollIntoView();
  by("found").focus?.();
});
by("filters").addEventListener("input", filter);
by("filters").addEventListener("submit", (event) => event.preventDefault());
by("clear").addEventListener("click", (event) => {
  event.preventDefault();
  by("filters").reset();
  filter();
});
by("more").addEventListener("click", more);

["run", "problem", "verdict", "kind"].forEach(options);
by("edits").closest(".field").hidden = !data.examples.some((example) => example.edits.length);
filter();
