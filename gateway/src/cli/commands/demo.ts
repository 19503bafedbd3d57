import type { Clock } from "../../lib/clock.ts";
import type { Chance } from "../../lib/ids.ts";
import { interruption } from "../interruption.ts";
import type { Paint } from "../terminal.ts";
import { invite } from "./demo.people.ts";
import { startPlace } from "./demo.place.ts";
import { showKept, showOpening, showPlace, showStep, showTitle, showTotals } from "./demo.show.ts";
import { steps } from "./demo.steps.ts";
import { openTour, type StepResult, walk } from "./demo.tour.ts";

export type DemoOptions = {
  /** The server goes on after the tour, until Ctrl-C. */
  readonly keep?: boolean;
  readonly json?: boolean;
};

export type DemoDeps = {
  /** The file that is the command line. */
  readonly program: string;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly out: (text: string) => void;
  readonly paint: Paint;
};

/**
 * Walks through what Tollgate does, on a server of its own that leaves nothing behind. Answers whether every step
 * held. Rejects with Interrupted at Ctrl-C.
 */
export async function demo(deps: DemoDeps, { keep = false, json = false }: DemoOptions): Promise<boolean> {
  const { clock, chance, out, paint } = deps;
  const tell = json ? () => {} : out;
  const startedAt = clock.monotonic();
  using interrupted = interruption();
  tell(showOpening());
  await using place = await startPlace({ ...deps, signal: interrupted.signal });
  await using tour = openTour(place, clock);
  await interrupted.orStop(invite(tour, place, chance));
  tell(showPlace(place.url, tour.takeShown()));

  const results: StepResult[] = [];
  for (const [index, step] of steps.entries()) {
    tell(showTitle(index + 1, step.title, paint));
    const result = await interrupted.orStop(walk(step, tour));
    results.push(result);
    tell(showStep(result, paint));
  }
  const held = results.filter(({ ok }) => ok).length;
  const ok = held === steps.length;
  const totals = {
    steps: steps.length,
    held,
    requests: tour.requests(),
    providerCalls: place.asked.length,
    seconds: (clock.monotonic() - startedAt) / 1000,
  };
  const kept = { url: place.url, ...place.administrator, ...tour.keys() };
  if (json) out(JSON.stringify({ steps: results, ok, totals, ...(keep ? { server: kept } : {}) }));
  else tell(showTotals({ ...totals, isKept: keep }, paint));
  if (keep) {
    tell(showKept(kept));
    await interrupted.happened;
  }
  return ok;
}
