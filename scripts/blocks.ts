/** A fenced block of a document that a reader follows: to be typed, run or saved. */
export type Block = {
  readonly language: string;
  readonly text: string;
  /** The file that it is to be saved as: named in back quotes at the end of the paragraph before, with a colon. */
  readonly file: string | undefined;
  /** What the document says that it prints; `…` stands for anything. */
  readonly shown: readonly string[];
};

const ANSWERS: readonly string[] = ["text", "json", "json5"];

/** The blocks in the order in which they stand. One that shows an answer belongs to the one before it, up to a heading. */
export function blocksOf(document: string): readonly Block[] {
  const blocks: (Block & { readonly shown: string[] })[] = [];
  let before = "";
  for (const [part, language, text] of document.matchAll(/^```(\w*)\n([\s\S]*?)^```$|^.*\n/gm)) {
    if (text === undefined) {
      if (part.startsWith("#")) before = "#";
      else if (part.trim() !== "") before = part.trim();
    } else if (!ANSWERS.includes(language!)) {
      blocks.push({ language: language!, text, file: /`([\w.-]+\.\w+)`:$/.exec(before)?.[1], shown: [] });
      before = "";
    } else if (before !== "#") {
      blocks.at(-1)?.shown.push(text);
    }
  }
  return blocks;
}

/** Whether a program said what the document shows, white space aside. */
export function isSaid(shown: string, said: string): boolean {
  const heard = said.replace(/\s/g, "");
  let from = 0;
  return shown
    .replace(/\s/g, "")
    .split("…")
    .every((piece) => {
      const at = heard.indexOf(piece, from);
      from = at + piece.length;
      return at >= 0;
    });
}

/**
 * `sk-tg1_…` and its like, which a reader copies from what was printed: the first that begins so. One that was never
 * printed stays as it stands.
 */
export function filledIn(text: string, said: string): string {
  return text.replace(/\b((?:sk|it)-tg1_|eyJ)…/g, (placeholder, start: string) => {
    return new RegExp(`\\b${start}[\\w.-]+`).exec(said)?.[0] ?? placeholder;
  });
}
