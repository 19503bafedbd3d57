import { picoFromUsd, usdText } from "../../lib/money.ts";
import { chat, lineIn } from "./demo.answers.ts";
import { billedPico } from "./demo.place.ts";
import { claim, type Step } from "./demo.tour.ts";

const FAILURES = 5;
const WORDS = 200;
const OPERATION = "tour.left";

export const whatIfAProviderFails: Step = {
  title: "What if a provider fails?",
  async walk(tour) {
    const ask = () => tour.ask("POST /v1/chat/completions", { as: "KEY", json: chat("safe", "Hello") });
    const failures = () =>
      tour.providersSaw.filter(({ model, status }) => model === "sim-500-n5" && status === 500);
    const first = await ask();
    for (let failure = 2; failure <= FAILURES; failure++) await ask();
    claim(failures().length === FAILURES, "the first provider is asked first");
    const { "x-tollgate-provider": second, "x-tollgate-attempts": attempts } = first.headers;
    tour.show(
      first,
      `${first.status} x-tollgate-provider: ${second}, x-tollgate-attempts: ${attempts}   (5 times)`,
    );
    claim(first.status === 200 && second === "steady", "the second provider answers");

    const spared = await ask();
    const breakers = await tour.ask("GET /admin/breakers", { as: "ADMIN" });
    const states = breakers.read<{ items: { provider: string; state: string }[] }>().items;
    const state = states.find(({ provider }) => provider === "shaky")?.state;
    tour.show(breakers, `200 {"provider":"shaky","state":"${state}", …}`);
    claim(state === "open" && failures().length === FAILURES, "its breaker opens, and it is left alone");
    claim(
      spared.status === 200 && spared.headers["x-tollgate-provider"] === "steady",
      "calls go on without it",
    );

    const asking = { as: "KEY", json: chat("safe", "Hello again") };
    const healed = await tour.until("POST /v1/chat/completions", asking, ({ headers }) => {
      return headers["x-tollgate-provider"] === "shaky";
    });
    tour.show(healed, `200 x-tollgate-provider: shaky   (a second later)`);
    return "shaky failed 5 times in a row and nobody noticed: steady answered. Then shaky was not asked any more, until one call found it well again.";
  },
};

export const whatIfTheClientLeaves: Step = {
  title: "What if the client leaves in the middle of a stream?",
  async walk(tour) {
    const headers = { "X-Operation": OPERATION };
    const json = chat("slow", "Tell me a story", { stream: true });
    const left = await tour.ask("POST /v1/chat/completions", {
      as: "KEY",
      headers,
      json,
      leavesAfterMs: 600,
    });
    claim(
      left.text.includes("data: ") && !left.text.includes("[DONE]"),
      "the stream has begun and not ended",
    );
    tour.show(left, "data: {… one word after the other …}");

    const report = await tour.until("GET /health/costs/daily", { as: "KEY" }, (answer) => {
      return lineIn(answer, OPERATION) !== undefined;
    });
    const { estimated_cost_usd: cost, estimated_share: share } = lineIn(report, OPERATION)!;
    tour.show(
      report,
      `200 {"operation":"${OPERATION}","estimated_cost_usd":"${cost}",`,
      `     "estimated_share":${share}, …}`,
    );
    const sent = tour.providersSaw.findLast(({ model }) => model === "sim-slow-20tps");
    claim(sent?.aborted === true && sent.outputTokens < WORDS, "the provider is told to stop");
    const [bill, whole] = [billedPico(sent), billedPico({ ...sent, outputTokens: WORDS })];
    claim(bill <= picoFromUsd(cost) && picoFromUsd(cost) < whole, `what was sent is billed, not ${cost}`);
    return `The provider was stopped after ${sent.outputTokens} of ${WORDS} tokens and would bill ${usdText(bill)} USD. It never said so, and Tollgate estimated from what went by: never less than the bill, and not the whole story.`;
  },
};
