/** A TypeScript file as far as rules about its text need it. */
export type SourceText = {
  /**
   * The code without comments. Texts, which could say anything, stand as `"n"`: the n-th of `texts`. The expressions
   * of a template stand in parentheses behind it.
   */
  readonly code: string;
  /** Contents of text literals and templates; `${}` where a template has an expression. */
  readonly texts: readonly string[];
};

export type Import = {
  /** What stands between the quotation marks. */
  readonly from: string;
  /** Gone at run time: `import type`, or nothing but `type` names in the braces. */
  readonly isTypeOnly: boolean;
  readonly isReExport: boolean;
  /** The names of values; `*` for a namespace, `default` for a default import, none for an import by side effect. */
  readonly values: readonly string[];
};

export function sourceText(source: string): SourceText {
  const texts: string[] = [];
  let at = 0;

  /** Reads code up to the `}` that closes a template's expression, or to the end of the file. */
  function readCode(): string {
    let code = "";
    let depth = 0;
    while (at < source.length) {
      const two = source.slice(at, at + 2);
      const char = source[at]!;
      if (two === "//") skipTo("\n", 0);
      else if (two === "/*") skipTo("*/", 2);
      else if (char === '"' || char === "'") code += placeholder(readQuoted(char));
      else if (char === "`") code += readTemplate();
      else if (char === "/" && beginsRegex(code)) code += readRegex();
      else {
        if (char === "{") depth++;
        if (char === "}" && --depth < 0) return code;
        code += char;
        at++;
      }
    }
    return code;
  }

  function placeholder(text: string): string {
    return `"${texts.push(text) - 1}"`;
  }

  function skipTo(end: string, length: number): void {
    const found = source.indexOf(end, at + length);
    at = found === -1 ? source.length : found + length;
  }

  function readQuoted(quote: string): string {
    const start = ++at;
    while (at < source.length && source[at] !== quote) at += source[at] === "\\" ? 2 : 1;
    return source.slice(start, at++);
  }

  function readTemplate(): string {
    let text = "";
    let expressions = "";
    at++;
    while (at < source.length && source[at] !== "`") {
      if (source.startsWith("${", at)) {
        at += 2;
        expressions += `(${readCode()})`;
        // biome-ignore lint/suspicious/noTemplateCurlyInString: it stands for any expression
        text += "${}";
        at++;
      } else {
        const length = source[at] === "\\" ? 2 : 1;
        text += source.slice(at, at + length);
        at += length;
      }
    }
    at++;
    return placeholder(text) + expressions;
  }

  function readRegex(): string {
    let isInClass = false;
    for (at++; at < source.length && (isInClass || source[at] !== "/"); at++) {
      if (source[at] === "\\") at++;
      else if (source[at] === "[") isInClass = true;
      else if (source[at] === "]") isInClass = false;
    }
    at++;
    return "/regex/";
  }

  return { code: readCode(), texts };
}

/** A slash behind a value divides; behind an operator, a bracket or one of these words it begins a pattern. */
function beginsRegex(codeBefore: string): boolean {
  const before = codeBefore.trimEnd();
  return before === "" || /[([{,;:=!&|?+\-*%<>~^}]$|\b(return|typeof|case|await|yield|of|in)$/.test(before);
}

/** Static and dynamic imports, re-exports, and files named by `new URL("./…", import.meta.url)`. */
export function importsOf({ code, texts }: SourceText): readonly Import[] {
  const found: Import[] = [];
  const text = (index: string) => texts[Number(index)]!;
  const statements = /\b(import|export)\b((?:(?!\b(?:import|export)\b)[^"();=])*?)\bfrom\s*"(\d+)"/g;
  for (const [, keyword, clause, index] of code.matchAll(statements)) {
    const values = valuesOf(clause!);
    const isTypeOnly = values.length === 0;
    found.push({ from: text(index!), isTypeOnly, isReExport: keyword === "export", values });
  }
  for (const [, index] of code.matchAll(/\bimport\s*"(\d+)"/g)) found.push(sideEffect(text(index!)));
  for (const [, index] of code.matchAll(/\bimport\s*\(\s*"(\d+)"/g)) found.push(everything(text(index!)));
  for (const [, index] of code.matchAll(/\bnew URL\(\s*"(\d+)"\s*,\s*import\.meta\.url/g)) {
    if (text(index!).endsWith(".ts")) found.push(everything(text(index!)));
  }
  return found;
}

function sideEffect(from: string): Import {
  return { from, isTypeOnly: false, isReExport: false, values: [] };
}

function everything(from: string): Import {
  return { from, isTypeOnly: false, isReExport: false, values: ["*"] };
}

function valuesOf(clause: string): string[] {
  if (/^\s*type\b(?!\s*(,|from))/.test(clause)) return [];
  const named = /\{([^}]*)\}/.exec(clause)?.[1] ?? "";
  const values = named
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "" && !name.startsWith("type "))
    .map((name) => name.split(/\s+as\s+/)[0]!);
  const outside = clause.replace(/\{[^}]*\}/, "");
  if (outside.includes("*")) values.push("*");
  else if (/\w/.test(outside)) values.push("default");
  return values;
}
