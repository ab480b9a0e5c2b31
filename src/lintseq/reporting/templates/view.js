// A sequence is the lines of all its states, the index of the edit that inserts each (-1: present at the start) and of
// the one that removes it (none or null: stays), and the texts of the edits. Step n is the state after n edits.

const data = JSON.parse(document.getElementById("data").textContent);
const sequences = data.sequences;
const by = (id) => document.getElementById(id);
const PACE = 1100; // milliseconds from edit to edit
const MOST_ARCS = 80;

let found = sequences.map((_, number) => number); // the sequences that match the filters
let current = 0;
let step = 0;
let clock = null;
let addressing = null;
let address = location.hash; // as last read or written; a different one is a request to navigate
let held = null; // the line of the program that a tap has selected

// Sequences

function prepared(sequence) {
  if (!sequence.lines) {
    sequence.lines = sequence.arrivals.length ? data.programs[sequence.program].split("\n") : [];
    sequence.departures ??= [];
    const numbers = [...sequence.arrivals, ...sequence.departures.map((departure) => departure ?? -1)];
    sequence.count = numbers.reduce((most, number) => Math.max(most, number), -1) + 1;
    sequence.sizes = new Array(sequence.count).fill(0);
    sequence.losses = new Array(sequence.count).fill(0);
    for (const arrival of sequence.arrivals) if (arrival >= 0) sequence.sizes[arrival] += 1;
    for (const departure of sequence.departures) if (departure !== null) sequence.losses[departure] += 1;
    sequence.size = present(sequence, sequence.count).length;
  }
  return sequence;
}

function starts(sequence) {
  return sequence.arrivals.includes(-1);
}

function plural(number, noun) {
  return `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;
}

/** Join items as in prose: "a, b and c". */
function listed(words, last = "and") {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} ${last} ${words[words.length - 1]}`;
}

// The state

/** Return the indices of the lines present after the first `edits` edits, and if `removed` is 1 what the last removes. */
function present(sequence, edits, removed = 0) {
  const stays = (index) => (sequence.departures[index] ?? Infinity) >= edits - removed;
  const lines = [];
  sequence.arrivals.forEach((arrival, index) => arrival < edits && stays(index) && lines.push(index));
  return lines;
}

/** Color the lines of the program, and those of the start that it lacks: a text of its own each. */
function colors(sequence) {
  const colored = [];
  for (const indices of [present(sequence, sequence.count), present(sequence, 0)]) {
    color(indices.map((index) => sequence.lines[index])).forEach((pieces, n) => (colored[indices[n]] ??= pieces));
  }
  sequence.lines.forEach((line, index) => (colored[index] ??= color([line])[0]));
  return colored;
}

/** Describe how many lines an edit inserts and removes: "+3 lines, −1 line". */
function changes(sequence, edit) {
  const counts = [["+", sequence.sizes[edit]], ["−", sequence.losses[edit]]];
  return counts.filter(([, count]) => count).map(([sign, count]) => `${sign}${plural(count, "line")}`).join(", ");
}

function show({ whole = false, scroll = true } = {}) {
  const sequence = prepared(sequences[current]);
  step = Math.min(Math.max(step, 0), sequence.count);
  held = null;
  if (whole) showSequence(sequence);
  const linenos = showProgram(sequence, scroll);
  showEdit(sequence);
  showReasons(sequence, linenos);
  showPlayer(sequence);
  markCharts(sequence);
  document.querySelector("main").dataset.position = `${sequence.row}.${step}`;
  clearTimeout(addressing);
  addressing = setTimeout(keepAddress, 150); // browsers refuse an address that changes with every press of a held key
}

function keepAddress() {
  const fragment = `#${document.querySelector("main").dataset.position}`;
  if (location.hash !== address || address === fragment) return;
  history.replaceState(null, "", fragment);
  address = fragment;
}

