import type { Clock } from "../lib/clock.ts";
import type { Provider } from "./provider.ts";
import { simulatedModels } from "./simulated.models.ts";
import { Playback, type Timeouts } from "./simulated.playback.ts";
import { NO_PROMPT, type PromptTokens, scriptOf, simulatedFormats } from "./simulated.script.ts";

/** What the simulated provider would bill: its side of the story. The whole prompt once the head was sent; 0 before. */
export type SimulatedCall = PromptTokens & {
  readonly id: string;
  /** Where it was asked. */
  readonly path: string;
  readonly model: string;
  readonly status: number;
  /** Tokens of what was sent until the end, the break or the abort. */
  readonly outputTokens: number;
  readonly aborted: boolean;
};

export type SimulatedOptions = {
  readonly clock: Clock;
  /** As the network would keep them; without them it waits for ever. */
  readonly timeouts?: Timeouts;
  /** Told once per call, when it is over. */
  readonly log?: (call: SimulatedCall) => void;
};

/**
 * A provider that needs no key and no network and speaks OpenAI's and Anthropic's wire formats. `simulatedModels` says
 * what it can do.
 */
export function simulated({ clock, timeouts = FOR_EVER, log }: SimulatedOptions): Provider {
  const open = new Set<Playback>();
  const asked = new Map<string, number>();
  const again = (model: string): number => {
    const times = asked.get(model) ?? 0;
    asked.set(model, times + 1);
    return times;
  };
  return {
    name: "simulated",
    simulated: true,
    speaks: [...new Set(simulatedFormats.map(({ wire }) => wire))],
    reportsStreamUsage: true,
    chatOutputLimit: "max_completion_tokens",
    models: simulatedModels.map(({ example }) => example),
    send(request, events) {
      const script = scriptOf(request, again);
      const playback = new Playback(script, clock, timeouts, events, ({ hasBegun, ...played }) => {
        open.delete(playback);
        const { id, model, status, prompt } = script;
        log?.({ id, path: request.path, model, status, ...(hasBegun ? prompt : NO_PROMPT), ...played });
      });
      open.add(playback);
      return playback;
    },
    connect: async () => {},
    async close() {
      for (const playback of open) playback.break(new Error("the provider was closed"));
    },
  };
}

const FOR_EVER = { headersTimeoutMs: Number.POSITIVE_INFINITY, bodyTimeoutMs: Number.POSITIVE_INFINITY };
