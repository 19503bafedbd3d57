import { setTimeout as pause } from "node:timers/promises";

const EVERY_MS = 20;

/** Asks until the answer is yes. Rejects after `limitMs`, and with whatever `holds` throws. */
export async function until(
  holds: () => boolean | Promise<boolean>,
  { limitMs = 10_000, what = () => "the condition" }: { limitMs?: number; what?: () => string } = {},
): Promise<void> {
  const deadline = performance.now() + limitMs;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`waited ${limitMs} ms in vain for ${what()}`);
    await pause(EVERY_MS);
  }
}