function showSequence(sequence) {
  write(emptied("name"), sequence.id || `Row ${sequence.row}`);
  const facts = [["row", String(sequence.row)], ...sequence.facts];
  const spans = facts.map(([name, value]) => write(element("span"), `${name} ${value}`));
  emptied("facts").append(...spans);
  const instruction = emptied("instruction");
  write(instruction, sequence.instruction.trim() || "No instruction comes with this program.");
  instruction.classList.toggle("none", !sequence.instruction.trim());
  unfold(false);
  by("instruction-more").hidden = instruction.scrollHeight <= instruction.clientHeight + 1;
  const alert = emptied("alert");
  alert.hidden = !sequence.differs;
  if (sequence.differs) alert.append("The edits of this row write another program than the row names; this is theirs.");
  const sizes = sequence.sizes.map((size, edit) => size + sequence.losses[edit]);
  const tallest = sizes.reduce((most, size) => Math.max(most, size), 1);
  const bars = sizes.map((size) => {
    const bar = element("span");
    bar.style.setProperty("--height", `${6 + 86 * Math.sqrt(size / tallest)}%`);
    return bar;
  });
  emptied("bars").append(element("span"), ...bars);
  document.querySelector(".player").style.setProperty("--steps", bars.length + 1);
  fitThumb();
  for (const button of by("list").querySelectorAll("button")) {
    if (Number(button.dataset.sequence) === current) {
      button.setAttribute("aria-current", "true");
      keepInView(by("list"), button);
    } else button.removeAttribute("aria-current");
  }
  const position = found.indexOf(current);
  by("sequence-back").disabled = !found.length || position === 0;
  by("sequence-on").disabled = !found.length || position === found.length - 1;
  document.title = `${sequence.id || `row ${sequence.row}`} - ${document.querySelector("h1").textContent}`;
}

function unfold(open) {
  by("instruction").classList.toggle("short", !open);
  by("instruction-more").textContent = open ? "Show less" : "Show all";
  by("instruction-more").setAttribute("aria-expanded", String(open));
}

/** Show the present lines and those that leave, and return the number of each by its index: after or before the edit. */
function showProgram(sequence, scroll) {
  const colored = (sequence.colored ??= colors(sequence));
  const linenos = (sequence.linenos = new Map());
  let before = 0;
  let after = 0;
  const rows = emptied("rows");
  const lines = present(sequence, step, 1);
  rows.style.setProperty("--digits", Math.max(2, String(lines.length).length));
  let first = null;
  let focus = null;
  for (const index of lines) {
    const isNew = step > 0 && sequence.arrivals[index] === step - 1;
    const isGone = step > 0 && sequence.departures[index] === step - 1;
    before += isNew ? 0 : 1;
    after += isGone ? 0 : 1;
    linenos.set(index, isGone ? `${before} (removed)` : String(after));
    const text = element("code", { dir: "ltr" });
    const inner = isGone ? text.appendChild(element("del")) : text;
    for (const [name, piece] of colored[index]) write(inner, piece, name);
    const row = element(
      "li",
      { "data-line": index },
      element("span", { class: "no" }, String(isGone ? before : after)),
      element("span", { class: "plus", "aria-hidden": "true" }, isNew ? "+" : isGone ? "−" : " "),
      text,
    );
    if (isGone) {
      row.className = "gone";
      first ??= row;
    }
    if (isNew) {
      row.className = "new";
      row.tabIndex = focus ? -1 : 0;
      focus ??= row;
      row.setAttribute("aria-describedby", "detail");
      first ??= row;
    }
    rows.append(row);
  }
  rows.classList.remove("fresh");
  void rows.offsetWidth; // restarts the animation
  rows.classList.add("fresh");
  by("nothing").hidden = lines.length > 0;
  by("program-title").textContent = step ? `Program after edit ${step}` : "Before the first edit";
  by("size").textContent = sequence.departures.length
    ? plural(after, "line")
    : `${lines.length.toLocaleString("en")} of ${plural(sequence.size, "line")}`;
  if (scroll) {
    if (first) keepInView(by("program"), first);
    else by("program").scrollTop = 0;
    by("program").scrollLeft = 0;
  }
  return linenos;
}

/** Scroll a box, not the page, until an element in it is visible. */
function keepInView(box, inside) {
  const frame = box.getBoundingClientRect();
  const bounds = inside.getBoundingClientRect();
  const margin = Math.min(60, frame.height / 4);
  if (bounds.top < frame.top + margin || bounds.bottom > frame.bottom - margin) {
    box.scrollTop = Math.round((box.scrollTop + bounds.top - frame.top - frame.height / 3) / 20) * 20;
  }
}

