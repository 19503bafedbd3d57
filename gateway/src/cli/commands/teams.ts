import { z } from "zod";
import { createTeam, deleteTeam, updateTeam } from "../../access/change-team.ts";
import { findTeam, listTeams } from "../../access/teams.ts";
import { nameText, plainText } from "../../http/fields.ts";
import { teamJson } from "../../http/routes/teams.ts";
import { dataCommand, UsageError } from "../command.ts";
import { prose, table } from "../table.ts";
import { rowNumber, shownFields } from "./fields.ts";
import { orUsage } from "./or-usage.ts";
import { userNamed } from "./user-named.ts";

type TeamJson = ReturnType<typeof teamJson>;

const named = { id: rowNumber };

const create = dataCommand({
  name: "teams create",
  about: "Make a team.",
  options: [
    ["--name <name>", "name of the team"],
    ["--owner <user>", "its owner, by id or e-mail address (default: APP_AUTH_DEFAULT_USER)"],
  ],
  input: z.strictObject({ name: nameText, owner: plainText.optional() }),
  async run(deps, { name, owner }) {
    const { id: ownerId } = await userNamed(deps, owner);
    return teamJson(await createTeam(deps, deps.by, { name, ownerId }));
  },
  show: ({ id, name }: TeamJson) => ({ text: String(id), note: `Team ${id} (${name}) is made.` }),
});

const list = dataCommand({
  name: "teams list",
  about: "List teams.",
  input: z.strictObject({}),
  async run({ db, by }) {
    const all = await listTeams(db, by.caller, { after: 0, limit: 100_000 });
    return { items: all.map(teamJson), next_cursor: null };
  },
  show: ({ items }: { items: readonly TeamJson[] }) => ({
    text: table(
      ["ID", prose("NAME"), "OWNER"],
      items.map(({ id, name, owner_id }) => [String(id), name, owner_id]),
    ),
  }),
});

const show = dataCommand({
  name: "teams show",
  about: "Show one team.",
  arguments: ["id"],
  input: z.strictObject(named),
  async run({ db, by }, { id }) {
    const team = await findTeam(db, by.caller, id);
    if (team === undefined) throw new UsageError(`there is no team ${id}`);
    return teamJson(team);
  },
  show: shownFields,
});

const update = dataCommand({
  name: "teams update",
  about: "Change a team.",
  arguments: ["id"],
  options: [["--name <name>", "name of the team"]],
  input: z.strictObject({ ...named, name: nameText }),
  run: (deps, { id, name }) =>
    orUsage(`there is no team ${id}`, async () => teamJson(await updateTeam(deps, deps.by, id, { name }))),
  show: shownFields,
});

const remove = dataCommand({
  name: "teams delete",
  about: "Delete a team; its projects stay with their owners.",
  arguments: ["id"],
  input: z.strictObject(named),
  run: (deps, { id }) =>
    orUsage(`there is no team ${id}`, async () => {
      await deleteTeam(deps, deps.by, id);
      return { id, deleted: true };
    }),
  show: ({ id }) => ({ text: "", note: `Team ${id} is deleted.` }),
});

export const teamCommands = [create, list, show, update, remove];
