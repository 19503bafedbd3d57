import { z } from "zod";
import { addMember, removeMember, setMemberRole } from "../../access/change-members.ts";
import { listMembers, type Place } from "../../access/members.ts";
import { memberJson, memberRole } from "../../http/routes/members.ts";
import { dataCommand } from "../command.ts";
import { prose, table } from "../table.ts";
import { rowNumber } from "./fields.ts";
import { orUsage } from "./or-usage.ts";
import { userNamed } from "./user-named.ts";

type MemberJson = ReturnType<typeof memberJson>;

const kinds = ["project", "team"] as const;
const place = { kind: z.enum(kinds), id: rowNumber };
const placeArguments = [["kind", kinds], "id"] as const;
const memberOf = (user: string, { kind, id }: Place) => `${user} is no member of a ${kind} ${id}`;

const list = dataCommand({
  name: "members list",
  about: "List who belongs to a project or team: its owner first.",
  arguments: placeArguments,
  input: z.strictObject(place),
  async run({ db, by }, where) {
    const everybody = { after: undefined, limit: 100_000 };
    const { level, members } = await orUsage(`there is no ${where.kind} ${where.id}`, () =>
      listMembers(db, by.caller, where, everybody),
    );
    return { items: members.map((member) => memberJson(member, level)), next_cursor: null };
  },
  show: ({ items }: { items: readonly MemberJson[] }) => ({
    text: table(
      ["USER", "EMAIL", prose("NAME"), "ROLE", "SINCE"],
      items.map(({ user_id, email, name, role, added_at }) => [user_id, email ?? "-", name, role, added_at]),
    ),
  }),
});

const add = dataCommand({
  name: "members add",
  about: "Add a user to a project or team.",
  arguments: [...placeArguments, "user", ["role", memberRole.options]],
  input: z.strictObject({ ...place, user: z.string(), role: memberRole }),
  async run(deps, { user, role, ...where }) {
    const { id: userId } = await userNamed(deps, user);
    return orUsage(`there is no ${where.kind} ${where.id}`, async () =>
      memberJson(await addMember(deps, deps.by, where, { name: { userId }, role }), "owner"),
    );
  },
  show: ({ user_id, role }: MemberJson) => ({ text: `${user_id} is ${role} here now.` }),
});

const setRole = dataCommand({
  name: "members set-role",
  about: "Change a member's role in a project or team.",
  arguments: [...placeArguments, "user", ["role", memberRole.options]],
  input: z.strictObject({ ...place, user: z.string(), role: memberRole }),
  async run(deps, { user, role, ...where }) {
    const { id: userId } = await userNamed(deps, user);
    return orUsage(memberOf(user, where), async () =>
      memberJson(await setMemberRole(deps, deps.by, where, { userId, role }), "owner"),
    );
  },
  show: ({ user_id, role }: MemberJson) => ({ text: `${user_id} is ${role} here now.` }),
});

const remove = dataCommand({
  name: "members remove",
  about: "Take a member out of a project or team.",
  arguments: [...placeArguments, "user"],
  input: z.strictObject({ ...place, user: z.string() }),
  async run(deps, { user, ...where }) {
    const { id: userId } = await userNamed(deps, user);
    await orUsage(memberOf(user, where), () => removeMember(deps, deps.by, where, userId));
    return { ...where, user_id: userId, removed: true };
  },
  show: ({ kind, id, user_id }) => ({
    text: "",
    note: `${user_id} is no member of the ${kind} ${id} any more.`,
  }),
});

export const memberCommands = [list, add, setRole, remove];
