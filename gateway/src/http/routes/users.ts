import { z } from "zod";
import { type Account, findAccount, listAccounts } from "../../identity/accounts.ts";
import { changeAccount, eraseUser } from "../../identity/change-account.ts";
import type { Clock } from "../../lib/clock.ts";
import { TollgateError } from "../../lib/errors.ts";
import type { Chance } from "../../lib/ids.ts";
import type { Db, Tx } from "../../store/tables.ts";
import type { Change } from "../../telemetry/change.ts";
import type { Endpoint } from "../endpoint.ts";
import { plainText } from "../fields.ts";
import { type Pages, pageOf, pageQuery } from "../pages.ts";
import { userAnswer, userJson } from "./accounts.ts";

export type UserDeps = {
  readonly db: Db;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly change: Change;
  readonly pages: Pages;
  /** Erases a user's personal data from the audit log. */
  readonly erasePersonal: (tx: Tx, userId: string) => Promise<number>;
};

const shownToAdministrators = userAnswer
  .extend({ active: z.boolean() })
  .meta({ id: "UserForAdministrators" });
const listed = (account: Account) => ({ ...userJson(account), active: account.active });

const query = z.strictObject(pageQuery);
const params = z.object({ id: plainText.max(64) });
const body = z.strictObject({
  role: z.enum(["admin", "manager", "developer", "viewer"]).optional(),
  active: z.boolean().optional(),
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
      answer: pageOf(shownToAdministrators),
      async handle({ request }) {
        const { limit, cursor } = request.query as z.infer<typeof query>;
        const after = deps.pages.after("users", cursor);
        const accounts = await listAccounts(deps.db, { after, limit: limit + 1 });
        const { items, next_cursor } = deps.pages.page("users", accounts, limit, ({ id }) => id);
        return { items: items.map(listed), next_cursor };
      },
    },
    {
      method: "GET",
      path: "/admin/users/:id",
      summary: "One user.",
      access,
      params,
      answer: shownToAdministrators,
      async handle({ request }) {
        const account = await findAccount(deps.db, (request.params as z.infer<typeof params>).id);
        if (account === undefined) throw new TollgateError("NOT_FOUND");
        return listed(account);
      },
    },
    {
      method: "PATCH",
      path: "/admin/users/:id",
      summary: "Changes a user's role, or shuts a user out and in again. Nobody changes their own.",
      access,
      params,
      body,
      answer: shownToAdministrators,
      async handle({ request, cause }) {
        const { id } = request.params as z.infer<typeof params>;
        return listed(await changeAccount(deps, cause(), id, request.body as z.infer<typeof body>));
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
