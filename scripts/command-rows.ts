import type { Command } from "commander";
import { groups } from "../gateway/src/cli/groups.ts";
import { ownCommands } from "../gateway/src/cli/own-commands.ts";
import { commandTree } from "../gateway/src/cli/tree.ts";

export type CommandSection = {
  readonly heading: string;
  readonly groups: readonly CommandGroup[];
};

/** Commands that begin with one word, or those of a heading that are one word. */
export type CommandGroup = {
  readonly title: string | undefined;
  readonly leaves: readonly Command[];
  readonly examples: readonly string[];
};

/** The whole tree of commands; none of them can be run. */
export function wholeTree(): Promise<Command> {
  const refused = () => Promise.reject(new Error("only to be looked at"));
  return commandTree(() => true, { own: refused, data: refused });
}

/** The commands below the headings of help, in its order. */
export async function commandSections(): Promise<readonly CommandSection[]> {
  const program = await wholeTree();
  const byHeading = Map.groupBy(program.commands, (command) => command.helpGroup());
  return [...byHeading].map(([heading, commands]) => {
    const single = commands.filter((command) => command.commands.length === 0);
    const several = commands.filter((command) => command.commands.length > 0);
    return {
      heading: heading.replace(/:$/, ""),
      groups: [
        ...(single.length === 0 ? [] : [{ title: undefined, leaves: single, examples: examplesOf(single) }]),
        ...several.map((command) => ({
          title: `\`${command.name()}\`: ${command.description()}`,
          leaves: command.commands,
          examples: examplesOf([command]),
        })),
      ],
    };
  });
}

const examples = new Map([...ownCommands, ...groups].map(({ name, example }) => [name, example]));

function examplesOf(commands: readonly Command[]): readonly string[] {
  return commands.map((command) => examples.get(command.name())).filter((example) => example !== undefined);
}

/** What a page says of some commands and their flags. */
export function commandRows(leaves: readonly Command[]): {
  readonly commands: readonly (readonly string[])[];
  readonly flags: readonly (readonly string[])[];
} {
  return {
    commands: leaves.map((leaf) => [`\`${nameOf(leaf)}${argumentsOf(leaf)}\``, leaf.description()]),
    flags: leaves.flatMap((leaf) =>
      leaf.options.map(({ flags, description, argChoices }) => {
        const choices = argChoices === undefined || argChoices.length > 6 ? "" : `: ${argChoices.join(", ")}`;
        return [`\`${nameOf(leaf)}\``, `\`${flags}\``, description + choices];
      }),
    ),
  };
}

function nameOf(command: Command): string {
  const above = command.parent;
  return above === null || above.parent === null ? command.name() : `${nameOf(above)} ${command.name()}`;
}

function argumentsOf({ registeredArguments }: Command): string {
  return registeredArguments
    .map((each) => (each.required ? ` <${each.name()}>` : ` [${each.name()}]`))
    .join("");
}
