import { DAY_MS } from "../lib/clock.ts";
import { MOST_HOLDS } from "./holds.ts";
import { leasesLua, preludeLua } from "./prelude.lua.ts";

/**
 * The arithmetic of `holds.ts` inside Redis. KEYS: window, hold, the index of active holds. ARGV: now, threshold,
 * windowMs, baseMs, capMs, the hold's name in the index. Replies "until started". The index forgets a hold a day after
 * its end: a clock that steps back by less hides none.
 */
export const strikeLua = `${preludeLua}${leasesLua}
local threshold, window = tonumber(ARGV[2]), tonumber(ARGV[3])
local hold = redis.call('HMGET', KEYS[2], 'u', 'l')
local ended, level = tonumber(hold[1]), tonumber(hold[2])
if ended and ended > now then return string.format('%.0f 0', ended) end

local stored = redis.call('HMGET', KEYS[1], 's', 'c')
local start, used = tonumber(stored[1]), tonumber(stored[2])
if not start or now >= start + window or now < start - window then start, used = now, 0 end
if used + 1 <= threshold - 1 then
  store(KEYS[1], { 's', start, 'c', used + 1, math.max(1, window + start - now) })
  return '0 0'
end

if ended then
  local clean_days = math.floor((now - ended) / ${DAY_MS})
  if clean_days == 0 then level = level + 1 else level = math.max(0, level - clean_days) end
else
  level = 0
end
local until_ms = now + math.min(tonumber(ARGV[5]), tonumber(ARGV[4]) * 2 ^ level)
redis.call('DEL', KEYS[1])
store(KEYS[2], { 'u', until_ms, 'l', level, until_ms - now + math.max(1, level) * ${DAY_MS} })
redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', string.format('%.17g', now - ${DAY_MS}))
hold_until(KEYS[3], ARGV[6], until_ms)
return string.format('%.0f 1', until_ms)`;

/** KEYS: the index of active holds, then states to forget. ARGV: their names in the index. */
export const resetLua = `
for i, name in ipairs(ARGV) do
  redis.call('DEL', KEYS[i + 1])
  redis.call('ZREM', KEYS[1], name)
end
return 1`;

/** KEYS[1]: the index of active holds. ARGV: now. Replies with names and ends, those that end first first. */
export const holdsLua = `${preludeLua}
return redis.call('ZRANGEBYSCORE', KEYS[1], string.format('(%.17g', now), '+inf', 'WITHSCORES',
  'LIMIT', 0, ${MOST_HOLDS})`;
