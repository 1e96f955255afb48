// The stream of updates: opens it, opens it again when it breaks, and says how it stands.

const STALE_MS = 3_500;
const AGAIN_MS = 2_000;
const SILENT_MS = 10_000; // workers tell of themselves every three seconds

/** Whether a partition has no worker: none tells of it, and none has said that it stops. */
export const isSilent = (workers) => Boolean(workers && !workers.stopped && workers.silent_ms > SILENT_MS);

/**
 * States: "connecting", "live", "stale" (connected, but no reading came), "lost" (no connection),
 * "problem" (the server cannot read ClickHouse; `message` says why).
 */
export class Live {
  #on;
  #source = null;
  #url = "";
  #timer = 0;
  #lastMs = 0;
  #state = "connecting";
  #message = "";

  /** `on` has pulse, history, panel, trouble, state: functions that take what came. */
  constructor(on) {
    this.#on = on;
    setInterval(() => this.#look(), 1_000);
    document.addEventListener("visibilitychange", () => {
      // Nothing is read for a page that nobody sees.
      if (document.hidden) this.#close();
      else if (this.#url && !this.#source) this.#open();
    });
  }

  /** Looks at these panels from now on. */
  watch(panels, parameters) {
    const query = new URLSearchParams({ panels: panels.join(","), ...parameters });
    this.#url = `api/stream?${query}`;
    this.#close();
    if (!document.hidden) this.#open();
  }

  /** Milliseconds since ClickHouse was last read, or null. */
  get ageMs() {
    return this.#lastMs ? performance.now() - this.#lastMs : null;
  }

  #open() {
    const source = new EventSource(this.#url);
    this.#source = source;
    const listen = (name, take) =>
      source.addEventListener(name, (event) => {
        if (this.#source === source) take(JSON.parse(event.data));
      });
    listen("pulse", (pulse) => {
      this.#lastMs = performance.now();
      this.#become("live");
      this.#on.pulse(pulse);
    });
    listen("history", (history) => this.#on.history(history.points));
    listen("panel", (panel) => this.#on.panel(panel));
    listen("trouble", (trouble) => this.#on.trouble(trouble));
    listen("problem", ({ message }) => this.#become("problem", message));
    source.addEventListener("error", () => {
      if (this.#source !== source) return;
      this.#become("lost");
      if (source.readyState === EventSource.CLOSED) this.#refused();
    });
  }

  /** The server answered, but not with a stream: it says why when it is asked plainly. */
  async #refused() {
    const url = this.#url;
    this.#close();
    this.#timer = setTimeout(() => this.#open(), AGAIN_MS);
    try {
      const response = await fetch(url, { signal: AbortSignal.timeout(1_500) });
      if (!response.ok && url === this.#url) {
        this.#become("problem", (await response.json()).error);
      }
      await response.body?.cancel();
    } catch {
      this.#become("lost");
    }
  }

  #close() {
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#source = null;
  }

  #look() {
    if (this.#state === "live" && this.ageMs > STALE_MS) this.#become("stale");
    this.#on.state(this.#state, this.#message);
  }

  #become(state, message = "") {
    const changed = state !== this.#state || message !== this.#message;
    this.#state = state;
    this.#message = message;
    if (changed) this.#on.state(state, message);
  }
}
