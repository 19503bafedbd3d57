import { z } from "zod";
import { effectiveScopes, isAdministrator } from "../../access/authorize.ts";
import { authorizeGrant } from "../../access/grants.ts";
import { requireLevel } from "../../access/levels.ts";
import { findProject } from "../../access/projects.ts";
import {
  type ApiKey,
  findApiKeyById,
  type IssueDeps,
  type IssuedKey,
  issueApiKey,
  listApiKeys,
} from "../../identity/api-keys.ts";
import { changeApiKey, MAX_GRACE_SECONDS, rotateApiKey } from "../../identity/change-key.ts";
import type { Principal } from "../../identity/principal.ts";
import { revokeApiKey } from "../../identity/revoke-keys.ts";
import { TollgateError } from "../../lib/errors.ts";
import type { Db } from "../../store/tables.ts";
import type { Endpoint, Visit } from "../endpoint.ts";
import { plainText, rowId } from "../fields.ts";
import { keyFields, keyJson, keyShape } from "../key-json.ts";
import { type Pages, pageOf, pageQuery } from "../pages.ts";

export type KeyDeps = IssueDeps & { readonly db: Db; readonly pages: Pages };

const fields = {
  description: keyFields.description.nullish(),
  scopes: keyFields.scopes.optional(),
  daily_quota: keyFields.daily_quota.nullish(),
  plan: keyFields.plan.nullish(),
  expires_at: keyFields.expires_at.nullish(),
  project_id: keyFields.project_id.nullish(),
  allowed_models: keyFields.allowed_models.nullish(),
  allowed_ips: keyFields.allowed_ips.nullish(),
};
const issueBody = z.strictObject({ name: keyFields.name, ...fields });
const changeBody = z.strictObject({ name: keyFields.name.optional(), ...fields });
const grace = z.int().min(0).max(MAX_GRACE_SECONDS).optional();
const rotateBody = z.strictObject({ grace_seconds: grace, graceSeconds: grace }).nullish();
const params = z.object({ id: rowId });
const listQuery = z.strictObject({ ...pageQuery, user_id: plainText.max(100).optional() });
const revokeQuery = z.strictObject({ reason: plainText.min(1).max(200).optional() });

/** `key` is in this one answer and nowhere else (K4). */
const issuedShape = keyShape.extend({ key: z.string() }).meta({ id: "IssuedApiKey" });
const access = { credential: "caller", scope: "keys:manage", class: "manage" } as const;

