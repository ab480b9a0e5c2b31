"use strict";
// Text on the page: what cannot be seen is shown as a sign, and Python has its colors.

const ODD = new RegExp(
  "\\t|[\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f\\u00ad\\u061c\\u180e\\u200b-\\u200f\\u2028-\\u202e" +
    "\\u2060-\\u206f\\ufeff\\ufff9-\\uffff]" +
    "|[\\ud800-\\udbff](?![\\udc00-\\udfff])|(?<![\\ud800-\\udbff])[\\udc00-\\udfff]",
  "g",
);

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/** Return a sign for a character that cannot be seen, or that would act rather than be seen: Python's escape. */
function sign(char) {
  const code = char.charCodeAt(0);
  if (char === "\t") return element("span", { class: "tab", title: "tab" }, "\t");
  const hex = code.toString(16);
  const name = { "\r": "\\r", "\f": "\\f", "\v": "\\v" }[char];
  const escape = name ?? (code < 0x100 ? `\\x${hex.padStart(2, "0")}` : `\\u${hex.padStart(4, "0")}`);
  return element("span", { class: "odd", title: `U+${hex.toUpperCase().padStart(4, "0")}` }, escape);
}

/** Put text into an element, with signs for what cannot be seen. */
function write(into, text, name = "") {
  let done = 0;
  const plain = (piece) => piece && into.append(name ? element("span", { class: name }, piece) : piece);
  for (const match of text.matchAll(ODD)) {
    plain(text.slice(done, match.index));
    into.append(sign(match[0]));
    done = match.index + match[0].length;
  }
  plain(text.slice(done));
  return into;
}

const KEYWORDS = new Set(
  ("False None True and as assert async await break class continue def del elif else except finally for from " +
    "global if import in is lambda nonlocal not or pass raise return try while with yield").split(" "),
);
const TOKEN = new RegExp(
  [
    "#[^\\n]*",
    "[rbuft]{0,2}(?:" +
      [
        '"""(?:\\\\[^]|[^\\\\])*?(?:"""|$)',
        "'''(?:\\\\[^]|[^\\\\])*?(?:'''|$)",
        '"(?:\\\\[^]|[^"\\\\\\n])*"?',
        "'(?:\\\\[^]|[^'\\\\\\n])*'?",
      ].join("|") +
      ")",
    "[a-z_\\u0080-\\uffff][\\w\\u0080-\\uffff]*",
    "\\d[\\w.]*",
    "[^\\w#'\"\\u0080-\\uffff]+",
    "[^]",
  ].join("|"),
  "gi",
);

function kind(token) {
  if (token[0] === "#") return "comment";
  if (/["']/.test(token.slice(0, 3)) && /^[rbuft]{0,2}["']/i.test(token)) return "string";
  if (/^\d/.test(token)) return "number";
  return KEYWORDS.has(token) ? "keyword" : "";
}

/** Return, for each line of a program, its pieces as [kind, text]; together they are the line. */
function color(lines) {
  const colored = [[]];
  const add = (name, token) => {
    token.split("\n").forEach((piece, number) => {
      if (number) colored.push([]);
      if (piece) colored[colored.length - 1].push([name, piece]);
    });
  };
  try {
    for (const [token] of lines.join("\n").matchAll(TOKEN)) add(kind(token), token);
  } catch {
    return lines.map((line) => [["", line]]); // a text that is too much for the pattern goes without colors
  }
  return colored;
}
