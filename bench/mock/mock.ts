import { spawnSync } from "node:child_process";
import { mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { plainEnvironment, startChild } from "../child.ts";

/** The upstream of every target, written in C so that it is never what limits a run. */
export type Mock = {
  readonly port: number;
  readonly pid: number;
  stats(): Promise<MockStats>;
  /** How later streams are paced: `chunks` events with `pauseMs` before each. */
  setPace(pace: Pace): Promise<void>;
  stop(): Promise<void>;
};

export type Pace = { readonly chunks: number; readonly pauseMs: number };

/** Counters since the start; `connections` and `streaming` are what is open now. */
export type MockStats = {
  readonly requests: number;
  readonly streams: number;
  readonly chunks: number;
  readonly billedTokens: number;
  readonly connections: number;
  readonly streaming: number;
  readonly aborted: number;
};

/** What the mock reports for a whole answer, and for a stream beside its completion tokens. */
export const mockUsage = { prompt: 256, completion: 64 } as const;

export async function startMock(buildFolder: string, core: string | undefined): Promise<Mock> {
  const program = compileMock(buildFolder);
  const child = await startChild({ command: program, args: ["0"], env: plainEnvironment(), core }, (output) =>
    output.includes("}\n"),
  );
  const { port } = JSON.parse(child.output()) as { port: number };
  const base = `http://127.0.0.1:${port}`;
  return {
    port,
    pid: child.pid,
    stats: async () => (await (await fetch(`${base}/stats`)).json()) as MockStats,
    async setPace({ chunks, pauseMs }) {
      const answer = await fetch(`${base}/pace?chunks=${chunks}&pause_ms=${pauseMs}`, { method: "POST" });
      if (!answer.ok) throw new Error("the mock refused the pace");
    },
    stop: child.stop,
  };
}

function compileMock(buildFolder: string): string {
  const source = join(import.meta.dirname, "mock.c");
  const program = join(buildFolder, "mock");
  mkdirSync(buildFolder, { recursive: true });
  const built = statSync(program, { throwIfNoEntry: false });
  if (built !== undefined && built.mtimeMs > statSync(source).mtimeMs) return program;
  const { status, stderr } = spawnSync("cc", ["-O2", "-Wall", "-Wextra", "-o", program, source]);
  if (status !== 0) throw new Error(`cc could not compile the mock:\n${stderr}`);
  return program;
}
