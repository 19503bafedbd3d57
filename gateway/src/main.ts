#!/usr/bin/env node
import type { Actions } from "./cli/actions.ts";
import { runProgram } from "./cli/program.ts";
import { progressOn } from "./cli/progress.ts";
import { terminalOf } from "./cli/terminal.ts";
import type { Way } from "./main.data.ts";
import { note, out, pause } from "./main.process.ts";

/** Opened once, for all steps of a command. */
let way: Promise<Way> | undefined;

/** Whatever an action needs is loaded when it is asked for: help and completion wait for none of it. */
const actions: Actions = {
  async data(name, input, url) {
    way ??= import("./main.data.ts").then(({ openWay }) => openWay(name, url));
    return (await way).run(name, input);
  },
  serve: async (json) => (await import("./main.serve.ts")).serve({ json }),
  worker: async () => (await import("./main.serve.ts")).serve({ role: "worker" }),
  migrate: async (...asked) => (await import("./main.data.ts")).runMigrations(...asked),
  doctor: async () => (await import("./main.doctor.ts")).doctor(),
  sim: async (port) => (await import("./main.sim.ts")).serveSimulated(port),
  demo: async (options, write) => (await import("./main.demo.ts")).showing.demo(options, write),
  bench: async (...asked) => (await import("./main.demo.ts")).showing.bench(...asked),
  pause,
};

process.exitCode = await runProgram(process.argv.slice(2), actions, {
  out,
  note,
  terminal: terminalOf(process.stdout),
  showProgress: progressOn(process.stderr),
});
await way?.then((opened) => opened[Symbol.asyncDispose]()).catch(() => {});
// A start that failed half-way has left connections behind; nothing waits for them.
if (process.exitCode !== 0) process.exit();
