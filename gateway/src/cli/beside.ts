import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { atMost, type Clock } from "../lib/clock.ts";

/** A command of this program in a process of its own. It ends when it is disposed of. */
export type Beside = AsyncDisposable & {
  /** What it announced: where it listens. */
  readonly announced: string;
};

export type BesideOptions = {
  /** The file that is the command line, and ends with its standard input. */
  readonly program: string;
  readonly command: readonly string[];
  /** All of its environment: the caller's does not reach it. */
  readonly variables: Readonly<Record<string, string>>;
  /** Where it says that it is ready, and how; the first group is what it announces. */
  readonly ready: { readonly on: "stdout" | "stderr"; readonly line: RegExp };
  readonly clock: Clock;
  /** Ends it while it starts. */
  readonly signal: AbortSignal;
};

const STOP_LIMIT_MS = 10_000;

/**
 * Ctrl-C does not reach it, so that whoever asks it can end it in order; if that one is killed, it ends by itself.
 * Rejects if it ends before it is ready.
 */
export async function startBeside(options: BesideOptions): Promise<Beside> {
  const { program, command, variables, ready, clock, signal } = options;
  await using stack = new AsyncDisposableStack();
  const child = spawn(process.execPath, [...process.execArgv, program, ...command], {
    env: variables,
    stdio: ["pipe", ready.on === "stdout" ? "pipe" : "ignore", "pipe"],
    detached: true,
  });
  const ended = once(child, "close");
  stack.defer(() => end(child, ended, clock));

  const complaints: string[] = [];
  child.stderr?.setEncoding("utf8").on("data", (text: string) => void complaints.push(text));
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  createInterface({ input: child[ready.on] as Readable }).on("line", (line) => {
    const announced = ready.line.exec(line)?.[1];
    if (announced !== undefined) resolve(announced);
  });
  const startFailed = () =>
    reject(new Error(`tollgate ${command.join(" ")} did not start:\n${complaints.join("")}`));
  ended.then(startFailed, reject);
  const stop = () => reject(signal.reason);
  if (signal.aborted) stop();
  signal.addEventListener("abort", stop, { once: true });
  const announced = await promise;
  const held = stack.move();
  return { announced, [Symbol.asyncDispose]: () => held.disposeAsync() };
}

async function end(child: ChildProcess, ended: Promise<unknown>, clock: Clock): Promise<void> {
  child.kill("SIGTERM");
  await atMost(clock, STOP_LIMIT_MS, ended);
  child.kill("SIGKILL");
  await ended;
}
