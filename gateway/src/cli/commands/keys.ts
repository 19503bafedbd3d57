import { z } from "zod";
import { plainText } from "../../http/fields.ts";
import { type KeyJson, keyJson } from "../../http/key-json.ts";
import { listApiKeys } from "../../identity/api-keys.ts";
import { MAX_GRACE_SECONDS, rotateApiKey } from "../../identity/change-key.ts";
import { revokeApiKey } from "../../identity/revoke-keys.ts";
import { dataCommand } from "../command.ts";
import { amount, prose, state, table } from "../table.ts";
import { shownFields } from "./fields.ts";
import { issueCommands } from "./keys.issue.ts";
import { keyNamed, shownOnce } from "./keys.named.ts";
import { userNamed } from "./user-named.ts";

const list = dataCommand({
  name: "keys list",
  about: "List API keys, without their secrets.",
  options: [["--user <user>", "only this user's, by id or e-mail address"]],
  input: z.strictObject({ user: z.string().optional() }),
  async run(deps, { user }) {
    const owner = user === undefined ? undefined : (await userNamed(deps, user)).id;
    const keys = await listApiKeys(deps, owner);
    return { items: keys.map(keyJson), next_cursor: null };
  },
  show: ({ items }: { items: readonly KeyJson[] }) => ({
    text: table(
      [
        "PREFIX",
        prose("NAME"),
        "USER",
        "PROJECT",
        "PLAN",
        state("STATUS"),
        amount("TODAY"),
        amount("QUOTA"),
        "LAST USED",
      ],
      items.map((key) => [
        key.prefix,
        key.name,
        key.user_id,
        String(key.project_id ?? "-"),
        key.plan ?? "-",
        key.status,
        String(key.daily_usage ?? "-"),
        String(key.daily_quota ?? "-"),
        key.last_used_at ?? "never",
      ]),
    ),
  }),
});

const prefixInput = z.strictObject({ prefix: z.string() });

const show = dataCommand({
  name: "keys show",
  about: "Show one API key, without its secret.",
  arguments: ["prefix"],
  input: prefixInput,
  run: (deps, { prefix }) => keyNamed(deps, prefix),
  show: shownFields,
});

const revoke = dataCommand({
  name: "keys revoke",
  about: "Revoke an API key: it is refused from the next request on.",
  arguments: ["prefix"],
  options: [["--reason <text>", "why, for the audit log"]],
  input: prefixInput.extend({ reason: plainText.min(1).max(200).optional() }),
  async run(deps, { prefix, reason }) {
    const known = await keyNamed(deps, prefix);
    await revokeApiKey(deps, deps.by.cause, known.prefix, reason);
    return keyNamed(deps, known.prefix);
  },
  show: (key: KeyJson) => ({ text: `${key.prefix} is revoked.` }),
});

const rotate = dataCommand({
  name: "keys rotate",
  about: "Give an API key a successor with a new secret; the old one ends after the grace.",
  arguments: ["prefix"],
  options: [["--grace-seconds <n>", "how long the old key goes on (default: 0, at most 604800)"]],
  input: prefixInput.extend({
    graceSeconds: z.coerce.number().int().min(0).max(MAX_GRACE_SECONDS).default(0),
  }),
  async run(deps, { prefix, graceSeconds }) {
    const known = await keyNamed(deps, prefix);
    const { key, apiKey } = await rotateApiKey(deps, deps.by.cause, known.prefix, { graceSeconds });
    return { ...keyJson(apiKey), key };
  },
  show: shownOnce,
});

export const keyCommands = [...issueCommands, list, show, revoke, rotate];