function showEdit(sequence) {
  const edit = emptied("edit");
  const format = sequence.facts.find(([name]) => name === "format");
  by("format").textContent = format ? format[1] : "";
  if (!step) {
    edit.append(element("span", { class: "comment" }, starts(sequence) ? "What the edits start from." : "No edit yet."));
    return;
  }
  const lines = (sequence.edits[step - 1] ?? "").split("\n");
  lines.forEach((line, number) => {
    write(edit, line, line.startsWith("@@") ? "head" : line.startsWith("+") ? "plus" : line.startsWith("-") ? "minus" : "");
    if (number < lines.length - 1) edit.append("\n");
  });
  edit.parentElement.scrollTop = 0;
}

// Reasons

/** Return the needs of each head line (first line of a unit) in the current edit, each with its alternatives. */
function needsNow(sequence) {
  const needs = new Map();
  for (const [line, purpose, ...others] of sequence.needs?.[step - 1] ?? []) {
    if (!needs.has(line)) needs.set(line, []);
    needs.get(line).push({ purpose, others });
  }
  return needs;
}

function showReasons(sequence, linenos) {
  const list = emptied("needs");
  by("detail").textContent = "";
  drawArcs(sequence);
  by("why").textContent = "";
  write(by("why"), reason(sequence, linenos));
  for (const [line, needs] of needsNow(sequence)) {
    const words = `line ${linenos.get(line)} needs ${needed(needs, linenos)}`;
    list.append(element("li", {}, element("button", { type: "button", "data-line": line }, words)));
  }
}

/** Describe needs: "its header in line 2 and `total` in line 5, 6 or 9". */
function needed(needs, linenos) {
  const words = needs.map(({ purpose, others }) => {
    const lines = `line ${listed(others.map((line) => linenos.get(line)), "or")}`;
    return purpose ? `${purpose} in ${lines}` : lines;
  });
  return listed(words);
}

/** Explain in a sentence or two why the lines of the current edit are inserted together. */
function reason(sequence, linenos) {
  if (!step) return starts(sequence) ? "These lines are there from the start." : "";
  if (sequence.unknown) return `The program cannot be analyzed: ${sequence.unknown}.`;
  if (!sequence.heads) return "";
  const lines = present(sequence, step, 1).filter((index) => changesNow(sequence, index));
  const units = new Set(lines.map((index) => sequence.heads[index]).filter((head) => head !== null));
  if (lines.length === 1) return "A single line: nothing had to change with it.";
  if (units.size === 0) return "Comments and blank lines, which need nothing.";
  if (units.size === 1) return `All of this goes with line ${linenos.get([...units][0])}.`;
  const cause = sequence.causes[step - 1];
  if (cause !== null) return `All of this needs line ${linenos.get(cause)}, directly or through other lines.`;
  const sampled = sequence.linter && sequence.linter !== "native" ? ` The sequence was sampled with linter ${sequence.linter}.` : "";
  return `The analysis knows of no line here that all others need.${sampled}`;
}

/** Describe and mark what a line of the current edit needs; null clears the marks. */
function look(index) {
  const sequence = sequences[current];
  const rows = by("rows");
  for (const row of rows.querySelectorAll(".looked, .needed, .through")) {
    row.classList.remove("looked", "needed", "through");
  }
  const arcs = by("arcs").firstElementChild;
  arcs?.classList.toggle("looking", index !== null);
  for (const arc of arcs?.children ?? []) arc.classList.toggle("on", Number(arc.dataset.line) === headOf(index));
  by("detail").textContent = "";
  if (index === null || !sequence.heads) return;
  const linenos = sequence.linenos;
  const needs = needsNow(sequence);
  const head = headOf(index);
  const direct = new Set((needs.get(head) ?? []).flatMap(({ others }) => others));
  const through = transitiveNeeds(head, direct, needs);
  for (const row of rows.children) {
    const line = Number(row.dataset.line);
    const headLine = changesNow(sequence, line) ? sequence.heads[line] : null;
    if (line === index || (head !== null && headLine === head)) row.classList.add("looked");
    else if (direct.has(headLine)) row.classList.add("needed");
    else if (through.has(headLine)) row.classList.add("through");
  }
  by("detail").textContent = reasonText(index, head, needs, through, linenos);
}

/** Return whether the current edit inserts or removes a line. */
function changesNow(sequence, index) {
  return sequence.arrivals[index] === step - 1 || sequence.departures[index] === step - 1;
}

function headOf(index) {
  return sequences[current].heads?.[index] ?? null;
}

