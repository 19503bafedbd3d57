import { z } from "zod";
import { isAtLeast } from "../../access/levels.ts";
import { isScope, scopes, scopesOfRole } from "../../access/permissions.ts";
import { levelIn } from "../../access/projects.ts";
import { plainText } from "../../http/fields.ts";
import { type KeyJson, keyFields, keyJson } from "../../http/key-json.ts";
import { findApiKey, issueApiKey, listApiKeys } from "../../identity/api-keys.ts";
import { MAX_GRACE_SECONDS, rotateApiKey } from "../../identity/change-key.ts";
import { revokeApiKey } from "../../identity/revoke-keys.ts";
import { findUser } from "../../identity/users.ts";
import { type CommandDeps, dataCommand, type Shown, table, UsageError } from "../command.ts";

/** `a, b` as a list. The empty text is a list of one empty item, which is none of anything. */
function listOf<T>(items: z.ZodType<T, string[]>) {
  return z
    .string()
    .transform((text) => text.split(",").map((item) => item.trim()))
    .pipe(items);
}

const issueInput = z.strictObject({
  name: keyFields.name,
  description: keyFields.description.optional(),
  user: z.string().optional(),
  scopes: listOf(z.array(z.string())).optional(),
  dailyQuota: z.coerce.number().pipe(keyFields.daily_quota).optional(),
  project: z.coerce.number().pipe(keyFields.project_id).optional(),
  expiresAt: keyFields.expires_at.optional(),
  allowedModels: listOf(keyFields.allowed_models).optional(),
  allowedIps: listOf(keyFields.allowed_ips).optional(),
});

const issue = dataCommand({
  name: "keys issue",
  about: "Make an API key. Its full text is printed once and kept nowhere.",
  options: [
    ["--name <name>", "what the key is for"],
    ["--description <text>", "more about it"],
    ["--user <id>", "owner of the key (default: APP_AUTH_DEFAULT_USER)"],
    ["--scopes <list>", "comma-separated scopes (default: all that the owner has)"],
    ["--daily-quota <calls>", "AI calls and jobs per UTC day"],
    ["--project <id>", "project that pays for the key's calls"],
    ["--expires-at <time>", "ISO 8601 time at which the key ends by itself"],
    [
      "--allowed-models <list>",
      "comma-separated models, as provider/model, provider/* or as calls name them",
    ],
    ["--allowed-ips <list>", "comma-separated networks that the key may be used from"],
  ],
  input: issueInput,
  async run(deps, input) {
    const userId = input.user ?? deps.defaultUser;
    const owner = await findUser(deps.db, userId);
    if (owner === undefined) throw new UsageError(`there is no user ${userId}`);
    const allowed = scopesOfRole[owner.role];
    const wanted = input.scopes ?? [...allowed];
    for (const scope of wanted) {
      if (!isScope(scope))
        throw new UsageError(`there is no scope ${scope}; there are: ${scopes.join(", ")}`);
      if (!allowed.has(scope))
        throw new UsageError(`${userId} is ${owner.role} and does not have ${scope} itself`);
    }
    const { project } = input;
    const level =
      project === undefined ? "owner" : await levelIn(deps.db, { userId, role: owner.role }, project);
    if (level === undefined || !isAtLeast(level, "developer")) {
      throw new UsageError(`there is no project ${project} that ${userId} may spend in`);
    }
    const { key, apiKey } = await issueApiKey(deps, deps.by.cause, {
      userId,
      name: input.name,
      description: input.description ?? null,
      scopes: wanted,
      projectId: project ?? null,
      dailyQuota: input.dailyQuota ?? null,
      expiresAt: input.expiresAt === undefined ? null : new Date(input.expiresAt),
      allowedModels: input.allowedModels ?? null,
      allowedIps: input.allowedIps ?? null,
    });
    return { ...keyJson(apiKey), key };
  },
  show: shownOnce,
});

function shownOnce({ key }: { key: string }): Shown {
  return { text: key, note: "This key is shown once. Keep it now." };
}

const list = dataCommand({
  name: "keys list",
  about: "List API keys, without their secrets.",
  options: [["--user <id>", "only this user's"]],
  input: z.strictObject({ user: z.string().optional() }),
  async run(deps, { user }) {
    const keys = await listApiKeys(deps, user);
    return { items: keys.map(keyJson), next_cursor: null };
  },
  show: ({ items }: { items: readonly KeyJson[] }) => ({
    text: table(
      ["PREFIX", "NAME", "USER", "PROJECT", "STATUS", "TODAY", "QUOTA", "LAST USED"],
      items.map((key) => [
        key.prefix,
        key.name,
        key.user_id,
        String(key.project_id ?? "-"),
        key.status,
        String(key.daily_usage),
        String(key.daily_quota ?? "-"),
        key.last_used_at ?? "never",
      ]),
    ),
  }),
});

const prefixInput = z.strictObject({ prefix: z.string() });

/** The 12 characters, also out of a whole or masked key. */
function prefixOf(text: string): string {
  const prefix = /^(?:sk-tg1_)?([0-9A-Za-z]{12})(?:_.*)?$/.exec(text)?.[1];
  if (prefix === undefined) throw new UsageError("give the key's prefix, the 12 characters behind sk-tg1_");
  return prefix;
}

async function keyByPrefix(deps: CommandDeps, prefix: string): Promise<KeyJson> {
  const key = await findApiKey(deps, prefix);
  if (key === undefined) throw new UsageError(`there is no key ${prefix}`);
  return keyJson(key);
}

const show = dataCommand({
  name: "keys show",
  about: "Show one API key, without its secret.",
  arguments: ["prefix"],
  input: prefixInput,
  run: (deps, { prefix }) => keyByPrefix(deps, prefixOf(prefix)),
  show: (key: KeyJson) => ({
    text: Object.entries(key)
      .map(([name, value]) => `${name}: ${Array.isArray(value) ? value.join(", ") : (value ?? "-")}`)
      .join("\n"),
  }),
});

const revoke = dataCommand({
  name: "keys revoke",
  about: "Revoke an API key: it is refused from the next request on.",
  arguments: ["prefix"],
  options: [["--reason <text>", "why, for the audit log"]],
  input: prefixInput.extend({ reason: plainText.min(1).max(200).optional() }),
  async run(deps, { prefix, reason }) {
    const known = await keyByPrefix(deps, prefixOf(prefix));
    await revokeApiKey(deps, deps.by.cause, known.prefix, reason);
    return keyByPrefix(deps, known.prefix);
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
    const known = await keyByPrefix(deps, prefixOf(prefix));
    const { key, apiKey } = await rotateApiKey(deps, deps.by.cause, known.prefix, { graceSeconds });
    return { ...keyJson(apiKey), key };
  },
  show: shownOnce,
});

export const keyCommands = [issue, list, show, revoke, rotate];
