import { z } from "zod";
import { planName } from "../../config/file.ts";
import { findAccount, listAccounts } from "../../identity/accounts.ts";
import { changeAccount, eraseUser } from "../../identity/change-account.ts";
import type { Clock } from "../../lib/clock.ts";
import { TollgateError } from "../../lib/errors.ts";
import type { Chance } from "../../lib/ids.ts";
import type { HoldPlan } from "../../limits/plans.ts";
import type { Db, Tx } from "../../store/tables.ts";
import type { Change } from "../../telemetry/change.ts";
import type { Endpoint } from "../endpoint.ts";
import { plainText } from "../fields.ts";
import { type Pages, pageOf, pageQuery } from "../pages.ts";
import { listedUserAnswer, listedUserJson, roleField } from "../user-json.ts";

export type UserDeps = {
  readonly db: Db;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly change: Change;
  readonly holdPlan: HoldPlan;
  readonly pages: Pages;
  /** Erases a user's personal data from the audit log. */
  readonly erasePersonal: (tx: Tx, userId: string) => Promise<number>;
};

const query = z.strictObject(pageQuery);
const params = z.object({ id: plainText.max(64) });
const body = z.strictObject({
  role: roleField.optional(),
  active: z.boolean().optional(),
  plan: planName.nullish(),
});
const access = { credential: "caller", scope: "admin:*", class: "manage" } as const;

/** Users as administrators see and change them. */
export function userRoutes(deps: UserDeps): readonly Endpoint[] {
  return [
    {
      method: "GET",
      path: "/admin/users",
      summary: "All users, in the order of their ids.",
      access,
      query,
      answer: pageOf(listedUserAnswer),
      async handle({ request }) {
        const { limit, cursor } = request.query as z.infer<typeof query>;
        const after = deps.pages.after("users", cursor);
        const accounts = await listAccounts(deps.db, { after, limit: limit + 1 });
        const { items, next_cursor } = deps.pages.page("users", accounts, limit, ({ id }) => id);
        return { items: items.map(listedUserJson), next_cursor };
      },
    },
    {
      method: "GET",
      path: "/admin/users/:id",
      summary: "One user.",
      access,
      params,
      answer: listedUserAnswer,
      async handle({ request }) {
        const account = await findAccount(deps.db, (request.params as z.infer<typeof params>).id);
        if (account === undefined) throw new TollgateError("NOT_FOUND");
        return listedUserJson(account);
      },
    },
    {
      method: "PATCH",
      path: "/admin/users/:id",
      summary:
        "Changes a user's role or plan, or shuts a user out and in again. Nobody changes their own role.",
      access,
      params,
      body,
      answer: listedUserAnswer,
      async handle({ request, cause }) {
        const { id } = request.params as z.infer<typeof params>;
        return listedUserJson(await changeAccount(deps, cause(), id, request.body as z.infer<typeof body>));
      },
    },
    {
      method: "DELETE",
      path: "/admin/users/:id",
      summary: "Erases a user's personal data for ever; the ledger keeps the id.",
      access,
      params,
      answerStatus: 204,
      async handle({ request, cause }) {
        await eraseUser(deps, cause(), (request.params as z.infer<typeof params>).id);
      },
    },
  ];
}
