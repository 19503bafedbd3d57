import { z } from "zod";
import {
  addMember,
  type MemberChangeDeps,
  removeMember,
  setMemberRole,
  type UserName,
} from "../../access/change-members.ts";
import { isAtLeast, type Level, levels } from "../../access/levels.ts";
import { listMembers, type Member, type Place, placeInList } from "../../access/members.ts";
import { normalisedEmail } from "../../identity/email.ts";
import { isoTime } from "../../lib/clock.ts";
import type { LookupThrottle } from "../../limits/sign-in.ts";
import type { Db } from "../../store/tables.ts";
import type { Endpoint } from "../endpoint.ts";
import { plainText, rowId } from "../fields.ts";
import { type Pages, pageOf, pageQuery } from "../pages.ts";

export type MemberDeps = MemberChangeDeps & {
  readonly db: Db;
  readonly pages: Pages;
  readonly lookupThrottle: LookupThrottle;
};

const placeParams = z.object({ id: rowId });
const memberParams = z.object({ id: rowId, userId: plainText.max(64) });
const query = z.strictObject(pageQuery);

export const memberRole = z.enum(["manager", "developer", "viewer"]);
const newMember = z
  .strictObject({
    user_id: plainText.max(64).optional(),
    email: plainText.max(254).optional(),
    role: memberRole,
  })
  .refine(({ user_id, email }) => (user_id === undefined) !== (email === undefined), {
    path: ["user_id"],
    message: "send either user_id or email",
  });
const patch = z.strictObject({ role: memberRole });

const memberAnswer = z
  .object({
    user_id: z.string(),
    name: z.string(),
    /** Null below the role manager. */
    email: z.string().nullable(),
    role: z.enum(levels),
    added_at: z.string(),
  })
  .meta({ id: "Member" });

const read = { credential: "caller", scope: "projects:read", class: "manage" } as const;
const write = { credential: "caller", scope: "projects:write", class: "manage" } as const;

export function memberRoutes(deps: MemberDeps): readonly Endpoint[] {
  return [...routesOf(deps, "project"), ...routesOf(deps, "team")];
}

function routesOf(deps: MemberDeps, kind: Place["kind"]): readonly Endpoint[] {
  const { db, pages } = deps;
  const path = `/${kind}s/:id/members`;
  return [
    {
      method: "GET",
      path,
      alsoAt: [`${path}/`],
      summary: `Who belongs to a ${kind}: its owner first.`,
      access: read,
      params: placeParams,
      query,
      answer: pageOf(memberAnswer),
      async handle({ request, visitor }) {
        const { id } = request.params as z.infer<typeof placeParams>;
        const { limit, cursor } = request.query as z.infer<typeof query>;
        const list = `members of ${kind} ${id}`;
        const section = { after: pages.after(list, cursor), limit: limit + 1 };
        const { level, members } = await listMembers(db, visitor.principal, { kind, id }, section);
        const { items, next_cursor } = pages.page(list, members, limit, placeInList);
        return { items: items.map((member) => memberJson(member, level)), next_cursor };
      },
    },
    {
      method: "POST",
      path,
      alsoAt: [`${path}/`],
      summary: `Adds a user to a ${kind}: its managers.`,
      access: write,
      params: placeParams,
      body: newMember,
      answer: memberAnswer,
      answerStatus: 201,
      async handle({ request, visitor, cause }) {
        const { id } = request.params as z.infer<typeof placeParams>;
        const { user_id: userId, email = "", role } = request.body as z.infer<typeof newMember>;
        const caller = visitor.principal;
        const by = { caller, cause: cause() };
        const add = (name: UserName) => addMember(deps, by, { kind, id }, { name, role });
        // Whoever knows an id only is not told the address that goes with it.
        if (userId !== undefined) return memberJson(await add({ userId }), "viewer");
        const giveBack = await deps.lookupThrottle.reserve(caller.userId);
        const member = await add({ emailNorm: normalisedEmail(email) });
        await giveBack();
        return memberJson(member, "manager");
      },
    },
    {
      method: "PATCH",
      path: `${path}/:userId`,
      summary: `Changes a member's role in a ${kind}: its managers, and nobody their own.`,
      access: write,
      params: memberParams,
      body: patch,
      answer: memberAnswer,
      async handle({ request, visitor, cause }) {
        const { id, userId } = request.params as z.infer<typeof memberParams>;
        const { role } = request.body as z.infer<typeof patch>;
        const by = { caller: visitor.principal, cause: cause() };
        return memberJson(await setMemberRole(deps, by, { kind, id }, { userId, role }), "manager");
      },
    },
    {
      method: "DELETE",
      path: `${path}/:userId`,
      summary: `Takes a member out of a ${kind}: its managers, and the member itself.`,
      access: write,
      params: memberParams,
      answerStatus: 204,
      async handle({ request, visitor, cause }) {
        const { id, userId } = request.params as z.infer<typeof memberParams>;
        const by = { caller: visitor.principal, cause: cause() };
        await removeMember(deps, by, { kind, id }, userId);
      },
    },
  ];
}

/** A member as HTTP and the command line show it to a reader of this level. */
export function memberJson(
  { userId, name, email, role, addedAt }: Member,
  reader: Level,
): z.infer<typeof memberAnswer> {
  const shownEmail = isAtLeast(reader, "manager") ? email : null;
  return { user_id: userId, name, email: shownEmail, role, added_at: isoTime(addedAt.getTime()) };
}
