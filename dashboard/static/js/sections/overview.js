// Overview: what came in, what became of it, how fast, and what happened when.

import { h, put } from "../dom.js";
import * as format from "../format.js";
import { onGrid, TimeChart } from "../charts.js";
import { isSilent } from "../live.js";
import { Card, Figure, Figures, meter, proportions, Table } from "../parts.js";

export const RANGES = [["1h", "1 h"], ["6h", "6 h"], ["24h", "24 h"], ["7d", "7 d"]];
export const SPANS = { "1h": [3600, 60], "6h": [21_600, 300], "24h": [86_400, 900], "7d": [604_800, 7200] };

const FATES = [
  ["counted", "Counted", "c-teal", "each exactly once"],
  ["duplicates", "Duplicates", "c-slate", "known already, changed nothing"],
  ["suppressed", "Suppressed", "c-violet", "invalidated before they came"],
  ["late", "Late", "c-amber", "older than the horizon"],
  ["dead_letters", "Dead letters", "c-red", "kept with reason and raw bytes"],
];

// Who joins a live views it, and taps in a live are likes: "By type" counts the messages of both apart.
const SERIES = [
  ["impressions", "Impressions", "c-blue"], ["views", "Views, of lives too", "c-blue"],
  ["completions", "Completions", "c-blue"], ["likes", "Likes, in lives too", "c-rose"],
  ["comments", "Comments", "c-violet"], ["shares", "Shares", "c-teal"],
  ["follows", "Follows", "c-teal"], ["gift_coins", "Gift coins", "c-amber"],
];

export const overview = {
  title: "Overview",
  lead: "What came in, what became of it, and how fast.",
  icon: "M4 13h6V4H4ZM14 20h6v-9h-6ZM4 20h6v-3H4ZM14 7h6V4h-6Z",
  defaults: { range: "24h" },
  filters: [{ name: "range", label: "Stretch of event time", options: RANGES }],
  panels: () => ["engagement", "dead_letters", "late"],

  mount(root, context) {
    const fates = new Fates();
    const rate = rateCard();
    const types = typesCard();
    const engagement = engagementCard(context);
    const dead = deadCard();
    const late = lateCard();
    const partitions = partitionsCard();
    const waiting = waitingCard();
    const cards = { engagement: engagement.card, dead_letters: dead.card, late: late.card };
    root.append(waiting.element, fates.element,
      h("div", { class: "grid" },
        h("div", { class: "stack w8" }, rate.card.element, engagement.card.element,
          h("div", { class: "pair" }, dead.card.element,
            h("div", { class: "stack" }, late.card.element, partitions.card.element))),
        h("div", { class: "stack w4" }, types.card.element)));
    return {
      pulse(pulse, points) {
        for (const part of [waiting, fates, rate, types, partitions]) part.pulse(pulse, points);
      },
      panel({ panel, rows }) {
        ({ engagement, dead_letters: dead, late })[panel].rows(rows);
        cards[panel].ready(panel);
      },
      trouble: (panel, message) => cards[panel].trouble(message),
      wait: () => engagement.card.wait(),
    };
  },
};

/** The strip on top: every message is exactly one of these. */
class Fates {
  #all = new Figure("Messages", { big: true });
  #parts = FATES.map(([, label, dot]) => new Figure(label, { dot }));
  #backlog = new Figure("Backlog");
  #bar = proportions();

