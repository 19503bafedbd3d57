import { isDeepStrictEqual } from "node:util";
import type { Exchange, ExchangeEvents } from "../lib/fetch.ts";
import { connectedTo, type KnownProvider, type ProviderRules } from "./known.ts";
import type { Provider } from "./provider.ts";
import { upstream } from "./upstream.ts";

/**
 * Follows what is known of providers, and answers those that calls are to ask, in that order. One that has changed is
 * opened anew. What calls have from before goes on for them: its connections close by themselves when they are idle.
 */
export function providerOpener(deps: {
  readonly reach: ProviderRules["reach"];
  readonly builtIn: Provider;
  /** One that is there is not asked any more, or not yet. */
  readonly onFault: (name: string, fault: string) => void;
}): (known: readonly KnownProvider[]) => ReadonlyMap<string, Provider> {
  let opened: ReadonlyMap<string, { readonly known: KnownProvider; readonly provider: Provider }> = new Map();

  function openedAs(known: KnownProvider): Provider {
    const { name, fault } = known;
    if (known.upstream === undefined) return deps.builtIn;
    const provider = upstream(connectedTo(deps, known));
    if (fault === undefined) return provider;
    deps.onFault(name, fault);
    return refusing(provider, fault);
  }

  return (all) => {
    const next = new Map<string, { readonly known: KnownProvider; readonly provider: Provider }>();
    for (const known of all) {
      if (next.has(known.name)) continue;
      const before = opened.get(known.name);
      const isSame = before !== undefined && isDeepStrictEqual(essence(before.known), essence(known));
      next.set(known.name, isSame ? before : { known, provider: openedAs(known) });
    }
    opened = next;
    return new Map([...next].map(([name, { provider }]) => [name, provider]));
  };
}

function essence({ upstream, source, fault }: KnownProvider): object {
  return { upstream, source, fault };
}

/** Calls that are meant for it go nowhere else. */
function refusing(provider: Provider, fault: string): Provider {
  return {
    ...provider,
    connect: async () => {},
    send(_request, events): Exchange {
      let listening: ExchangeEvents | undefined = events;
      queueMicrotask(() => listening?.fail({ kind: "connect", cause: new Error(fault) }));
      return {
        wasSent: false,
        pause() {},
        resume() {},
        abort() {
          listening = undefined;
        },
      };
    },
  };
}
