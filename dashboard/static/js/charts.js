// Charts over time, drawn by uPlot; with a readout for mouse, finger and keyboard.

import uPlot from "../vendor/uplot/uPlot.esm.js";
import { h, s, put } from "./dom.js";
import * as format from "./format.js";

/** Distances between the marks of an axis: 1, 2, 5 times powers of ten, from 10^first on. */
const marks = (first) => Array.from({ length: 45 }, (_, i) => [1, 2, 5][i % 3] * 10 ** (first + Math.floor(i / 3)));
const WHOLE_MARKS = marks(0);
export const CENT_MARKS = marks(-2);
const DAY_MARKS = [1, 2, 3, 7, 14, 30, 61, 122, 365, 730].map((days) => days * 86_400);
const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

/** How a time is written on the axis and in the readout, by the length of a step. */
const clockOf = (stepS, local) => {
  if (local) return { axis: format.localSecond, full: format.localSecond };
  // An axis of days has marks on days alone, or it would say each day twice.
  if (stepS >= 86_400) return { axis: format.dayShort, full: format.day, marks: DAY_MARKS };
  if (stepS >= 7_200) return { axis: format.dayShort, full: (ms) => `${format.dayMinute(ms)} UTC`, marks: DAY_MARKS };
  return { axis: format.minute, full: (ms) => `${format.dayMinute(ms)} UTC` };
};

/**
 * A chart of series that share their times.
 *
 * `series` is a list of {key, label, color} where color names a CSS variable; `kind` is "area" or
 * "bars" (stacked); `small` leaves the axes out; `sync` joins the cursors of charts of that name.
 */
export class TimeChart {
  #options;
  #plot = null;
  #columns = null;
  #times = [];
  #stepS = 60;
  #frame = h("div", { class: "plot" });
  #tip = h("div", { class: "tip", hidden: true });
  #said = h("output", { class: "hidden" });

