// What ledger entries look like, here and on a creator's page.

import { h } from "../dom.js";
import * as format from "../format.js";
import { CENT_MARKS, onGrid, TimeChart } from "../charts.js";
import { Table } from "../parts.js";
import { creatorPage } from "../router.js";

const KNOWN = {
  gift: ["Live gifts", "c-rose"],
  creator_rewards: ["Creator Rewards", "c-blue"],
  creator_fund: ["Creator Fund", "c-slate"],
  brand_deal: ["Brand deals", "c-violet"],
  affiliate: ["Affiliate", "c-amber"],
  sale: ["Own sales", "c-teal"],
};

export const SOURCES = Object.keys(KNOWN);
export const sourceLabel = (source) => KNOWN[source]?.[0] ?? format.words(source);
export const sourceColor = (source) => KNOWN[source]?.[1] ?? "c-slate";

export const sourceCell = (source) =>
  h("span", { class: "source" }, h("i", { class: `dot ${sourceColor(source)}` }), sourceLabel(source));

/** One sentence: why this amount. */
export function explain({ source, state, reference, entry_id: id }) {
  const [kind, ...rest] = reference.split(":");
  const of = rest.length ? `${kind} ${rest.join(":")}` : reference;
  if (source === "payout") return "paid out to the creator";
  if (state === "estimated") return `estimate for ${of}, final when the day is settled`;
  if (state === "adjustment") return id.endsWith(":refund") ? `refund in ${of}` : `correction for ${of}`;
  const reasons = {
    gift: "gift streak in", creator_rewards: "qualified views of", creator_fund: "share of the fund for",
    brand_deal: "deal milestone of", affiliate: "commission on", sale: "sale of",
  };
  return reasons[source] ? `${reasons[source]} ${of}` : of;
}

const STATES = { final: "final", adjustment: "correction", estimated: "estimate" };

export const stateLabel = (state) => STATES[state] ?? state;

/** Entries, newest first; why each is what it is, is a link to its explanation. */
export function entriesTable({ caption, withCreator }) {
  const creator = { label: "Creator", opt: true, link: (row) => creatorPage(row.creator_id), title: (row) => row.creator_id, text: (row) => row.creator_id };
  return new Table({
    caption, key: (row) => `${row.entry_id} ${row.state}`,
    empty: "No entries in this period.",
    columns: [
      { label: "When (UTC)", text: (row) => (row.source === "gift" ? format.dayMinute(row.occurred_at) : format.dayShort(row.occurred_at)) },
      ...(withCreator ? [creator] : []),
      { label: "Why", wide: true, head: true, title: (row) => `${row.entry_id}, rate ${row.rate_version}`,
        node: (row) => h("a", { class: "clip", href: creatorPage(row.creator_id, row.entry_id) }, h("i", { class: `dot ${sourceColor(row.source)}`, title: sourceLabel(row.source) }), explain(row)) },
      { label: "State", opt: true, node: (row) => h("span", { class: `state ${row.state}`, text: stateLabel(row.state) }) },
      { label: "Amount", num: true, text: (row) => format.exactMoney(row.amount_micros, row.currency) },
    ],
  });
}

/** Bars of money per step, one on the other by source; rows are {at, source, amount_micros}. */
export function sourceBars({ label, height }) {
  let currency = "USD";
  const chart = new TimeChart({
    label, height, kind: "bars", marks: CENT_MARKS,
    series: SOURCES.map((name) => ({ key: name, label: sourceLabel(name), color: sourceColor(name) })),
    value: (value) => format.money(String(Math.round(value * 1e6)), currency),
    axis: (value) => format.axisMoney(value, currency),
  });
  const empty = h("p", { class: "empty", hidden: true, text: "No money moved in this period." });
  return {
    element: h("div", {}, chart.element, empty),
    set(rows, { currency: shown, ...grid }) {
      currency = shown;
      const points = rows.map((row) => ({ at: row.at, [row.source]: Number(row.amount_micros) / 1e6 }));
      const { times, columns } = onGrid(points, SOURCES, grid);
      empty.hidden = rows.length > 0;
      chart.element.hidden = rows.length === 0;
      if (rows.length) chart.set(times, columns, grid.stepS);
    },
  };
}
