import type { Actions } from "./actions.ts";
import { type Shown, UsageError } from "./command.ts";
import { completionScript, shells } from "./completion.shells.ts";
import type { Declaration } from "./declaration.ts";
import type { ShowProgress } from "./progress.ts";
import { showingCommands, TRY } from "./showing.ts";

/** A command of this process: it starts, checks or prints something here, and never runs inside another server. */
export type OwnCommand = Declaration & {
  /** Under which heading help lists it. */
  readonly heading: string;
  readonly example?: string;
  run(actions: Actions, input: Typed, context: OwnContext): Promise<Ending>;
};

/** What was typed: the texts of arguments and flags, and flags that have none. */
export type Typed = Readonly<Record<string, string | true | undefined>>;

export type OwnContext = {
  readonly json: boolean;
  readonly out: (text: string) => void;
  readonly showProgress: ShowProgress;
};

/** What is still to be said. */
export type Ending = Partial<Pick<Shown, "text" | "note" | "isFailure">> & { readonly result?: object };

const SERVER = "Server:";

export const ownCommands: readonly OwnCommand[] = [
  {
    name: "serve",
    about: "Start the server.",
    heading: SERVER,
    arguments: [],
    options: [],
    async run(actions, _, { json }) {
      await actions.serve(json);
      return {};
    },
  },
  {
    name: "worker",
    about: "Do jobs, and answer no requests.",
    heading: SERVER,
    arguments: [],
    options: [],
    async run(actions) {
      await actions.worker();
      return {};
    },
  },
  {
    name: "migrate",
    about: "Bring the database up to date, take steps back, or show where it stands.",
    heading: SERVER,
    example: "migrate status",
    arguments: [["[what]", ["up", "down", "status"]]],
    options: [["--steps <n>", "how many migrations to take back (default: 1)"]],
    async run(actions, { what = "up", steps = "1" }, { showProgress }) {
      const wanted = (["up", "down", "status"] as const).find((known) => known === what);
      if (wanted === undefined || !/^[1-9]\d{0,3}$/.test(String(steps)))
        throw new UsageError("--steps is how many migrations to take back, such as 1");
      const result = await actions.migrate(wanted, Number(steps), showProgress);
      return { result, text: JSON.stringify(result, null, 2) };
    },
  },
  {
    name: "doctor",
    about: "Check what a start needs and print the settings in force, secrets redacted.",
    heading: SERVER,
    arguments: [],
    options: [],
    async run(actions) {
      const { ok, ...told } = await actions.doctor();
      return { ...told, isFailure: !ok };
    },
  },
  {
    name: "sim",
    about: "Serve the simulated provider by itself, for tests and demonstrations.",
    heading: TRY,
    example: "sim --port 4010",
    arguments: [],
    options: [["--port <port>", "port to listen on (default: 4010)"]],
    async run(actions, { port = "4010" }) {
      if (!/^\d{1,5}$/.test(String(port))) throw new UsageError("--port must be a number");
      await actions.sim(Number(port));
      return {};
    },
  },
  ...showingCommands,
  {
    name: "completion",
    about: "Print a script that lets a shell complete commands.",
    heading: "Shell:",
    example: "completion bash > ~/.local/share/bash-completion/completions/tollgate",
    arguments: [["shell", shells]],
    options: [],
    async run(_, { shell }) {
      const script = completionScript(shells.find((known) => known === shell)!);
      return { result: { shell, script }, text: script };
    },
  },
];
