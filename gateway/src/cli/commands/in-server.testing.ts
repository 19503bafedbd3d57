import { after } from "node:test";
import { type TestApp, testApp } from "../../app.testing.ts";
import type { Running } from "../../app.ts";
import { newKey } from "../../identity/key.ts";
import { systemClock } from "../../lib/clock.ts";
import { systemChance } from "../../lib/ids.ts";
import type { CommandDeps } from "../command.ts";
import { runDataCommand } from "../program.ts";
import { commandDeps } from "../testing.ts";

/** A running server, and commands as it runs them for the operator. Imported by tests only. */
export async function commandServer(variables: Readonly<Record<string, string>> = {}): Promise<{
  readonly app: TestApp;
  readonly deps: CommandDeps;
  readonly run: (name: string, input?: object) => Promise<Record<string, unknown>>;
}> {
  const operatorToken = newKey("it", systemChance);
  let parts: Running | undefined;
  const app = await testApp(
    variables,
    {},
    {
      operatorToken,
      async run(running) {
        parts = running;
        return {};
      },
    },
  );
  after(() => app.close());
  await app.fetch("/operator/commands/any", { method: "POST", key: operatorToken, json: {} });
  const deps = { ...commandDeps(app.store.db, 1), clock: systemClock, ...parts! };
  return {
    app,
    deps,
    run: async (name, input = {}) => (await runDataCommand(deps, name, input)) as Record<string, unknown>,
  };
}
