// Simulated experiments: what a treatment changed, with intervals. Everything here is a simulation.

import { h } from "../dom.js";
import * as format from "../format.js";
import { Card, interval, Table } from "../parts.js";

const LABEL = "This is a simulation: people, creators and videos are made up. Their events went through the real pipeline.";
const COMMAND = "engage experiment likes --data ./worlds";
const LOOK = "engage dashboard --data ./worlds/likes";
const COUNTS = ["impressions", "views", "likes", "followers"];
const MONEY = ["earnings", "creator_fund", "creator_rewards", "gift", "affiliate", "sale", "brand_deal"];
const MEASURES = [...COUNTS, ...MONEY];

export const experiments = {
  title: "Experiments",
  lead: "Simulated worlds: what changes when some creators do, or get, something else.",
  icon: "M9 3h6M10 3v6l-5 9a2 2 0 0 0 2 3h10a2 2 0 0 0 2-3l-5-9V3M7.5 15h9",
  defaults: {},
  panels: () => ["experiments"],

  mount(root) {
    const found = h("div", { class: "grid" });
    const waiting = new Card({ title: "Findings", of: ["experiments"] });
    found.append(waiting.element);
    const simulated = h("p", { class: "simulated", role: "note", hidden: true, text: LABEL });
    root.append(simulated, found);
    let drawn = new Map();
    let shown = [waiting];
    return {
      panel({ panel, rows }) {
        const byTreatment = Map.groupBy(rows, (row) => `${row.experiment}\n${row.treatment}`);
        if ([...byTreatment.keys()].join() !== [...drawn.keys()].join() || !rows.length) {
          drawn = new Map([...byTreatment].map(([name, some]) => [name, effectsCard(some[0])]));
          shown = rows.length ? [...drawn.values()].map((one) => one.card) : [emptyCard()];
          found.replaceChildren(...shown.map((card) => card.element), ...(rows.length ? [reading()] : []));
        }
        simulated.hidden = rows.length === 0; // where nothing was simulated, there is nothing to say of it
        for (const [name, some] of byTreatment) drawn.get(name).rows(some);
        shown.forEach((card) => card.ready(panel));
      },
      trouble: (_panel, message) => shown[0].trouble(message),
      wait: () => {},
    };
  },
};

/** There is nothing to show where no experiment was played; most folders hold a real log. */
function emptyCard() {
  return new Card({ title: "Findings", of: ["experiments"] },
    h("p", { class: "empty" }, "No experiment was played in these results. ", h("code", { text: COMMAND }),
      " plays one; each has a folder of its own. Then look there: ", h("code", { text: LOOK }), "."));
}

function effectsCard({ experiment, question, treatment, weights, seeds }) {
  const table = new Table({
    caption: `${experiment}: ${treatment}`, key: (row) => `${row.group_name}\n${row.measure}`,
    columns: [
      { label: "Measure, of whom", head: true, text: (row) => `${format.words(row.measure)}, ${row.group_name}` },
      { label: "Without", num: true, opt: true, text: (row) => amount(row.measure, row.control_mean) },
      { label: "Change", num: true, text: (row) => signed(row.measure, row.change) },
      { label: "95 % interval", num: true, text: (row) => between(row.measure, row.change_low, row.change_high) },
      { label: "Interval, of what was without", wide: true, far: true, node: range },
      { label: "Differs from zero", opt: true, node: (row) => h("span", { class: `state ${differs(row) ? "up" : ""}`, text: differs(row) ? "yes" : "no" }) },
      { label: "Per 1,000 likes", num: true, opt: true, text: (row) => (Number(row.has_ratio) ? signed(row.measure, row.per_1000_likes) : "–"),
        title: (row) => (Number(row.has_ratio) ? between(row.measure, row.per_1000_low, row.per_1000_high) : "likes did not rise for certain") },
    ],
  });
  const note = `${seeds} pairs of worlds with the same luck; weights: ${weights}; simulation`;
  return {
    card: new Card({ title: `${experiment}: ${treatment}`, note, of: ["experiments"] },
      h("p", { class: "note", text: question }), table.element),
    rows(rows) {
      const order = (row) => MEASURES.indexOf(row.measure);
      const share = (value, row) => (row.control_mean > 0 ? value / row.control_mean : null);
      const size = Math.max(0.01, ...rows.flatMap((row) => [row.change_low, row.change_high].map((value) => Math.abs(share(value, row) ?? 0))));
      table.set([...rows].sort((a, b) => a.group_name.localeCompare(b.group_name) || order(a) - order(b))
        .map((row) => ({ ...row, size, low: share(row.change_low, row), high: share(row.change_high, row), middle: share(row.change, row) })));
    },
  };
}

const differs = (row) => row.change_low > 0 || row.change_high < 0;

/** Means over worlds are no whole numbers; money comes in micro-units. */
function amount(measure, value) {
  return MONEY.includes(measure) ? format.money(String(Math.round(value))) : format.decimal(value);
}

const signed = (measure, value) => `${value >= 0 ? "+" : ""}${amount(measure, value)}`;
const between = (measure, low, high) => `${signed(measure, low)} to ${signed(measure, high)}`;

/** The interval as a line; all rows of a treatment have one scale, with zero in the middle. */
function range({ low, high, middle, size }) {
  if (middle === null) return h("span", { text: "–" });
  const at = (share) => 0.5 + (0.5 * share) / size;
  const text = `${format.percent(middle)}, from ${format.percent(low)} to ${format.percent(high)}`;
  return interval({ low: at(low), high: at(high), point: at(middle), mark: 0.5, text });
}

function reading() {
  const line = (name, text) => h("div", {}, h("dt", { text: name }), h("dd", { text }));
  return h("section", { class: "card w12 plain columns", "aria-labelledby": "experiments-reading" },
    h("header", {}, h("h2", { id: "experiments-reading", text: "How to read this" })),
    h("dl", {},
      line("Change", "Mean over pairs of worlds: the treated one less its control, which share a seed and so their luck."),
      line("Interval", "95 %: where it holds zero, the treatment may have done nothing."),
      line("Per 1,000 likes", "What came with 1,000 extra likes of the chosen creators; not shown where likes did not rise for certain."),
      line("Chosen, others", "The chosen creators are treated; what they gain, others may lose, for people watch only so much.")));
}
