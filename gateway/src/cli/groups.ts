import type { DataCommand } from "./command.ts";

/** The commands on the data that begin with one word. They are loaded when that word is typed. */
export type Group = {
  readonly name: string;
  readonly about: string;
  /** Under which heading help lists it. */
  readonly heading: string;
  readonly example: string;
  readonly load: () => Promise<readonly DataCommand[]>;
};

const PEOPLE = "People and keys:";
const MONEY = "Projects and money:";
const CALLS = "Calls and jobs:";
const RECORDS = "Records:";

export const groups: readonly Group[] = [
  {
    name: "keys",
    about: "API keys.",
    heading: PEOPLE,
    example: "keys issue --name ci --scopes inference:write --daily-quota 500",
    load: async () => (await import("./commands/keys.ts")).keyCommands,
  },
  {
    name: "users",
    about: "People and services that sign in or own keys.",
    heading: PEOPLE,
    example: "users create --email ada@example.com --role manager",
    load: async () => (await import("./commands/users.ts")).userCommands,
  },
  {
    name: "sessions",
    about: "Sign-ins of a user.",
    heading: PEOPLE,
    example: "sessions list ada@example.com",
    load: async () => (await import("./commands/sessions.ts")).sessionCommands,
  },
  {
    name: "teams",
    about: "People who have the same level in several projects.",
    heading: PEOPLE,
    example: "teams create --name Research",
    load: async () => (await import("./commands/teams.ts")).teamCommands,
  },
  {
    name: "members",
    about: "Who belongs to a project or team.",
    heading: PEOPLE,
    example: "members add project 1 ada@example.com developer",
    load: async () => (await import("./commands/members.ts")).memberCommands,
  },
  {
    name: "projects",
    about: "Whose money calls spend.",
    heading: MONEY,
    example: "projects create --name demo --budget 1.00",
    load: async () => (await import("./commands/projects.ts")).projectCommands,
  },
  {
    name: "budgets",
    about: "What a project, team, user or key may spend.",
    heading: MONEY,
    example: "budgets set project 1 --allocated 20 --period month",
    load: async () => (await import("./commands/budgets.ts")).budgetCommands,
  },
  {
    name: "costs",
    about: "What calls have cost.",
    heading: MONEY,
    example: "costs report --days 7 --project 1",
    load: async () => (await import("./commands/costs.ts")).costCommands,
  },
  {
    name: "prices",
    about: "What models cost.",
    heading: MONEY,
    example: "prices set openai/gpt-5.1 --input 1.25 --output 10",
    load: async () => [
      ...(await import("./commands/prices.ts")).priceCommands,
      ...(await import("./commands/reprice.ts")).repriceCommands,
    ],
  },
  {
    name: "verify",
    about: "Check every roll-up and budget against the ledger.",
    heading: MONEY,
    example: "verify --repair",
    load: async () => (await import("./commands/verify.ts")).verifyCommands,
  },
  {
    name: "limits",
    about: "How much a user may ask, and how much is left.",
    heading: CALLS,
    example: "limits set usr_dev user-minute 300",
    load: async () => (await import("./commands/limits.ts")).limitCommands,
  },
  {
    name: "plans",
    about: "Limits under a name, for users and keys.",
    heading: CALLS,
    example: "plans set free --limit requests_per_minute=60 --limit daily_requests=1000",
    load: async () => (await import("./commands/plans.ts")).planCommands,
  },
  {
    name: "cooldowns",
    about: "Who is held for repeated refusals.",
    heading: CALLS,
    example: "cooldowns end user usr_dev",
    load: async () => (await import("./commands/cooldowns.ts")).cooldownCommands,
  },
  {
    name: "decide",
    about: "Whether a call would be let in now.",
    heading: CALLS,
    example: "decide --model sim-echo --user usr_dev --project 1 --max-tokens 500",
    load: async () => (await import("./commands/decide.ts")).decideCommands,
  },
  {
    name: "providers",
    about: "Who answers calls.",
    heading: CALLS,
    example: "providers set deepseek --base-url https://api.deepseek.com/v1 --api-key-file deepseek.key",
    load: async () => (await import("./commands/providers.ts")).providerCommands,
  },
  {
    name: "breakers",
    about: "Providers that are not asked while they fail.",
    heading: CALLS,
    example: "breakers reset openai",
    load: async () => (await import("./commands/breakers.ts")).breakerCommands,
  },
  {
    name: "jobs",
    about: "Calls that are kept for later.",
    heading: CALLS,
    example: "jobs list --status dead_letter",
    load: async () => (await import("./commands/jobs.ts")).jobCommands,
  },
  {
    name: "events",
    about: "What happens, while it happens.",
    heading: RECORDS,
    example: "events tail --type budget.exceeded",
    load: async () => (await import("./commands/events.ts")).eventCommands,
  },
  {
    name: "webhooks",
    about: "Who is told of events.",
    heading: RECORDS,
    example: "webhooks add https://example.com/hooks --events budget.exceeded,job.dead",
    load: async () => (await import("./commands/webhooks.ts")).webhookCommands,
  },
  {
    name: "audit",
    about: "Who changed what.",
    heading: RECORDS,
    example: "audit list --action key.revoke --since 2026-11-01T00:00:00Z",
    load: async () => (await import("./commands/audit.ts")).auditCommands,
  },
];

/** Every command on the data. */
export async function loadAllCommands(): Promise<readonly DataCommand[]> {
  return (await Promise.all(groups.map((group) => group.load()))).flat();
}
