// Earnings: what was booked, what is estimated, by which door it came, and to whom.

import { h, put } from "../dom.js";
import * as format from "../format.js";
import { Card, Figure, Figures, proportions, Table } from "../parts.js";
import { creatorPage } from "../router.js";
import { entriesTable, SOURCES, sourceBars, sourceCell, sourceColor, sourceLabel } from "./ledger.js";

// The span, the step of the bars, and how the step is called.
const SPANS = {
  "24h": [86_400, 3600, "1 h"], "7d": [604_800, 21_600, "6 h"],
  "30d": [2_592_000, 86_400, "1 day"], all: [0, 86_400, "1 day"],
};

export const earnings = {
  title: "Earnings",
  lead: "Booked money is exact to the micro-unit; estimates become final when their day is settled.",
  icon: "M12 3v18M16.5 7.5c-.8-1.5-2.5-2-4.5-2-2.5 0-4.5 1-4.5 3.2 0 4.5 9.5 2 9.5 6.6 0 2.2-2.2 3.2-5 3.2-2.3 0-4.2-.8-5-2.5",
  defaults: { period: "7d", source: "" },
  filters: [
    { name: "source", label: "Source", many: true, options: [["", "All sources"], ...SOURCES.map((name) => [name, sourceLabel(name)])] },
    { name: "period", label: "Period of event time", options: [["24h", "24 h"], ["7d", "7 d"], ["30d", "30 d"], ["all", "All"]] },
  ],
  panels: () => ["earnings_by_source", "earnings_over_time", "top_earners", "entries"],

  mount(root, context) {
    const totals = new Totals();
    const parts = {
      earnings_by_source: bySource(totals, context),
      earnings_over_time: overTime(context),
      top_earners: earners(),
      entries: newest(),
    };
    const cards = Object.fromEntries(Object.entries(parts).map(([name, part]) => [name, part.card]));
    const { earnings_by_source: bySourceCard, top_earners: top, earnings_over_time: over, entries } = cards;
    root.append(totals.element, h("div", { class: "grid" },
      h("div", { class: "stack w5" }, bySourceCard.element, top.element),
      h("div", { class: "stack w7" }, over.element, entries.element)));
    return {
      panel({ panel, rows }) {
        parts[panel].rows(rows);
        cards[panel].ready(panel);
      },
      trouble: (panel, message) => cards[panel].trouble(message),
      wait: () => Object.values(cards).forEach((card) => card.wait()),
    };
  },
};

/** Money of different currencies is never added: the one with the most entries is shown as figures. */
function mainCurrency(rows) {
  const entries = {};
  for (const row of rows) entries[row.currency] = (entries[row.currency] ?? 0) + Number(row.entries ?? 1);
  return Object.keys(entries).sort((a, b) => entries[b] - entries[a])[0] ?? "USD";
}

class Totals {
  #booked = new Figure("Booked", { big: true });
  #corrections = new Figure("Corrections in it");
  #estimated = new Figure("Estimated on top");
  #entries = new Figure("Ledger entries");
  #bar = proportions();

