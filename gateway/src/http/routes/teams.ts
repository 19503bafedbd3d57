import { z } from "zod";
import { createTeam, deleteTeam, type TeamChangeDeps, updateTeam } from "../../access/change-team.ts";
import { levels, requireLevel } from "../../access/levels.ts";
import { findTeam, listTeams, type Team } from "../../access/teams.ts";
import { isoTime } from "../../lib/clock.ts";
import type { Db } from "../../store/tables.ts";
import type { Endpoint } from "../endpoint.ts";
import { nameText, rowId } from "../fields.ts";
import { type Pages, pageOf, pageQuery } from "../pages.ts";

export type TeamDeps = TeamChangeDeps & { readonly db: Db; readonly pages: Pages };

const params = z.object({ id: rowId });
const query = z.strictObject(pageQuery);
const newTeam = z.strictObject({ name: nameText });
const patch = z.strictObject({ name: nameText.optional() });

const teamAnswer = z
  .object({
    id: z.int(),
    name: z.string(),
    owner_id: z.string(),
    /** Of the caller. */
    role: z.enum(levels),
    created_at: z.string(),
  })
  .meta({ id: "Team" });

const read = { credential: "caller", scope: "projects:read", class: "manage" } as const;
const write = { credential: "caller", scope: "projects:write", class: "manage" } as const;

export function teamRoutes(deps: TeamDeps): readonly Endpoint[] {
  const { db, pages } = deps;
  return [
    {
      method: "GET",
      path: "/teams",
      alsoAt: ["/teams/"],
      summary: "The teams that the caller owns or is a member of.",
      access: read,
      query,
      answer: pageOf(teamAnswer),
      async handle({ request, visitor }) {
        const { limit, cursor } = request.query as z.infer<typeof query>;
        const section = { after: Number(pages.after("teams", cursor) ?? 0), limit: limit + 1 };
        const found = await listTeams(db, visitor.principal, section);
        return pages.page("teams", found.map(teamJson), limit, ({ id }) => id);
      },
    },
    {
      method: "POST",
      path: "/teams",
      alsoAt: ["/teams/"],
      summary: "Makes a team of the caller's.",
      access: write,
      body: newTeam,
      answer: teamAnswer,
      answerStatus: 201,
      async handle({ request, visitor, cause }) {
        const { name } = request.body as z.infer<typeof newTeam>;
        const caller = visitor.principal;
        const wanted = { name, ownerId: caller.userId };
        return teamJson(await createTeam(deps, { caller, cause: cause() }, wanted));
      },
    },
    {
      method: "GET",
      path: "/teams/:id",
      summary: "A team.",
      access: read,
      params,
      answer: teamAnswer,
      async handle({ request, visitor }) {
        const { id } = request.params as z.infer<typeof params>;
        return teamJson(requireLevel(await findTeam(db, visitor.principal, id), "viewer"));
      },
    },
    {
      method: "PATCH",
      path: "/teams/:id",
      summary: "Changes a team: its managers.",
      access: write,
      params,
      body: patch,
      answer: teamAnswer,
      async handle({ request, visitor, cause }) {
        const { id } = request.params as z.infer<typeof params>;
        const by = { caller: visitor.principal, cause: cause() };
        return teamJson(await updateTeam(deps, by, id, request.body as z.infer<typeof patch>));
      },
    },
    {
      method: "DELETE",
      path: "/teams/:id",
      summary: "Deletes a team; its projects stay with their owners: its owner.",
      access: write,
      params,
      answerStatus: 204,
      async handle({ request, visitor, cause }) {
        const { id } = request.params as z.infer<typeof params>;
        await deleteTeam(deps, { caller: visitor.principal, cause: cause() }, id);
      },
    },
  ];
}

/** A team as HTTP and the command line show it. */
export function teamJson({ id, name, ownerId, level, createdAt }: Team): z.infer<typeof teamAnswer> {
  return { id, name, owner_id: ownerId, role: level, created_at: isoTime(createdAt.getTime()) };
}
