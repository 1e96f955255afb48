// The parts a page is made of: cards with their states, tables that keep their rows, controls.

import { h, put, calm } from "./dom.js";

/** A card; `of` names the panels that it waits for. */
export class Card {
  #body;
  #waits;
  #problem = h("p", { class: "trouble", role: "alert", hidden: true });

  constructor({ title, note, wide = 12, of = [], extra }, ...children) {
    this.#waits = new Set(of);
    this.of = of;
    const id = `card-${title.toLowerCase().replace(/[^a-z0-9]+/g, "-")}`;
    this.title = h("h2", { id, text: title });
    this.note = h("p", { class: "note", text: note ?? "" });
    this.#body = h("div", { class: "body" }, ...children);
    this.element = h("section", { class: `card w${wide}`, "aria-labelledby": id, "aria-busy": String(of.length > 0) },
      h("header", {}, this.title, this.note, extra ?? null), this.#problem, this.#body);
  }

  /** A panel's answer is drawn. */
  ready(panel) {
    this.#waits.delete(panel);
    this.#problem.hidden = true;
    if (this.#waits.size === 0) this.element.setAttribute("aria-busy", "false");
  }

  /** Other filters are asked for: what is shown belongs to the old ones. */
  wait() {
    this.#waits = new Set(this.of);
    if (this.of.length) this.element.setAttribute("aria-busy", "true");
  }

  /** A panel could not be read; what is shown stays. */
  trouble(message) {
    put(this.#problem, message);
    this.#problem.hidden = false;
    this.element.setAttribute("aria-busy", "false");
  }
}

/**
 * A table. Columns: {label, text(row) | node(row), link(row), num, opt, wide, title(row)}; `far`
 * columns leave on screens that are not wide, `opt` on phones; `wide` and `half` take the room that is left;
 * the text of `wraps` is shown in full, on several lines. Rows are found again by `key`, so that focus and selection stay.
 */
export class Table {
  #columns;
  #key;
  #rows = new Map();
  #body = h("tbody");
  #empty;
  #moving;

  constructor({ caption, columns, key, empty, moving = false }) {
    this.#columns = columns;
    this.#key = key;
    this.#moving = moving;
    const head = columns.map((column) =>
      h("th", { scope: "col", class: classes(column) },
        column.quiet ? h("span", { class: "hidden", text: column.label }) : column.label));
    this.#empty = h("p", { class: "empty", hidden: true }, empty ?? "Nothing here yet.");
    this.table = h("table", {}, h("caption", { class: "hidden", text: caption }), h("thead", {}, h("tr", {}, head)), this.#body);
    this.element = h("div", { class: "table" }, this.table, this.#empty);
  }

  set(rows) {
    const before = this.#moving && !calm() ? this.#places() : null;
    const wanted = new Set();
    rows.forEach((row, i) => {
      const key = this.#key(row);
      wanted.add(key);
      const kept = this.#rows.get(key) ?? this.#make(row);
      this.#rows.set(key, kept);
      this.#draw(kept, row);
      if (this.#body.children[i] !== kept.line) this.#body.insertBefore(kept.line, this.#body.children[i] ?? null);
    });
    for (const [key, kept] of this.#rows) {
      if (!wanted.has(key)) {
        kept.line.remove();
        this.#rows.delete(key);
      }
    }
    this.table.hidden = rows.length === 0;
    this.#empty.hidden = rows.length > 0;
    if (before) this.#slide(before);
  }

  #make(row) {
    const head = Math.max(0, this.#columns.findIndex((column) => column.head));
    const cells = this.#columns.map((column, i) => {
      const cell = i === head
        ? h("th", { class: classes(column), scope: "row" })
        : h("td", { class: classes(column) });
      if (column.link) cell.append(h("a", { href: column.link(row) }));
      return cell;
    });
    return { line: h("tr", {}, cells), cells, drawn: "" };
  }

  #draw(kept, row) {
    const now = JSON.stringify(row);
    if (kept.drawn === now) return;
    kept.drawn = now;
    this.#columns.forEach((column, i) => {
      const cell = kept.cells[i];
      if (column.node) cell.replaceChildren(column.node(row));
      else put(column.link ? cell.firstChild : cell, column.text(row));
      if (column.link) cell.firstChild.setAttribute("href", column.link(row));
      if (column.title) cell.title = column.title(row);
    });
  }

  #places() {
    return new Map([...this.#rows].map(([key, { line }]) => [key, line.getBoundingClientRect().top]));
  }

  #slide(before) {
    for (const [key, { line }] of this.#rows) {
      const was = before.get(key);
      const moved = was === undefined ? 0 : was - line.getBoundingClientRect().top;
      if (Math.abs(moved) > 2) {
        line.animate([{ transform: `translateY(${moved}px)` }, { transform: "none" }], { duration: 320, easing: "ease-out" });
      }
    }
  }
}

const classes = (column) =>
  ["num", "opt", "far", "wide", "half", "tight", "wraps"].filter((name) => column[name]).join(" ") || null;

/** Radio buttons in a row: options are [value, label] pairs. */
export function segments({ label, name, options, value, change }) {
  return h("fieldset", { class: "segments" }, h("legend", { class: "hidden", text: label }),
    options.map(([one, text]) => h("label", {},
      h("input", { type: "radio", name, value: one, checked: one === value, change: () => change(one) }),
      h("span", { text }))));
}

/** A drop-down with its label in view. */
export function select({ label, options, value, change }) {
  const list = h("select", { change: () => change(list.value) },
    options.map(([one, text]) => h("option", { value: one, selected: one === value, text })));
  return h("label", { class: "select" }, h("span", { text: label }), list);
}

/** A figure with its name; `put` changes it. */
export class Figure {
  #value = h("strong", { text: "–" });
  #hint = h("span", { class: "hint" });

