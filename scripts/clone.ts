import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { until } from "../gateway/src/lib/until.testing.ts";

/** A clone of this repository, and in it a reader who types what a document says. */
export type Clone = AsyncDisposable & {
  readonly folder: string;
  /** Everything that was printed so far, in every terminal. */
  said(): string;
  /** Types it into the one terminal that stays; functions and what it exports are there for the next. Throws if it fails. */
  type(shell: string): Promise<string>;
  /** Types it into a terminal of its own, which is then busy. Resolves when `sign` is printed there. */
  open(shell: string, sign: string): Promise<void>;
  /** Ctrl-C in the terminals that are busy with such a line. */
  interrupt(shell: RegExp): Promise<void>;
};

const root = join(import.meta.dirname, "..");
const LIMIT_MS = 90_000;
const STOP_LIMIT_MS = 20_000;
const KEEP = '{ export -p; declare -f; } > "$HOME/exported"';

const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) signal(child, "SIGKILL");
});

/** @param port of the server that is started in it. */
export function newClone(port: number): Clone {
  const folder = mkdtempSync(join(tmpdir(), "tollgate-clone-"));
  const home = mkdtempSync(join(tmpdir(), "tollgate-reader-"));
  for (const file of ["package.json", "package-lock.json"])
    copyFileSync(join(root, file), join(folder, file));
  for (const linked of ["scripts", "gateway", "client", "examples", "node_modules"]) {
    symlinkSync(join(root, linked), join(folder, linked));
  }
  writeFileSync(join(home, "exported"), "");
  const path = `${dirname(process.execPath)}${delimiter}${process.env.PATH}`;
  const env = { PATH: path, HOME: home, PORT: String(port) };
  const busy = new Map<string, ChildProcess>();
  let said = "";

  function bash(script: string): ChildProcess {
    const child = spawn("bash", ["-c", script], { cwd: folder, env, stdio: "pipe", detached: true });
    running.add(child);
    child.stdin.end();
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        said += text;
      });
    }
    return child;
  }

  async function interrupt(shell: RegExp): Promise<void> {
    for (const [line, child] of [...busy].filter(([line]) => shell.test(line))) {
      busy.delete(line);
      signal(child, "SIGINT");
      await ended(child, STOP_LIMIT_MS);
    }
  }

  return {
    folder,
    said: () => said,
    async type(shell) {
      const from = said.length;
      const code = await ended(bash(`. "$HOME/exported"\nset -e -o pipefail\n${shell}\n${KEEP}`), LIMIT_MS);
      if (code !== 0) throw new Error(`ended with ${code}: ${shell}\n${said.slice(from)}`);
      return said.slice(from);
    },
    async open(shell, sign) {
      const from = said.length;
      const child = bash(shell);
      busy.set(shell, child);
      const what = () => `${sign}: ${shell}\n${said.slice(from)}`;
      await until(
        () => {
          if (child.exitCode !== null) throw new Error(`ended without ${what()}`);
          return said.includes(sign, from);
        },
        { limitMs: LIMIT_MS, what },
      );
    },
    interrupt,
    async [Symbol.asyncDispose]() {
      await interrupt(/^/);
      for (const gone of [folder, home]) rmSync(gone, { recursive: true, force: true });
    },
  };
}

/** Resolves with the exit code; null if it had to be killed after `limitMs`. */
async function ended(child: ChildProcess, limitMs: number): Promise<number | null> {
  const limit = setTimeout(() => signal(child, "SIGKILL"), limitMs);
  const [code] = (await once(child, "close")) as [number | null];
  clearTimeout(limit);
  running.delete(child);
  return code;
}

/** To all that runs in a terminal. */
function signal({ pid }: ChildProcess, name: NodeJS.Signals): void {
  try {
    process.kill(-pid!, name);
  } catch {
    // It has ended.
  }
}
