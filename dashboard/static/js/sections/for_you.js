// For You: the pools as a funnel, and why a video was shown to more people, or was not.

import { h } from "../dom.js";
import * as format from "../format.js";
import { Card, Figure, interval, meter, Table } from "../parts.js";

const VERDICTS = {
  promote: ["Promoted", "up"], hold: ["Held", "hold"], stop: ["Stopped", "stop"], demote: ["Demoted", "down"],
};
const FILTER = [["promote", "Promotions"], ["hold", "Holds"], ["stop", "Stops"], ["demote", "Demotions"], ["all", "All"]];

export const forYou = {
  title: "For You",
  lead: "A video begins before few people; each pool decides by what viewers do whether more see it.",
  icon: "M3 4h18l-7 9v6l-4 2v-8Z",
  defaults: { verdict: "promote" },
  filters: [{ name: "verdict", label: "Decisions", options: FILTER }],
  panels: () => ["pools", "decisions"],

  mount(root) {
    const strip = new Strip();
    const pools = poolsCard();
    const decisions = decisionsCard();
    const parts = { pools, decisions };
    root.append(strip.element, h("div", { class: "grid" }, pools.card.element, decisions.card.element, explanation()));
    return {
      panel({ panel, rows }) {
        if (panel === "pools") strip.draw(rows);
        parts[panel].rows(rows);
        parts[panel].card.ready(panel);
      },
      trouble: (panel, message) => parts[panel].card.trouble(message),
      wait: () => decisions.card.wait(),
    };
  },
};

class Strip {
  #videos = new Figure("Videos", { big: true });
  #promoted = new Figure("Promoted", { dot: "c-teal" });
  #held = new Figure("Held", { dot: "c-amber" });
  #stopped = new Figure("Stopped", { dot: "c-slate" });
  #demoted = new Figure("Demoted", { dot: "c-red" });

  constructor() {
    const all = [this.#videos, this.#promoted, this.#held, this.#stopped, this.#demoted];
    this.element = h("section", { class: "card strip", "aria-label": "Decisions of all pools" },
      h("div", { class: "figures-row" }, all.map((one) => one.element)));
  }

  draw(rows) {
    const add = (name) => format.tidy(format.sum(rows.map((row) => row[name])));
    this.#videos.put(add("videos"), "each in one pool");
    this.#promoted.put(add("promoted"), "into the next pool");
    this.#held.put(add("held"), "not sure yet");
    this.#stopped.put(add("stopped"), "shown to no more people");
    this.#demoted.put(add("demoted"), "after a correction");
  }
}

function poolsCard() {
  const table = new Table({
    caption: "For You pools", key: (row) => row.pool,
    empty: "No video is in a pool yet.",
    columns: [
      { label: "Pool", head: true, text: (row) => row.pool },
      { label: "Videos that reached it", wide: true, node: (row) => h("span", { class: "barred" }, meter(row.share, "c-blue"), h("b", { text: format.tidy(row.reached) })) },
      { label: "Of those before", num: true, text: (row) => (row.step === null ? "–" : format.percent(row.step)) },
      { label: "Promoted", num: true, opt: true, text: (row) => format.tidy(row.promoted) },
      { label: "Held", num: true, opt: true, text: (row) => format.tidy(row.held) },
      { label: "Stopped", num: true, opt: true, text: (row) => format.tidy(row.stopped) },
      { label: "Demoted", num: true, opt: true, text: (row) => format.tidy(row.demoted) },
      { label: "In it now", num: true, text: (row) => format.tidy(row.videos) },
    ],
  });
  return {
    card: new Card({ title: "Pools", note: "by the last decision of each video in each pool", of: ["pools"] }, table.element),
    rows(rows) {
      const first = rows[0]?.reached ?? "0";
      table.set(rows.map((row, i) => ({
        ...row, share: format.share(row.reached, first), step: i ? format.share(row.reached, rows[i - 1].reached) : null })));
    },
  };
}

function decisionsCard() {
  const table = new Table({
    caption: "Newest decisions", key: (row) => row.decision_id,
    empty: "No such decision yet: a pool decides when enough people were shown a video.",
    columns: [
      { label: "When (UTC)", text: (row) => format.dayMinute(row.decided_at) },
      { label: "Video", head: true, title: (row) => row.video_id, text: (row) => row.video_id },
      { label: "Pool", text: (row) => (row.pool === row.pool_after ? row.pool : `${row.pool} → ${row.pool_after}`) },
      { label: "Verdict", node: (row) => h("span", { class: `state ${VERDICTS[row.verdict]?.[1] ?? ""}`, text: VERDICTS[row.verdict]?.[0] ?? row.verdict }) },
      { label: "Why", opt: true, text: (row) => format.words(row.reason) },
      { label: "Measured, against the threshold", wide: true, far: true, node: range },
      { label: "Measure", num: true, opt: true, title: (row) => `from ${row.lower_bound.toFixed(3)} to ${row.upper_bound.toFixed(3)}, weights ${row.weights_version}`, text: (row) => format.decimal(row.measure, 2) },
      { label: "Threshold", num: true, opt: true, text: (row) => format.decimal(row.threshold, 2) },
      { label: "Impressions", num: true, opt: true, text: (row) => format.tidy(row.impressions) },
    ],
  });
  return {
    card: new Card({ title: "Newest decisions", note: "by event time; a decision is never changed, a correction is another one", of: ["decisions"] }, table.element),
    rows(rows) {
      const from = Math.min(0, ...rows.flatMap((row) => [row.lower_bound, row.threshold]));
      const to = Math.max(...rows.flatMap((row) => [row.upper_bound, row.threshold]));
      table.set(rows.map((row) => ({ ...row, from, width: to - from || 1 })));
    },
  };
}

/** Where the measure may lie, as a line, and the threshold as a mark; all rows have one scale. */
function range({ lower_bound: lower, upper_bound: upper, measure, threshold, from, width }) {
  const at = (value) => (value - from) / width;
  const text = `${measure.toFixed(2)}, surely between ${lower.toFixed(2)} and ${upper.toFixed(2)}, threshold ${threshold.toFixed(2)}`;
  return interval({ low: at(lower), high: at(upper), point: at(measure), mark: at(threshold), text });
}

function explanation() {
  const line = (name, text) => h("div", {}, h("dt", { text: name }), h("dd", { text }));
  return h("section", { class: "card w12 plain columns", "aria-labelledby": "pools-reading" },
    h("header", {}, h("h2", { id: "pools-reading", text: "How to read this" })),
    h("dl", {},
      line("Pool", "After its quota of impressions, a pool holds what the video is worth against a threshold."),
      line("Measure", "Watch time, likes, comments, shares and follows per impression, weighted. Few impressions leave it unsure: the line spans what it may be."),
      line("Promoted, stopped, held", "Promoted when the whole line is above the threshold, stopped when it is below, held while the threshold is in between."),
      line("Demoted", "Invalidated events can take a promotion back.")));
}
