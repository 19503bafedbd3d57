import { z } from "zod";
import { planLimits, planName } from "../../config/file.ts";
import { planJson, type planShape } from "../../http/routes/plans.ts";
import { deletePlan, putPlan } from "../../limits/change-plan.ts";
import { listPlans, type WrittenLimits } from "../../limits/plans.ts";
import { dataCommand } from "../command.ts";
import { amount, type Table, table } from "../table.ts";
import { collected } from "./fields.ts";
import { orUsage } from "./or-usage.ts";
import { planNamed } from "./plan-named.ts";

type PlanJson = z.infer<typeof planShape>;

const named = { name: planName };
const limitNames = Object.keys(planLimits.shape) as (keyof WrittenLimits)[];

const list = dataCommand({
  name: "plans list",
  about: "List plans: those of the configuration file, and those that are stored and go before them.",
  input: z.strictObject({}),
  run: async ({ db, filePlans }) => ({
    items: (await listPlans(db, filePlans)).map(planJson),
    next_cursor: null,
  }),
  show: ({ items }: { items: readonly PlanJson[] }) => ({ text: shown(items) }),
});

const show = dataCommand({
  name: "plans show",
  about: "Show one plan.",
  arguments: ["name"],
  input: z.strictObject(named),
  run: async (deps, { name }) => planJson(await planNamed(deps, name)),
  show: (plan: PlanJson) => ({ text: shown([plan]) }),
});

/** `requests_per_minute=60`, each limit at most once. */
const writtenLimits = z
  .array(z.string())
  .transform((texts, context): WrittenLimits => {
    const limits = new Map<string, number>();
    for (const text of texts) {
      const [, limit, amount] = /^(\w+)=(\d+)$/.exec(text) ?? [];
      if (limit === undefined) context.addIssue(`${text} is not written as name=number`);
      else if (!limitNames.some((known) => known === limit))
        context.addIssue(`there is no limit ${limit}; there are: ${limitNames.join(", ")}`);
      else if (limits.has(limit)) context.addIssue(`${limit} is given twice`);
      else limits.set(limit, Number(amount));
    }
    return Object.fromEntries(limits);
  })
  .pipe(planLimits);

const set = dataCommand({
  name: "plans set",
  about: "Store a plan with these limits and no others; what was used stays used.",
  arguments: ["name"],
  options: [["--limit <name=number>", `one of ${limitNames.join(", ")}; give it once for each`, collected]],
  input: z.strictObject({ ...named, limit: writtenLimits.default({}) }),
  run: async (deps, { name, limit }) => planJson(await putPlan(deps, deps.by.cause, name, limit)),
  show: (plan: PlanJson) => ({ text: shown([plan]) }),
});

const remove = dataCommand({
  name: "plans delete",
  about: "Delete a stored plan that nobody has; one of the configuration file shows again.",
  arguments: ["name"],
  input: z.strictObject(named),
  run: (deps, { name }) =>
    orUsage(`there is no plan ${name}`, async () => {
      await deletePlan(deps, deps.by.cause, name);
      return { name, deleted: true };
    }),
  show: ({ name }) => ({ text: "", note: `The plan ${name} is not stored any more.` }),
});

function shown(plans: readonly PlanJson[]): Table {
  const rows = plans.map(({ name, limits, source, updated_at, updated_by }) => [
    name,
    source,
    ...limitNames.map((limit) => String(limits[limit] ?? "-")),
    updated_at ?? "-",
    updated_by ?? "-",
  ]);
  const limits = ["REQUESTS/MIN", "TOKENS/MIN", "IN FLIGHT", "REQUESTS/DAY"].map(amount);
  return table(["PLAN", "SOURCE", ...limits, "SET", "BY"], rows);
}

export const planCommands = [list, show, set, remove];
