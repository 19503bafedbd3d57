import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";

export type Variables = Readonly<Record<string, string>>;

/** A program in a process of its own, which says its URL when it listens. */
export type RunningProgram = AsyncDisposable & {
  readonly url: string;
  /** SIGTERM; resolves with the exit code. */
  stop(): Promise<number | null>;
};

const START_LIMIT_MS = 90_000;
const STOP_LIMIT_MS = 20_000;

/** @param args of Node. Rejects with the output of a program that ends without an URL. */
export async function startProgram(
  args: readonly string[],
  { cwd, env }: { readonly cwd: string; readonly env: Variables },
): Promise<RunningProgram> {
  const child = spawn(process.execPath, args, { cwd, env: { ...process.env, ...env }, stdio: "pipe" });
  const exited = once(child, "exit") as Promise<[number | null]>;
  let said = "";
  const url = await new Promise<string>((resolve, reject) => {
    const limit = setTimeout(() => reject(new Error(`no URL in time: ${said}`)), START_LIMIT_MS);
    const listen = (chunk: Buffer): void => {
      said += chunk.toString();
      const found = /http:\/\/127\.0\.0\.1:\d+/.exec(said)?.[0];
      if (found !== undefined) resolve(found);
    };
    child.stdout.on("data", listen);
    child.stderr.on("data", listen);
    exited.then(() => reject(new Error(said)), reject).finally(() => clearTimeout(limit));
  }).catch((error: unknown) => {
    child.kill("SIGKILL");
    throw error;
  });
  const stop = async (): Promise<number | null> => {
    const limit = setTimeout(() => child.kill("SIGKILL"), STOP_LIMIT_MS);
    child.kill("SIGTERM");
    const [code] = await exited;
    clearTimeout(limit);
    return code;
  };
  return { url, stop, [Symbol.asyncDispose]: async () => void (await stop()) };
}

/** Runs a program to its end and answers what it printed. Rejects with its complaints if it fails. */
export async function runProgram(
  program: string,
  args: readonly string[],
  { cwd, env = {} }: { readonly cwd: string; readonly env?: Variables },
): Promise<string> {
  const child = spawn(program, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "close"),
  ]);
  if (code !== 0) throw new Error(`${program} ${args.join(" ")}: ${stderr}${stdout}`);
  return stdout;
}
