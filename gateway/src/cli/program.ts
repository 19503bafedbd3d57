import { Command } from "commander";
import { type CommandDeps, type DataCommand, UsageError } from "./command.ts";
import { auditCommands } from "./commands/audit.ts";
import { breakerCommands } from "./commands/breakers.ts";
import { budgetCommands } from "./commands/budgets.ts";
import { costCommands } from "./commands/costs.ts";
import { jobCommands } from "./commands/jobs.ts";
import { keyCommands } from "./commands/keys.ts";
import { limitCommands } from "./commands/limits.ts";
import { priceCommands } from "./commands/prices.ts";
import { projectCommands } from "./commands/projects.ts";
import { providerCommands } from "./commands/providers.ts";
import { repriceCommands } from "./commands/reprice.ts";
import { teamCommands } from "./commands/teams.ts";
import { userCommands } from "./commands/users.ts";
import { verifyCommands } from "./commands/verify.ts";

/** Exit codes of the command line. */
export const EXIT = { done: 0, failed: 1, usage: 2, checkFailed: 9 } as const;

export const dataCommands: readonly DataCommand[] = [
  ...keyCommands,
  ...userCommands,
  ...projectCommands,
  ...teamCommands,
  ...limitCommands,
  ...priceCommands,
  ...providerCommands,
  ...breakerCommands,
  ...repriceCommands,
  ...budgetCommands,
  ...costCommands,
  ...jobCommands,
  ...auditCommands,
  ...verifyCommands,
];

/** Runs a command by its name (`keys issue` or `keys-issue`). Throws UsageError for what cannot be right. */
export async function runDataCommand(deps: CommandDeps, name: string, input: unknown): Promise<object> {
  const path = name.replaceAll(" ", "-");
  const command = dataCommands.find((known) => known.name.replaceAll(" ", "-") === path);
  if (command === undefined) throw new UsageError(`there is no command ${name}`);
  return command.run(deps, input);
}

export type Actions = {
  readonly data: (name: string, input: object) => Promise<object>;
  readonly serve: () => Promise<void>;
  readonly worker: () => Promise<void>;
  readonly migrate: (what: "up" | "down" | "status", steps: number) => Promise<object>;
  readonly doctor: () => Promise<{ readonly text: string; readonly result: object; readonly ok: boolean }>;
  readonly sim: (port: number) => Promise<void>;
};

export type Output = { readonly out: (text: string) => void; readonly note: (text: string) => void };

/** Runs the command line and answers its exit code. Data goes to `out`, everything else to `note`. */
export async function runProgram(
  argv: readonly string[],
  actions: Actions,
  { out, note }: Output,
): Promise<number> {
  const program = new Command("tollgate")
    .description("The AI access gateway whose answers can be trusted.")
    .exitOverride()
    .configureOutput({ writeOut: (text) => out(text.trimEnd()), writeErr: (text) => note(text.trimEnd()) });
  let exitCode: number = EXIT.done;
  const print = (json: boolean | undefined, result: object, text: () => string) =>
    out(json === true ? JSON.stringify(result) : text());

  program.command("serve").description("Start the server.").action(actions.serve);
  program.command("worker").description("Do jobs, and answer no requests.").action(actions.worker);
  program
    .command("migrate")
    .description("Bring the database up to date, take steps back, or show where it stands.")
    .argument("[what]", "up, down or status", "up")
    .option("--steps <n>", "how many migrations to take back", "1")
    .option("--json", "print JSON")
    .action(async (what: string, options: { steps: string; json?: boolean }) => {
      const wanted = (["up", "down", "status"] as const).find((known) => known === what);
      if (wanted === undefined || !/^[1-9]\d{0,3}$/.test(options.steps))
        throw new UsageError("migrate up|down|status");
      const result = await actions.migrate(wanted, Number(options.steps));
      print(options.json, result, () => JSON.stringify(result, null, 2));
    });
  program
    .command("doctor")
    .description("Check what a start needs and print the settings in force, secrets redacted.")
    .option("--json", "print JSON")
    .action(async (options: { json?: boolean }) => {
      const { text, result, ok } = await actions.doctor();
      print(options.json, result, () => text);
      if (!ok) exitCode = EXIT.checkFailed;
    });
  program
    .command("sim")
    .description("Serve the simulated provider by itself, for tests and demonstrations.")
    .option("--port <port>", "port to listen on", "4010")
    .action(async (options: { port: string }) => {
      if (!/^\d{1,5}$/.test(options.port)) throw new UsageError("--port must be a number");
      await actions.sim(Number(options.port));
    });
  for (const command of dataCommands) {
    addDataCommand(program, command, async (input, json) => {
      for (let next: object | undefined = input; next !== undefined; ) {
        const result = await actions.data(command.name, next);
        const shown = command.show(result);
        const text = json === true ? (shown.json ?? JSON.stringify(result)) : shown.text;
        if (text !== "") out(text);
        if (shown.note !== undefined && json !== true) note(shown.note);
        if (shown.isFailure) exitCode = EXIT.checkFailed;
        if (shown.isLeftUndone) exitCode = EXIT.failed;
        next = shown.next;
      }
    });
  }

  try {
    await program.parseAsync([...argv], { from: "user" });
    return exitCode;
  } catch (error) {
    if (isCommanderExit(error)) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
    note(error instanceof Error ? error.message : String(error));
    return error instanceof UsageError ? EXIT.usage : EXIT.failed;
  }
}

function addDataCommand(
  program: Command,
  command: DataCommand,
  act: (input: object, json: boolean | undefined) => Promise<void>,
): void {
  const [group, verb] = command.name.split(" ") as [string, string?];
  const parent = verb === undefined ? program : groupOf(program, group);
  const leaf = parent
    .command(verb ?? group)
    .description(command.about)
    .option("--json", "print JSON");
  for (const argument of command.arguments) {
    leaf.argument(argument.startsWith("[") ? argument : `<${argument}>`);
  }
  for (const [flags, about, read = String] of command.options) leaf.option(flags, about, read);
  leaf.action(async (...received: unknown[]) => {
    const { json, ...options } = leaf.opts<{ json?: boolean }>();
    const named = command.arguments.map((name, index) => [name.replace(/^\[|\]$/g, ""), received[index]]);
    await act({ ...options, ...Object.fromEntries(named) }, json);
  });
}

function groupOf(program: Command, name: string): Command {
  const known = program.commands.find((command) => command.name() === name);
  return known ?? program.command(name).description(`Work with ${name}.`);
}

function isCommanderExit(error: unknown): error is { exitCode: number } {
  return error instanceof Error && "code" in error && String(error.code).startsWith("commander.");
}
