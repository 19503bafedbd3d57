import { readdirSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { doors } from "./doors.ts";
import { type Import, importsOf, type SourceText, sourceText } from "./source-text.ts";

/** Paths below `gateway/src/`, and what the files say. */
export type SourceFiles = ReadonlyMap<string, string>;

/** What the rules lean on and other files know. */
export type Facts = {
  readonly tableOwners: Readonly<Record<string, string>>;
  /** Packages that are installed with Tollgate. */
  readonly dependencies: readonly string[];
};

export type Violation = { readonly rule: string; readonly file: string; readonly what: string };

type File = SourceText & {
  readonly path: string;
  /** Undefined: beside `app.ts`, where everything may meet. */
  readonly folder: string | undefined;
  readonly isTest: boolean;
  readonly imports: readonly Import[];
};

type Rule = (file: File, facts: Facts) => readonly string[];

/** Folders in the order a call meets them. A file imports from its own folder and from those in front of it. */
const folders = [
  ...["lib", "store", "telemetry", "identity", "access", "limits", "costs", "providers"],
  ...["calls", "jobs", "config", "http", "cli", "apps"],
];

/** These know nothing of each other but types; they meet in `calls/`. */
const strangers = ["identity", "access", "limits", "costs", "providers"];

/** What apps are written against. */
const PLUGIN = "plugin.ts";

const vagueWords = /^(utils?|helpers?|common|core|misc|shared|managers?|services?)$/;

/** The design's rules (section 3), as far as the text of a file can break them. */
export const rules: Readonly<Record<string, Rule>> = {
  "a file imports only from folders in front of its own": (file) => {
    if (file.isTest || file.folder === undefined) return [];
    return relativeImports(file).flatMap(({ target, isTypeOnly }) => {
      const folder = folderOf(target);
      if (folder === file.folder || (file.folder === "apps" && target === PLUGIN)) return [];
      if (folder === undefined) return [`imports ${target}`];
      if (strangers.includes(file.folder!) && strangers.includes(folder)) {
        return isTypeOnly ? [] : [`imports more than types from ${target}`];
      }
      return folders.indexOf(folder) < folders.indexOf(file.folder!) ? [] : [`imports ${target}`];
    });
  },

  "an app uses nothing of the gateway but the plugin": (file) => {
    if (file.isTest || file.folder !== "apps") return [];
    return relativeImports(file)
      .filter(({ target, isTypeOnly }) => {
        const folder = folderOf(target);
        return !(
          target === PLUGIN ||
          folder === "apps" ||
          folder === "lib" ||
          (folder === "store" && isTypeOnly)
        );
      })
      .map(({ target }) => `imports ${target}`);
  },

  "every folder has its place in the order": ({ folder }) =>
    folder === undefined || folders.includes(folder) ? [] : [`${folder}/ is not in the order of folders`],

  "a door is opened in one file": (file) => {
    if (file.isTest) return [];
    return doors
      .filter(({ opensIn }) => !opensIn.test(file.path))
      .flatMap((door) => {
        const code = door.code === undefined ? undefined : door.code.exec(file.code)?.[0];
        const imported = file.imports.filter(({ from, values }) => {
          if (door.packages?.test(from)) return true;
          const pattern = door.values?.[from];
          return (
            pattern !== undefined && values.some((name) => /^(\*|default)$/.test(name) || pattern.test(name))
          );
        });
        const spellings = [...(code === undefined ? [] : [code.trim()]), ...imported.map(({ from }) => from)];
        return spellings.map((spelling) => `opens the door to ${door.name}: ${spelling}`);
      });
  },

  "a table is written by the folder that owns it": (file, { tableOwners }) => {
    if (file.isTest) return [];
    return writtenTables(file).flatMap((table) => {
      const owner = tableOwners[table];
      return owner === undefined || owner === file.folder
        ? []
        : [`writes ${table}, which is owned by ${owner}/`];
    });
  },

  "a statement that writes names its table": ({ isTest, texts }) =>
    isTest
      ? []
      : texts
          .filter((text) => /\b(insert\s+into|delete\s+from|truncate|merge\s+into)\s+\$\{\}/i.test(text))
          .map((text) => `writes a table whose name is not in the text: ${text.trim().slice(0, 40)}`),

  "nothing is exported by default": ({ code }) =>
    /\bexport\s+default\b|\bas\s+default\b/.test(code) ? ["has a default export"] : [],

  "only index.ts re-exports": ({ path, code, imports }) => {
    if (path === "index.ts") return [];
    const direct = imports.filter(({ isReExport }) => isReExport).map(({ from }) => `re-exports ${from}`);
    const brought = new Set(imports.flatMap(({ values }) => values));
    const listed = [...code.matchAll(/\bexport\s*(?:type\s*)?\{([^}]*)\}\s*(?!\s*from)/g)]
      .flatMap(([, names]) => names!.split(","))
      .map((name) => name.trim().split(/\s+as\s+/)[0]!)
      .filter((name) => brought.has(name));
    return [...direct, ...listed.map((name) => `re-exports ${name}`)];
  },

  "a file is named after what it says": ({ path }) =>
    path
      .split(/[/.-]/)
      .filter((word) => vagueWords.test(word))
      .map((word) => `is called ${word}`),

  "types leave nothing behind at run time": ({ code }) =>
    [...code.matchAll(/\b(?:const\s+)?enum\s+\w+\s*\{|\b(?:namespace|module)\s+[\w.]+\s*\{/g)].map(
      ([found]) => `has ${found.replace(/\s*\{$/, "")}`,
    ),

  "what ships imports nothing that is only for tests": (file, { dependencies }) => {
    if (file.isTest) return [];
    return file.imports.flatMap(({ from }) => {
      if (from.startsWith("."))
        return isTest(targetOf(file, from)) ? [`imports ${targetOf(file, from)}`] : [];
      if (from === "node:test" || from === "node:assert" || from.startsWith("node:assert/"))
        return [`imports ${from}`];
      if (from.startsWith("node:")) return [];
      const name = from
        .split("/")
        .slice(0, from.startsWith("@") ? 2 : 1)
        .join("/");
      return dependencies.includes(name) ? [] : [`imports ${from}, which is not a dependency`];
    });
  },

  "nothing imports a test": (file) =>
    relativeImports(file)
      .filter(({ target }) => target.endsWith(".test.ts"))
      .map(({ target }) => `imports ${target}`),

  "an import names its file": ({ code, isTest }) =>
    isTest
      ? []
      : [...code.matchAll(/\bimport\s*\(\s*(?!")[^)]*\)?|\bcreateRequire\b|(?<![.\w$])require\s*\(/g)].map(
          ([found]) => `has ${found}`,
        ),
};

/** Everything that breaks a rule. Pure: what it judges is what it is given. */
export function violations(files: SourceFiles, facts: Facts): readonly Violation[] {
  return [...files].flatMap(([path, source]) => {
    const text = sourceText(source);
    const file: File = {
      ...text,
      path,
      folder: folderOf(path),
      isTest: isTest(path),
      imports: importsOf(text),
    };
    return Object.entries(rules).flatMap(([rule, judge]) =>
      judge(file, facts).map((what) => ({ rule, file: path, what })),
    );
  });
}

/** Every TypeScript file below `folder`. */
export function readSources(folder: string): SourceFiles {
  const paths = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((path) =>
    path.endsWith(".ts"),
  );
  return new Map(paths.toSorted().map((path) => [path, readFileSync(join(folder, path), "utf8")]));
}

/** Who imports whom, as `from → to`, for a look at what the scanner sees. */
export function edges(files: SourceFiles): readonly string[] {
  return [...files].flatMap(([path, source]) =>
    importsOf(sourceText(source)).map(
      ({ from }) => `${path} → ${from.startsWith(".") ? resolved(path, from) : from}`,
    ),
  );
}

/** Tests, contract suites and what only they lean on. */
export function isTest(path: string): boolean {
  return /(\.test|\.contract|(^|[/.])testing)\.ts$/.test(path);
}

function folderOf(path: string): string | undefined {
  return path.includes("/") ? path.slice(0, path.indexOf("/")) : undefined;
}

function targetOf({ path }: File, from: string): string {
  return resolved(path, from);
}

function resolved(path: string, from: string): string {
  return posix.join(posix.dirname(path), from);
}

function relativeImports(file: File): readonly (Import & { readonly target: string })[] {
  return file.imports
    .filter(({ from }) => from.startsWith("."))
    .map((found) => ({ ...found, target: targetOf(file, found.from) }));
}

/** By Kysely's verbs, and by SQL text. */
function writtenTables({ code, texts }: File): readonly string[] {
  const byVerb = [
    ...code.matchAll(/\b(?:insertInto|replaceInto|updateTable|deleteFrom|mergeInto)\s*\(\s*"(\d+)"/g),
  ].map(([, index]) => texts[Number(index)]!.split(" ")[0]!);
  const sql =
    /\b(?:insert\s+into|update|delete\s+from|truncate(?:\s+table)?|merge\s+into|copy)\s+(?:only\s+)?"?(\w+)/gi;
  const byText = texts.flatMap((text) => [...text.matchAll(sql)].map(([, table]) => table!.toLowerCase()));
  return [...new Set([...byVerb, ...byText])];
}
