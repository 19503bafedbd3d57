import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { blocksOf } from "./blocks.ts";
import { typedFaults } from "./typed-commands.ts";

/** A hand-written document: its path from the root, and its text. */
export type Document = { readonly path: string; readonly text: string };

/** What the registry shows of a package. It knows no file of the repository. */
const PACKAGE_PAGES: readonly string[] = ["gateway/README.md", "client/README.md"];

/** The hand-written documents of the repository. */
export function readDocuments(root: string): readonly Document[] {
  const paths = globSync(["*.md", "docs/**/*.md", "bench/*.md", ...PACKAGE_PAGES], { cwd: root }).toSorted();
  return paths.map((path) => ({ path, text: readFileSync(join(root, path), "utf8") }));
}

/** What the documents say that is not so. One sentence each. */
export function documentFaults(root: string, documents: readonly Document[]): readonly string[] {
  return documents.flatMap((document) => [
    ...missingFiles(root, document),
    ...missingTests(root, document),
    ...missingLinks(root, document),
    ...inventedSnippets(root, document),
    ...typedFaults(document),
    ...(document.path === "docs/README.md" ? unlistedDocuments(root, document) : []),
    ...(PACKAGE_PAGES.includes(document.path) ? relativeLinks(document) : []),
    ...(document.path === "README.md" ? unknownCommands(document) : []),
    ...(document.path === "ARCHITECTURE.md" ? tooLong(document, 250) : []),
    ...(document.path === "CHANGELOG.md" ? missingVersion(root, document) : []),
    ...(document.path === "docs/requirements.md" ? missingRequirements(document) : []),
  ]);
}

/** Files and folders; hidden ones are made by programs, except for `.ci/run`. */
const NAMED_FILE =
  /^[\w@-][\w.@*-]*(\/[\w@*-][\w.@*-]*)*\.(ts|mjs|md|sql|c)$|^[\w-][\w.-]*(\/[\w@*-][\w.@*-]*)*\/$|^\.ci\/run$/;

/** In back quotes: `lib/clock.ts`, `costs/`, from the root, from gateway/src/ or from the document's own folder; or what the reader saves. */
function missingFiles(root: string, { path, text }: Document): readonly string[] {
  const named = [...withoutCode(text).matchAll(/`([^`\n]+)`/g)]
    .map(([, name]) => name!)
    .filter((name) => NAMED_FILE.test(name));
  const saved = new Set(blocksOf(text).map(({ file }) => file));
  return [...new Set(named)]
    .filter((name) => !saved.has(name))
    .filter((name) => {
      const places = [root, join(root, "gateway/src"), join(root, dirname(path))];
      return !places.some((place) => exists(place, name));
    })
    .map((name) => `${path} names ${name}, which does not exist`);
}

function exists(place: string, name: string): boolean {
  return name.includes("*") ? globSync(name, { cwd: place }).length > 0 : existsSync(join(place, name));
}

/** `costs/settle.test.ts`: "a test's name", "another's": each must stand in that file. */
function missingTests(root: string, { path, text }: Document): readonly string[] {
  const faults: string[] = [];
  for (const [, file, names] of text.matchAll(/`([^`\n]+\.(?:test|contract)\.ts)`((?:[:,]\s+"[^"]+")+)/g)) {
    const place = [root, join(root, "gateway/src")].find((folder) => existsSync(join(folder, file!)));
    if (place === undefined) continue;
    const source = readFileSync(join(place, file!), "utf8");
    for (const [, name] of names!.matchAll(/"([^"]+)"/g)) {
      const wanted = name!.replace(/\s+/g, " ");
      if (!source.includes(wanted))
        faults.push(`${path} names the test '${wanted}', which is not in ${file}`);
    }
  }
  return faults;
}

function missingLinks(root: string, { path, text }: Document): readonly string[] {
  return [...withoutCode(text).matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)]
    .map(([, target]) => target!)
    .filter((target) => !/^[a-z]+:/.test(target))
    .filter((target) => !existsSync(join(root, normalize(join(dirname(path), target)))))
    .map((target) => `${path} links to ${target}, which does not exist`);
}