/** Return the transitive needs; alternatives are not followed. */
function transitiveNeeds(head, direct, needs) {
  const through = new Set();
  const open = [head];
  while (open.length) {
    for (const { others } of needs.get(open.pop()) ?? []) {
      if (others.length === 1 && others[0] !== head && !through.has(others[0])) {
        through.add(others[0]);
        open.push(others[0]);
      }
    }
  }
  for (const line of direct) through.delete(line);
  return through;
}

function reasonText(index, head, needs, through, linenos) {
  const name = `Line ${linenos.get(index)}`;
  if (head === null) return `${name} is a comment or blank, and needs nothing.`;
  const own = needs.get(head) ?? [];
  const sentences = [];
  if (head !== index) sentences.push(`${name} goes with line ${linenos.get(head)}.`);
  const subject = head === index ? name : `Line ${linenos.get(head)}`;
  sentences.push(own.length ? `${subject} needs ${needed(own, linenos)}.` : `${subject} needs nothing else of this edit.`);
  const numbers = [...through].map((line) => linenos.get(line));
  const more = numbers.filter((number) => Number(number)).map(Number).sort((a, b) => a - b);
  if (more.length) sentences.push(`Through ${own.filter(({ others }) => others.length === 1).length === 1 ? "it" : "these"}, also ${lineNames(more)}.`);
  return sentences.join(" ");
}

/** Name lines, with consecutive ones as a range: "lines 1, 4 to 6 and 9". */
function lineNames(numbers) {
  const runs = [];
  for (const number of numbers) {
    const run = runs[runs.length - 1];
    if (run && run[1] === number - 1) run[1] = number;
    else runs.push([number, number]);
  }
  const words = runs.flatMap(([a, b]) => (a === b ? [String(a)] : b === a + 1 ? [String(a), String(b)] : [`${a} to ${b}`]));
  return `${numbers.length === 1 ? "line" : "lines"} ${listed(words)}`;
}

