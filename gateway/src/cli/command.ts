import type { z } from "zod";
import type { By } from "../access/hold.ts";
import { OPERATOR } from "../access/levels.ts";
import type { CooldownDeps } from "../calls/cooldowns.ts";
import type { DecideDeps } from "../calls/decide.ts";
import type { UserLimitDeps } from "../calls/user-limits.ts";
import type { Prices } from "../costs/prices.stored.ts";
import type { Passwords } from "../identity/passwords.ts";
import type { CreateJobDeps } from "../jobs/create.ts";
import { worded } from "../lib/fault-words.ts";
import type { Chance } from "../lib/ids.ts";
import type { Outbound } from "../lib/outbound.ts";
import type { FilePlans, HoldPlan } from "../limits/plans.ts";
import type { Breakers } from "../providers/breakers.ts";
import type { Providers } from "../providers/known.ts";
import type { Db, Tx } from "../store/tables.ts";
import type { Change } from "../telemetry/change.ts";
import type { Declaration } from "./declaration.ts";
import type { Progress } from "./progress.ts";
import { fieldOf, requiredFields } from "./required.ts";
import type { Text } from "./table.ts";

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
  readonly filePlans: FilePlans;
  readonly providers: Providers;
  /** Only inside a running server. */
  readonly breakers?: Breakers;
  readonly server?: ServerParts;
  readonly passwords: Passwords;
  /** Erases a user's personal data from the audit log. */
  readonly erasePersonal: (tx: Tx, userId: string) => Promise<number>;
  readonly outbound: Pick<Outbound, "faultOf">;
  /** `whsec_…`: what the webhook of this number is signed with. */
  readonly webhookSecret: (id: number) => string;
  /** Owns what is made without naming an owner. */
  readonly defaultUser: string;
};

/** What only a running server has, to hold, decide and make things with. */
export type ServerParts = {
  readonly cooldowns: Omit<CooldownDeps, "db" | "clock" | "change">;
  readonly decisions: Omit<DecideDeps, "db" | "clock">;
  readonly jobs: Omit<CreateJobDeps, "db">;
};

/** Whoever may open the data is the operator: allowed everything, and the audit log knows no more of them. */
export const BY_OPERATOR: By = {
  cause: { actor: { type: "operator", id: "operator" } },
  caller: OPERATOR,
};

/** One command on the data. Input and result are plain JSON, so that it runs here or inside a running server. */
export type DataCommand = Declaration & {
  /** Checks the input and runs the command. Throws UsageError for input that cannot be right. */
  run(deps: CommandDeps, input: unknown): Promise<object>;
  /** What a person reads of a result: `text` on stdout, `note` on stderr. */
  show(result: object): Shown;
};

export type Shown = {
  readonly text: Text;
  readonly note?: string;
  /** What a program reads, if that is not the result as JSON. */
  readonly json?: string;
  /** A check found something: exit code 9. */
  readonly isFailure?: boolean;
  /** What was to be so is not: exit code 1. */
  readonly isLeftUndone?: boolean;
  /** Input of the next step: long work is done in steps, for a running server answers each within seconds. */
  readonly next?: object;
  /** How far the work is that goes on with `next`. */
  readonly progress?: Progress;
  /** A pause before the next step: what is shown goes on until somebody ends it. */
  readonly afterMs?: number;
};

export function dataCommand<Input, Result extends object>(command: {
  readonly name: string;
  readonly about: string;
  readonly arguments?: DataCommand["arguments"];
  readonly options?: DataCommand["options"];
  readonly input: z.ZodType<Input>;
  readonly run: (deps: CommandDeps, input: Input) => Promise<Result>;
  readonly show: (result: Result) => Shown;
}): DataCommand {
  const { name, about, arguments: positional = [] } = command;
  const required = requiredFields(command.input);
  const options = (command.options ?? []).map(([flags, text, ...values]) => {
    const marked = required.has(fieldOf(flags)) ? `${text} (required)` : text;
    return [flags, marked, ...values] satisfies DataCommand["options"][number];
  });
  return {
    name,
    about,
    arguments: positional,
    options,
    run(deps, input) {
      const parsed = command.input.safeParse(input);
      if (parsed.success) return command.run(deps, parsed.data);
      throw UsageError.of(
        parsed.error.issues.map((issue) => {
          const { path, message } = worded(issue);
          return { path: path.join("."), message };
        }),
      );
    },
    show: (result) => command.show(result as Result),
  };
}

/** What is wrong with one field of the input. */
export type Fault = { readonly path: string; readonly message: string };

/** A message that reads on from the name of what it is about. */
const GOES_ON = /^(is|has|must|needs|names) /;

/** Input that cannot be right, found after the flags were read. Exit code 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
  readonly faults: readonly Fault[] | undefined;

  constructor(message: string, faults?: readonly Fault[]) {
    super(message);
    this.faults = faults;
  }

  static of(faults: readonly Fault[]): UsageError {
    const lines = faults.map(({ path, message }) => {
      if (path === "") return message;
      return GOES_ON.test(message) ? `${path} ${message}` : `${path}: ${message}`;
    });
    return new UsageError(lines.join("\n"), faults);
  }
}
