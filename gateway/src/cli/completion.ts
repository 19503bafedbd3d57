import type { Argument, Command, Option } from "commander";
import { listChoices } from "./tree.ts";

/** A word that could stand at the cursor, and what it means. */
export type Suggestion = { readonly word: string; readonly about: string };

/** In place of suggestions: the shell knows its files. */
const FILES: Suggestion = { word: ":files", about: "" };

/** What the last of the words behind `tollgate` could become. */
export function suggestionsFor(program: Command, words: readonly string[]): readonly Suggestion[] {
  const current = words.at(-1) ?? "";
  const { command, open, argumentIndex } = walk(program, words.slice(0, -1));
  const [, flag, value] = /^(--[\w-]+=)(.*)$/.exec(current) ?? [];
  const found =
    open !== undefined
      ? valuesOf(open, current)
      : flag !== undefined
        ? valuesOf(optionOf(program, command, flag.slice(0, -1)), value!).map((each) => prefixed(flag, each))
        : wordsOf(program, command, argumentIndex, current);
  return found.filter((each) => each === FILES || each.word.startsWith(current));
}

type Place = {
  readonly command: Command;
  /** The flag whose value comes next. */
  readonly open: Option | undefined;
  /** How many of the command's arguments stand there already. */
  readonly argumentIndex: number;
};

function walk(program: Command, words: readonly string[]): Place {
  let command = program;
  let open: Option | undefined;
  let argumentIndex = 0;
  for (const word of words) {
    if (open !== undefined) {
      open = undefined;
    } else if (word.startsWith("-")) {
      const option = optionOf(program, command, word);
      open = option?.required === true ? option : undefined;
    } else {
      const next = argumentIndex === 0 ? command.commands.find((each) => each.name() === word) : undefined;
      if (next === undefined) argumentIndex += 1;
      else command = next;
    }
  }
  return { command, open, argumentIndex };
}

function wordsOf(
  program: Command,
  command: Command,
  argumentIndex: number,
  current: string,
): readonly Suggestion[] {
  const flags = optionsOf(program, command).map((option) => ({
    word: option.long ?? option.flags,
    about: option.description,
  }));
  if (current.startsWith("-")) return flags;
  const commands = command.commands.map((each) => ({ word: each.name(), about: each.description() }));
  if (commands.length > 0 && argumentIndex === 0) return commands;
  const argument = command.registeredArguments[argumentIndex];
  if (argument === undefined) return flags;
  return choicesOf(argument);
}

function optionsOf(program: Command, command: Command): readonly Option[] {
  const own = command === program ? [] : command.options;
  return [...own, ...program.options].filter((option) => !option.hidden);
}

function optionOf(program: Command, command: Command, word: string): Option | undefined {
  return optionsOf(program, command).find(({ short, long }) => word === short || word === long);
}

function valuesOf(option: Option | undefined, current: string): readonly Suggestion[] {
  if (option === undefined) return [];
  if (option.flags.endsWith("<file>")) return [FILES];
  const list = listChoices(option);
  if (list === undefined) return choicesOf(option);
  const before = current.slice(0, current.lastIndexOf(",") + 1);
  const taken = before.split(",");
  return list.filter((each) => !taken.includes(each)).map((each) => ({ word: before + each, about: "" }));
}

function choicesOf({ argChoices }: Option | Argument): readonly Suggestion[] {
  return (argChoices ?? []).map((word) => ({ word, about: "" }));
}

function prefixed(flag: string, suggestion: Suggestion): Suggestion {
  return suggestion === FILES ? FILES : { ...suggestion, word: flag + suggestion.word };
}
