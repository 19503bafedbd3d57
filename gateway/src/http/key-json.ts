import { z } from "zod";
import { scopes } from "../access/permissions.ts";
import { limitAmount, planName } from "../config/file.ts";
import type { ApiKey } from "../identity/api-keys.ts";
import { isoTime } from "../lib/clock.ts";
import { networkText, parseNetworks } from "../lib/networks.ts";
import { nameText, plainText } from "./fields.ts";

/** A key as everybody sees it: over HTTP and on the command line. */
export const keyShape = z
  .object({
    id: z.int(),
    prefix: z.string(),
    key_masked: z.string(),
    name: z.string(),
    description: z.string().nullable(),
    user_id: z.string(),
    project_id: z.int().nullable(),
    scopes: z.array(z.string()),
    status: z.enum(["active", "rotating", "expired", "revoked"]),
    daily_quota: z.int().nullable(),
    plan: z.string().nullable(),
    /** Null: without a daily quota nobody counts. */
    daily_usage: z.int().nullable(),
    allowed_models: z.array(z.string()).nullable(),
    allowed_ips: z.array(z.string()).nullable(),
    created_at: z.string(),
    expires_at: z.string().nullable(),
    last_used_at: z.string().nullable(),
    revoked_at: z.string().nullable(),
    revoke_reason: z.string().nullable(),
    rotated_from: z.string().nullable(),
  })
  .meta({ id: "ApiKey" });

export type KeyJson = z.infer<typeof keyShape>;

export function keyJson(key: ApiKey): KeyJson {
  const time = (date: Date | null) => (date === null ? null : isoTime(date.getTime()));
  return {
    id: key.id,
    prefix: key.prefix,
    key_masked: key.keyMasked,
    name: key.name,
    description: key.description,
    user_id: key.userId,
    project_id: key.projectId,
    scopes: [...key.scopes],
    status: key.status,
    daily_quota: key.dailyQuota,
    plan: key.plan,
    daily_usage: key.dailyQuota === null ? null : key.dailyUsage,
    allowed_models: key.allowedModels === null ? null : [...key.allowedModels],
    allowed_ips: key.allowedIps === null ? null : [...key.allowedIps],
    created_at: isoTime(key.createdAt.getTime()),
    expires_at: time(key.expiresAt),
    last_used_at: time(key.lastUsedAt),
    revoked_at: time(key.revokedAt),
    revoke_reason: key.revokeReason,
    rotated_from: key.rotatedFrom,
  };
}

const MAX_LIST = 100;

/** A network in its one spelling: an address alone is the network of itself. */
const network = z
  .string()
  .max(64)
  .refine((text) => parseNetworks([text]).faults.length === 0, "must be a network such as 192.0.2.0/24")
  .transform((text) => networkText(parseNetworks([text]).networks[0]!));

/** With its offset a time can lie behind the last that ISO 8601 writes in four digits. */
const expiry = z.iso
  .datetime({ offset: true, abort: true })
  .refine((text) => Date.parse(text) < Date.UTC(10_000, 0), "must be before the year 10000");

/** What may be asked of a key, field by field. */
export const keyFields = {
  name: nameText,
  description: plainText.max(2000),
  scopes: z.array(z.enum(scopes)).max(scopes.length),
  daily_quota: limitAmount,
  plan: planName,
  expires_at: expiry,
  project_id: z.int().min(1),
  allowed_models: z.array(plainText.regex(/^\S{1,256}$/, "must be a model's name")).max(MAX_LIST),
  allowed_ips: z.array(network).max(MAX_LIST),
};
