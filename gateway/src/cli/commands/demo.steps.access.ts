import { chat, type Failure, lineIn } from "./demo.answers.ts";
import { showNewKey } from "./demo.people.ts";
import { claim, type Step } from "./demo.tour.ts";

export const whoIsCalling: Step = {
  title: "Who is calling?",
  async walk(tour) {
    const nobody = await tour.ask("POST /v1/chat/completions", { json: chat("small", "Hello") });
    const { code, message } = nobody.read<Failure>().error;
    tour.show(nobody, `401 ${code}: ${message}`);
    claim(nobody.status === 401 && code === "AUTH_REQUIRED", "a call without a key is refused");

    const known = await tour.ask("GET /auth/me", { as: "KEY" });
    const { email, role } = known.read<{ email: string; role: string }>();
    tour.show(known, `200 {"email":"${email}","role":"${role}", …}`);
    claim(email === "ann@tollgate.example" && role === "developer", "a key leads to its user");
    return "Without a key nothing runs, and the refusal says why. A key leads to its user.";
  },
};

export const mayItRun: Step = {
  title: "May it run now?",
  async walk(tour) {
    const fields = { name: "trial", plan: "trial" };
    await showNewKey(tour, "TRIAL", { as: "ADMIN", json: fields });

    const headers = { "X-Operation": "tour.trial" };
    const asking = { as: "TRIAL", headers, json: chat("small", "Hello") };
    const ask = () => tour.ask("POST /v1/chat/completions", asking);
    const passed = [await ask(), await ask(), await ask()];
    const refused = await ask();
    const { code, resetAt } = refused.read<Failure>().error;
    const { "x-ratelimit-limit": limit, "retry-after": wait } = refused.headers;
    tour.show(
      refused,
      ...passed.map(
        ({ status, headers }) => `${status} x-ratelimit-remaining: ${headers["x-ratelimit-remaining"]}`,
      ),
      `${refused.status} x-ratelimit-limit: ${limit}, retry-after: ${wait}`,
      `    ${code}, "resetAt":"${resetAt}"`,
    );
    claim(
      passed.every(({ status }) => status === 200) && refused.status === 429,
      "three pass, the fourth does not",
    );
    claim(resetAt !== undefined && Number(wait) > 0, "a refusal says when to come back");
    const report = await tour.ask("GET /health/costs/daily", { as: "ADMIN" });
    const calls = lineIn(report, "tour.trial")?.calls;
    claim(calls === 3 && tour.providersSaw.length === 3, "what is refused reaches no provider and no bill");
    return "A plan of 3 requests a minute lets 3 through. The fourth hears when to come back; it reached no provider and no bill.";
  },
};
