import { z } from "zod";
import { sessionJson } from "../../http/routes/sessions.ts";
import { endSession } from "../../identity/end-session.ts";
import { listSessions } from "../../identity/sessions.ts";
import { dataCommand } from "../command.ts";
import { prose, table } from "../table.ts";
import { orUsage } from "./or-usage.ts";
import { userNamed } from "./user-named.ts";

type SessionJson = ReturnType<typeof sessionJson>;

const list = dataCommand({
  name: "sessions list",
  about: "List a user's sessions that have not ended, newest first.",
  arguments: ["user"],
  input: z.strictObject({ user: z.string() }),
  async run(deps, { user }) {
    const { id } = await userNamed(deps, user);
    const sessions = await listSessions(deps, id, { after: undefined, limit: 1_000 });
    return { items: sessions.map((session) => sessionJson(session)), next_cursor: null };
  },
  show: ({ items }: { items: readonly SessionJson[] }) => ({
    text: table(
      ["ID", "BY", "ADDRESS", "SINCE", "LAST SEEN", prose("USER AGENT")],
      items.map(({ id, method, ip, created_at, last_seen_at, user_agent }) => {
        return [id, method, ip, created_at, last_seen_at, user_agent ?? "-"];
      }),
    ),
  }),
});

const end = dataCommand({
  name: "sessions end",
  about: "End a session: its tokens are refused from the next request on.",
  arguments: ["id"],
  input: z.strictObject({ id: z.uuid("must be the id of a session") }),
  run: (deps, { id }) =>
    orUsage(`there is no session ${id} that has not ended`, async () => {
      return { id, user_id: await endSession(deps, deps.by.cause, id), ended: true };
    }),
  show: ({ id, user_id }) => ({ text: "", note: `The session ${id} of ${user_id} is ended.` }),
});

export const sessionCommands = [list, end];
