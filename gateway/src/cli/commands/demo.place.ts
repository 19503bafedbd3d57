import type { Chance } from "../../lib/ids.ts";
import { type Pico, picoPerTokenFromUsdPerMillion } from "../../lib/money.ts";
import { startSimulatedServer } from "../../providers/simulated.server.ts";
import type { SimulatedCall } from "../../providers/simulated.ts";
import { startThrowaway, type ThrowawayOptions } from "../throwaway.ts";

/** Where the tour takes place: a server, its two simulated providers and an administrator. */
export type Place = AsyncDisposable & {
  readonly url: string;
  readonly administrator: { readonly email: string; readonly password: string };
  /** What the providers were asked so far: their side of the story. */
  readonly asked: readonly SimulatedCall[];
};

export type PlaceOptions = Pick<ThrowawayOptions, "program" | "clock" | "signal"> & {
  readonly chance: Chance;
};

/** USD per million tokens, as a small model costs. */
const price = { input: "0.25", output: "1.25" };

/** Short waits: breakers open for a second, and the first retry of a job comes after one. */
const settings = {
  BREAKER_OPEN_SECONDS: "1",
  JOB_RETRY_BASE_SECONDS: "1",
  OVERLOAD_MAX_EVENT_LOOP_DELAY_MS: "",
  SHUTDOWN_TIMEOUT_SECONDS: "1",
  APP_MODEL: "steady/sim-echo",
  JOB_MODEL: "steady/sim-echo",
  LOG_CALLS: "errors",
};

export async function startPlace({ chance, ...options }: PlaceOptions): Promise<Place> {
  await using stack = new AsyncDisposableStack();
  const asked: SimulatedCall[] = [];
  const log = (call: SimulatedCall) => void asked.push(call);
  const simulated = stack.use(await startSimulatedServer({ clock: options.clock, log }));
  const administrator = { email: "admin@tollgate.example", password: newPassword(chance) };
  const server = stack.use(
    await startThrowaway({
      ...options,
      config: configuration(simulated.baseUrl),
      settings: {
        ...settings,
        BOOTSTRAP_ADMIN_EMAIL: administrator.email,
        BOOTSTRAP_ADMIN_PASSWORD: administrator.password,
      },
    }),
  );
  const { url } = server;
  const held = stack.move();
  return { url, administrator, asked, [Symbol.asyncDispose]: () => held.disposeAsync() };
}

/** What the provider would charge for it. */
export function billedPico({ promptTokens, outputTokens }: SimulatedCall): Pico {
  return (
    BigInt(promptTokens) * picoPerTokenFromUsdPerMillion(price.input) +
    BigInt(outputTokens) * picoPerTokenFromUsdPerMillion(price.output)
  );
}

export function newPassword(chance: Chance): string {
  return Buffer.from(chance.bytes(15)).toString("base64url");
}

/** Two names of one simulated provider, so that one can be shut while the other answers. */
function configuration(baseUrl: string) {
  return {
    providers: { steady: { base_url: baseUrl }, shaky: { base_url: baseUrl } },
    aliases: {
      small: "steady/sim-echo",
      wordy: "steady/sim-words-200",
      slow: "steady/sim-slow-20tps",
      safe: { targets: [{ model: "shaky/sim-500-n5" }, { model: "steady/sim-echo" }] },
    },
    plans: { trial: { limits: { requests_per_minute: 3 } } },
    prices: { "steady/*": price, "shaky/*": price },
  };
}
