// One creator: what is owed, where it came from, entry by entry.

import { h } from "../dom.js";
import * as format from "../format.js";
import { Card, Figure, Table } from "../parts.js";
import { explanationCard } from "./explanation.js";
import { entriesTable, sourceBars, sourceCell } from "./ledger.js";

export const creator = {
  title: "Creator",
  titleOf: ({ creator: id }) => id || "Creator",
  lead: "Balance, entries and explanations, over all of time.",
  defaults: { creator: "", entry: "" },
  panels: ({ creator: id, entry }) => (id
    ? ["creator", "balance", "creator_days", "creator_entries", ...(entry ? ["explanation", "evidence"] : [])] : []),
  remount: (before, now) => before.creator !== now.creator,

  mount(root, context) {
    const head = new Head();
    const days = daysCard(context);
    const entries = entriesTable({ caption: "Ledger entries of this creator", withCreator: false });
    const entriesCard = new Card({ title: "Newest entries", note: "at most fifty; all of them: engage sql", wide: 8, of: ["creator_entries"] }, entries.element);
    const why = explanationCard(context);
    const none = h("p", { class: "empty", hidden: Boolean(context.parameters.creator), text: "No creator is named in the address." });
    root.append(
      h("p", { class: "back" }, h("a", { href: "#/earnings", text: "All earnings" })),
      none, head.element, h("div", { class: "grid" }, why.card.element, entriesCard.element, days.card.element));
    why.show(context.parameters.entry);
    const draw = {
      creator: (rows) => head.who(rows[0]),
      balance: (rows) => head.balance(rows),
      creator_days: (rows) => { days.rows(rows); days.card.ready("creator_days"); },
      creator_entries: (rows) => { entries.set(rows); entriesCard.ready("creator_entries"); },
      explanation: why.explanation,
      evidence: why.evidence,
    };
    const cards = { creator_days: days.card, explanation: why.card, evidence: why.card };
    return {
      panel: ({ panel, rows }) => draw[panel](rows),
      trouble: (panel, message) => (cards[panel] ?? entriesCard).trouble(message),
      wait: () => why.show(context.parameters.entry),
    };
  },
};

class Head {
  #none = new Figure("Balance", { big: true });
  #money = h("div", { class: "figures-row" });
  #figures = {
    followers: new Figure("Followers"), videos: new Figure("Videos"), views: new Figure("Views"),
    likes: new Figure("Likes"), engagement_rate: new Figure("Engagement rate"), reply_rate: new Figure("Reply rate"),
  };

  constructor() {
    this.#money.append(this.#none.element);
    this.element = h("section", { class: "card strip two", "aria-label": "Creator" }, this.#money,
      h("div", { class: "figures-row" }, Object.values(this.#figures).map((one) => one.element)));
  }

  who(row) {
    const rates = ["engagement_rate", "reply_rate"];
    for (const [name, figure] of Object.entries(this.#figures)) {
      if (!row) figure.put("–", "not in the log");
      else figure.put(rates.includes(name) ? format.percent(row[name]) : format.tidy(row[name]),
        { engagement_rate: "likes, comments, shares per view", reply_rate: "replies per comment" }[name] ?? "");
    }
  }

  balance(rows) {
    if (rows.length === 0) {
      this.#none.put(format.money("0"), "nothing booked yet");
      return;
    }
    this.#money.replaceChildren(...rows.flatMap(({ currency, ...row }) => {
      const balance = new Figure("Balance", { big: true });
      balance.put(format.exactMoney(row.balance_micros, currency), `${currency}, ${format.count(row.entries)} ${row.entries === "1" ? "entry" : "entries"}`);
      const corrections = new Figure("Corrections in it");
      corrections.put(format.exactMoney(row.adjustment_micros, currency), "refunds and recounts");
      const estimated = new Figure("Estimated on top");
      estimated.put(format.exactMoney(row.estimated_micros, currency), "final when the day is settled");
      const paid = new Figure("Paid out");
      paid.put(format.exactMoney(row.paid_micros, currency), "taken from the balance");
      return [balance, paid, corrections, estimated].map((figure) => figure.element);
    }));
  }
}

function daysCard(context) {
  const bars = sourceBars({ label: "Earnings by day and source", height: 150 });
  const table = new Table({
    caption: "Money by day and source", key: (row) => `${row.at} ${row.source}`,
    empty: "Nothing earned yet.",
    columns: [
      { label: "Day", text: (row) => format.day(row.at) },
      { label: "Source", wide: true, node: (row) => sourceCell(row.source) },
      { label: "Amount", num: true, text: (row) => format.exactMoney(row.amount_micros) },
    ],
  });
  return {
    card: new Card({ title: "By day", note: "estimates included", wide: 4, of: ["creator_days"] }, bars.element, table.element),
    rows(rows) {
      table.set(rows.slice(0, 30));
      bars.set(rows, { nowMs: context.nowMs, spanS: 30 * 86_400, stepS: 86_400, currency: "USD" });
    },
  };
}
