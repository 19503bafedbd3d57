import type { z } from "zod";

type Issue = z.core.$ZodIssue;

/** What is wrong with a value, in words, with the path to it; a union is told by its branch that fits. */
export type WordedFault = { readonly path: readonly PropertyKey[]; readonly message: string };

/** Texts that a schema gives itself stay as they are. */
export function worded(issue: Issue): WordedFault {
  const { path } = issue;
  if (issue.code === "invalid_key") return { path, message: issue.issues[0]?.message ?? issue.message };
  if (issue.code === "invalid_union") {
    const fitting = issue.errors.filter((branch) => !branch.some(isOfAnotherKind));
    const [inner] = fitting.length === 1 ? fitting[0]! : own(issue) === undefined ? issue.errors.at(-1)! : [];
    if (inner === undefined) return { path, message: issue.message };
    const { path: within, message } = worded(inner);
    return { path: [...path, ...within], message };
  }
  return { path, message: own(issue) ?? words(issue) };
}

function isOfAnotherKind({ code, path }: Issue): boolean {
  return path.length === 0 && (code === "invalid_type" || code === "invalid_value");
}

/** The library's own texts begin with one of these. */
const GENERIC = /^(Invalid |Too (big|small)|Unrecognized key)/;

function own({ message }: Issue): string | undefined {
  return GENERIC.test(message) ? undefined : message;
}

function words(issue: Issue): string {
  switch (issue.code) {
    case "unrecognized_keys":
      return `has ${issue.keys.map((key) => JSON.stringify(key)).join(", ")}, which is not known here`;
    case "invalid_value":
      return `must be ${issue.values
        .map(String)
        .join(", ")
        .replace(/, ([^,]*)$/, " or $1")}`;
    case "invalid_type":
      if (issue.message.endsWith("received undefined")) return "is missing";
      return `must be ${kinds[issue.expected] ?? issue.expected}`;
    case "too_small":
      return bounded(issue, "at least", issue.minimum, issue.inclusive !== false);
    case "too_big":
      return bounded(issue, "at most", issue.maximum, issue.inclusive !== false);
    case "invalid_format":
      return formats[issue.format] ?? issue.message;
    default:
      return issue.message;
  }
}

function bounded(
  { origin }: { readonly origin: string },
  words: "at least" | "at most",
  bound: number | bigint,
  isInclusive: boolean,
): string {
  const many = (one: string) => `must have ${words} ${bound} ${one}${Number(bound) === 1 ? "" : "s"}`;
  if (origin === "string")
    return Number(bound) === 1 && words === "at least" ? "must not be empty" : many("character");
  if (origin === "array" || origin === "set") return many("entry").replace("entrys", "entries");
  return `must be ${isInclusive ? words : words === "at least" ? "more than" : "less than"} ${bound}`;
}

const kinds: Readonly<Record<string, string>> = {
  string: "text",
  number: "a number",
  int: "a whole number, such as 3",
  boolean: "true or false",
  array: "a list",
  object: "an object",
  record: "an object",
};

const formats: Readonly<Record<string, string>> = {
  datetime: "must be a time, such as 2027-01-31T00:00:00Z",
  email: "must be an e-mail address, such as ada@example.com",
  url: "must be a URL, such as https://ai.example/v1",
};