/** Draw an arc in the margin from each line to the line it needs, which gets a dot. */
function drawArcs(sequence) {
  const box = emptied("arcs");
  const needs = sequence.needs?.[step - 1] ?? [];
  if (!needs.length || needs.length > MOST_ARCS) return;
  const namespace = "http://www.w3.org/2000/svg";
  const make = (name, attributes) => {
    const made = document.createElementNS(namespace, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
  };
  const row = new Map([...by("rows").children].map((row, index) => [Number(row.dataset.line), index + 1]));
  const picture = make("svg", { width: 24, height: 1, "aria-hidden": "true" });
  for (const [line, , ...others] of needs) {
    const group = make("g", {});
    group.dataset.line = line;
    for (const other of others) {
      const from = row.get(line) * 20 - 10;
      const to = row.get(other) * 20 - 10;
      const out = 24 - Math.min(23, 5 + 2.2 * Math.sqrt(Math.abs(from - to)));
      const [a, b] = from < to ? [from + 2, to - 2] : [from - 2, to + 2];
      const bend = (2 * out) / 3;
      group.append(
        make("path", { d: `M24 ${a}C${bend} ${a} ${bend} ${b} 24 ${b}` }),
        make("circle", { cx: 24, cy: b, r: 2 }),
      );
    }
    picture.append(group);
  }
  box.append(picture);
}

// The player

function showPlayer(sequence) {
  const count = sequence.count;
  by("slider").max = count;
  by("slider").value = step;
  by("slider").setAttribute("aria-valuetext", step ? `edit ${step} of ${count}` : "before the first edit");
  [...by("bars").children].forEach((bar, number) => {
    bar.className = number === step ? "now" : number < step ? "past" : "";
  });
  by("first").disabled = by("back").disabled = step === 0;
  by("on").disabled = by("last").disabled = step === count;
  const status = emptied("status");
  if (step) status.append(`Edit ${step} of ${count} `, element("span", {}, changes(sequence, step - 1)));
  else status.append(`Start of ${plural(count, "edit")}`);
}

function fitThumb() {
  const width = by("bars").clientWidth / Math.max(1, by("bars").childElementCount);
  document.querySelector(".player").style.setProperty("--thumb", `${width}px`);
}

function goTo(next) {
  const count = prepared(sequences[current]).count;
  const target = Math.min(Math.max(next, 0), count);
  if (target === step) return;
  step = target;
  show();
}

function play(on) {
  clearInterval(clock);
  clock = null;
  if (on) {
    if (step === sequences[current].count) goTo(0);
    clock = setInterval(() => {
      goTo(step + 1);
      if (step === sequences[current].count) play(false);
    }, PACE);
  }
  by("play").classList.toggle("playing", on);
  by("play").setAttribute("aria-label", on ? "Pause" : "Play");
  by("play").title = on ? "Pause (space)" : "Play (space)";
}

/** Move forward or back among the sequences that match the filters. */
function moveBy(offset) {
  const index = found.indexOf(current);
  const next = index < 0 ? found[0] : found[index + offset];
  if (next !== undefined) open(next);
}

function open(number, at = null) {
  play(false);
  current = number;
  step = at ?? (starts(prepared(sequences[number])) ? 0 : Math.min(1, sequences[number].count));
  show({ whole: true });
}

function emptied(id) {
  by(id).replaceChildren();
  return by(id);
}

/** Mark the bars of the plots that contain the current sequence and edit. */
function markCharts(sequence) {
  const values = { edits: sequence.count, lines: step ? sequence.sizes[step - 1] : -1 };
  for (const [name, value] of Object.entries(values)) {
    for (const row of document.querySelectorAll(`[data-chart="${name}"] tbody tr`)) {
      const here = Number(row.dataset.low) <= value && value <= Number(row.dataset.high);
      row.classList.toggle("here", here);
    }
  }
}

// Filters and the list

function limit(id, otherwise) {
  const value = by(id).valueAsNumber;
  return Number.isNaN(value) ? otherwise : value;
}

function filter() {
  const word = by("word").value.toLowerCase();
  const edits = [limit("edits-min", 0), limit("edits-max", Infinity)];
  const lines = [limit("lines-min", 0), limit("lines-max", Infinity)];
  const linter = by("linter").value;
  found = [];
  sequences.forEach((sequence, number) => {
    prepared(sequence);
    const passes =
      edits[0] <= sequence.count && sequence.count <= edits[1] &&
      lines[0] <= sequence.size && sequence.size <= lines[1] &&
      (!linter || sequence.linter === linter) &&
      (!word || haystack(sequence).includes(word));
    if (passes) found.push(number);
  });
  const filtering = word || linter || edits[0] || lines[0] || edits[1] < Infinity || lines[1] < Infinity;
  by("clear").hidden = !filtering;
  by("found").textContent = !filtering
    ? plural(found.length, "sequence")
    : found.length
      ? `${found.length.toLocaleString("en")} of ${plural(sequences.length, "sequence")}`
      : "No sequence is like that";
  list();
}

function haystack(sequence) {
  return (sequence.haystack ??= [sequence.id, sequence.instruction, data.programs[sequence.program]].join("\n").toLowerCase());
}

function list() {
  const items = found.map((number) => {
    const sequence = sequences[number];
    const title = sequence.instruction.trim().split("\n")[0] || sequence.id || `row ${sequence.row}`;
    const much = `row ${sequence.row} · ${plural(sequence.count, "edit")} · ${plural(sequence.size, "line")}`;
    const button = element(
      "button",
      { type: "button", "data-sequence": number },
      write(element("span", { class: "what" }), title.slice(0, 200)),
      element("span", { class: "much" }, much),
    );
    return element("li", {}, button);
  });
  emptied("list").append(...items);
}

function refilter() {
  filter();
  if (found.length && !found.includes(current)) open(found[0]);
  else if (sequences.length) show({ whole: true, scroll: false });
}

// Event handlers

function fromAddress() {
  address = location.hash;
  const match = /^#(\d+)(?:\.(\d+))?$/.exec(location.hash);
  if (!match) return false;
  const number = sequences.findIndex((sequence) => sequence.row === Number(match[1]));
  if (number < 0) return false;
  open(number, match[2] === undefined ? null : Number(match[2]));
  return true;
}

function lineAt(target) {
  const row = target.closest?.("#rows .new, #needs button");
  return row ? Number(row.dataset.line) : null;
}

function browse(isOpen) {
  document.querySelector(".browse").classList.toggle("open", isOpen);
  by("browse-toggle").setAttribute("aria-expanded", String(isOpen));
}

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || by("help").open) return;
  const target = event.target;
  if (event.key === "Escape") {
    held = null;
    look(null);
    if (target.closest("input, select")) target.blur();
    return;
  }
  if (target.closest("select, textarea, input:not([type=range])")) return;
  if (event.shiftKey && /^Arrow(Left|Right)$/.test(event.key)) {
    by("program").scrollLeft += event.key === "ArrowRight" ? 120 : -120;
    event.preventDefault();
    return;
  }
  const onSlider = target === by("slider"); // it handles these keys itself
  const onLine = target.closest("#rows .new");
  const acts = {
    ArrowRight: () => !onSlider && goTo(step + 1),
    ArrowLeft: () => !onSlider && goTo(step - 1),
    Home: () => !onSlider && goTo(0),
    End: () => !onSlider && goTo(sequences[current].count),
    " ": () => !target.closest("button, a, summary") && play(clock === null),
    j: () => moveBy(1),
    k: () => moveBy(-1),
    PageDown: () => moveBy(1),
    PageUp: () => moveBy(-1),
    ArrowDown: () => onLine && nextLine(onLine, 1),
    ArrowUp: () => onLine && nextLine(onLine, -1),
    "/": () => { browse(true); by("word").focus(); },
    "?": () => by("help").showModal(),
  };
  const act = acts[event.key];
  if (act === undefined || act() === false || act === null) return;
  if (/^Arrow(Up|Down)$/.test(event.key) && !onLine) return;
  if (event.key !== " " && /^(Arrow(Left|Right)|Home|End|Page)/.test(event.key)) play(false);
  event.preventDefault();
}

