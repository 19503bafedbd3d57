import { z } from "zod";
import {
  namedIn,
  type ProviderChangeDeps,
  removeProvider,
  setProvider,
} from "../../providers/change-provider.ts";
import { tryProvider } from "../../providers/try-provider.ts";
import type { Endpoint } from "../endpoint.ts";
import { pageOf } from "../pages.ts";
import {
  providerFields,
  providerJson,
  providerShape,
  trialJson,
  trialShape,
  wantedProvider,
} from "../provider-json.ts";

export type ProviderDeps = ProviderChangeDeps;

/** As in the configuration file. */
export const providerName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, "must be lower-case letters, digits and dashes");
const params = z.object({ name: providerName });
const access = { credential: "caller", scope: "admin:*", class: "manage" } as const;

/** Where AI calls are sent (V1). Credentials come in here, and never out. */
export function providerRoutes(deps: ProviderDeps): readonly Endpoint[] {
  return [
    {
      method: "GET",
      path: "/admin/providers",
      summary:
        "All providers, and who says what they are: settings, the configuration file or an administrator.",
      access,
      answer: pageOf(providerShape),
      async handle() {
        return { items: (await deps.providers.readProviders()).map(providerJson), next_cursor: null };
      },
    },
    {
      method: "PUT",
      path: "/admin/providers/:name",
      summary: "Sets a provider: calls that begin from now on are sent as it says.",
      access,
      params,
      body: providerFields,
      answer: providerShape,
      async handle({ request, cause }) {
        const { name } = request.params as z.infer<typeof params>;
        const wanted = wantedProvider(request.body as z.infer<typeof providerFields>);
        return providerJson(await setProvider(deps, cause(), name, wanted));
      },
    },
    {
      method: "POST",
      path: "/admin/providers/:name/test",
      summary: "Asks a provider for its list of models, which costs nothing.",
      access,
      params,
      answer: trialShape,
      async handle({ request }) {
        const { name } = request.params as z.infer<typeof params>;
        return trialJson(await tryProvider(deps, namedIn(await deps.providers.readProviders(), name)));
      },
    },
    {
      method: "DELETE",
      path: "/admin/providers/:name",
      summary: "Removes a provider that an administrator has set, and its credential.",
      access,
      params,
      answerStatus: 204,
      async handle({ request, cause }) {
        await removeProvider(deps, cause(), (request.params as z.infer<typeof params>).name);
      },
    },
  ];
}
