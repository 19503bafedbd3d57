import { type Clock, within } from "./clock.ts";
import { openOrigin } from "./fetch.ts";
import { OutboundRefused, type Reach, type ReachRules, reach } from "./reach.ts";

/** The way to URLs that people gave us. */
export type Outbound = Pick<Reach, "faultOf"> & {
  /**
   * Posts and answers the status; the rest of the answer stays here. Redirects are not followed. Rejects if the URL
   * or one of the addresses behind it is not allowed, or nothing has answered in time.
   */
  post(url: string, headers: Readonly<Record<string, string>>, body: Buffer): Promise<number>;
};

const LONGEST_MS = 5_000;
const LONGEST_ANSWER_BYTES = 65_536;

export function outbound({ clock, ...rules }: ReachRules & { readonly clock: Clock }): Outbound {
  const { faultOf, lookupFor } = reach(rules);
  return {
    faultOf,
    post(text, headers, body) {
      const fault = faultOf(text);
      if (fault !== undefined) return Promise.reject(new OutboundRefused(`the URL ${fault}`));
      const url = new URL(text);
      const origin = openOrigin(url.origin, {
        connectTimeoutMs: LONGEST_MS,
        headersTimeoutMs: LONGEST_MS,
        bodyTimeoutMs: LONGEST_MS,
        lookup: lookupFor(text),
      });
      const { promise, resolve: answer, reject } = Promise.withResolvers<number>();
      let status = 0;
      let bytes = 0;
      origin.send(
        { method: "POST", path: url.pathname + url.search, headers, body },
        {
          head: (answered) => {
            status = answered;
          },
          chunk: (chunk) => {
            bytes += chunk.length;
            if (bytes > LONGEST_ANSWER_BYTES) answer(status);
          },
          end: () => answer(status),
          fail: ({ kind, cause }) =>
            status === 0 ? reject(new Error(`no answer (${kind})`, { cause })) : answer(status),
        },
      );
      const late = () => new Error(`no answer within ${LONGEST_MS} ms`);
      return within(clock, LONGEST_MS, promise, late).finally(() => origin.close());
    },
  };
}
