import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { pinned } from "./cores.ts";

export type Command = {
  readonly command: string;
  readonly args: readonly string[];
  /** The whole environment of the process; nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly core?: string | undefined;
};

export type Child = {
  readonly pid: number;
  /** The last 16 KB of what it printed on both outputs. */
  output(): string;
  /** SIGTERM, and SIGKILL after ten seconds. */
  stop(): Promise<void>;
};

const KEPT_CHARACTERS = 16_384;
const STOP_MS = 10_000;

/** Whatever way this process ends, its children end with it. */
const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** Starts a process and waits until `isReady`. Rejects with its output if it ends before, or after `timeoutMs`. */
export async function startChild(
  what: Command,
  isReady: (output: string) => boolean | Promise<boolean>,
  timeoutMs = 30_000,
): Promise<Child> {
  const { process: started, output } = launch(what);
  const child: Child = { pid: started.pid!, output, stop: () => stop(started) };
  const deadline = performance.now() + timeoutMs;
  while (!(await isReady(output()))) {
    const ended = started.exitCode !== null || started.signalCode !== null;
    if (ended || performance.now() > deadline) {
      await child.stop();
      throw new Error(`${what.args[0]} ${ended ? "ended" : "was not ready in time"}:\n${output().trim()}`);
    }
    await sleep(20);
  }
  return child;
}

/** Runs a command to its end. Resolves with its standard output, rejects with all output if it fails. */
export async function runCommand(what: Command): Promise<string> {
  const { process: started, output, standardOutput } = launch(what);
  const [code] = await once(started, "close");
  if (code !== 0)
    throw new Error(`${what.command} ${what.args.join(" ")} failed (${code}):\n${output().trim()}`);
  return standardOutput();
}

function launch({ command, args, env, cwd, core }: Command) {
  const [file, fileArguments] = pinned(command, args, core);
  const started = spawn(file, fileArguments, { env, cwd, stdio: ["ignore", "pipe", "pipe"] });
  running.add(started);
  started.on("exit", () => running.delete(started));
  let all = "";
  let standard = "";
  started.stdout.on("data", (bytes: Buffer) => {
    standard = (standard + bytes.toString()).slice(-KEPT_CHARACTERS);
  });
  for (const stream of [started.stdout, started.stderr]) {
    stream.on("data", (bytes: Buffer) => {
      all = (all + bytes.toString()).slice(-KEPT_CHARACTERS);
    });
  }
  started.on("error", (error) => {
    all += `${error.message}\n`;
  });
  return { process: started, output: () => all, standardOutput: () => standard };
}

async function stop(started: ChildProcess): Promise<void> {
  if (started.exitCode !== null || started.signalCode !== null) return;
  const closed = once(started, "close");
  started.kill("SIGTERM");
  const killer = setTimeout(() => started.kill("SIGKILL"), STOP_MS);
  await closed;
  clearTimeout(killer);
}

/** A port on loopback that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

/** What every child needs of our environment. */
export function plainEnvironment(): Record<string, string> {
  const { PATH = "/usr/bin:/bin", HOME = "/", TMPDIR } = process.env;
  return { PATH, HOME, ...(TMPDIR === undefined ? {} : { TMPDIR }) };
}