  constructor() {
    this.element = h("section", { class: "card strip", "aria-label": "Totals of the period" },
      h("div", { class: "figures-row" }, [this.#booked, this.#corrections, this.#estimated, this.#entries].map((one) => one.element)),
      this.#bar.element);
  }

  draw(all) {
    const currency = mainCurrency(all);
    const rows = all.filter((row) => row.currency === currency);
    const add = (name) => format.sum(rows.map((row) => row[name]));
    const [final, corrected, estimated] = ["final_micros", "adjustment_micros", "estimated_micros"].map(add);
    const booked = format.sum([final, corrected]);
    const others = [...new Set(all.map((row) => row.currency))].filter((one) => one !== currency);
    this.#booked.put(format.money(booked, currency), others.length ? `${currency}; also ${others.join(", ")} below` : currency, format.exactMoney(booked, currency));
    this.#corrections.put(format.money(corrected, currency), "refunds and recounts", format.exactMoney(corrected, currency));
    this.#estimated.put(format.money(estimated, currency), "changes with every view", format.exactMoney(estimated, currency));
    this.#entries.put(format.tidy(format.sum(all.map((row) => row.entries))), "never changed, only added to");
    const worth = (row) => Math.max(0, Number(row.final_micros) + Number(row.adjustment_micros) + Number(row.estimated_micros));
    const whole = rows.reduce((sum, row) => sum + worth(row), 0) || 1;
    this.#bar.put(rows.map((row) => ({ color: sourceColor(row.source), share: worth(row) / whole, label: `${sourceLabel(row.source)} ${format.percent(worth(row) / whole)}` })));
  }
}

function overTime(context) {
  const bars = sourceBars({ label: "Earnings over time by source", height: 236 });
  const figures = new Figures({
    caption: "Earnings over time", key: (row) => `${row.at} ${row.source} ${row.currency}`,
    columns: [
      { label: "From (UTC)", text: (row) => format.dayMinute(row.at) },
      { label: "Source", text: (row) => sourceLabel(row.source) },
      { label: "Amount", num: true, text: (row) => format.exactMoney(row.amount_micros, row.currency) },
    ],
  });
  const card = new Card({ title: "Over time", note: "by event time, estimates included", of: ["earnings_over_time"] }, bars.element, figures.element);
  return {
    card,
    rows(rows) {
      const currency = mainCurrency(rows);
      const [spanS, stepS, step] = SPANS[context.parameters.period];
      put(card.note, `in steps of ${step}, by event time, estimates included`);
      bars.set(rows.filter((row) => row.currency === currency), { nowMs: context.nowMs, spanS, stepS, currency });
      figures.set([...rows].reverse());
    },
  };
}

function bySource(totals, context) {
  const table = new Table({
    caption: "Earnings by source", key: (row) => `${row.source} ${row.currency}`,
    empty: "No ledger entries in this period.",
    columns: [
      { label: "Source", wide: true, node: (row) => sourceCell(row.source) },
      { label: "Entries", num: true, opt: true, text: (row) => format.tidy(row.entries) },
      { label: "Estimated", num: true, text: (row) => blankZero(row.estimated_micros, row.currency) },
      { label: "Booked", num: true, title: (row) => format.exactMoney(bookedOf(row), row.currency), text: (row) => blankZero(bookedOf(row), row.currency) },
    ],
  });
  return {
    card: new Card({ title: "By source", note: "booked is final plus corrections", of: ["earnings_by_source"] }, table.element),
    rows(all) {
      const { source } = context.parameters;
      const rows = all.filter((row) => !source || row.source === source);
      totals.draw(rows);
      table.set(rows);
    },
  };
}

const bookedOf = (row) => format.sum([row.final_micros, row.adjustment_micros]);
const blankZero = (micros, currency) => (BigInt(micros) === 0n ? "–" : format.money(micros, currency));

const amountOf = (row) => Number(row.booked_micros) + Number(row.estimated_micros);

function earners() {
  let top = 1;
  const table = new Table({
    caption: "Creators with the most money", key: (row) => `${row.creator_id} ${row.currency}`, moving: true,
    empty: "Nobody earned anything in this period.",
    columns: [
      { label: "Creator", head: true, link: (row) => creatorPage(row.creator_id), title: (row) => row.creator_id, text: (row) => row.creator_id },
      { label: "Shares of the sources", wide: true, quiet: true, node: (row) => sharesOf(row, top) },
      { label: "Estimated", num: true, opt: true, text: (row) => blankZero(row.estimated_micros, row.currency) },
      { label: "Booked", num: true, title: (row) => format.exactMoney(row.booked_micros, row.currency), text: (row) => blankZero(row.booked_micros, row.currency) },
    ],
  });
  return {
    card: new Card({ title: "Top creators", note: "booked and estimated", of: ["top_earners"] }, table.element),
    rows(rows) {
      top = Math.max(1, ...rows.map(amountOf));
      table.set(rows.map((row) => ({ ...row, top })));
    },
  };
}

/** The bar is as long as the amount is of the greatest one; its parts are shares of its own length. */
function sharesOf(row, top) {
  const bar = proportions();
  const amounts = row.sources.map((_, i) => Math.max(0, Number(row.booked_parts[i]) + Number(row.estimated_parts[i])));
  const whole = amounts.reduce((all, one) => all + one, 0) || 1;
  bar.put(row.sources.map((source, i) => ({ color: sourceColor(source), share: amounts[i] / whole, label: `${sourceLabel(source)} ${format.percent(amounts[i] / whole)}` })));
  bar.element.style.width = `${Math.max(1, (100 * amountOf(row)) / top)}%`;
  return bar.element;
}

function newest() {
  const table = entriesTable({ caption: "Newest ledger entries", withCreator: true });
  return {
    card: new Card({ title: "Newest entries", note: "by event time", of: ["entries"] }, table.element),
    rows: (rows) => table.set(rows.slice(0, 20)),
  };
}