  constructor(options) {
    this.#options = { kind: "area", height: 220, value: format.count, axis: format.short, ...options };
    const focus = options.small ? {} : { tabindex: "0", role: "group", keydown: (e) => this.#key(e) };
    this.element = h("div", {
      class: options.small ? "chart small" : "chart",
      "aria-label": `${options.label}: chart, arrow keys read its values`, ...focus,
    }, this.#frame, this.#said);
    if (options.small) this.element.setAttribute("aria-hidden", "true");
    this.#frame.append(this.#tip);
    this.#frame.style.minHeight = `${this.#options.height}px`; // nothing jumps when the data comes
    new ResizeObserver(() => this.#resize()).observe(this.#frame);
    document.addEventListener("theme", () => this.#rebuild());
  }

  /** Shows columns of numbers, one per series; times in milliseconds. */
  set(times, columns, stepS) {
    const again = stepS !== this.#stepS;
    this.#times = times;
    this.#columns = columns;
    this.#stepS = stepS;
    if (!this.#plot || again) this.#rebuild();
    else this.#plot.setData(this.#data());
  }

  #data() {
    const times = this.#times.map((ms) => ms / 1000);
    return [times, ...(this.#options.kind === "bars" ? stacked(this.#columns).reverse() : this.#columns)];
  }

  /** The series in the order in which they are drawn: of a pile the tallest first, or it would hide the others. */
  get #drawn() {
    const { kind, series } = this.#options;
    return kind === "bars" ? [...series].reverse() : series;
  }

  #rebuild() {
    if (!this.#columns || this.#frame.clientWidth < 20 || !this.#frame.isConnected) return;
    this.#plot?.destroy();
    this.#plot = new uPlot(this.#settings(), this.#data(), this.#frame);
  }

  #resize() {
    if (this.#plot) {
      this.#plot.setSize({ width: this.#frame.clientWidth, height: this.#options.height });
    } else this.#rebuild();
  }

  #settings() {
    const { small, sync, height, axis } = this.#options;
    const text = { stroke: color("ink-3"), font: "11px Inter, system-ui, sans-serif", ticks: { show: false } };
    const clock = clockOf(this.#stepS, this.#options.local);
    return {
      width: this.#frame.clientWidth,
      height,
      padding: small ? [3, 0, 0, 0] : [8, 20, 0, 0],
      legend: { show: false },
      tzDate: (at) => (this.#options.local ? new Date(at * 1e3) : uPlot.tzDate(new Date(at * 1e3), "Etc/UTC")),
      cursor: {
        y: false,
        drag: { x: false, y: false },
        points: { size: 7, width: 2, stroke: color("surface"), fill: (u, i) => color(this.#drawn[i - 1].color) },
        ...(sync ? { sync: { key: sync, setSeries: false } } : {}),
      },
      scales: {
        x: { time: true, range: (_u, from, to) => this.#range(from, to) },
        y: { range: (_u, from, to) => [Math.min(0, from ?? 0), Math.max(to > 0 ? to * 1.06 : 1, this.#options.top ?? 0)] },
      },
      axes: small ? [{ show: false }, { show: false }] : [
        { ...text, grid: { show: false }, size: 26, space: 76, ...(clock.marks ? { incrs: clock.marks } : {}), values: (_u, at) => at.map((one) => clock.axis(one * 1000)) },
        { ...text, grid: { stroke: color("line"), width: 1 }, size: 48, space: 36, incrs: this.#options.marks ?? WHOLE_MARKS, values: (_u, at) => at.map(axis) },
      ],
      series: [{}, ...this.#drawn.map((one) => this.#serie(one))],
      hooks: { setCursor: [(u) => this.#point(u)] },
    };
  }

  #range(from, to) {
    // Bars stand in the middle of their step and need half a step of air on both sides.
    const air = this.#options.kind === "bars" ? this.#stepS / 2 : 0;
    return from === to ? [from - this.#stepS, to + this.#stepS] : [from - air, to + air];
  }

  #serie({ color: name }) {
    const stroke = color(name);
    if (this.#options.kind === "bars") {
      return { fill: stroke, stroke, width: 0, points: { show: false }, paths: uPlot.paths.bars({ size: [0.72, 26], radius: 0.12 }) };
    }
    const fade = (u) => {
      const gradient = u.ctx.createLinearGradient(0, u.bbox.top, 0, u.bbox.top + u.bbox.height);
      gradient.addColorStop(0, `${stroke}38`);
      gradient.addColorStop(1, `${stroke}05`);
      return gradient;
    };
    return {
      stroke, width: 1.5, fill: fade, spanGaps: false,
      points: { show: false },
      paths: uPlot.paths.linear(),
    };
  }

  #point(u) {
    const at = u.cursor.idx;
    const shown = at !== null && at !== undefined && u.cursor.left >= 0;
    this.#tip.hidden = !shown || (this.#options.small && !this.element.matches(":hover"));
    if (this.#tip.hidden) return;
    const lines = this.#lines(at);
    this.#tip.replaceChildren(
      h("b", { text: this.#when(at) }),
      ...lines.map(({ one, value }) => h("span", {}, h("i", { class: `dot ${one.color}` }), h("em", { text: one.label }), h("strong", { text: value }))),
    );
    const width = this.#tip.offsetWidth;
    const left = u.cursor.left + u.over.offsetLeft;
    const right = left + 14 + width > this.#frame.clientWidth;
    const limit = Math.max(0, this.#frame.clientWidth - width);
    this.#tip.style.left = `${Math.min(limit, Math.max(0, right ? left - width - 14 : left + 14))}px`;
  }

  #when(at) {
    return clockOf(this.#stepS, this.#options.local).full(this.#times[at]);
  }

  #lines(at) {
    const { series, value } = this.#options;
    return series
      .map((one, i) => ({ one, raw: this.#columns[i][at] }))
      .filter(({ raw }) => raw !== null && raw !== undefined && (series.length === 1 || raw !== 0))
      .map(({ one, raw }) => ({ one, value: value(raw) }));
  }

  #key(event) {
    const steps = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity };
    if (!(event.key in steps) || !this.#plot || this.#times.length === 0) return;
    event.preventDefault();
    const last = this.#times.length - 1;
    const from = this.#plot.cursor.idx ?? (steps[event.key] < 0 ? this.#times.length : -1);
    const at = Math.min(last, Math.max(0, from + steps[event.key]));
    this.#plot.setCursor({ left: this.#plot.valToPos(this.#times[at] / 1000, "x"), top: 10 });
    const read = this.#lines(at).map(({ one, value }) => `${one.label} ${value}`);
    put(this.#said, `${this.#when(at)}: ${read.join(", ") || "nothing"}`);
  }
}

/** Cumulative columns, those below zero apart; a part of zero draws nothing. */
function stacked(columns) {
  const up = [];
  const down = [];
  const parts = columns.map((column) => column.map((value, i) => {
    if (!value) return null;
    const pile = value > 0 ? up : down;
    pile[i] = (pile[i] ?? 0) + value;
    return pile[i];
  }));
  return parts;
}

/** A line of a few values, without axes. */
export function spark(values, { label, width = 84, height = 22 } = {}) {
  const top = Math.max(1, ...values);
  const x = (i) => ((i / Math.max(1, values.length - 1)) * width).toFixed(1);
  const y = (value) => (height - 1.5 - (value / top) * (height - 4)).toFixed(1);
  const line = values.map((value, i) => `${i ? "L" : "M"}${x(i)} ${y(value)}`).join("");
  const attributes = { viewBox: `0 0 ${width} ${height}`, width, height, class: "spark", preserveAspectRatio: "none" };
  const named = label ? { role: "img", "aria-label": label } : { "aria-hidden": "true" };
  return s("svg", { ...attributes, ...named },
    s("path", { class: "under", d: `${line}L${width} ${height}L0 ${height}Z` }),
    s("path", { class: "line", d: line }));
}

/** Evenly spaced times of a span that ends now, and the rows' columns on them; gaps are 0. */
export function onGrid(rows, keys, { nowMs, spanS, stepS }) {
  const step = stepS * 1000;
  const last = Math.floor(nowMs / step) * step;
  let first = last - spanS * 1000 + step;
  if (!spanS) first = rows.length ? Math.min(...rows.map((row) => row.at)) : last;
  const length = Math.min(2_000, Math.max(1, Math.round((last - first) / step) + 1));
  const times = Array.from({ length }, (_, i) => first + i * step);
  const columns = keys.map(() => new Array(length).fill(0));
  for (const row of rows) {
    const at = Math.round((row.at - first) / step);
    if (at >= 0 && at < length) keys.forEach((key, k) => { columns[k][at] += Number(row[key] ?? 0); });
  }
  return { times, columns };
}
