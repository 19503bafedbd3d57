import { sql } from "kysely";
import { budgetIdsFor, createBudget } from "../gateway/src/costs/budgets.ts";
import type { Settlement } from "../gateway/src/costs/ledger.ts";
import { ratesFrom } from "../gateway/src/costs/rates.ts";
import { newCorrelationId, systemChance, uuidv7 } from "../gateway/src/lib/ids.ts";
import { PICO_PER_USD } from "../gateway/src/lib/money.ts";
import type { Db } from "../gateway/src/store/tables.ts";

/** Somebody who calls models, always the same one, for one project. */
export type Person = {
  readonly userId: string;
  readonly keyId: number;
  readonly projectId: number;
  readonly teamId: number;
  readonly model: string;
};

const PEOPLE = 100;
export const PROJECTS = 20;
const TEAMS = 5;
const ENOUGH_PICO = 1_000_000_000_000n * PICO_PER_USD;
const models = ["gpt-5.1", "gpt-5-mini", "gpt-5-nano"] as const;
const price = {
  source: "shipped",
  id: "openai/gpt-5.1",
  rates: ratesFrom({ input: "1.25", cachedInput: "0.125", output: "10" }),
} as const;

/** The same organisation in every ledger, however many calls it makes. */
export const people: readonly Person[] = Array.from({ length: PEOPLE }, (_, index) => {
  const projectId = (index % PROJECTS) + 1;
  return {
    userId: `usr_${index}`,
    keyId: index + 1,
    projectId,
    teamId: (projectId % TEAMS) + 1,
    model: models[index % models.length]!,
  };
});

/** Projects have a budget for all time, teams and people one per month, from the one that `since` lies in on. */
export async function makePeople(db: Db, since: number): Promise<void> {
  const at = new Date(since);
  await sql`insert into users (id, name, role, created_at)
    select id, id, 'developer', ${at} from unnest(${people.map(({ userId }) => userId)}::text[]) as id`.execute(
    db,
  );
  await sql`insert into teams (name, owner_id, created_at)
    select 'Team ' || team, 'usr_0', ${at} from generate_series(1, ${TEAMS}::int) as team`.execute(db);
  await sql`insert into projects (name, owner_id, created_at, team_id)
    select 'Project ' || project, 'usr_0', ${at}, project % ${TEAMS}::int + 1
    from generate_series(1, ${PROJECTS}::int) as project`.execute(db);
  const allocatedPico = ENOUGH_PICO;
  for (let id = 1; id <= PROJECTS; id++)
    await createBudget(db, { scope: "project", scopeId: `${id}`, period: "none", allocatedPico }, since);
  for (let id = 1; id <= TEAMS; id++)
    await createBudget(db, { scope: "team", scopeId: `${id}`, period: "month", allocatedPico }, since);
  for (const { userId } of people)
    await createBudget(db, { scope: "user", scopeId: userId, period: "month", allocatedPico }, since);
}

/** A call of theirs as it goes onto the ledger, under the budgets of the month that `at` lies in. */
export async function callBy(db: Db, person: Person, at: number): Promise<Settlement> {
  const { userId, keyId, projectId, model } = person;
  return {
    id: uuidv7(at, systemChance),
    userId,
    keyId,
    projectId,
    operation: "chat",
    endpointClass: "inference",
    provider: "openai",
    model,
    streamed: true,
    correlationId: newCorrelationId(systemChance),
    createdAtMs: at,
    price,
    budgetIds: await budgetIdsFor(db, { ...person, keyId: undefined }, at),
    reservedPico: 20_000_000_000n,
    usage: { input: 1_000, cacheRead: 200, cacheWrite5m: 0, cacheWrite1h: 0, output: 300, reasoning: 0 },
    usageSource: "reported",
    costPico: 4_000_000_000n,
    status: 200,
    outcome: "completed",
    latencyMs: 1_200,
    lines: [],
  };
}
