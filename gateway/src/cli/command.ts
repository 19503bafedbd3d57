import type { z } from "zod";
import type { By } from "../access/hold.ts";
import { OPERATOR } from "../access/levels.ts";
import type { UserLimitDeps } from "../calls/user-limits.ts";
import type { Prices } from "../costs/prices.stored.ts";
import type { Passwords } from "../identity/passwords.ts";
import type { Chance } from "../lib/ids.ts";
import type { HoldPlan } from "../limits/plans.ts";
import type { Breakers } from "../providers/breakers.ts";
import type { Providers } from "../providers/known.ts";
import type { Db, Tx } from "../store/tables.ts";
import type { Change } from "../telemetry/change.ts";

/** What a command that works on the data may use; the same in the command line's process and in a running server. */
export type CommandDeps = UserLimitDeps & {
  /** Who runs the command: the operator, or an administrator from afar. */
  readonly by: By;
  /** The same database, without the time limit of requests. */
  readonly maintenance: Db;
  readonly chance: Chance;
  readonly pepper: Uint8Array;
  /** Keys of the audit log: that of SECRET_KEY, and those of the keys before it. */
  readonly macKeys: readonly Uint8Array[];
  readonly change: Change;
  /** The same, without the time limit of requests. */
  readonly longChange: Change;
  readonly bookOf: Prices["bookOf"];
  readonly readPrices: Prices["readPrices"];
  readonly holdPlan: HoldPlan;
  readonly providers: Providers;
  /** Only inside a running server. */
  readonly breakers?: Breakers;
  readonly passwords: Passwords;
  /** Erases a user's personal data from the audit log. */
  readonly erasePersonal: (tx: Tx, userId: string) => Promise<number>;
  /** Owns what is made without naming an owner. */
  readonly defaultUser: string;
};

/** Whoever may open the data is the operator: allowed everything, and the audit log knows no more of them. */
export const BY_OPERATOR: By = {
  cause: { actor: { type: "operator", id: "operator" } },
  caller: OPERATOR,
};

/** One command on the data. Input and result are plain JSON, so that it runs here or inside a running server. */
export type DataCommand = {
  /** As typed: `keys issue`, `verify`. */
  readonly name: string;
  readonly about: string;
  /** Positional arguments, by the input field they fill; one in brackets may be left out. */
  readonly arguments: readonly string[];
  /** Flags as commander declares them, each for the input field of its camel-cased name, and how their text is read. */
  readonly options: readonly (readonly [flags: string, about: string, read?: (text: string) => unknown])[];
  /** Checks the input and runs the command. Throws UsageError for input that cannot be right. */
  run(deps: CommandDeps, input: unknown): Promise<object>;
  /** What a person reads of a result: `text` on stdout, `note` on stderr. */
  show(result: object): Shown;
};

export type Shown = {
  readonly text: string;
  readonly note?: string;
  /** What a program reads, if that is not the result as JSON. */
  readonly json?: string;
  /** A check found something: exit code 9. */
  readonly isFailure?: boolean;
  /** What was to be so is not: exit code 1. */
  readonly isLeftUndone?: boolean;
  /** Input of the next step: long work is done in steps, for a running server answers each within seconds. */
  readonly next?: object;
};

export function dataCommand<Input, Result extends object>(command: {
  readonly name: string;
  readonly about: string;
  readonly arguments?: readonly string[];
  readonly options?: DataCommand["options"];
  readonly input: z.ZodType<Input>;
  readonly run: (deps: CommandDeps, input: Input) => Promise<Result>;
  readonly show: (result: Result) => Shown;
}): DataCommand {
  const { name, about, arguments: positional = [], options = [] } = command;
  return {
    name,
    about,
    arguments: positional,
    options,
    run(deps, input) {
      const parsed = command.input.safeParse(input);
      if (parsed.success) return command.run(deps, parsed.data);
      throw new UsageError(
        parsed.error.issues.map(({ path, message }) => faultText(path.join("."), message)).join("\n"),
      );
    },
    show: (result) => command.show(result as Result),
  };
}

export function faultText(path: string, message: string): string {
  return path === "" ? message : `${path}: ${message}`;
}

/** Input that cannot be right, found after the flags were read. Exit code 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** Aligned columns with a header line. */
export function table(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = columns.map((column, index) =>
    Math.max(column.length, ...rows.map((row) => row[index]!.length)),
  );
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, index) => cell.padEnd(widths[index]!))
      .join("  ")
      .trimEnd();
  return [columns, ...rows].map(line).join("\n");
}
