const graphemes = new Intl.Segmenter();

const NOTHING = /^[\p{Mn}\p{Me}\p{Cf}]+$/u;
const WIDE =
  /^(?:\p{Emoji_Presentation}|\p{Regional_Indicator}|.*\u{fe0f}|[\u1100-\u115f\u2e80-\u303e\u3041-\u4dbf\u4e00-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{1b000}-\u{1b2ff}\u{20000}-\u{3fffd}])/u;

/** How many columns of a terminal a printable text takes. */
export function widthOf(text: string): number {
  if (/^[\x20-\x7e]*$/.test(text)) return text.length;
  let width = 0;
  for (const { segment } of graphemes.segment(text)) width += widthOfGrapheme(segment);
  return width;
}

/** As much of a text as takes `width` columns, with … in place of the rest. */
export function shortened(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let kept = "";
  let left = width - 1;
  for (const { segment } of graphemes.segment(text)) {
    left -= widthOfGrapheme(segment);
    if (left < 0) break;
    kept += segment;
  }
  return `${kept.trimEnd()}…`;
}

/** What would move a terminal's cursor, or turn the order of what it shows. */
const CONTROLS = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/** One line without control characters: they are written as JSON escapes them. */
export function printable(text: string): string {
  return text.replace(CONTROLS, escaped);
}

/** The same, but lines and tabs stay. */
export function printableLines(text: string): string {
  return text.replace(CONTROLS, (found, at: number) =>
    found === "\n" || found === "\t" || (found === "\r" && text[at + 1] === "\n") ? found : escaped(found),
  );
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

function widthOfGrapheme(segment: string): number {
  if (NOTHING.test(segment)) return 0;
  return WIDE.test(segment) ? 2 : 1;
}
