import { z } from "zod";
import { type BreakerJson, breakerJson } from "../../http/breaker-json.ts";
import { TollgateError } from "../../lib/errors.ts";
import type { Breakers } from "../../providers/breakers.ts";
import { resetBreaker } from "../../providers/reset-breaker.ts";
import { type CommandDeps, dataCommand, UsageError } from "../command.ts";
import { amount, state, type Table, table } from "../table.ts";
import { inServer } from "./in-server.ts";

const list = dataCommand({
  name: "breakers list",
  about: "Show the circuit breaker of every provider.",
  input: z.strictObject({}),
  run: async (deps) => ({ items: (await breakersOf(deps).states()).map(breakerJson) }),
  show: ({ items }: { items: readonly BreakerJson[] }) => ({ text: shown(items) }),
});

const reset = dataCommand({
  name: "breakers reset",
  about: "Close a provider's breaker: it is asked again at once.",
  arguments: ["provider"],
  input: z.strictObject({ provider: z.string() }),
  async run(deps, { provider }) {
    const breakers = breakersOf(deps);
    const { change, by } = deps;
    return breakerJson(
      await resetBreaker({ breakers, change }, by.cause, provider).catch((error: unknown) => {
        if (!(error instanceof TollgateError) || !error.is("NOT_FOUND")) throw error;
        const names = breakers.seen().map((state) => state.provider);
        throw new UsageError(`there is no provider ${provider}; there are: ${names.join(", ")}`);
      }),
    );
  },
  show: ({ provider, state }) => ({ text: `The breaker of ${provider} is ${state}.` }),
});

const breakersOf = ({ breakers }: CommandDeps): Breakers => inServer(breakers, "GET /admin/breakers");

function shown(items: readonly BreakerJson[]): Table {
  const rows = items.map(({ provider, state, failures, opened_at, retry_at }) => [
    provider,
    state,
    String(failures),
    opened_at ?? "-",
    retry_at ?? "-",
  ]);
  return table(["PROVIDER", state("STATE"), amount("FAILURES"), "OPEN SINCE", "TRIED AGAIN AT"], rows);
}

export const breakerCommands = [list, reset];
