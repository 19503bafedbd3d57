import { z } from "zod";
import { createTeam } from "../../access/change-team.ts";
import { listTeams } from "../../access/teams.ts";
import { nameText, plainText } from "../../http/fields.ts";
import { teamJson } from "../../http/routes/teams.ts";
import { findUser } from "../../identity/users.ts";
import { dataCommand, table, UsageError } from "../command.ts";

type TeamJson = ReturnType<typeof teamJson>;

const create = dataCommand({
  name: "teams create",
  about: "Make a team.",
  options: [
    ["--name <name>", "name of the team"],
    ["--owner <id>", "its owner (default: APP_AUTH_DEFAULT_USER)"],
  ],
  input: z.strictObject({ name: nameText, owner: plainText.optional() }),
  async run(deps, { name, owner }) {
    const ownerId = owner ?? deps.defaultUser;
    if ((await findUser(deps.db, ownerId)) === undefined) throw new UsageError(`there is no user ${ownerId}`);
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
      ["ID", "NAME", "OWNER"],
      items.map(({ id, name, owner_id }) => [String(id), name, owner_id]),
    ),
  }),
});

export const teamCommands = [create, list];