/** One's own keys; an administrator also sees and revokes those of others, and sets their limits. */
export function keyRoutes(deps: KeyDeps): readonly Endpoint[] {
  /** What the caller may not see is not there (I8). */
  async function seen({ principal }: Visit["visitor"], request: Visit["request"]): Promise<ApiKey> {
    const { id } = request.params as z.infer<typeof params>;
    const key = await findApiKeyById(deps, id);
    const isSeen = key?.userId === principal.userId || isAdministrator(principal);
    if (key === undefined || !isSeen) throw new TollgateError("NOT_FOUND");
    return key;
  }

  async function own(visitor: Visit["visitor"], request: Visit["request"]): Promise<ApiKey> {
    const key = await seen(visitor, request);
    if (key.userId === visitor.principal.userId) return key;
    throw new TollgateError("FORBIDDEN", undefined, { message: "Only its owner may do this with a key." });
  }

  /**
   * Throws for a plan, which administrators give, for a project that the caller may not spend in, and for an end that
   * is over.
   */
  async function check(principal: Principal, wanted: z.infer<typeof changeBody>): Promise<void> {
    const { plan, project_id: projectId, expires_at: expiresAt } = wanted;
    if (plan !== undefined && !isAdministrator(principal)) {
      throw new TollgateError(
        "SCOPE_MISSING",
        { requiredScope: "admin:*" },
        { message: "Administrators give a key its plan: you lack the scope admin:*." },
      );
    }
    if (expiresAt != null && Date.parse(expiresAt) <= deps.clock.now()) {
      throw new TollgateError("VALIDATION_FAILED", {
        faults: [{ path: "expires_at", message: "must be in the future" }],
      });
    }
    if (projectId != null) requireLevel(await findProject(deps.db, principal, projectId), "developer");
  }

  return [
    {
      method: "POST",
      path: "/auth/api-keys",
      summary: "Makes an API key of one's own. Its full text is in this answer and nowhere else.",
      access,
      body: issueBody,
      answer: issuedShape,
      answerStatus: 201,
      async handle({ request, reply, visitor, cause }) {
        const { principal } = visitor;
        const wanted = request.body as z.infer<typeof issueBody>;
        const scopes = wanted.scopes ?? [...effectiveScopes(principal)];
        authorizeGrant(principal, scopes);
        await check(principal, wanted);
        reply.header("cache-control", "no-store");
        const issued = await issueApiKey(deps, cause(), {
          userId: principal.userId,
          name: wanted.name,
          description: wanted.description ?? null,
          scopes,
          projectId: wanted.project_id ?? null,
          dailyQuota: wanted.daily_quota ?? null,
          plan: wanted.plan ?? null,
          expiresAt: dateOf(wanted.expires_at ?? null),
          allowedModels: wanted.allowed_models ?? null,
          allowedIps: wanted.allowed_ips ?? null,
        });
        return issuedJson(issued);
      },
    },
    {
      method: "GET",
      path: "/auth/api-keys",
      summary: "One's own API keys; for administrators also those of `user_id`.",
      access,
      query: listQuery,
      answer: pageOf(keyShape),
      async handle({ request, visitor: { principal } }) {
        const {
          limit,
          cursor,
          user_id: userId = principal.userId,
        } = request.query as z.infer<typeof listQuery>;
        if (userId !== principal.userId && !isAdministrator(principal)) {
          throw new TollgateError("SCOPE_MISSING", { requiredScope: "admin:*" });
        }
        const list = `keys:${userId}`;
        const afterId = Number(deps.pages.after(list, cursor) ?? 0);
        const keys = await listApiKeys(deps, userId, { afterId, limit: limit + 1 });
        const { items, next_cursor } = deps.pages.page(list, keys, limit, ({ id }) => id);
        return { items: items.map(keyJson), next_cursor };
      },
    },
    {
      method: "GET",
      path: "/auth/api-keys/:id",
      summary: "One API key, without its secret.",
      access,
      params,
      answer: keyShape,
      handle: async ({ request, visitor }) => keyJson(await seen(visitor, request)),
    },
    {
      method: "PATCH",
      path: "/auth/api-keys/:id",
      summary: "Changes what an API key allows; of others' keys administrators change plan and daily quota.",
      access,
      params,
      body: changeBody,
      answer: keyShape,
      async handle({ request, visitor, cause }) {
        const { principal } = visitor;
        const wanted = request.body as z.infer<typeof changeBody>;
        const { prefix, userId } = await (setsLimitsOnly(wanted) ? seen : own)(visitor, request);
        authorizeGrant(principal, wanted.scopes ?? []);
        await check(principal, wanted);
        const changed = await changeApiKey(deps, cause(), prefix, (key) => {
          if (userId === principal.userId) authorizeGrant(principal, key.scopes);
          return {
            name: wanted.name ?? key.name,
            description: sent(wanted.description, key.description),
            scopes: wanted.scopes ?? key.scopes,
            projectId: sent(wanted.project_id, key.projectId),
            dailyQuota: sent(wanted.daily_quota, key.dailyQuota),
            plan: sent(wanted.plan, key.plan),
            expiresAt: wanted.expires_at === undefined ? key.expiresAt : dateOf(wanted.expires_at),
            allowedModels: sent(wanted.allowed_models, key.allowedModels),
            allowedIps: sent(wanted.allowed_ips, key.allowedIps),
          };
        });
        return keyJson(changed);
      },
    },
    {
      method: "DELETE",
      path: "/auth/api-keys/:id",
      summary: "Revokes an API key: it is refused from the next request on.",
      access,
      params,
      query: revokeQuery,
      answerStatus: 204,
      async handle({ request, visitor, cause }) {
        const { prefix } = await seen(visitor, request);
        const { reason } = request.query as z.infer<typeof revokeQuery>;
        await revokeApiKey(deps, cause(), prefix, reason);
      },
    },
    {
      method: "POST",
      path: "/auth/api-keys/:id/rotate",
      summary: "Gives an API key a successor with a new secret; the old one ends after the grace.",
      access,
      params,
      body: rotateBody,
      answer: issuedShape,
      answerStatus: 201,
      async handle({ request, reply, visitor, cause }) {
        const { prefix } = await own(visitor, request);
        const { grace_seconds, graceSeconds } = (request.body as z.infer<typeof rotateBody>) ?? {};
        reply.header("cache-control", "no-store");
        const rotated = await rotateApiKey(deps, cause(), prefix, {
          graceSeconds: grace_seconds ?? graceSeconds ?? 0,
          permit: (key) => authorizeGrant(visitor.principal, key.scopes),
        });
        return issuedJson(rotated);
      },
    },
  ];
}

function issuedJson({ key, apiKey }: IssuedKey): z.infer<typeof issuedShape> {
  return { ...keyJson(apiKey), key };
}

/** What an administrator may change of another's key. */
function setsLimitsOnly(wanted: z.infer<typeof changeBody>): boolean {
  const fields = Object.keys(wanted);
  return fields.length > 0 && fields.every((field) => field === "plan" || field === "daily_quota");
}

/** What was sent, null included, else what is there. */
function sent<T>(value: T | undefined, current: T): T {
  return value === undefined ? current : value;
}

function dateOf(time: string | null): Date | null {
  return time === null ? null : new Date(time);
}
