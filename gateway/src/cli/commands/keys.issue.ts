import { z } from "zod";
import { scopesOfRole } from "../../access/permissions.ts";
import { keyFields, keyJson } from "../../http/key-json.ts";
import { type ApiKey, issueApiKey, type KeyPolicy } from "../../identity/api-keys.ts";
import { changeApiKey } from "../../identity/change-key.ts";
import { dataCommand, UsageError } from "../command.ts";
import { orNone, shownFields } from "./fields.ts";
import { keyNamed, shownOnce } from "./keys.named.ts";
import { grantedTo, policyFields, policyOptions, requirePossible } from "./keys.policy.ts";
import { orUsage } from "./or-usage.ts";
import { userNamed } from "./user-named.ts";

const { scopes, ...limitedBy } = policyFields;

const issue = dataCommand({
  name: "keys issue",
  about: "Make an API key. Its full text is printed once and kept nowhere.",
  options: [
    ["--name <name>", "what the key is for"],
    ["--user <user>", "owner of the key, by id or e-mail address (default: APP_AUTH_DEFAULT_USER)"],
    ...policyOptions,
  ],
  input: z.strictObject({
    name: keyFields.name,
    user: z.string().optional(),
    ...z.object(policyFields).partial().shape,
  }),
  async run(deps, { name, user, expiresAt = null, project = null, ...wanted }) {
    const owner = await userNamed(deps, user);
    await requirePossible(deps, owner, { project, expiresAt, plan: wanted.plan });
    const { key, apiKey } = await orUsage(`there is no project ${project}`, () =>
      issueApiKey(deps, deps.by.cause, {
        userId: owner.id,
        name,
        description: wanted.description ?? null,
        scopes: grantedTo(owner, wanted.scopes ?? [...scopesOfRole[owner.role]]),
        projectId: project,
        dailyQuota: wanted.dailyQuota ?? null,
        plan: wanted.plan ?? null,
        expiresAt: timeOf(expiresAt),
        allowedModels: wanted.allowedModels ?? null,
        allowedIps: wanted.allowedIps ?? null,
      }),
    );
    return { ...keyJson(apiKey), key };
  },
  show: shownOnce,
});

const update = dataCommand({
  name: "keys update",
  about: "Change what an API key allows; none takes back what limits it. What is not named stays.",
  arguments: ["prefix"],
  options: [["--name <name>", "what the key is for"], ...policyOptions],
  input: z.strictObject({
    prefix: z.string(),
    name: keyFields.name.optional(),
    scopes: scopes.optional(),
    description: orNone(limitedBy.description).optional(),
    dailyQuota: orNone(limitedBy.dailyQuota).optional(),
    plan: orNone(limitedBy.plan).optional(),
    project: orNone(limitedBy.project).optional(),
    expiresAt: orNone(limitedBy.expiresAt).optional(),
    allowedModels: orNone(limitedBy.allowedModels).optional(),
    allowedIps: orNone(limitedBy.allowedIps).optional(),
  }),
  async run(deps, { prefix: named, project, expiresAt, ...wanted }) {
    if (Object.values({ project, expiresAt, ...wanted }).every((value) => value === undefined)) {
      throw new UsageError("name what is to change");
    }
    const { prefix, user_id: userId } = await keyNamed(deps, named);
    const owner = await userNamed(deps, userId);
    if (wanted.scopes !== undefined) grantedTo(owner, wanted.scopes);
    await requirePossible(deps, owner, { project, expiresAt, plan: wanted.plan });
    const sent = {
      ...wanted,
      projectId: project,
      expiresAt: expiresAt === undefined ? undefined : timeOf(expiresAt),
    };
    const changed = await orUsage(`there is no project ${project}`, () =>
      changeApiKey(deps, deps.by.cause, prefix, (key) => policyWith(key, sent)),
    );
    return keyJson(changed);
  },
  show: shownFields,
});

type Sent = { readonly [K in keyof KeyPolicy]?: KeyPolicy[K] | undefined };

/** What was sent, null included, else what is there. */
function policyWith(key: ApiKey, sent: Sent): KeyPolicy {
  const named = Object.entries(sent).filter(([, value]) => value !== undefined);
  return { ...key, ...(Object.fromEntries(named) as Partial<KeyPolicy>) };
}

function timeOf(text: string | null): Date | null {
  return text === null ? null : new Date(text);
}

export const issueCommands = [issue, update];
