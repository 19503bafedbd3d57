import { alignedLua, leasesLua, preludeLua } from "./prelude.lua.ts";
import { shapesLua } from "./shapes.lua.ts";

/**
 * One step decides every dimension, and nothing is written unless all fit.
 *
 * KEYS[i] is the state of dimension i. ARGV: now, 1 to commit or 0 to judge only, then per dimension one text
 * "shape limit windowMs cost extra", for each argument has a price of its own on the wire. A shape is w window,
 * a aligned, s sliding, q dailyQuota, b bucket, k lease, h hold, e epoch, followed by r if it only reports; extra is a
 * bucket's capacity or the id of a lease.
 * Replies with texts of whole numbers: "allowed now", then per dimension "verdict remaining resetMs retryMs".
 * A verdict is 0 exceeded, 1 fits, 2 stale, 3 unseeded.
 */
export const takeLua = `${preludeLua}${alignedLua}
local replies, writes, allowed = {}, {}, 1

for i, key in ipairs(KEYS) do
  local shape, limit, window, cost, extra = string.match(ARGV[i + 2], '(%S+) (%S+) (%S+) (%S+) (%S+)')
  local reports = #shape == 2
  if reports then shape = string.sub(shape, 1, 1) end
  limit, window, cost = tonumber(limit), tonumber(window), tonumber(cost)
  local verdict, remaining, reset, retry = 1, 0, 0, 0
  local start, used, ttl
${shapesLua}
  if start then
    reset = start + window - now
    if used + cost > limit then
      verdict, remaining = 0, math.max(0, limit - used)
      retry = cost > limit and -1 or reset
    else
      remaining = limit - used - cost
      writes[i] = { 's', start, 'c', used + cost, ttl }
    end
  end

  if verdict ~= 1 and not reports then allowed = 0 end
  replies[i + 1] = string.format('%.0f %.0f %.0f %.0f', verdict, remaining, reset, retry)
end

if allowed == 1 and ARGV[2] == '1' then
  for i, write in pairs(writes) do
    if write.lease then${leasesLua}      redis.call('ZREMRANGEBYSCORE', KEYS[i], '-inf', string.format('%.17g', now))
      hold_until(KEYS[i], write.lease, write.ends)
    else
      store(KEYS[i], write)
    end
  end
end

replies[1] = string.format('%.0f %.0f', allowed, now)
return replies`;

/** KEYS[1]: a daily quota. ARGV: now, windowMs, used. Raises today's count to at least `used`. */
export const seedLua = `${preludeLua}${alignedLua}
local window, used = tonumber(ARGV[2]), tonumber(ARGV[3])
local start, count, today = aligned_now(KEYS[1], window)
if not start then start, count = today, 0 end
store(KEYS[1], { 's', start, 'c', math.max(count, used), 2 * window + start - now })
return 1`;

/** KEYS[1]: an epoch. ARGV[1]: raise it to at least this. */
export const raiseEpochLua = `
if tonumber(ARGV[1]) > (tonumber(redis.call('GET', KEYS[1])) or -1) then redis.call('SET', KEYS[1], ARGV[1]) end
return 1`;