  constructor(label, { dot, big = false, extra } = {}) {
    this.element = h("div", { class: big ? "figure big" : "figure" },
      h("span", { class: "name" }, dot ? h("i", { class: `dot ${dot}` }) : null, label),
      this.#value, this.#hint, extra ?? null);
  }

  put(value, hint = "", title = "") {
    put(this.#value, value);
    this.#value.title = title;
    put(this.#hint, hint);
  }
}

/** A bar of shares; parts are {color, share, label}. */
export function proportions() {
  const element = h("div", { class: "proportions", role: "img" });
  const put_ = (parts) => {
    const shown = parts.filter((part) => part.share > 0);
    while (element.children.length < shown.length) element.append(h("i"));
    while (element.children.length > shown.length) element.lastChild.remove();
    shown.forEach((part, i) => {
      const piece = element.children[i];
      piece.className = part.color;
      piece.style.flexGrow = String(part.share);
      piece.title = part.label;
    });
    element.setAttribute("aria-label", shown.map((part) => part.label).join(", "));
  };
  return { element, put: put_ };
}

/** A thin bar that is `share` of its cell long. */
export function meter(share, color = "accent") {
  const bar = h("i", { class: color });
  bar.style.width = `${Math.max(0, Math.min(1, share)) * 100}%`;
  return h("span", { class: "meter", "aria-hidden": "true" }, bar);
}

/**
 * A line from `low` to `high` with a point in it, and a mark where one is named; all are shares of the
 * cell, so that the rows of a table have one scale. `text` says it to those who do not see it.
 */
export function interval({ low, high, point, mark, text }) {
  const at = (share) => `${100 * share}%`;
  const part = (name, style) => {
    const element = h("i", { class: name });
    Object.assign(element.style, style);
    return element;
  };
  return h("span", { class: "range", role: "img", "aria-label": text, title: text },
    part("between", { left: at(low), width: at(high - low) }),
    mark === undefined ? null : part("mark", { left: at(mark) }), part("point", { left: at(point) }));
}

/** The figures behind a chart as a table, drawn only while it is open. */
export class Figures {
  #table;
  #rows = [];

  constructor(options) {
    this.#table = new Table(options);
    this.element = h("details", { class: "figures", "aria-label": `Figures: ${options.caption}`, toggle: () => this.#draw() },
      h("summary", { text: "Figures" }), h("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": options.caption }, this.#table.element));
  }

  set(rows) {
    this.#rows = rows;
    this.#draw();
  }

  #draw() {
    if (this.element.open) this.#table.set(this.#rows);
  }
}
