import { dayLineText, lineIn } from "./demo.answers.ts";
import { claim, type Step } from "./demo.tour.ts";

type Thought = {
  readonly id: number;
  readonly enriched: boolean;
  readonly actions: readonly { text: string }[];
};

export const whatCanBeBuiltOnIt: Step = {
  title: "What can be built on it?",
  async walk(tour) {
    const text = "Call Anna on Friday";
    const captured = await tour.ask("POST /v1/capture/thought", { as: "KEY", json: { text } });
    claim(captured.status === 201, `a thought is kept: ${captured.text}`);
    const { thought } = captured.read<{ thought: Thought }>();
    tour.show(captured, `201 {"id":${thought.id},"actions":[{"text":"${thought.actions[0]?.text}", …}], …}`);
    claim(thought.enriched && thought.actions.length === 1, "a model has drawn an action from it");

    const asked = await tour.ask("POST /v1/query/ask", {
      as: "KEY",
      json: { question: "When do I call Anna?" },
    });
    claim(asked.status === 200, `a question is answered: ${asked.text}`);
    tour.show(asked, `200 {"answer":"${asked.read<{ answer: string }>().answer}", …}   (simulated: an echo)`);
    const report = await tour.ask("GET /health/costs/daily", { as: "KEY" });
    const lines = ["capture.thought", "query.ask"].flatMap((operation) => lineIn(report, operation) ?? []);
    tour.show(report, ...lines.flatMap(dayLineText));
    claim(lines.length === 2, "both calls are in the day's report");
    return "Notes with answers are one app that comes along. Its calls go the same way as all others: known caller, limits, costs.";
  },
};

/** `left`: what the next step goes on with. */
type Verified = {
  readonly checked: number;
  readonly drift: readonly unknown[];
  readonly repaired: number;
  readonly left: object | null;
};
type Chain = { readonly checked: number; readonly problems: readonly unknown[]; readonly isDone: boolean };

export const doTheBooksAgree: Step = {
  title: "Do the books agree?",
  async walk(tour) {
    const ask = (json: object) => tour.ask("POST /admin/commands/verify", { as: "ADMIN", json });
    const first = await ask({});
    let { left, ...found } = first.read<Verified>();
    while (left !== null) ({ left, ...found } = (await ask({ from: { ...found, left } })).read<Verified>());
    const { checked, drift } = found;
    tour.show(first, `200 {"checked":${checked},"drift":${JSON.stringify(drift)}, …}   (all steps)`);
    claim(checked > 1 && drift.length === 0, "every counter is what the ledger says");

    const audited = await tour.ask("POST /admin/commands/audit-verify", { as: "ADMIN", json: {} });
    const chain = audited.read<Chain>();
    tour.show(audited, `200 {"checked":${chain.checked},"problems":${JSON.stringify(chain.problems)}, …}`);
    claim(chain.isDone && chain.checked > 0 && chain.problems.length === 0, "the audit log is whole");
    return "Every counter was added up again from the ledger and agrees. Every change of who may do what is in a chained log, and no entry was altered.";
  },
};
