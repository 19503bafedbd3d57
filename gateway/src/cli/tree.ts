import { readFileSync } from "node:fs";
import { Argument, Command, Option } from "commander";
import type { DataCommand } from "./command.ts";
import type { Declaration, Values } from "./declaration.ts";
import { type Group, groups } from "./groups.ts";
import { type OwnCommand, ownCommands, type Typed } from "./own-commands.ts";

export type Flags = { readonly json: boolean; readonly url: string | undefined };

/** Runs what was typed. */
export type Act = {
  own(command: OwnCommand, input: Typed, flags: Flags): Promise<void>;
  data(command: DataCommand, input: object, flags: Flags): Promise<void>;
};

/** Every command as it is typed. Of groups that are not `wanted` only the name is there: their code is not loaded. */
export async function commandTree(wanted: (group: Group) => boolean, act: Act): Promise<Command> {
  const program = new Command("tollgate")
    .description("The AI access gateway whose answers can be trusted.")
    .option("--json", "print JSON: one document, or a line for each of many")
    .option("--url <url>", "ask the server there, as an administrator: TOLLGATE_TOKEN or TOLLGATE_TOKEN_FILE")
    .version(version(), "--version", "print the version")
    .helpCommand(false)
    .addHelpText("after", "\nMore about one of them:\n  tollgate help keys issue")
    .configureHelp({ showGlobalOptions: true });
  for (const command of ownCommands) {
    const leaf = addLeaf(program, command.name, command, (input, flags) => act.own(command, input, flags));
    leaf.helpGroup(command.heading);
    if (command.example !== undefined) addExample(leaf, command.example);
  }
  for (const group of groups) {
    const loaded = wanted(group) ? await group.load() : [];
    const single = loaded.find(({ name }) => name === group.name);
    const run = (command: DataCommand) => (input: object, flags: Flags) => act.data(command, input, flags);
    const head =
      single === undefined
        ? program.command(group.name).description(group.about).helpCommand(false)
        : addLeaf(program, group.name, single, run(single));
    addExample(head.helpGroup(group.heading), group.example);
    for (const command of loaded.filter((each) => each !== single)) {
      addLeaf(head, command.name.slice(group.name.length + 1), command, run(command));
    }
  }
  return program;
}

function version(): string {
  const file = new URL("../../package.json", import.meta.url);
  return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
}

function addLeaf(
  parent: Command,
  name: string,
  { about, arguments: positional, options }: Declaration,
  act: (input: Typed, flags: Flags) => Promise<void>,
): Command {
  const leaf = parent.command(name).description(about);
  const names = positional.map((argument) => (typeof argument === "string" ? argument : argument[0]));
  for (const [index, argument] of positional.entries()) {
    const made = new Argument(names[index]!.startsWith("[") ? names[index]! : `<${names[index]}>`);
    leaf.addArgument(typeof argument === "string" ? made : made.choices(argument[1]));
  }
  for (const [flags, about, values] of options) leaf.addOption(optionWith(new Option(flags, about), values));
  return leaf.action(async (...received: unknown[]) => {
    const { json = false, url } = leaf.optsWithGlobals<{ json?: boolean; url?: string }>();
    const named = names.map((each, index) => [each.replace(/^\[|\]$/g, ""), received[index]]);
    await act({ ...leaf.opts(), ...Object.fromEntries(named) }, { json, url });
  });
}

const lists = new WeakMap<Option, readonly string[]>();

/** What may stand, with commas between, behind a flag that takes a list. */
export function listChoices(option: Option): readonly string[] | undefined {
  return lists.get(option);
}

function optionWith(option: Option, values: Values | undefined): Option {
  if (values === undefined) return option;
  if (typeof values === "function") return option.argParser(values);
  if (!("listOf" in values)) return option.choices(values);
  lists.set(option, values.listOf);
  return option;
}

function addExample(command: Command, example: string): Command {
  return command.addHelpText("after", `\nExample:\n  tollgate ${example}`);
}
