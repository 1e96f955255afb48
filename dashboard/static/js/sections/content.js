// Content performance: which kinds of content get the most likes.

import { h } from "../dom.js";
import * as format from "../format.js";
import { Card, interval, meter, select, Table } from "../parts.js";
import { creatorPage } from "../router.js";

const DIMENSIONS = [
  ["content_type", "Type"], ["length", "Length"], ["hashtag", "Hashtag"], ["sound", "Sound"],
  ["challenge", "Challenge"], ["main_feed", "Feed"],
  ["hour", "Hour"], ["weekday", "Weekday"], ["originality", "Originality"],
];
const SORTS = [["views", "Views"], ["likes", "Likes"], ["comments", "Comments"], ["shares", "Shares"], ["watch_ms", "Watch time"]];

// These have an order of their own; the others are ordered by the estimate of likes per view.
const ORDERS = {
  length: ["0-15 s", "15-30 s", "30-60 s", "1-3 min", "3-10 min", "10 min and more", "unknown"],
  weekday: ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"],
  hour: Array.from({ length: 24 }, (_, i) => String(i).padStart(2, "0")),
};

const NOTE = "the estimate is likes per 1,000 views pulled to what is usual, the more the fewer the views; "
  + "a video counts in every value that it has";

export const content = {
  title: "Content",
  lead: "Which kinds of content get the most likes for the same number of views.",
  icon: "M4 5h16v14H4ZM10 9l5 3-5 3Z",
  defaults: { dimension: "content_type", sort: "views" },
  filters: [{ name: "dimension", label: "Compare by", options: DIMENSIONS }],
  panels: () => ["content", "content_earnings", "top_videos"],

  mount(root, context) {
    const kinds = kindsCard(context);
    const videos = videosCard(context);
    const earned = { rows: kinds.earned, card: kinds.card };
    const parts = { content: kinds, content_earnings: earned, top_videos: videos };
    root.append(h("div", { class: "grid" }, kinds.card.element, videos.card.element));
    return {
      panel({ panel, rows }) {
        parts[panel].rows(rows);
        parts[panel].card.ready(panel);
      },
      trouble: (panel, message) => parts[panel].card.trouble(message),
      wait: () => { kinds.wait(); videos.card.wait(); },
    };
  },
};

function kindsCard(context) {
  const top = { likes: 1, views: 1 };
  const table = new Table({
    caption: "Likes per 1,000 views by kind of content", key: (row) => row.value, moving: true,
    empty: "No videos yet.",
    columns: [
      { label: "Value", head: true, title: (row) => row.value, text: (row) => nameOf(context.parameters.dimension, row.value) },
      { label: "Likes per 1,000, counted", num: true, opt: true, title: () => "likes divided by views, times 1,000", text: (row) => format.decimal(row.likes_per_1000_views) },
      { label: "Estimated, 95 % interval", half: true, node: (row) => estimateCell(row, top.likes) },
      { label: "Views", half: true, opt: true, node: (row) => barCell(Number(row.views), top.views, "c-blue", format.tidy(row.views)) },
      { label: "Likes", num: true, opt: true, text: (row) => format.tidy(row.likes) },
      { label: "Videos", num: true, opt: true, text: (row) => format.tidy(row.videos) },
      { label: "Earned", num: true, title: (row) => (row.micros === null ? "being added up" : format.exactMoney(row.micros)), text: earnedText },
    ],
  });
  const card = new Card({ title: "Kinds of content", note: NOTE, of: ["content"] }, table.element);
  // Money is added up apart: with millions of ledger entries it takes longer than the counts.
  let earnings = null;
  let shown = [];
  const draw = () => table.set(shown.map((row) => ({ ...row, top, micros: earnings && (earnings.get(row.value) ?? "0") })));
  return {
    card,
    wait() {
      earnings = null;
      card.wait();
    },
    earned(rows) {
      earnings = new Map(rows.map((row) => [row.value, row.earnings_micros]));
      draw();
    },
    rows(rows) {
      const order = ORDERS[context.parameters.dimension];
      const sorted = order
        ? [...rows].sort((a, b) => order.indexOf(a.value) - order.indexOf(b.value))
        : [...rows].sort((a, b) => b.likes_per_1000_shrunk - a.likes_per_1000_shrunk);
      top.likes = Math.max(1e-9, ...rows.map((row) => row.likes_per_1000_high));
      top.views = Math.max(1, ...rows.map((row) => Number(row.views)));
      shown = sorted;
      draw();
    },
  };
}

function earnedText({ micros }) {
  if (micros === null) return "…";
  return micros === "0" ? "–" : format.money(micros);
}

function nameOf(dimension, value) {
  if (dimension === "hashtag") return `#${value}`;
  if (dimension === "hour") return `${value}:00`;
  return dimension === "content_type" || dimension === "originality" || dimension === "main_feed" ? format.words(value) : value;
}

/** The interval is of the estimate, not of the rate as counted: that of few views may lie outside of it. */
function estimateCell({ likes_per_1000_shrunk: estimate, likes_per_1000_low: low, likes_per_1000_high: high }, top) {
  const between = `${format.decimal(low)}–${format.decimal(high)}`;
  return h("span", { class: "estimate" },
    interval({ low: low / top, high: high / top, point: estimate / top, text: `estimate ${format.decimal(estimate)}, between ${between}` }),
    h("b", { text: format.decimal(estimate) }), h("span", { class: "dim", text: between }));
}

const barCell = (value, top, color, text) =>
  h("span", { class: "barred" }, meter(value / top, color), h("b", { text }));

function videosCard(context) {
  const table = new Table({
    caption: "Videos with the most", key: (row) => row.video_id, moving: true,
    empty: "No videos yet.",
    columns: [
      { label: "Video", head: true, title: (row) => row.video_id, text: (row) => row.video_id },
      { label: "Creator", opt: true, link: (row) => creatorPage(row.creator_id), title: (row) => row.creator_id, text: (row) => row.creator_id },
      { label: "Type", opt: true, text: (row) => (row.content_type ? format.words(row.content_type) : "–") },
      { label: "Length", num: true, far: true, text: (row) => (Number(row.duration_ms) > 0 ? format.duration(row.duration_ms) : "–") },
      { label: "Views", num: true, text: (row) => format.tidy(row.views) },
      { label: "Viewers", num: true, far: true, text: (row) => format.tidy(row.unique_viewers) },
      { label: "Qualified", num: true, far: true, text: (row) => format.tidy(row.qualified_views) },
      { label: "Watched to the end", num: true, opt: true, text: (row) => format.percent(row.completion_rate) },
      { label: "Likes", num: true, title: (row) => `${format.count(row.net_likes)} net of un-likes`, text: (row) => format.tidy(row.likes) },
      { label: "Per 1,000", num: true, text: (row) => format.decimal(row.likes_per_1000_views) },
      { label: "Comments", num: true, far: true, text: (row) => format.tidy(row.comments) },
      { label: "Shares", num: true, far: true, text: (row) => format.tidy(row.shares) },
    ],
  });
  const sort = select({ label: "Most", options: SORTS, value: context.parameters.sort, change: (value) => context.change({ sort: value }) });
  const card = new Card({ title: "Top videos", note: "", of: ["top_videos"], extra: sort }, table.element);
  return { card, rows: (rows) => table.set(rows) };
}
