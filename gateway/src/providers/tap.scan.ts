import { type Lexicon, lexiconOf, startsWith, type Words, wordAt } from "./tap.words.ts";

/**
 * One pass over the bytes of whole events, without parsing JSON. It reads strings as JSON does, so words inside a
 * message never look like keys.
 */
export type Scan = {
  /** Nothing here but names and data lines of events that need not be read. */
  readonly plain: boolean;
  /** A reason to stop was given. */
  readonly finished: boolean;
  /** UTF-8 bytes of text and tool arguments. Text that is given under two names counts twice. */
  readonly textBytes: number;
};

export function eventScan(words: Words): (events: Buffer) => Scan {
  const lexicon = lexiconOf(words);
  return (events) => {
    const scanner = new Scanner(events, lexicon);
    while (scanner.at < events.length) scanner.line();
    return scanner;
  };
}

const TAB = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const QUOTE = 0x22;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const LETTER_N = 0x6e;
const LETTER_U = 0x75;
const OPEN_BRACE = 0x7b;
const DATA = Buffer.from("data:");
const EVENT = Buffer.from("event:");

class Scanner implements Scan {
  readonly #bytes: Buffer;
  readonly #lexicon: Lexicon;
  at = 0;
  plain = true;
  finished = false;
  textBytes = 0;

  constructor(bytes: Buffer, lexicon: Lexicon) {
    this.#bytes = bytes;
    this.#lexicon = lexicon;
  }

  line(): void {
    const bytes = this.#bytes;
    const first = bytes[this.at];
    const isComment = first === COLON;
    if (first !== LF && first !== CR && !isComment && !isJsonLine(bytes, this.at)) this.#otherLine();
    const length = bytes.length;
    let at = this.at;
    while (at < length) {
      const byte = bytes[at]!;
      at++;
      if (byte === LF) break;
      if (byte === QUOTE && !isComment) at = this.#string(at);
    }
    this.at = at;
  }

  #otherLine(): void {
    const bytes = this.#bytes;
    if (!startsWith(bytes, this.at, EVENT)) {
      this.plain = false;
      return;
    }
    const start = this.at + EVENT.length + (bytes[this.at + EVENT.length] === SPACE ? 1 : 0);
    if (wordAt(this.#lexicon, bytes, start, endOfLine(bytes, start))?.isMark === true) this.plain = false;
  }

  /**
   * Reads the string that begins at `start`, and the value if it is a key of text. Answers where to go on. A line end
   * closes a broken string.
   */
  #string(start: number): number {
    const bytes = this.#bytes;
    const length = bytes.length;
    let end = start;
    while (end < length) {
      const byte = bytes[end]!;
      if (byte === QUOTE || byte === LF) break;
      end += byte === BACKSLASH ? 2 : 1;
    }
    if (end > length) end = length;
    const next = bytes[end] === QUOTE ? end + 1 : end;
    const word = wordAt(this.#lexicon, bytes, start, end);
    if (word === undefined) return next;
    const value = valueAfter(bytes, next);
    if (value === -1) {
      if (word.isMark) this.plain = false;
    } else if (word.isText && bytes[value] === QUOTE) {
      return this.#text(value + 1);
    } else if (bytes[value] !== LETTER_N) {
      if (word.isRead) this.plain = false;
      if (word.isFinish && (bytes[value] !== QUOTE || bytes[value + 1] !== QUOTE)) this.finished = true;
    }
    return next;
  }

  /** Counts the bytes of the string that begins at `start`, once its escapes are decoded to UTF-8. */
  #text(start: number): number {
    const bytes = this.#bytes;
    const length = bytes.length;
    let at = start;
    let escaped = 0;
    while (at < length) {
      const byte = bytes[at]!;
      if (byte === QUOTE || byte === LF) break;
      at++;
      if (byte === BACKSLASH) {
        escaped += savedBytes(bytes, at);
        at++;
      }
    }
    const end = Math.min(at, length);
    this.textBytes += end - start - escaped;
    return bytes[end] === QUOTE ? end + 1 : end;
  }
}

function isJsonLine(bytes: Buffer, at: number): boolean {
  return startsWith(bytes, at, DATA) && bytes[skipSpace(bytes, at + DATA.length)] === OPEN_BRACE;
}

function skipSpace(bytes: Buffer, from: number): number {
  let at = from;
  while (bytes[at] === SPACE || bytes[at] === TAB) at++;
  return at;
}

/** Where the line's last visible byte ends. */
function endOfLine(bytes: Buffer, from: number): number {
  const lineFeed = bytes.indexOf(LF, from);
  const end = lineFeed === -1 ? bytes.length : lineFeed;
  return end > from && bytes[end - 1] === CR ? end - 1 : end;
}

/** Where the value of a key begins whose closing quote is just before `at`; -1 if that string is not a key. */
function valueAfter(bytes: Buffer, at: number): number {
  const colon = skipSpace(bytes, at);
  return bytes[colon] === COLON ? skipSpace(bytes, colon + 1) : -1;
}

/** By how much an escape is longer than what it stands for; `at`: behind its backslash. */
function savedBytes(bytes: Buffer, at: number): number {
  if (bytes[at] !== LETTER_U) return 1;
  return 6 - utf8Bytes(Number.parseInt(bytes.toString("latin1", at + 1, at + 5), 16));
}

/** UTF-8 bytes of a UTF-16 unit; a surrogate is half of a character of four bytes. */
function utf8Bytes(unit: number): number {
  if (unit < 0x80) return 1;
  if (unit < 0x800) return 2;
  return unit >= 0xd800 && unit <= 0xdfff ? 2 : 3;
}
