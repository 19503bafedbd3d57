import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { until } from "../gateway/src/lib/until.testing.ts";
import { testFolder } from "../gateway/src/store/testing.ts";

/** A working folder with a data folder in it; removed at dispose. */
export type Home = AsyncDisposable & { readonly folder: string; readonly database: string };

export type Variables = Readonly<Record<string, string>>;

export type Ended = { readonly code: number | null; readonly stdout: string; readonly stderr: string };

/** A server in a process of its own, as an operator would start it. */
export type Tollgate = AsyncDisposable & {
  readonly url: string;
  readonly pid: number;
  /** Printed at the very first start only. */
  readonly firstKey: string | undefined;
  readonly setupToken: string | undefined;
  stdout(): string;
  stderr(): string;
  /** Runs the command line in the same folder with the same environment. */
  cli(...args: string[]): Promise<Ended>;
  /** Runs a command that must succeed and answers its JSON. */
  ask<T>(...args: string[]): Promise<T>;
  /** SIGTERM; resolves with the exit code. */
  stop(): Promise<number | null>;
  /** Resolves when a process that was killed has ended. */
  kill(signal: NodeJS.Signals): Promise<void>;
};

const main = join(import.meta.dirname, "..", "gateway", "src", "main.ts");
const START_LIMIT_MS = 90_000;
const COMMAND_LIMIT_MS = 60_000;
const STOP_LIMIT_MS = 20_000;

/** Whatever way this process ends, nothing of it stays behind. */
const running = new Set<ChildProcess>();
const folders = new Set<string>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** An empty data folder is filled at the first start, which takes seconds; without `empty` it holds a new database. */
export async function newHome({ empty = false } = {}): Promise<Home> {
  const folder = mkdtempSync(join(tmpdir(), "tollgate-acceptance-"));
  folders.add(folder);
  const database = join(folder, "data", "database");
  if (!empty) {
    using made = await testFolder();
    mkdirSync(dirname(database));
    renameSync(made.folder, database);
  }
  return {
    folder,
    database,
    async [Symbol.asyncDispose]() {
      rmSync(folder, { recursive: true, force: true });
      folders.delete(folder);
    },
  };
}

/** Starts a server and waits until it takes traffic. Rejects with its output if it ends before. */
export async function startTollgate(
  options: { home?: Home; env?: Variables; config?: string } = {},
): Promise<Tollgate> {
  await using stack = new AsyncDisposableStack();
  const { env = {}, config } = options;
  const home = options.home ?? stack.use(await newHome({ empty: env.DATABASE_URL !== undefined }));
  if (config !== undefined) writeFileSync(join(home.folder, "tollgate.yaml"), config);
  const { child, ended, stdout, stderr } = launch(home, env, ["serve"]);
  stack.defer(async () => {
    if (!hasEnded(child)) await end(child, ended);
  });

  let url: string | undefined;
  await until(
    async () => {
      if (hasEnded(child))
        throw new Error(`the server ended with ${child.exitCode}:\n${stdout()}${stderr()}`);
      url ??= urlIn(stdout());
      return url !== undefined && (await isReady(url));
    },
    { limitMs: START_LIMIT_MS, what: () => `the server's start:\n${stdout()}${stderr()}` },
  );

  const held = stack.move();
  const cli = (...args: string[]) => runTollgate(home, env, args);
  return {
    url: url!,
    pid: child.pid!,
    firstKey: /^ {2}(sk-\S+)$/m.exec(stdout())?.[1],
    setupToken: /^ {2}(it-\S+)$/m.exec(stdout())?.[1],
    stdout,
    stderr,
    cli,
    async ask<T>(...args: string[]) {
      const answer = await cli(...args, "--json");
      if (answer.code !== 0) throw new Error(`tollgate ${args.join(" ")}: ${answer.stderr}`);
      return JSON.parse(answer.stdout) as T;
    },
    stop: () => end(child, ended),
    async kill(signal) {
      child.kill(signal);
      if (signal === "SIGKILL") await ended;
    },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

/** Runs a command to its end, `serve` too where it must fail. One that does not end is killed: code null. */
export async function runTollgate(home: Home, env: Variables, args: readonly string[]): Promise<Ended> {
  const { child, ended } = launch(home, env, args);
  const timer = setTimeout(() => child.kill("SIGKILL"), COMMAND_LIMIT_MS);
  return ended.finally(() => clearTimeout(timer));
}

/** Nothing of this process's own environment reaches the server, except where programs are, and compiled ones. */
export function launch(home: Home, env: Variables, args: readonly string[]) {
  const { PATH = "/usr/bin:/bin", NODE_COMPILE_CACHE = "" } = process.env;
  const child = spawn(process.execPath, [main, ...args], {
    cwd: home.folder,
    env: {
      PATH,
      NODE_COMPILE_CACHE,
      HOME: home.folder,
      HOST: "127.0.0.1",
      PORT: "0",
      DATA_DIR: "data",
      ...env,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  running.add(child);
  const output = { stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output.stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    output.stderr += text;
  });
  const ended = once(child, "close").then(([code]): Ended => {
    running.delete(child);
    return { code: code as number | null, ...output };
  });
  return { child, ended, stdout: () => output.stdout, stderr: () => output.stderr };
}

/** A server that does not stop is killed: its exit code is then null. */
async function end(child: ChildProcess, ended: Promise<Ended>): Promise<number | null> {
  child.kill("SIGCONT");
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), STOP_LIMIT_MS);
  const { code } = await ended;
  clearTimeout(timer);
  return code;
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

/** What the server logged, parsed; its welcome is not part of it. */
export function logLines(stdout: string): readonly Readonly<Record<string, unknown>>[] {
  const lines = stdout.split("\n").filter((line) => line.startsWith("{"));
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

function urlIn(stdout: string): string | undefined {
  if (!stdout.includes('"Tollgate is listening"')) return undefined;
  const line = stdout.split("\n").find((text) => text.includes('"Tollgate is listening"'));
  return /"url":"([^"]+)"/.exec(line!)?.[1];
}

function isReady(url: string): Promise<boolean> {
  return fetch(`${url}/readyz`).then(
    async (answer) => {
      await answer.arrayBuffer();
      return answer.status === 200;
    },
    () => false,
  );
}
