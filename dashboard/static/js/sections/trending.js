// Trending: who has the most decayed points now, and who climbs.

import { h } from "../dom.js";
import * as format from "../format.js";
import { spark } from "../charts.js";
import { Card, meter, Table } from "../parts.js";
import { creatorPage } from "../router.js";

const KINDS = [
  ["video", "Videos"], ["hashtag", "Hashtags"], ["sound", "Sounds"],
  ["challenge", "Challenges"], ["creator", "Creators"],
];

export const trending = {
  title: "Trending",
  lead: "Points for everything that viewers do; they fade with time, so what is new can overtake.",
  icon: "M3 17l6-6 4 4 8-8M15 7h6v6",
  defaults: { kind: "" },
  filters: [{ name: "kind", label: "Kind", options: [["", "All"], ...KINDS] }],
  panels: ({ kind }) => [...(kind ? [kind] : KINDS.map(([one]) => one)).map(panelOf), "top_windows"],
  remount: (before, now) => before.kind !== now.kind,

  mount(root, context) {
    const { kind } = context.parameters;
    const cards = new Map(kind
      ? [[panelOf(kind), wideCard(kind)]]
      : KINDS.map(([one]) => [panelOf(one), smallCard(one, context)]));
    const boards = [...cards.values()].map((one) => one.card.element);
    const now = nowCard(kind);
    root.append(h("div", { class: "grid" }, boards, kind ? null : explanation(), now.card.element));
    cards.set("top_windows", now);
    return {
      panel(answer) {
        const one = cards.get(answer.panel);
        one.draw(answer);
        one.card.ready(answer.panel);
      },
      trouble: (panel, message) => cards.get(panel).card.trouble(message),
      wait: () => cards.forEach((one) => one.card.wait()),
    };
  },
};

const SMALL_ROWS = 8;

const panelOf = (kind) => `trending_${kind}`;

const labelOf = (kind) => KINDS.find(([one]) => one === kind)[1];

/** #fyp, but v123. */
const nameOf = ({ kind, entity_id: id }) => (kind === "hashtag" ? `#${id}` : id);

function move({ moved }) {
  if (moved === null) return h("span", { class: "move new", text: "new" });
  if (!moved) return h("span", { class: "move", "aria-label": "unchanged", text: "·" });
  const way = moved > 0 ? "up" : "down";
  return h("span", { class: `move ${way}`, "aria-label": `${way} ${Math.abs(moved)}` },
    h("i", { "aria-hidden": "true" }), String(Math.abs(moved)));
}

const columns = (top) => ({
  rank: { label: "Rank", quiet: true, num: true, tight: true, text: (row) => String(row.rank) },
  move: { label: "Movement", quiet: true, tight: true, node: move },
  name: { label: "Name", wide: true, head: true, node: (row) => h("span", { class: "named" }, nameNode(row), meter(row.points / top())) },
  views: { label: "Last hour", node: (row) => spark(row.views.length ? row.views.map(Number) : new Array(30).fill(0), { label: `${format.sum(row.views)} views in the last hour` }) },
  sum: { label: "Views in it", num: true, opt: true, text: (row) => format.count(format.sum(row.views)) },
  velocity: { label: "Points per hour", num: true, opt: true, text: (row) => format.decimal(row.velocity) },
  change: { label: "Rising by, per hour", num: true, far: true, text: (row) => format.decimal(row.acceleration) },
  points: { label: "Points", num: true, text: (row) => format.decimal(row.points) },
});

function nameNode(row) {
  if (row.kind === "creator") return h("a", { class: "clip", href: creatorPage(row.entity_id), title: row.entity_id, text: row.entity_id });
  return h("span", { class: "clip", title: row.entity_id, text: nameOf(row) });
}

function board(kind, names, rowsMax, note) {
  let top = 1;
  const all = columns(() => top);
  const table = new Table({
    caption: `Trending ${labelOf(kind).toLowerCase()}`, key: (row) => row.entity_id, moving: true,
    empty: `No ${labelOf(kind).toLowerCase()} have points yet.`,
    columns: names.map((name) => all[name]),
  });
  return {
    table,
    draw({ rows, compared_s: ago }) {
      top = Math.max(1e-9, ...rows.map((row) => row.points));
      table.set(rows.slice(0, rowsMax).map((row) => ({ ...row, top })));
      note(ago ? `movement since ${ago >= 60 ? "a minute" : `${ago} s`} ago` : "");
    },
  };
}

function smallCard(kind, context) {
  const one = board(kind, ["rank", "move", "name", "views", "points"], SMALL_ROWS, () => {});
  const more = h("a", { class: "more", href: context.address("trending", { kind }), "aria-label": `More ${labelOf(kind).toLowerCase()}`, text: "More" });
  return { card: new Card({ title: labelOf(kind), wide: 4, of: [panelOf(kind)], extra: more }, one.table.element), draw: one.draw };
}

function wideCard(kind) {
  const one = board(kind, ["rank", "move", "name", "views", "sum", "velocity", "change", "points"], Infinity, (text) => { card.note.textContent = text; });
  const card = new Card({ title: labelOf(kind), note: "", wide: 12, of: [panelOf(kind)] }, one.table.element);
  return { card, draw: one.draw };
}

/** The last 60 seconds: a few of every kind, or more of one. */
function nowCard(kind) {
  const table = new Table({
    caption: "Leaders of the last 60 seconds", key: (row) => `${row.kind} ${row.entity_id}`, moving: true,
    empty: "Nobody engaged in the last 60 seconds of event time.",
    columns: [
      { label: "Rank", quiet: true, num: true, tight: true, text: (row) => String(row.rank) },
      { label: "Name", wide: true, head: true, node: nameNode },
      { label: "Kind", opt: true, text: (row) => labelOf(row.kind) },
      { label: "Engagements", num: true, text: (row) => format.count(row.engagements) },
      { label: "Users", num: true, text: (row) => format.count(row.users) },
    ],
  });
  const card = new Card({ title: "Right now", note: "likes, comments, shares, favorites and follows of the last 60 seconds", wide: kind ? 12 : 8, of: ["top_windows"] }, table.element);
  return { card, draw: ({ rows }) => table.set(rows) };
}

function explanation() {
  const line = (name, text) => h("div", {}, h("dt", { text: name }), h("dd", { text }));
  return h("section", { class: "card w4 plain", "aria-labelledby": "reading" },
    h("header", {}, h("h2", { id: "reading", text: "How to read this" })),
    h("dl", {},
      line("Points", "What viewers did, weighted by how rare it is: a comment or a share says more than a view. Points fade, and half of them are gone after one half-life (six hours as shipped)."),
      line("Movement", "Places climbed or fallen against a minute ago, as long as somebody looks."),
      line("Line", "Views of the last hour of event time, in steps of two minutes."),
      line("Hashtags, sounds, challenges, creators", "The points of their videos together.")));
}
