import { type Asking, ask, type Reply, told } from "./ask.ts";
import { issueKey, newAdministrator, newPerson, type Person, signIn } from "./people.ts";
import type { Tollgate } from "./server.ts";

export const INTERNAL_TOKEN = "internal-token-of-the-operator";

/** A request to the management API whose body the server accepts as it is well formed. */
export type Form = {
  /** As OpenAPI spells it: `PATCH /teams/{id}`. */
  readonly name: string;
  readonly line: string;
  readonly token: string | undefined;
  readonly body: unknown;
};

export type Management = {
  readonly forms: readonly Form[];
  readonly admin: Person;
  send(form: Form, body: unknown): Promise<Reply>;
  /** Everything that these requests could have changed. */
  snapshot(): Promise<string>;
};

/** An administrator with a team, a project, a key and a user to work on, and a well-formed body for every endpoint. */
export async function manage({ url, setupToken }: Tollgate): Promise<Management> {
  const admin = await newAdministrator(url, setupToken!);
  const member = await newPerson(url, "member");
  const newcomer = await newPerson(url, "newcomer");
  const victim = await newPerson(url, "victim");
  const { token } = admin;
  const made = (line: string, json: object) => told<{ id: number }>(url, `POST ${line}`, { token, json });
  const team = (await made("/teams", { name: "Team" })).id;
  const project = (await made("/projects", { name: "Project", team_id: team })).id;
  const places = [`/teams/${team}`, `/projects/${project}`];
  for (const place of places) await made(`${place}/members`, { user_id: member.id, role: "viewer" });
  const { id: key } = await issueKey(url, admin);
  const app = { "x-api-key": (await issueKey(url, admin)).key };
  const captured = await told<{ thought: { id: number } }>(url, "POST /v1/capture/thought", {
    ...{ token, json: { text: "T" } },
  });
  const account = { email: "form@example.com", name: "Form", password: "password123" };

  const table: readonly (readonly [name: string, body: unknown, credential?: string])[] = [
    ["POST /auth/register", account],
    ["POST /auth/login", { email: account.email, password: account.password }],
    ["POST /auth/refresh", { refresh_token: "x" }],
    ["POST /auth/setup", { token: "x", ...account }],
    ["POST /auth/password", { current_password: "wrong password", new_password: "password456" }, token],
    ["POST /v1/auth/google", { idToken: "x" }],
    ["PATCH /admin/users/{id}", { role: "viewer" }, token],
    ["PATCH /admin/users/{id}/limits", { overrides: { "user-minute": 5 } }, token],
    ["POST /admin/users/{id}/limits/reset", { id: "user-minute" }, token],
    ["PUT /admin/plans/{name}", { limits: { requests_per_minute: 5 } }, token],
    ["POST /teams", { name: "T" }, token],
    ["PATCH /teams/{id}", { name: "T" }, token],
    ["POST /projects", { name: "P", description: "D", budget_allocated: 1 }, token],
    ["PATCH /projects/{id}", { description: "D", budget_allocated: "1.5" }, token],
    ["POST /jobs", { project_id: project, type: "summarize", payload: { text: "T" }, priority: 1 }, token],
    ["POST /teams/{id}/members", { user_id: newcomer.id, role: "viewer" }, token],
    ["POST /projects/{id}/members", { email: newcomer.email, role: "viewer" }, token],
    ["PATCH /teams/{id}/members/{userId}", { role: "developer" }, token],
    ["PATCH /projects/{id}/members/{userId}", { role: "developer" }, token],
    ["POST /auth/api-keys", { name: "K", scopes: [], daily_quota: 5, allowed_ips: ["10.0.0.0/8"] }, token],
    ["PATCH /auth/api-keys/{id}", { name: "K", daily_quota: null }, token],
    ["POST /auth/api-keys/{id}/rotate", { grace_seconds: 604_800 }, token],
    ["PUT /budgets/project/{id}", { allocated: 5, period: "month" }, token],
    ["PUT /budgets/team/{id}", { allocated: "5.5", period: "none" }, token],
    ["PUT /budgets/user/{id}", { allocated: 5, period: "day" }, token],
    ["PUT /budgets/key/{id}", { allocated: 5, period: "week" }, token],
    [
      "PUT /prices/{provider}/{model}",
      { input: 1, cached_input: "0.5", output: 2, service_tiers: { flex: { input: 1, output: 1 } } },
      token,
    ],
    ["POST /prices/reprice", { from: "2026-11-01", to: "2026-11-30", dry_run: true, reason: "R" }, token],
    ["POST /v1/capture/thought", { text: "T", source: "S" }, token],
    ["POST /v1/query/ask", { question: "Q" }, token],
    ["POST /v1/assist/chat", { items: [{ itemId: "1", title: "T" }], message: "M", history: [] }, token],
    ["POST /v1/assist/warmup", { items: [] }, token],
    [
      "PATCH /v1/thoughts/{id}",
      { title: "T", tags: ["t"], actions: [{ text: "A", due: "2026-11-30" }] },
      token,
    ],
    ["POST /v1/decide", { model: "sim-echo", max_tokens: 5, input_tokens: 5 }, token],
    [
      "PUT /admin/providers/{name}",
      { dialect: "openai", base_url: "https://api.example.com/v1", api_key: "sk-form", models: ["m"] },
      token,
    ],
    ["POST /admin/webhooks", { url: "https://192.0.2.1/hook", events: ["budget.exceeded"] }, token],
    ["POST /internal/secret-scanning/revoke", [{ token: "x", type: "t", url: "u" }], INTERNAL_TOKEN],
  ];
  const filled = (name: string) =>
    name
      .replace("/teams/{id}", `/teams/${team}`)
      .replace("/projects/{id}", `/projects/${project}`)
      .replace("/thoughts/{id}", `/thoughts/${captured.thought.id}`)
      .replace("/api-keys/{id}", `/api-keys/${key}`)
      .replace("/users/{id}", `/users/${victim.id}`)
      .replace("/budgets/project/{id}", `/budgets/project/${project}`)
      .replace("/budgets/team/{id}", `/budgets/team/${team}`)
      .replace("/budgets/user/{id}", `/budgets/user/${victim.id}`)
      .replace("/budgets/key/{id}", `/budgets/key/${key}`)
      .replace("{provider}/{model}", "openai/gpt-5.1")
      .replace("{userId}", member.id)
      .replace("{name}", "plan");
  const shown = [
    "/admin/users",
    "/auth/api-keys",
    "/teams",
    "/projects",
    ...places.map((place) => `${place}/members`),
  ];
  return {
    forms: table.map(([name, body, credential]) => ({ name, line: filled(name), token: credential, body })),
    admin,
    send: ({ line, token }, json) =>
      ask(url, line, {
        ...without({ token, json }),
        ...(line.includes("/v1/assist/") ? { headers: app } : {}),
      }),
    async snapshot() {
      const { token } = await signIn(url, admin);
      const texts = await Promise.all(
        shown.map(async (path) => (await ask(url, `GET ${path}?limit=200`, { token })).text),
      );
      return texts.join("\n").replace(/"last_(login|used)_at":("[^"]*"|null)/g, "");
    },
  };
}

function without({ token, json }: Asking): Asking {
  return token === undefined ? { json } : { token, json };
}
