// Numbers, money and times as people read them. Counts and money arrive as decimal strings, because
// they may exceed 2^53; money stays BigInt until it is text.

const whole = new Intl.NumberFormat("en");
const SYMBOLS = { USD: "$", EUR: "€", GBP: "£", JPY: "¥" };
const MICROS = 1_000_000n;
const MINUS = "\u2212";

/** 1234567 -> 1,234,567, exact whatever its size. */
export const count = (value) => whole.format(BigInt(value)).replace("-", MINUS);

/** 1500 -> 1,500, 1234567 -> 1.2 M: for axes and tight places. */
export function short(value) {
  const number = Number(value);
  const size = Math.abs(number);
  const [divisor, unit] = size >= 1e12 ? [1e12, " T"] : size >= 1e9 ? [1e9, " G"]
    : size >= 1e6 ? [1e6, " M"] : size >= 1e4 ? [1e3, " k"] : [1, ""];
  const scaled = number / divisor;
  const digits = divisor === 1 || Math.abs(scaled) < 100 ? 1 : 0;
  return new Intl.NumberFormat("en", { maximumFractionDigits: digits }).format(scaled).replace("-", MINUS) + unit;
}

/** A count that is written out while it is readable, and shortened above ten million. */
export const tidy = (value) => (BigInt(value) < 10_000_000n ? count(value) : short(value));

/** 12.34 -> 12.3; large values without decimals. */
export function decimal(value, digits = 1) {
  if (value === null || value === undefined) return "–";
  return new Intl.NumberFormat("en", {
    minimumFractionDigits: Math.abs(value) < 100 ? digits : 0,
    maximumFractionDigits: Math.abs(value) < 100 ? digits : 0,
  }).format(value).replace("-", MINUS);
}

export const percent = (share, digits = 1) => `${decimal(share * 100, digits)} %`;

/** Share of two decimal strings, as a number. */
export const share = (part, all) => (Number(all) === 0 ? 0 : Number(part) / Number(all));

/** Money in micro-units to the cent, rounded half to even: -1382500 USD -> −$1.38. */
export function money(micros, currency = "USD") {
  const value = BigInt(micros);
  const size = value < 0n ? -value : value;
  const rest = size % 10_000n;
  let cents = size / 10_000n;
  if (rest > 5_000n || (rest === 5_000n && cents % 2n === 1n)) cents += 1n;
  const text = `${whole.format(cents / 100n)}.${String(cents % 100n).padStart(2, "0")}`;
  return signed(value < 0n && cents > 0n, currency, text);
}

/** Money to the last micro-unit, without empty decimals beyond the cent. */
export function exactMoney(micros, currency = "USD") {
  const value = BigInt(micros);
  const size = value < 0n ? -value : value;
  const decimals = String(size % MICROS).padStart(6, "0").replace(/0{1,4}$/, "");
  return signed(value < 0n, currency, `${whole.format(size / MICROS)}.${decimals}`);
}

/** Money of an axis, in units: 1500 -> $1,500, 0.5 -> $0.50. Of a currency without a sign there is room for the number alone. */
export function axisMoney(value, currency) {
  const size = Math.abs(value);
  const text = size < 10 && !Number.isInteger(size) ? size.toFixed(2) : short(size);
  return `${value < 0 ? MINUS : ""}${SYMBOLS[currency] ?? ""}${text}`;
}

function signed(negative, currency, text) {
  const symbol = SYMBOLS[currency] ?? `${currency} `;
  return `${negative ? MINUS : ""}${symbol}${text}`;
}

/** A whole number of hundredths (of `digits` 2) or the like: 1050, 2 -> 10.5. */
export function fixed(value, digits) {
  const one = 10n ** BigInt(digits);
  const size = BigInt(value) < 0n ? -BigInt(value) : BigInt(value);
  const rest = String(size % one).padStart(digits, "0").replace(/0+$/, "");
  return `${BigInt(value) < 0n ? MINUS : ""}${whole.format(size / one)}${rest ? `.${rest}` : ""}`;
}

/** The sum of decimal strings, as a decimal string. */
export const sum = (values) => String(values.reduce((all, one) => all + BigInt(one), 0n));

const utc = (options) => new Intl.DateTimeFormat("en-GB", { timeZone: "UTC", ...options });
const DAY = utc({ day: "numeric", month: "short", year: "numeric" });
const DAY_SHORT = utc({ day: "numeric", month: "short" });
const MINUTE = utc({ hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const SECOND = utc({ hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const LOCAL = new Intl.DateTimeFormat("en-GB", {
  hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });

export const day = (ms) => DAY.format(ms);
export const dayShort = (ms) => DAY_SHORT.format(ms);
export const minute = (ms) => MINUTE.format(ms);
export const second = (ms) => SECOND.format(ms);
export const localSecond = (ms) => LOCAL.format(ms);
export const dayMinute = (ms) => `${dayShort(ms)}, ${minute(ms)}`;

/** 3480000 -> 58 min; for spans that people compare. */
export function duration(ms) {
  const seconds = Math.round(Number(ms) / 1000);
  if (seconds < 0) return "–";
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) {
    const rest = seconds % 60;
    return seconds < 600 && rest ? `${Math.floor(seconds / 60)} min ${rest} s` : `${Math.round(seconds / 60)} min`;
  }
  if (seconds < 172_800) {
    const minutes = Math.round((seconds % 3600) / 60);
    return minutes ? `${Math.floor(seconds / 3600)} h ${minutes} min` : `${Math.floor(seconds / 3600)} h`;
  }
  return `${Math.round(seconds / 86_400)} days`;
}

/** "malformed_json" -> "Malformed JSON". */
export function words(name) {
  const text = name.replaceAll("_", " ").replace(/\bjson\b/, "JSON").replace(/\butf8\b/, "UTF-8");
  return text.charAt(0).toUpperCase() + text.slice(1);
}
