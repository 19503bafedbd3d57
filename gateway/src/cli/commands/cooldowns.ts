import { z } from "zod";
import { clearCooldown, listCooldowns } from "../../calls/cooldowns.ts";
import { plainText } from "../../http/fields.ts";
import { cooldownJson } from "../../http/routes/cooldowns.ts";
import { culpritKinds } from "../../limits/abuse.ts";
import { type CommandDeps, dataCommand } from "../command.ts";
import { table } from "../table.ts";
import { inServer } from "./in-server.ts";
import { orUsage } from "./or-usage.ts";
import { userNamed } from "./user-named.ts";

type CooldownJson = ReturnType<typeof cooldownJson>;

const list = dataCommand({
  name: "cooldowns list",
  about: "List who is held for repeated refusals: keys by prefix, users by id, addresses by a one-way name.",
  input: z.strictObject({}),
  run: async (deps) => ({
    items: (await listCooldowns(held(deps, "GET /admin/cooldowns"))).map(cooldownJson),
    next_cursor: null,
  }),
  show: ({ items }: { items: readonly CooldownJson[] }) => ({
    text: table(
      ["KIND", "SUBJECT", "UNTIL"],
      items.map(({ kind, subject, until }) => [kind, subject, until]),
    ),
  }),
});

const end = dataCommand({
  name: "cooldowns end",
  about: "End a cooldown at once; an address may be given as it is.",
  arguments: [["kind", culpritKinds], "subject"],
  input: z.strictObject({ kind: z.enum(culpritKinds), subject: plainText.min(1).max(254) }),
  async run(deps, { kind, subject }) {
    const parts = held(deps, `DELETE /admin/cooldowns/${kind}/${subject}`);
    const whose = kind === "user" ? (await userNamed(deps, subject)).id : subject;
    await orUsage(`there is no ${kind} ${whose}`, () => clearCooldown(parts, deps.by.cause, kind, whose));
    return { kind, subject: whose, ended: true };
  },
  show: ({ kind, subject }) => ({ text: "", note: `The ${kind} ${subject} is held no more.` }),
});

/** Holds are counted where refusals are. */
function held(deps: CommandDeps, over: string) {
  return { ...deps, ...inServer(deps.server, over).cooldowns };
}

export const cooldownCommands = [list, end];
