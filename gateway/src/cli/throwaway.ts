import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type BesideOptions, startBeside } from "./beside.ts";
import { dataOf, newFolder, removeLeft } from "./throwaway.folders.ts";

/** A whole server in a process of its own, on a free port of this machine and a folder that goes with it. */
export type Throwaway = AsyncDisposable & { readonly url: string; readonly dataFolder: string };

export type ThrowawayOptions = Pick<BesideOptions, "program" | "clock" | "signal"> & {
  readonly settings: Readonly<Record<string, string>>;
  /** Its configuration file. */
  readonly config: object;
};

/** Nothing but these settings counts: neither the environment nor the files around it. Rejects if it does not start. */
export async function startThrowaway({ settings, config, ...options }: ThrowawayOptions): Promise<Throwaway> {
  await using stack = new AsyncDisposableStack();
  removeLeft();
  const folder = newFolder();
  stack.defer(() => rmSync(folder, { recursive: true, force: true }));
  const [file, dataFolder] = [join(folder, "tollgate.yaml"), dataOf(folder)];
  writeFileSync(file, JSON.stringify(config)); // which YAML can read
  const variables = { HOST: "127.0.0.1", PORT: "0", DATA_DIR: dataFolder, CONFIG_FILE: file, ...settings };
  const ready = { on: "stdout", line: /"url":"([^"]+)".*"Tollgate is listening"/ } as const;
  const server = stack.use(await startBeside({ ...options, command: ["serve"], variables, ready }));
  const held = stack.move();
  return { url: server.announced, dataFolder, [Symbol.asyncDispose]: () => held.disposeAsync() };
}
