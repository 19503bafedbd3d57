import { picoFromUsd } from "../../lib/money.ts";
import { chat, dayLineText, type Failure, lineIn } from "./demo.answers.ts";
import { showNewKey } from "./demo.people.ts";
import { sumUsd, tallied } from "./demo.sums.ts";
import { claim, type Step } from "./demo.tour.ts";

const COST = "x-tollgate-cost-usd";

export const whatDidItCost: Step = {
  title: "What did it cost?",
  async walk(tour) {
    const costs: string[] = [];
    for (const content of ["Hello", "How do you do?", "What does a call like this one cost?"]) {
      const headers = { "X-Operation": "tour.costs" };
      const call = await tour.ask("POST /v1/chat/completions", {
        as: "KEY",
        headers,
        json: chat("small", content),
      });
      claim(
        call.status === 200 && call.headers[COST] !== undefined,
        `an answer says what it cost: ${call.text}`,
      );
      costs.push(call.headers[COST]);
      tour.show(call, `200 ${COST}: ${call.headers[COST]}`);
    }
    const report = await tour.ask("GET /health/costs/daily", { as: "KEY" });
    const line = lineIn(report, "tour.costs");
    claim(line !== undefined, "the day's report has a line for the operation");
    tour.show(report, ...dayLineText(line));
    claim(sumUsd(costs) === line.estimated_cost_usd, "the answers' costs add up to the report");
    return `${costs.join(" + ")} = ${sumUsd(costs)} USD: what the answers said is what the report says, to the last digit.`;
  },
};

const ALLOCATED = "0.001";
const AT_ONCE = 20;

export const whoseMoneyIsIt: Step = {
  title: "Is there money for it?",
  async walk(tour) {
    const made = await tour.ask("POST /projects", {
      as: "KEY",
      json: { name: "website", budget_allocated: 0.001 },
    });
    claim(made.status === 201, `a project is made: ${made.text}`);
    const { id } = made.read<{ id: number }>();
    tour.show(made, `201 {"id":${id},"name":"website","budget_allocated_usd":"${ALLOCATED}", …}`);
    const fields = { name: "website", project_id: id };
    await showNewKey(tour, "PAID", { as: "KEY", json: fields });

    const json = chat("wordy", "Write", { max_tokens: 200 });
    const asking = { as: "PAID", json };
    const answers = await Promise.all(
      Array.from({ length: AT_ONCE }, () => tour.ask("POST /v1/chat/completions", asking)),
    );
    const answered = answers.filter(({ status }) => status === 200);
    const refused = answers.filter(({ status }) => status === 402);
    const codes = [
      ...answered.map(() => "200"),
      ...refused.map((one) => `402 ${one.read<Failure>().error.code}`),
    ];
    tour.show(answers[0]!, `${AT_ONCE} at once: ${tallied(codes)}`);
    claim(
      answered.length > 0 && answered.length + refused.length === AT_ONCE,
      "some run, the others are refused",
    );

    const budget = await tour.ask(`GET /budgets/project/${id}`, { as: "KEY" });
    const { actual_cost_usd: spent, remaining_budget_usd: left } = budget.read<Record<string, string>>();
    tour.show(budget, `200 {"actual_cost_usd":"${spent}","remaining_budget_usd":"${left}", …}`);
    claim(
      sumUsd(answered.map(({ headers }) => headers[COST]!)) === spent,
      "what was spent is what the answers cost",
    );
    claim(sumUsd([spent!, left!]) === ALLOCATED, "spent and remaining are what was allocated");

    const next = await tour.ask("POST /v1/decide", { as: "PAID", json });
    const { allowed, needed_usd: needed } = next.read<{ allowed: boolean; needed_usd: string }>();
    tour.show(next, `200 {"allowed":${allowed},"needed_usd":"${needed}", …}`);
    claim(!allowed && picoFromUsd(left!) < picoFromUsd(needed), "nothing more would have fitted");
    return `${spent} + ${left} = ${ALLOCATED} USD. However many come at once: what fits runs, and nothing else.`;
  },
};
