const segmenter = new Intl.Segmenter("en", { granularity: "word" });

/** PostgreSQL keeps no longer ones. */
const MAX_LETTERS = 200;
const MAX_TERMS = 32;
/** Of a longer word the beginning is enough: endings bend. */
const WHOLE_LETTERS = 4;
const KEPT_SHARE = 0.7;

/**
 * The words of a text in whatever language, each once: in lower case, without accents, of letters and digits only.
 * Languages that write no spaces are told apart by dictionary.
 */
export function wordsOf(text: string): readonly string[] {
  const plain = text
    .normalize("NFKD")
    .replace(/[\u0300-\u036f]/g, "")
    .normalize("NFC")
    .toLowerCase();
  const words = [...segmenter.segment(plain)].flatMap(
    ({ segment }) => segment.match(/[\p{L}\p{N}\p{M}]+/gu) ?? [],
  );
  return [...new Set(words.map((word) => word.slice(0, MAX_LETTERS)))];
}

/** What to look for, one `tsquery` for each word of a question; `calling` also finds `call`. */
export function termsOf(question: string): readonly string[] {
  return wordsOf(question).slice(0, MAX_TERMS).map(termOf);
}

function termOf(word: string): string {
  const letters = [...word];
  if (letters.length < WHOLE_LETTERS) return `'${word}'`;
  const kept = Math.max(WHOLE_LETTERS, Math.ceil(letters.length * KEPT_SHARE));
  return `'${letters.slice(0, kept).join("")}':*`;
}
