import { z } from "zod";
import { mayUse, type NamedModel } from "../../calls/allowed-models.ts";
import type { Visitor } from "../../calls/enter.ts";
import type { Routes } from "../../calls/route.ts";
import { isoTime } from "../../lib/clock.ts";
import { TollgateError } from "../../lib/errors.ts";
import type { Endpoint } from "../endpoint.ts";

/** One object that the official OpenAI and Anthropic clients both read. */
const model = z
  .object({
    id: z.string(),
    object: z.literal("model"),
    created: z.int(),
    owned_by: z.string(),
    type: z.literal("model"),
    display_name: z.string(),
    created_at: z.string(),
  })
  .meta({ id: "Model" });

type Model = z.infer<typeof model>;

const modelList = z
  .object({
    object: z.literal("list"),
    data: z.array(model),
    has_more: z.boolean(),
    first_id: z.string().nullable(),
    last_id: z.string().nullable(),
  })
  .meta({ id: "ModelList" });

const access = { credential: "caller", scope: "inference:write", class: "manage" } as const;

export function modelRoutes({ routes, listed }: ModelDeps): readonly Endpoint[] {
  function modelsFor({ principal: { key } }: Visitor): readonly Model[] {
    return modelsOf(routes(), listed())
      .filter((named) => mayUse(key, named))
      .map(modelJson);
  }

  function modelOf(visitor: Visitor, id: string): Model {
    const found = modelsFor(visitor).find((known) => known.id === id);
    if (found === undefined) {
      const message = `There is no model ${id} here that you may use.`;
      throw new TollgateError("MODEL_NOT_FOUND", { model: id }, { message });
    }
    return found;
  }

  return [
    {
      method: "GET",
      path: "/v1/models",
      summary: "The models that the caller may name.",
      access,
      surface: "openai",
      answer: modelList,
      async handle({ visitor }) {
        const models = modelsFor(visitor);
        return {
          object: "list",
          data: models,
          has_more: false,
          first_id: models[0]?.id ?? null,
          last_id: models.at(-1)?.id ?? null,
        };
      },
    },
    {
      method: "GET",
      path: "/v1/models/:model",
      summary: "One model.",
      access,
      surface: "openai",
      params: z.object({ model: z.string() }),
      answer: model,
      handle: async ({ request, visitor }) => modelOf(visitor, (request.params as { model: string }).model),
    },
    {
      method: "GET",
      path: "/v1/models/:provider/:model",
      summary: "One model, named with its provider.",
      access,
      surface: "openai",
      params: z.object({ provider: z.string(), model: z.string() }),
      answer: model,
      async handle({ request, visitor }) {
        const named = request.params as { provider: string; model: string };
        return modelOf(visitor, `${named.provider}/${named.model}`);
      },
    },
  ];
}

export type ModelDeps = {
  readonly routes: () => Routes;
  /** Models in the price books, as provider and model. */
  readonly listed: () => readonly PricedModel[];
};

type PricedModel = { readonly provider: string; readonly model: string };

/** Aliases first, then what each provider is known to have or is priced for, as `provider/model`. */
function modelsOf({ providers, aliases }: Routes, listed: readonly PricedModel[]): readonly NamedModel[] {
  const models = new Map<string, PricedModel>();
  for (const [alias, { targets }] of aliases) {
    const { model } = targets[0]!;
    const slash = model.indexOf("/");
    models.set(alias, { provider: model.slice(0, slash), model: model.slice(slash + 1) });
  }
  for (const { name: provider, models: known, simulated } of providers.values()) {
    const priced = listed.filter((row) => row.provider === provider).map((row) => row.model);
    for (const model of [...known, ...priced]) {
      models.set(simulated ? model : `${provider}/${model}`, { provider, model });
    }
  }
  return [...models].map(([asked, target]) => ({ asked, ...target }));
}

function modelJson({ asked, provider }: NamedModel): Model {
  return {
    id: asked,
    object: "model",
    created: 0,
    owned_by: provider,
    type: "model",
    display_name: asked,
    created_at: isoTime(0),
  };
}
