// Live sessions: who is on air, what viewers do, what gifts come in.

import { h } from "../dom.js";
import * as format from "../format.js";
import { onGrid, TimeChart } from "../charts.js";
import { Card, Figure, Figures, meter, Table } from "../parts.js";
import { creatorPage } from "../router.js";
import { RANGES, SPANS } from "./overview.js";

const SERIES = [
  ["joins", "Joins", "c-blue"], ["likes", "Likes", "c-rose"],
  ["gifts", "Gifts", "c-violet"], ["gift_coins", "Gift coins", "c-amber"],
];

export const lives = {
  title: "Lives",
  lead: "Live sessions, their viewers and their gifts.",
  icon: "M12 10a2 2 0 1 0 0 4 2 2 0 0 0 0-4ZM7.5 7.5a6.5 6.5 0 0 0 0 9M16.5 7.5a6.5 6.5 0 0 1 0 9M4.5 4.5a10.6 10.6 0 0 0 0 15M19.5 4.5a10.6 10.6 0 0 1 0 15",
  defaults: { range: "24h", state: "" },
  filters: [
    { name: "state", label: "Sessions", options: [["", "All"], ["on_air", "On air"], ["ended", "Ended"]] },
    { name: "range", label: "Stretch of event time", options: RANGES },
  ],
  panels: () => ["lives", "on_air", "live_activity"],

  mount(root, context) {
    const strip = new Strip();
    const activity = activityCard(context, strip);
    const sessions = sessionsCard();
    const parts = { lives: sessions, live_activity: activity, on_air: { rows: ([row]) => strip.onAir(row), card: sessions.card } };
    root.append(strip.element, h("div", { class: "grid" }, activity.card.element, sessions.card.element));
    return {
      panel({ panel, rows }) {
        parts[panel].rows(rows);
        parts[panel].card.ready(panel);
      },
      trouble: (panel, message) => parts[panel].card.trouble(message),
      wait: () => { activity.card.wait(); sessions.card.wait(); },
    };
  },
};

class Strip {
  #onAir = new Figure("On air", { big: true });
  #viewers = new Figure("Viewers now");
  #totals = SERIES.map(([, label, dot]) => new Figure(label, { dot }));

  constructor() {
    this.element = h("section", { class: "card strip", "aria-label": "Lives" },
      h("div", { class: "figures-row" }, [this.#onAir, this.#viewers, ...this.#totals].map((one) => one.element)));
  }

  onAir({ sessions, on_air: onAir, viewers_now: viewers }) {
    this.#onAir.put(format.tidy(onAir), `of ${format.tidy(sessions)} sessions`);
    this.#viewers.put(format.tidy(viewers), "in lives on air");
  }

  totals(rows) {
    SERIES.forEach(([key], i) => this.#totals[i].put(format.tidy(format.sum(rows.map((row) => row[key]))), "in this stretch"));
  }
}

function activityCard(context, strip) {
  const minis = SERIES.map(([key, label, color]) => {
    const chart = new TimeChart({ label, small: true, height: 84, sync: "lives", series: [{ key, label, color }] });
    return { key, chart, element: h("div", { class: "mini" }, h("p", {}, h("span", { text: label })), chart.element) };
  });
  const figures = new Figures({
    caption: "Activity in lives by event time", key: (row) => String(row.at),
    columns: [
      { label: "From (UTC)", text: (row) => format.dayMinute(row.at) },
      ...SERIES.map(([key, label]) => ({ label, num: true, text: (row) => format.count(row[key]) })),
    ],
  });
  const card = new Card({ title: "Activity", note: "by event time, all lives", of: ["live_activity"] },
    h("div", { class: "minis" }, minis.map((mini) => mini.element)), figures.element);
  return {
    card,
    rows(rows) {
      const [spanS, stepS] = SPANS[context.parameters.range];
      const { times, columns } = onGrid(rows, SERIES.map(([key]) => key), { nowMs: context.nowMs, spanS, stepS });
      minis.forEach((mini, i) => mini.chart.set(times, [columns[i]], stepS));
      strip.totals(rows);
      figures.set([...rows].reverse());
    },
  };
}

function sessionsCard() {
  let top = 1;
  const table = new Table({
    caption: "Live sessions", key: (row) => row.live_id,
    empty: "No live sessions.",
    columns: [
      { label: "Live", head: true, title: (row) => row.live_id, text: (row) => row.live_id },
      { label: "Creator", opt: true, link: (row) => creatorPage(row.creator_id), title: (row) => row.creator_id, text: (row) => row.creator_id },
      { label: "State", node: (row) => h("span", { class: row.on_air ? "state air" : "state", text: row.on_air ? "on air" : row.ended_at ? "ended" : "unknown" }) },
      { label: "Started (UTC)", opt: true, text: (row) => (row.started_at ? format.dayMinute(row.started_at) : "–") },
      { label: "Lasted", num: true, opt: true, text: (row) => (row.started_at ? format.duration(row.lasted_ms) : "–") },
      { label: "Viewers", num: true, title: () => "different users who joined", text: (row) => format.tidy(row.unique_viewers) },
      { label: "Now", num: true, opt: true, text: (row) => (row.on_air ? format.tidy(row.viewers_now) : "–") },
      { label: "Likes", num: true, opt: true, text: (row) => format.tidy(row.likes) },
      { label: "Gifts", num: true, opt: true, text: (row) => format.tidy(row.gifts) },
      { label: "Gift coins", wide: true, node: (row) => h("span", { class: "barred" }, meter(Number(row.gift_coins) / top, "c-amber"), h("b", { text: format.tidy(row.gift_coins) })) },
    ],
  });
  return {
    card: new Card({ title: "Sessions", note: "on air first, then the newest; at most forty", of: ["lives"] }, table.element),
    rows(rows) {
      top = Math.max(1, ...rows.map((row) => Number(row.gift_coins)));
      table.set(rows.map((row) => ({ ...row, top })));
    },
  };
}
