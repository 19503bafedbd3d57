import { TEXT_FIELDS } from "./openai.text.ts";

/**
 * One pass over the bytes of whole events, without parsing JSON. It reads strings as JSON does, so words inside a
 * message never look like keys.
 */
export type Scan = {
  /** Nothing here but data lines that carry no usage, no error and no end marker. */
  readonly plain: boolean;
  /** A finish_reason was given. */
  readonly finished: boolean;
  /** UTF-8 bytes of text and tool arguments. Text that is given under two names counts twice. */
  readonly textBytes: number;
};

export function scanEvents(bytes: Buffer): Scan {
  const scanner = new Scanner(bytes);
  while (scanner.at < bytes.length) scanner.line();
  return scanner;
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

type Meaning = "usage" | "error" | "finish" | "text";

type Word = { readonly bytes: Buffer; readonly meaning: Meaning };

/** At each length, the words of that length that mean something as a key. */
const WORDS: (readonly Word[] | undefined)[] = [];
function learn(word: string, meaning: Meaning): void {
  WORDS[word.length] = [...(WORDS[word.length] ?? []), { bytes: Buffer.from(word), meaning }];
}
learn("usage", "usage");
learn("error", "error");
learn("finish_reason", "finish");
for (const field of TEXT_FIELDS) learn(field, "text");

class Scanner implements Scan {
  readonly #bytes: Buffer;
  at = 0;
  plain = true;
  finished = false;
  textBytes = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  line(): void {
    const bytes = this.#bytes;
    const first = bytes[this.at];
    if (first !== LF && first !== CR && first !== COLON && !isJsonLine(bytes, this.at)) this.plain = false;
    const isComment = first === COLON;
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

  /** Reads the string that begins at `start`, and the value if it is a key of text. Answers where to go on. */
  #string(start: number): number {
    const bytes = this.#bytes;
    const end = endOfString(bytes, start);
    const next = bytes[end] === QUOTE ? end + 1 : end;
    const meaning = meaningOf(bytes, start, end);
    if (meaning === undefined) return next;
    const value = valueAfter(bytes, next);
    if (value === -1) {
      if (meaning === "error") this.plain = false;
    } else if (meaning === "text") {
      if (bytes[value] === QUOTE) return this.#text(value + 1);
    } else if (bytes[value] !== LETTER_N) {
      if (meaning !== "finish") this.plain = false;
      else if (bytes[value] !== QUOTE || bytes[value + 1] !== QUOTE) this.finished = true;
    }
    return next;
  }

  #text(start: number): number {
    const bytes = this.#bytes;
    const end = endOfString(bytes, start);
    this.textBytes += decodedBytes(bytes, start, end);
    return bytes[end] === QUOTE ? end + 1 : end;
  }
}

function meaningOf(bytes: Buffer, start: number, end: number): Meaning | undefined {
  const words = WORDS[end - start];
  if (words === undefined) return undefined;
  for (const word of words) {
    if (startsWith(bytes, start, word.bytes)) return word.meaning;
  }
  return undefined;
}

function startsWith(bytes: Buffer, at: number, word: Buffer): boolean {
  for (let i = 0; i < word.length; i++) {
    if (bytes[at + i] !== word[i]) return false;
  }
  return true;
}

function isJsonLine(bytes: Buffer, at: number): boolean {
  return startsWith(bytes, at, DATA) && bytes[skipSpace(bytes, at + DATA.length)] === OPEN_BRACE;
}

function skipSpace(bytes: Buffer, from: number): number {
  let at = from;
  while (bytes[at] === SPACE || bytes[at] === TAB) at++;
  return at;
}

/** Where the closing quote is; a line end closes a broken string. */
function endOfString(bytes: Buffer, from: number): number {
  const length = bytes.length;
  let at = from;
  while (at < length) {
    const byte = bytes[at]!;
    at++;
    if (byte === QUOTE || byte === LF) return at - 1;
    if (byte === BACKSLASH) at++;
  }
  return length;
}

/** Where the value of a key begins whose closing quote is just before `at`; -1 if that string is not a key. */
function valueAfter(bytes: Buffer, at: number): number {
  const colon = skipSpace(bytes, at);
  return bytes[colon] === COLON ? skipSpace(bytes, colon + 1) : -1;
}

/** Bytes of a JSON string once its escapes are decoded to UTF-8. */
function decodedBytes(bytes: Buffer, start: number, end: number): number {
  let count = end - start;
  for (let at = start; at < end; at++) {
    if (bytes[at] !== BACKSLASH) continue;
    at++;
    if (bytes[at] === LETTER_U) {
      count -= 6 - utf8Bytes(Number.parseInt(bytes.toString("latin1", at + 1, at + 5), 16));
    } else {
      count -= 1;
    }
  }
  return count;
}

/** UTF-8 bytes of a UTF-16 unit; a surrogate is half of a character of four bytes. */
function utf8Bytes(unit: number): number {
  if (unit < 0x80) return 1;
  if (unit < 0x800) return 2;
  return unit >= 0xd800 && unit <= 0xdfff ? 2 : 3;
}