function nextLine(row, linenos) {
  const rows = [...document.querySelectorAll("#rows .new")];
  rows[rows.indexOf(row) + linenos]?.focus();
}

by("first").addEventListener("click", () => { play(false); goTo(0); });
by("back").addEventListener("click", () => { play(false); goTo(step - 1); });
by("on").addEventListener("click", () => { play(false); goTo(step + 1); });
by("last").addEventListener("click", () => { play(false); goTo(sequences[current].count); });
by("play").addEventListener("click", () => play(clock === null));
by("slider").addEventListener("input", () => { play(false); goTo(Number(by("slider").value)); });
by("sequence-back").addEventListener("click", () => moveBy(-1));
by("sequence-on").addEventListener("click", () => moveBy(1));
by("instruction-more").addEventListener("click", () => unfold(by("instruction").classList.contains("short")));
by("help-open").addEventListener("click", () => by("help").showModal());
by("browse-toggle").addEventListener("click", () => browse(!document.querySelector(".browse").classList.contains("open")));
by("filters").addEventListener("input", refilter);
by("filters").addEventListener("submit", (event) => event.preventDefault());
by("clear").addEventListener("click", (event) => {
  event.preventDefault();
  by("filters").reset();
  refilter();
});
by("list").addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  open(Number(button.dataset.sequence));
  if (getComputedStyle(by("browse-toggle")).display !== "none") browse(false);
});
for (const box of [by("rows"), by("needs")]) {
  box.addEventListener("mouseover", (event) => look(lineAt(event.target) ?? held));
  box.addEventListener("mouseleave", () => look(held));
  box.addEventListener("focusin", (event) => look(lineAt(event.target)));
  box.addEventListener("focusout", () => look(held));
  box.addEventListener("click", (event) => {
    const line = lineAt(event.target);
    held = line === held ? null : line;
    look(held);
  });
}
document.addEventListener("keydown", onKey);
window.addEventListener("hashchange", fromAddress);
new ResizeObserver(fitThumb).observe(by("bars"));

for (const [name, size] of [["edits", (sequence) => sequence.count], ["lines", (sequence) => sequence.size]]) {
  const sizes = sequences.map((sequence) => size(prepared(sequence)));
  by(`${name}-min`).placeholder = sizes.length ? Math.min(...sizes) : "";
  by(`${name}-max`).placeholder = sizes.length ? Math.max(...sizes) : "";
}
const linters = [...new Set(sequences.map((sequence) => sequence.linter).filter(Boolean))].sort();
by("linter-field").hidden = linters.length < 2;
by("linter").append(...linters.map((name) => write(element("option", { value: name }), name)));
filter();
if (!sequences.length) {
  document.querySelector(".layout").hidden = true;
} else if (!fromAddress()) {
  open(0);
}
