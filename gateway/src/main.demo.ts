import { styleText } from "node:util";
import { bench } from "./cli/commands/bench.ts";
import { demo } from "./cli/commands/demo.ts";
import type { Showing } from "./cli/showing.ts";
import { systemClock as clock } from "./lib/clock.ts";
import { systemChance as chance } from "./lib/ids.ts";

/** The command line that this file is a part of; its name ends in `.js` where it is published. */
const program = import.meta.filename.replace("main.demo.", "main.beside.");

/** What shows itself on servers of its own, and leaves nothing behind. */
export const showing: Showing = {
  demo: (options, out) => demo({ program, clock, chance, out, paint }, options),
  bench: (options) => bench({ program, clock }, options),
};

/** Plain where standard output is no terminal, or colours are not wanted. */
function paint(style: Parameters<typeof styleText>[0], text: string): string {
  return styleText(style, text, { stream: process.stdout });
}
