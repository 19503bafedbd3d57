/** What a wire format's scan looks for. */
export type Words = {
  /** Keys: an event that gives one a value other than null is to be read. */
  readonly read: readonly string[];
  /** Strings that are no key, and names of events: an event that has one is to be read. */
  readonly marks: readonly string[];
  /** Keys that give a reason to stop. */
  readonly finish: readonly string[];
  /** Keys whose strings are text that the model wrote. */
  readonly text: readonly string[];
};

type Word = {
  readonly bytes: Buffer;
  readonly isRead: boolean;
  readonly isMark: boolean;
  readonly isFinish: boolean;
  readonly isText: boolean;
};

/** At each length, the words of that length. */
export type Lexicon = readonly (readonly Word[] | undefined)[];

export function lexiconOf({ read, marks, finish, text }: Words): Lexicon {
  const lexicon: Word[][] = [];
  for (const word of new Set([...read, ...marks, ...finish, ...text])) {
    const meaning = {
      bytes: Buffer.from(word),
      isRead: read.includes(word),
      isMark: marks.includes(word),
      isFinish: finish.includes(word),
      isText: text.includes(word),
    };
    lexicon[word.length] = [...(lexicon[word.length] ?? []), meaning];
  }
  return Array.from(lexicon);
}

/** The word that the bytes from `start` to `end` are, if they are one. */
export function wordAt(lexicon: Lexicon, bytes: Buffer, start: number, end: number): Word | undefined {
  const length = end - start;
  const words = length < lexicon.length ? lexicon[length] : undefined;
  if (words === undefined) return undefined;
  for (const word of words) {
    if (startsWith(bytes, start, word.bytes)) return word;
  }
  return undefined;
}

export function startsWith(bytes: Buffer, at: number, word: Buffer): boolean {
  for (let i = 0; i < word.length; i++) {
    if (bytes[at + i] !== word[i]) return false;
  }
  return true;
}
