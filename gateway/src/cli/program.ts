import { type Command, CommanderError } from "commander";
import type { Actions } from "./actions.ts";
import { type CommandDeps, type DataCommand, type Shown, UsageError } from "./command.ts";
import { suggestionsFor } from "./completion.ts";
import { EXIT, failureOf } from "./failure.ts";
import { groups } from "./groups.ts";
import type { ShowProgress } from "./progress.ts";
import { emptyTable, textOf } from "./table.ts";
import { plain, type Terminal } from "./terminal.ts";
import { type Act, commandTree } from "./tree.ts";
import { asTyped } from "./typed-faults.ts";
import { printableLines } from "./width.ts";

/** Runs a command by its name (`keys issue` or `keys-issue`). Throws UsageError for what cannot be right. */
export async function runDataCommand(deps: CommandDeps, name: string, input: unknown): Promise<object> {
  const path = name.replaceAll(" ", "-");
  const group = groups.find((known) => path === known.name || path.startsWith(`${known.name}-`));
  const command = (await group?.load())?.find((known) => known.name.replaceAll(" ", "-") === path);
  if (command === undefined) throw new UsageError(`there is no command ${name}`);
  return command.run(deps, input);
}

export type Output = {
  /** Takes data: what was asked for. */
  readonly out: (text: string) => void;
  /** Takes everything else. */
  readonly note: (text: string) => void;
  /** Where data goes; a file, if it is left out. */
  readonly terminal?: Terminal;
  readonly showProgress?: ShowProgress;
};

/** Runs the command line and answers its exit code. */
export async function runProgram(
  argv: readonly string[],
  actions: Actions,
  { out, note, terminal = plain, showProgress = () => {} }: Output,
): Promise<number> {
  let exitCode: number = EXIT.done;
  const isJson = argv.includes("--json");

  const act: Act = {
    async own(command, input, { json }) {
      const ending = await command.run(actions, input, { json, out, showProgress });
      const { text, result, note: beside, isFailure } = ending;
      showProgress(undefined);
      if (json && result !== undefined) out(JSON.stringify(result));
      if (!json && text !== undefined) out(textOf(text, terminal));
      if (!json && beside !== undefined) note(beside);
      if (isFailure) exitCode = EXIT.checkFailed;
    },
    async data(command, input, flags) {
      for (let next: object | undefined = input; next !== undefined; ) {
        const result = await actions.data(command.name, next, flags.url).catch((error) => {
          throw asTyped(command, error);
        });
        const shown = command.show(result);
        showProgress(undefined);
        print(command, shown, flags.json ? (shown.json ?? JSON.stringify(result)) : undefined);
        if (shown.isFailure) exitCode = EXIT.checkFailed;
        if (shown.isLeftUndone) exitCode = EXIT.failed;
        next = shown.next;
        if (next === undefined) return;
        if (!flags.json) showProgress(shown.progress);
        if (shown.afterMs !== undefined && !(await actions.pause(shown.afterMs))) return;
      }
    },
  };

  function print({ name }: DataCommand, { text, note: beside }: Shown, json: string | undefined): void {
    const printed = json ?? textOf(text, terminal);
    if (printed !== "") out(printed);
    if (json !== undefined) return;
    const empty = emptyTable(text);
    if (empty !== undefined) note(empty.ifEmpty ?? `No ${name.split(" ")[0]}.`);
    if (beside !== undefined) note(printableLines(beside));
  }

  try {
    const words = argv[0] === "help" ? [...argv.slice(1), "--help"] : argv;
    const program = await commandTree(({ name }) => words.includes(name), act);
    for (const command of withAllBelow(program)) {
      command.exitOverride();
      const writeErr = (text: string) => (isJson ? undefined : note(text.trimEnd()));
      command.configureOutput({ writeOut: (text) => out(text.trimEnd()), writeErr });
    }
    if (words[0] === COMPLETE) {
      for (const { word, about } of suggestionsFor(program, words.slice(1))) {
        out(about === "" ? word : `${word}\t${about}`);
      }
    } else await program.parseAsync([...words], { from: "user" });
    return exitCode;
  } catch (error) {
    showProgress(undefined);
    if (error instanceof CommanderError && error.exitCode === 0) return EXIT.done;
    const { isSaid, ...failure } = failureOf(error);
    if (isJson) note(JSON.stringify({ error: failure }));
    else if (!isSaid) note(printableLines(failure.message));
    return failure.code === "USAGE" ? EXIT.usage : EXIT.failed;
  }
}

/** What the shells' completions run. */
const COMPLETE = "__complete";

function withAllBelow(command: Command): readonly Command[] {
  return [command, ...command.commands.flatMap(withAllBelow)];
}
