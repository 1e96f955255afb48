// Why an amount is what it is: the arithmetic that was stored with it, and what happened behind it.

import { h, put } from "../dom.js";
import * as format from "../format.js";
import { Card, Table } from "../parts.js";
import { creatorPage } from "../router.js";
import { explain, sourceCell, sourceLabel, stateLabel } from "./ledger.js";

const KINDS = {
  streak: "Gift streak", entry: "Also booked of this streak", order_placed: "Order placed",
  order_settled: "Order settled", order_refunded: "Order refunded", deal_signed: "Deal signed",
  views_so_far: "So far", views_of_day: "That day",
};

/** The card of the entry that the address names; hidden while it names none. */
export function explanationCard(context) {
  const head = h("div", { class: "account" });
  const none = h("p", { class: "empty", hidden: true });
  const steps = new Table({
    caption: "Arithmetic", key: (row) => row.key,
    columns: [
      { label: "Step", head: true, wraps: true, text: (row) => row.label },
      { label: "How", wraps: true, node: (row) => h("span", { class: "dim", text: row.note }) },
      { label: "Value", num: true, text: (row) => inUnit(row.value, row.unit) },
    ],
  });
  const evidence = new Table({
    caption: "What happened", key: (row) => JSON.stringify([row.kind, row.what, row.detail, row.at]),
    columns: [
      { label: "What", head: true, wraps: true, text: (row) => KINDS[row.kind] ?? format.words(row.kind) },
      { label: "When (UTC)", opt: true, text: (row) => (row.at > 0 ? format.dayMinute(row.at) : "–") },
      { label: "Of", wraps: true, title: (row) => row.detail, text: ofText },
      { label: "Amount", num: true, text: amountText },
    ],
  });
  const parts = h("div", { class: "halves" }, h("div", {}, steps.element), h("div", {}, evidence.element));
  const close = h("a", { class: "more", text: "Close" });
  const card = new Card({ title: "Why this amount", of: ["explanation", "evidence"], extra: close }, head, none, parts);
  card.title.tabIndex = -1;
  let happened = [];
  let entry = null;

  function draw() {
    const streak = happened.find((row) => row.kind === "streak");
    const told = entry ? stepsOf(entry, streak, happened) : [];
    steps.set(told.map((row, i) => ({ ...row, key: String(i) })));
    steps.element.hidden = told.length === 0;
    evidence.set(happened);
    evidence.element.hidden = happened.length === 0;
  }

  return {
    card,
    show(id) {
      const changed = id !== card.element.dataset.entry;
      card.element.hidden = !id;
      card.element.dataset.entry = id;
      close.setAttribute("href", creatorPage(context.parameters.creator));
      if (!id) card.element.setAttribute("aria-busy", "false");
      if (!id || !changed) return;
      card.wait();
      card.title.focus({ preventScroll: true });
      card.element.scrollIntoView({ block: "nearest" });
    },
    explanation(rows) {
      entry = rows[0] ?? null;
      head.replaceChildren(...(entry ? headOf(entry) : []));
      put(none, `No entry of this creator has the id ${card.element.dataset.entry}. An estimate ends when its day is settled; the entry that takes its place is in the list below.`);
      none.hidden = entry !== null;
      draw();
      card.ready("explanation");
    },
    evidence(rows) {
      happened = rows;
      draw();
      card.ready("evidence");
    },
  };
}

function headOf(entry) {
  const { amount_micros: micros, currency, source, state, because } = entry;
  const says = [stateLabel(state), format.dayMinute(entry.occurred_at), entry.rate_version ? `rate ${entry.rate_version}` : ""];
  return [
    h("strong", { text: format.exactMoney(micros, currency) }),
    h("div", {},
      h("p", {}, sourceCell(source), h("span", { text: explain(entry) })),
      h("p", { class: "dim", text: says.filter(Boolean).join(", ") + (because ? `; because: ${format.words(because).toLowerCase()}` : "") }),
      h("p", { class: "dim id" }, h("code", { text: entry.entry_id }))),
  ];
}

/** Stored arithmetic, or of a gift that of its streak; an estimate has none yet. */
function stepsOf(entry, streak, happened) {
  if (entry.steps.length) return entry.steps.map(([label, value, unit, note]) => ({ label: format.words(label), value, unit, note }));
  if (entry.source === "gift" && streak) return streakSteps(entry, streak, happened);
  if (entry.state !== "estimated") return [];
  return [{ label: "Estimate so far", value: entry.amount_micros, unit: entry.currency,
    note: `${sourceLabel(entry.source)}: changes with every view; the arithmetic is kept when the day is settled` }];
}

function streakSteps(entry, streak, happened) {
  const coins = BigInt(streak.quantity) * BigInt(streak.amount);
  const parts = happened.filter((row) => row.kind === "entry").map((row) => row.amount);
  const worth = BigInt(format.sum([entry.amount_micros, ...parts]));
  const steps = [
    { label: "Gifts in the streak", value: streak.quantity, unit: "", note: "the highest running count of its frames" },
    { label: "Coins of one", value: streak.amount, unit: "coins", note: streak.what },
    { label: "Coins", value: String(coins), unit: "coins", note: "gifts x coins of one" },
  ];
  if (streak.detail === "refunded") return [...steps, { label: "Worth", value: "0", unit: entry.currency, note: "refunded: what was booked is taken back" }];
  if (coins && worth % coins === 0n) steps.push({ label: "A coin", value: String(worth / coins), unit: entry.currency, note: `rate ${entry.rate_version}` });
  return [...steps, { label: "Worth", value: String(worth), unit: entry.currency, note: parts.length ? "all entries of the streak together" : "coins x rate" }];
}

function inUnit(value, unit) {
  if (/^[A-Z]{3}$/.test(unit)) return format.exactMoney(value, unit);
  if (unit === "ppm") return `${format.fixed(value, 4)} %`;
  if (unit === "bps") return `${format.fixed(value, 2)} %`;
  return `${format.count(value)}${unit ? ` ${unit === "qualified" || value !== "1" ? unit : unit.replace(/s$/, "")}` : ""}`;
}

function ofText({ kind, who, what, quantity, detail }) {
  if (kind === "streak") return `${format.count(quantity)} x ${what} from ${who}, ${detail}`;
  if (kind.startsWith("order")) return `${format.count(quantity)} x ${what} for ${who}`;
  if (kind === "deal_signed") return `${what} with ${who}: ${milestones(detail)}`;
  if (kind.startsWith("views")) return `${what}: ${format.count(quantity)} views`;
  return what;
}

/** "1000:5000 9000:5000" -> "50 % at 1,000 views, 50 % at 9,000 views". */
const milestones = (text) => text.split(" ").filter(Boolean)
  .map((one) => one.split(":")).map(([views, bps]) => `${format.fixed(bps, 2)} % at ${format.count(views)} views`).join(", ");

function amountText({ kind, quantity, amount, unit }) {
  if (amount === null) return "–";
  if (kind === "streak") return inUnit(String(BigInt(quantity) * BigInt(amount)), "coins");
  return inUnit(amount, unit === "qualified views" ? "qualified" : unit);
}
