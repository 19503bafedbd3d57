import { bench } from "./cli/commands/bench.ts";
import { demo } from "./cli/commands/demo.ts";
import type { Showing } from "./cli/showing.ts";
import { terminalOf } from "./cli/terminal.ts";
import { systemClock as clock } from "./lib/clock.ts";
import { systemChance as chance } from "./lib/ids.ts";

/** The command line that this file is a part of; its name ends in `.js` where it is published. */
const program = import.meta.filename.replace("main.demo.", "main.beside.");

/** What shows itself on servers of its own, and leaves nothing behind. */
export const showing: Showing = {
  demo: (options, out) =>
    demo({ program, clock, chance, out, paint: terminalOf(process.stdout).paint }, options),
  bench: (options, onProgress) => bench({ program, clock, onProgress }, options),
};