  constructor() {
    this.element = h("section", { class: "card strip", "aria-label": "Messages and what became of them" },
      h("div", { class: "figures-row" }, this.#all.element, ...this.#parts.map((part) => part.element), this.#backlog.element),
      this.#bar.element);
  }

  pulse({ totals, per_second: perSecond, workers }) {
    this.#backlog.put(...backlogOf(workers));
    this.#all.put(format.tidy(totals.messages), `${format.decimal(perSecond, 0)} per second`, format.count(totals.messages));
    const parts = FATES.map(([name, label, color, meaning], i) => {
      const share = format.share(totals[name], totals.messages);
      const hint = share === 0 ? "none" : format.percent(share, share < 0.001 ? 3 : 1);
      this.#parts[i].put(format.tidy(totals[name]), hint, meaning);
      return { color, share, label: `${label} ${format.percent(share, 2)}` };
    });
    this.#bar.put(parts);
  }
}

/** What waits in Kafka, as the workers last told: value, hint, meaning. */
function backlogOf(workers) {
  const meaning = "messages in the log that no worker has applied yet";
  if (!workers) return ["–", "no worker told", meaning];
  if (workers.stopped) return ["–", "no worker runs", meaning];
  if (isSilent(workers)) return ["?", `silent for ${format.duration(workers.silent_ms)}`, meaning];
  return [format.tidy(workers.waiting), "messages wait", meaning];
}

/** Before the first message: what to do. */
function waitingCard() {
  const element = h("section", { class: "card plain waiting", hidden: true, "aria-labelledby": "waiting" },
    h("h2", { id: "waiting", text: "Waiting for the first message" }),
    h("p", {}, "Nothing has been counted yet. Send events with any Kafka client, or replay a log: ",
      h("code", { text: "engage replay LOG --kafka HOST:PORT" }), ". This page follows by itself."));
  return { element, pulse: ({ totals }) => { element.hidden = totals.messages !== "0"; } };
}

function rateCard() {
  const chart = new TimeChart({
    label: "Messages per second", height: 176, local: true, top: 10,
    series: [{ key: "rate", label: "Messages per second", color: "accent" }],
    value: (value) => format.decimal(value, 0),
  });
  const card = new Card({ title: "Throughput", note: "messages per second, the last three minutes" }, chart.element);
  return {
    card,
    pulse(_pulse, points) {
      const end = points.at(-1)[0];
      const times = [];
      const rates = [];
      // The window is always three minutes wide, in whole seconds; where nobody looked, the line is open.
      for (let at = Math.floor(end / 1_000) * 1_000 - 180_000, i = 0; at <= end; at += 1_000) {
        while (i < points.length - 1 && points[i + 1][0] <= at + 500) i += 1;
        times.push(at);
        rates.push(points[i] && Math.abs(points[i][0] - at) < 2_500 ? points[i][1] : null);
      }
      chart.set(times, [rates], 1);
      const flows = rates.some((rate) => rate > 0);
      put(card.note, flows ? "messages per second, the last three minutes" : "quiet: no message came while this page was open");
    },
  };
}

function typesCard() {
  const table = new Table({
    caption: "Messages by type: total and per second",
    key: (row) => row.type,
    empty: "No messages yet.",
    columns: [
      { label: "Type", wide: true, node: (row) => h("span", { class: "typed" }, h("span", { text: format.words(row.type) }), meter(row.share)) },
      { label: "Per second", num: true, text: (row) => (row.per_second ? format.decimal(row.per_second, 1) : "–") },
      { label: "Total", num: true, text: (row) => format.tidy(row.messages) },
    ],
  });
  return {
    card: new Card({ title: "By type", note: "messages that could be read" }, table.element),
    pulse({ types }) {
      table.set(types.map((row) => ({ ...row, share: format.share(row.messages, types[0].messages) })));
    },
  };
}

function engagementCard(context) {
  const minis = SERIES.map(([key, label, color]) => {
    const total = h("strong", { text: "–" });
    const chart = new TimeChart({ label, small: true, height: 62, sync: "overview", series: [{ key, label, color }] });
    return { key, total, chart, element: h("div", { class: "mini" }, h("p", {}, h("span", { text: label }), total), chart.element) };
  });
  const figures = new Figures({
    caption: "Engagement by event time", key: (row) => String(row.at),
    columns: [
      { label: "From (UTC)", text: (row) => format.dayMinute(row.at) },
      ...SERIES.map(([key, label]) => ({ label, num: true, text: (row) => format.count(row[key]) })),
    ],
  });
  const card = new Card({ title: "Engagement", note: "by event time, all videos and lives", of: ["engagement"] },
    h("div", { class: "minis" }, minis.map((mini) => mini.element)), figures.element);
  return {
    card,
    rows(rows) {
      const [spanS, stepS] = SPANS[context.parameters.range];
      const keys = SERIES.map(([key]) => key);
      const { times, columns } = onGrid(rows, keys, { nowMs: context.nowMs, spanS, stepS });
      minis.forEach((mini, i) => {
        mini.chart.set(times, [columns[i]], stepS);
        mini.total.textContent = format.tidy(format.sum(rows.map((row) => row[mini.key])));
      });
      figures.set([...rows].reverse());
    },
  };
}

function deadCard() {
  const table = new Table({
    caption: "Dead letters by reason", key: (row) => `${row.stage} ${row.reason}`,
    empty: "None: every message could be read.",
    columns: [
      { label: "Reason", text: (row) => format.words(row.reason) },
      { label: "Last one", wide: true, opt: true, node: (row) => h("span", { class: "clip dim", title: `${row.last_topic} ${row.last_partition}:${row.last_offset}`, text: row.last_detail }) },
      { label: "Letters", num: true, text: (row) => format.tidy(row.letters) },
    ],
  });
  return { card: new Card({ title: "Dead letters", note: "by reason", of: ["dead_letters"] }, table.element), rows: (rows) => table.set(rows) };
}

function lateCard() {
  const table = new Table({
    caption: "Late events by type", key: (row) => row.type,
    empty: "None: every event came within the horizon.",
    columns: [
      { label: "Type", text: (row) => format.words(row.type) },
      { label: "Of (UTC)", wide: true, opt: true, node: (row) => h("span", { class: "clip dim", text: spanOf(row) }) },
      { label: "Events", num: true, text: (row) => format.tidy(row.late) },
    ],
  });
  return { card: new Card({ title: "Late", note: "after the horizon", of: ["late"] }, table.element), rows: (rows) => table.set(rows) };
}

const spanOf = ({ first_window: first, last_window: last }) =>
  (format.dayShort(first) === format.dayShort(last) ? format.dayShort(first) : `${format.dayShort(first)} to ${format.dayShort(last)}`);

function partitionsCard() {
  const table = new Table({
    caption: "Partitions: position, and how far each is behind the newest event", key: (row) => `${row.topic} ${row.partition}`,
    empty: "No partition has been read yet.",
    columns: [
      { label: "Partition", text: (row) => `${row.topic.replace(".events", "")} ${row.partition}` },
      { label: "Next offset", num: true, text: (row) => format.count(row.position) },
      { label: "Behind", num: true, title: () => "newest event time of all partitions minus that of this one", text: (row) => format.duration(row.behind_ms) },
    ],
  });
  return {
    card: new Card({ title: "Partitions", note: "event time behind the newest" }, table.element),
    pulse: ({ partitions, now_ms: now }) =>
      table.set(partitions.map(({ topic, partition, position, max_event_time: at }) => ({ topic, partition, position, behind_ms: now - at }))),
  };
}
