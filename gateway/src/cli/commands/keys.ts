import { z } from "zod";
import { isScope, scopes, scopesOfRole } from "../../access/permissions.ts";
import { findProject } from "../../access/projects.ts";
import { type ApiKey, findApiKey, issueApiKey, listApiKeys, revokeApiKey } from "../../identity/api-keys.ts";
import { findUser } from "../../identity/users.ts";
import { isoTime } from "../../lib/clock.ts";
import { type CommandDeps, dataCommand, table, UsageError } from "../command.ts";

type KeyJson = ReturnType<typeof keyJson>;

function keyJson(key: ApiKey) {
  const time = (date: Date | null) => (date === null ? null : isoTime(date.getTime()));
  return {
    id: key.id,
    prefix: key.prefix,
    key_masked: key.keyMasked,
    name: key.name,
    user_id: key.userId,
    project_id: key.projectId,
    scopes: key.scopes,
    status: key.status,
    daily_quota: key.dailyQuota,
    daily_usage: key.dailyUsage,
    created_at: time(key.createdAt),
    expires_at: time(key.expiresAt),
    last_used_at: time(key.lastUsedAt),
    revoked_at: time(key.revokedAt),
  };
}

const issueInput = z.strictObject({
  name: z.string().min(1).max(200),
  user: z.string().optional(),
  scopes: z
    .string()
    .transform((text) => text.split(",").map((scope) => scope.trim()))
    .optional(),
  dailyQuota: z.coerce.number().int().min(0).max(1_000_000_000).optional(),
  project: z.coerce.number().int().min(1).optional(),
  expiresAt: z.iso.datetime({ offset: true }).optional(),
});

const issue = dataCommand({
  name: "keys issue",
  about: "Make an API key. Its full text is printed once and kept nowhere.",
  options: [
    ["--name <name>", "what the key is for"],
    ["--user <id>", "owner of the key (default: APP_AUTH_DEFAULT_USER)"],
    ["--scopes <list>", "comma-separated scopes (default: all that the owner has)"],
    ["--daily-quota <calls>", "AI calls and jobs per UTC day"],
    ["--project <id>", "project that pays for the key's calls"],
    ["--expires-at <time>", "ISO 8601 time at which the key ends by itself"],
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
    if (input.project !== undefined && (await findProject(deps.db, input.project)) === undefined) {
      throw new UsageError(`there is no project ${input.project}`);
    }
    const { key, apiKey } = await issueApiKey(deps, {
      userId,
      name: input.name,
      scopes: wanted,
      projectId: input.project ?? null,
      dailyQuota: input.dailyQuota ?? null,
      expiresAt: input.expiresAt === undefined ? null : new Date(input.expiresAt),
      createdBy: "operator",
    });
    return { ...keyJson(apiKey), key };
  },
  show: ({ key }: { key: string }) => ({ text: key, note: "This key is shown once. Keep it now." }),
});

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
  input: prefixInput,
  async run(deps, { prefix }) {
    const known = await keyByPrefix(deps, prefixOf(prefix));
    await revokeApiKey(deps, known.prefix);
    return keyByPrefix(deps, known.prefix);
  },
  show: (key: KeyJson) => ({ text: `${key.prefix} is revoked.` }),
});

export const keyCommands = [issue, list, show, revoke];
