import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";

/** Headers of answers that a page of another origin may read. */
export const exposedHeaders = [
  "X-RateLimit-Limit",
  "X-RateLimit-Remaining",
  "X-RateLimit-Reset",
  "X-RateLimit-Policy",
  "X-RateLimit-Degraded",
  "RateLimit",
  "RateLimit-Policy",
  "Retry-After",
  "Retry-After-Ms",
  "X-Should-Retry",
  "X-Correlation-Id",
  "X-Request-Id",
  "Request-Id",
  "Allow",
  "WWW-Authenticate",
  ...["requests", "tokens"].flatMap((unit) => [
    ...["limit", "remaining", "reset"].map((what) => `x-ratelimit-${what}-${unit}`),
    ...["limit", "remaining", "reset"].map((what) => `anthropic-ratelimit-${unit}-${what}`),
  ]),
  "X-Tollgate-Provider",
  "X-Tollgate-Model",
  "X-Tollgate-Cost-Usd",
  "X-Tollgate-Simulated",
  "X-Tollgate-Attempts",
  "X-Tollgate-Dropped-Params",
  "X-Tollgate-Estimated",
] as const;

const EXPOSED = exposedHeaders.join(", ");
const METHODS = "GET, POST, PUT, PATCH, DELETE";
const MAX_AGE_SECONDS = "600";

/**
 * Lets pages of these origins (exact, `https://app.example.com`) call every endpoint. A credential is a header that the
 * page itself must send, never a cookie, so no answer allows credentials. Without origins nothing changes.
 */
export function withCors(origins: readonly string[], handler: RequestListener): RequestListener {
  if (origins.length === 0) return handler;
  const allowed = new Set(origins);
  return (request, response) => {
    response.setHeader("vary", "Origin");
    const { origin } = request.headers;
    if (origin !== undefined && allowed.has(origin)) {
      response.setHeader("access-control-allow-origin", origin);
      if (isPreflight(request)) return answerPreflight(request, response);
      response.setHeader("access-control-expose-headers", EXPOSED);
    }
    handler(request, response);
  };
}

function isPreflight({ method, headers }: IncomingMessage): boolean {
  return method === "OPTIONS" && headers["access-control-request-method"] !== undefined;
}

/** Any header may be sent: official clients add names of their own with every version. */
function answerPreflight({ headers }: IncomingMessage, response: ServerResponse): void {
  const wanted = headers["access-control-request-headers"];
  response.setHeader("vary", "Origin, Access-Control-Request-Headers");
  response.setHeader("access-control-allow-methods", METHODS);
  if (wanted !== undefined) response.setHeader("access-control-allow-headers", wanted);
  response.setHeader("access-control-max-age", MAX_AGE_SECONDS);
  response.writeHead(204).end();
}
