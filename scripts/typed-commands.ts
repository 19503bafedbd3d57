import { wholeTree } from "./command-rows.ts";
import type { Document } from "./documents.ts";

const program = await wholeTree();

/** Behind these stands a command line of Tollgate. */
const TYPED =
  /(?:npm run tollgate --|npx tollgate|node scripts\/tollgate\.mjs gateway\/src\/main\.ts|(?<![\w/.:@,-]|-- )tollgate) /g;

/** Commands and flags that a document types and that do not exist. One sentence each. */
export function typedFaults({ path, text }: Document): readonly string[] {
  return commandLines(text).flatMap((line) =>
    faultsOf(line).map((fault) => `${path} types "tollgate ${line}": ${fault}`),
  );
}

/** What stands behind the program's name in shell code, and in code within a line. */
function commandLines(text: string): readonly string[] {
  const blocks = [...text.matchAll(/^ *```(?:sh|bash|yaml|console)\n([\s\S]*?)^ *```$/gm)].map(
    ([, block]) => block!,
  );
  const lines = blocks.flatMap((block) => block.replaceAll("\\\n", " ").split("\n"));
  const spans = [...text.replace(/^ *```[\s\S]*?^ *```$/gm, "").matchAll(/`([^`]+)`/g)].map(([, span]) =>
    span!.replaceAll("\n", " "),
  );
  return [...lines.filter((line) => !/^\s*#/.test(line)), ...spans].flatMap((line) =>
    [...line.matchAll(TYPED)].map((found) =>
      line
        .slice(found.index + found[0].length)
        .split(/ [|>&#<;]|[)"']$/)[0]!
        .trim(),
    ),
  );
}

function faultsOf(line: string): readonly string[] {
  const words = line.match(/"[^"]*"|'[^']*'|\S+/g) ?? [];
  let command = program;
  let isOpen = false;
  const faults: string[] = [];
  for (const [index, word] of words.entries()) {
    if (isOpen) {
      isOpen = false;
    } else if (word.startsWith("-")) {
      const name = word.split("=")[0]!;
      const known = [...command.options, ...program.options].find(({ long }) => long === name);
      if (known === undefined && name !== "--help" && name !== "--") faults.push(`there is no flag ${name}`);
      isOpen = known?.required === true && !word.includes("=");
    } else if (/^["$<…[]/.test(word)) {
      return faults;
    } else if (command.commands.length > 0 && word !== "help") {
      const next = command.commands.find((each) => each.name() === word);
      if (next === undefined) return [`there is no command ${words.slice(0, index + 1).join(" ")}`];
      command = next;
    }
  }
  return faults;
}