/** The index links to every other document of its folder. */
function unlistedDocuments(root: string, { path, text }: Document): readonly string[] {
  const folder = dirname(path);
  return globSync("**/*.md", { cwd: join(root, folder) })
    .filter((name) => join(folder, name) !== path && !text.includes(`](${name})`))
    .toSorted()
    .map((name) => `${path} does not list ${name}`);
}

function relativeLinks({ path, text }: Document): readonly string[] {
  return [...withoutCode(text).matchAll(/\]\((?!https:)([^)\s]+)\)/g)].map(
    ([, target]) => `${path} links to ${target}, which its readers do not have`,
  );
}

/** TypeScript whose first line is `// costs/admission.ts`: every line must stand in that file. `…` leaves lines out. */
function inventedSnippets(root: string, { path, text }: Document): readonly string[] {
  return codeBlocks(text, "ts").flatMap((block) => {
    const file = /^\/\/ ([\w./-]+\.ts)\b/.exec(block)?.[1];
    if (file === undefined) return [];
    const source = readFileSync(join(root, "gateway/src", file), "utf8");
    const known = new Set(source.split("\n").map((line) => line.trim()));
    return block
      .split("\n")
      .slice(1)
      .map((line) => line.trim())
      .filter((line) => line !== "" && line !== "…" && !known.has(line))
      .map((line) => `${path} shows a line that is not in ${file}: ${line}`);
  });
}

const COMMANDS = ["npm", "npx", "git", "curl", "export", "openssl", "bash", "node", "tar", "psql"];

function unknownCommands({ path, text }: Document): readonly string[] {
  return codeBlocks(text, "sh")
    .flatMap((block) => block.replaceAll("\\\n", " ").split("\n"))
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => line.replace(/^(\w+=\S+\s+)+/, ""))
    .filter((line) => !COMMANDS.includes(line.split(/\s/, 1)[0]!))
    .map((line) => `${path} has a line of shell that begins with no known command: ${line}`);
}

/** The fenced blocks of one language. */
export function codeBlocks(text: string, language: string): readonly string[] {
  return [...text.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)]
    .filter(([, found]) => found === language)
    .map(([, , block]) => block!);
}

function withoutCode(text: string): string {
  return text.replace(/^```[\s\S]*?^```$/gm, "");
}

function tooLong({ path, text }: Document, most: number): readonly string[] {
  const lines = text.trimEnd().split("\n").length;
  return lines > most ? [`${path} has ${lines} lines; ${most} is the most`] : [];
}

function missingVersion(root: string, { path, text }: Document): readonly string[] {
  const { version } = JSON.parse(readFileSync(join(root, "gateway/package.json"), "utf8")) as {
    version: string;
  };
  return text.includes(`## [${version}]`) ? [] : [`${path} has no section for version ${version}`];
}

/** How many requirements each chapter has. */
const REQUIREMENTS = { I: 11, K: 10, A: 8, E: 4, C: 11, B: 7, V: 4, J: 5, G: 3, U: 3, S: 5, X: 5 };

function missingRequirements({ path, text }: Document): readonly string[] {
  const rows = text.split("\n").filter((line) => /^\| [A-Z]\d+\s+\|/.test(line));
  const state = new Map(
    rows.map((row) => row.split("|").map((cell) => cell.trim())).map(([, id, found]) => [id, found]),
  );
  const faults: string[] = [];
  for (const [chapter, count] of Object.entries(REQUIREMENTS)) {
    for (let number = 1; number <= count; number++) {
      const found = state.get(`${chapter}${number}`);
      if (found === undefined) faults.push(`${path} has no row for ${chapter}${number}`);
      else if (!["done", "part", "later"].includes(found))
        faults.push(`${path}: ${chapter}${number} is ${found}`);
    }
  }
  const unproven = rows.filter(
    (row) => / \| (done|part)\s+\| /.test(row) && !/\.(test|contract)\.ts`/.test(row),
  );
  return [...faults, ...unproven.map((row) => `${path} names no test: ${row.slice(0, 60)}`)];
}
